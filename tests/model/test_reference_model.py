"""The real model in float64 against tests/helpers/reference_model.py: forward, losses, gradients, gradient penalty."""

import math
from dataclasses import replace

import pytest
import torch

from model.autoencoder import reconstruction_loss
from model.data import WindowSet
from model.networks.critic import critic_loss, gradient_penalty
from model.networks.priors import sample_genre
from model.training.batches import Batches, derive_seed
from model.training.first_weights import untrained
from model.training.step import Optimisers, TrainingStep
from model.training.updates import Updates
from music.tokens import STATES
from tests.helpers import reference_model as reference
from tests.helpers.models import BRIEF, SMALL

LAYERS, LATENT, GENRES, BATCH = 3, 4, 3, 2
TRAINING = replace(BRIEF, batch=BATCH, beta_every=1, learning_rate=1e-300, moments_weight=0.4)
"""The weights are still those before the update when their gradients are looked at."""
BETA = 0.7


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


MODELS = {
    "recurrent, flower": {"network": "recurrent", "hidden_size": 5},
    "recurrent, gaussian": {"network": "recurrent", "hidden_size": 5, "prior": "gaussian"},
    "attention, two heads": {"hidden_size": 128},
    "attention, places of two beats": {"hidden_size": 5, "place_steps": 8, "prior": "gaussian"},
    "attention, noise": {"hidden_size": 5, "noise_floor": 0.7},
}
PARAMETERS = {
    "recurrent": (1 + 2 * LAYERS * 4 + 4) + 4 * (2 + LAYERS * 4 + 2),
    "attention": (1 + 2 + 1 + LAYERS * 10 + 2 + 4) + (2 + 1 + LAYERS * 10 + 2 + 2 + 4 * 2),
}
"""How many tensors of weights encoder and decoders have."""


@pytest.fixture(params=MODELS)
def model(request, generator):
    torch.manual_seed(0)
    autoencoder = untrained(replace(SMALL, layers=LAYERS, latent=LATENT, **MODELS[request.param]))
    with torch.no_grad():
        for parameter in autoencoder.parameters():  # biases that are 0 would hide what is done with them
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return autoencoder


@pytest.fixture
def weights(model):
    return {name: weight.clone().requires_grad_() for name, weight in model.state_dict().items()}


@pytest.fixture
def kind(model):
    return reference.Kind(model.config.prior, LAYERS, model.config.noise_floor, TRAINING.moments_weight)


@pytest.fixture
def tokens(generator):
    return torch.randint(STATES, (BATCH, 4, 16), generator=generator, dtype=torch.uint8)


@pytest.fixture
def genres():
    return torch.tensor([[True, False, True], [False, False, False]])


@pytest.fixture
def codes(generator):
    """Real and fake."""
    return torch.randn(2, BATCH, LATENT, generator=generator)


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


def same_gradients(model, loss, weights, names):
    expected = torch.autograd.grad(loss, [weights[name] for name in names])
    for name, gradient in zip(names, expected, strict=True):
        assert gradient.any(), name
        same(model.get_parameter(name).grad, gradient)


def test_whole_updates_are_the_references(model, kind, generator):
    """The third and fourth update of a run, whose rate and beta are not those of the first."""
    config = replace(TRAINING, learning_rate=0.003, decay=0.3, beta_every=1, critic_updates=3, gradient_penalty=7.0)
    genres = torch.tensor([[True, False, True], [False, False, False], [False, True, False]])
    tokens = torch.randint(STATES, (3, 4, 16), generator=generator, dtype=torch.uint8)
    windows = WindowSet(tokens, genres, torch.arange(3, dtype=torch.int32))
    whole = reference.WholeUpdate(model.state_dict(), kind, LATENT, critic_updates=3, penalty=7.0)
    updates = Updates(model, windows, config, Optimisers.for_model(model, config))
    batches = Batches(3, BATCH, config.seed)
    for update in (2, 3):
        updates.make(update, config)
        chosen = batches(update)
        numbers = torch.Generator().manual_seed(derive_seed(config.seed, "update", update))
        whole.make(tokens[chosen], genres[chosen], numbers, beta=update / 10, rate=0.003 * 0.7**update)
    for name, weight in model.state_dict().items():
        same(weight, whole.weights[name].detach())


def test_codes_and_logits_are_the_references(model, weights, kind, tokens):
    mean, log_variance = model.encode(tokens)
    same((mean, log_variance), reference.encode(weights, tokens, LAYERS, kind.prior, kind.floor))
    logits = model.decode(mean, tokens)
    same(logits, reference.decode(weights, mean, 16, LAYERS, kind.prior))
    same(reconstruction_loss(logits, tokens), reference.reconstruction_loss(logits, tokens))


def test_the_autoencoder_gets_the_references_gradients(model, weights, kind, tokens, genres):
    optimisers = Optimisers.for_model(model, TRAINING)
    step = TrainingStep(model, optimisers, TRAINING, torch.Generator().manual_seed(5))
    losses = step.make(tokens, genres, BETA, sampling_chance=0.0)

    again = torch.Generator().manual_seed(5)
    noise = torch.randn(BATCH, LATENT, generator=again)
    genre = sample_genre(genres, again)
    loss, reconstruction = reference.autoencoder_loss(weights, tokens, genre, noise, BETA, kind)
    same(losses["loss"], reconstruction.detach())
    names = [name for name in weights if name.startswith(("encoder.", "decoder."))]
    assert len(names) == PARAMETERS[model.config.network]
    same_gradients(model, loss, weights, names)


def test_every_other_window_is_decoded_on_the_way_to_the_prior(model, weights, kind, generator):
    config = replace(TRAINING, batch=4, denoising_weight=0.6)
    tokens = torch.randint(STATES, (4, 4, 16), generator=generator, dtype=torch.uint8)
    genres = torch.tensor([[True, False, True], [False, False, False], [False, True, False], [True, False, False]])
    step = TrainingStep(model, Optimisers.for_model(model, config), config, torch.Generator().manual_seed(5))
    losses = step.make(tokens, genres, BETA, sampling_chance=0.0)

    again = torch.Generator().manual_seed(5)
    noise = torch.randn(4, LATENT, generator=again)
    genre = sample_genre(genres, again)
    for _ in range(config.critic_updates):  # what its samples, their noise and the places between them take
        model.prior.sample(genre, again)
        torch.randn(4, LATENT, generator=again)
        torch.rand(4, 1, generator=again)
    start = model.prior.sample(genre[[0, 2]], again)
    times = [1 / (1 + math.exp(0.4 - 0.7 * number)) for number in torch.randn(2, 1, generator=again).flatten().tolist()]
    own = [1, 3]
    loss, _ = reference.autoencoder_loss(weights, tokens, genre, noise, BETA, kind)
    for chosen, share in (([0, 1, 2, 3], -1), (own, 1)):
        loss = loss + share * reference.reconstruction(weights, tokens, noise, chosen, kind)
    moved = reference.denoising(weights, tokens[[0, 2]], noise[[0, 2]], start, times, kind)
    same(losses["denoising"], moved.detach())
    same(losses["loss"], reference.reconstruction(weights, tokens, noise, own, kind).detach())
    names = [name for name in weights if name.startswith(("encoder.", "decoder."))]
    same_gradients(model, loss + 0.6 * moved, weights, names)


def test_the_divergence_counts_by_step_as_the_reconstruction_does(tokens, genres):
    config = replace(TRAINING, kl_weight=0.3, free_bits=0.25)
    model = untrained(replace(SMALL, prior="gaussian", regulariser="kl"))
    gradients = []
    for beta in (0.0, BETA):
        step = TrainingStep(model, Optimisers.for_model(model, config), config, torch.Generator().manual_seed(5))
        step.make(tokens, genres, beta, sampling_chance=0.0)
        posterior = model.encoder.posterior
        gradients.append([posterior.mean.weight.grad.clone(), posterior.log_variance.bias.grad.clone()])
    mean, log_variance = model.encode(tokens)
    divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum(dim=1) / 2 - 0.25 * math.log(2)
    assert (divergence > 0).all()
    loss = BETA * 0.3 * divergence.mean() / 16
    weights = [posterior.mean.weight, posterior.log_variance.bias]
    for with_it, without, expected in zip(*reversed(gradients), torch.autograd.grad(loss, weights), strict=True):
        same(with_it - without, expected)


@pytest.mark.parametrize("genre", [[0, 2], [GENRES, 1]], ids=["tagged", "one untagged"])
def test_the_gradient_penalty_is_that_of_the_chain_rule(model, weights, codes, genre):
    alpha = torch.rand(BATCH, 1, generator=torch.Generator().manual_seed(5))
    penalty = gradient_penalty(model.critic, *codes, torch.tensor(genre), alpha)
    same(penalty, reference.gradient_penalty(weights, *codes, torch.tensor(genre), alpha))


def test_the_critic_gets_the_references_gradients(model, weights, codes):
    genre = torch.tensor([GENRES, 1])
    alpha = torch.rand(BATCH, 1, generator=torch.Generator().manual_seed(5))
    loss, distance = critic_loss(model.critic, *codes, genre, alpha, weight=10.0)
    loss.backward()
    expected, expected_distance = reference.critic_loss(weights, *codes, genre, 10.0, alpha)
    same((loss.detach(), distance), (expected.detach(), expected_distance.detach()))
    names = [name for name in weights if name.startswith("critic.")]
    names.remove("critic.layers.3.bias")  # a constant in every score cancels
    same_gradients(model, expected, weights, names)
