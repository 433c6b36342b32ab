"""The real model in float64 against tests/reference_model.py: forward, losses, gradients, gradient penalty."""

import pytest
import torch

from model.config import ModelConfig, TrainingConfig
from model.critic import critic_loss, gradient_penalty
from model.musae import MusAE, reconstruction_loss
from model.priors import draw_genre
from model.training import Optimisers, step
from music.tokens import STATES
from tests import reference_model as reference

LAYERS, LATENT, GENRES, BATCH = 3, 4, 3, 2
TRAINING = TrainingConfig(
    updates=1, batch=BATCH, learning_rate=1.0, decay=0.0, beta_every=1, critic_updates=2, gradient_penalty=10.0,
    evaluate_every=1, seed=0,
)  # fmt: skip
UPDATE = 7
BETA = 0.7


@pytest.fixture(autouse=True)
def _float64_on_one_thread():
    threads = torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


@pytest.fixture(params=["flower", "gaussian"])
def model(request, generator):
    torch.manual_seed(0)
    musae = MusAE(ModelConfig(bars=1, units=5, layers=LAYERS, latent=LATENT, prior=request.param, genres=GENRES))
    with torch.no_grad():
        for parameter in musae.parameters():  # biases that are 0 would hide what is done with them
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return musae


@pytest.fixture
def weights(model):
    return {name: weight.clone().requires_grad_() for name, weight in model.state_dict().items()}


@pytest.fixture
def unit(model):
    return reference.scale(model.config.prior, LATENT)


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


def test_codes_and_logits_are_the_references(model, weights, unit, tokens):
    mean, log_variance = model.encode(tokens)
    same((mean, log_variance), reference.encode(weights, tokens, LAYERS, unit))
    logits = model.decode(mean)
    same(logits, reference.decode(weights, mean, 16, LAYERS, unit))
    same(reconstruction_loss(logits, tokens), reference.reconstruction_loss(logits, tokens))


def test_the_autoencoder_gets_the_references_gradients(model, weights, unit, tokens, genres):
    optimisers = Optimisers.of(model, TRAINING)
    optimisers.set_learning_rate(0.0)
    losses = step(model, tokens, genres, optimisers, TRAINING, UPDATE, torch.Generator().manual_seed(5))

    again = torch.Generator().manual_seed(5)
    noise = torch.randn(BATCH, LATENT, generator=again)
    genre = draw_genre(genres, again)
    loss, reconstruction = reference.autoencoder_loss(weights, tokens, genre, noise, BETA, LAYERS, unit)
    same(losses["loss"], reconstruction.detach())
    names = [name for name in weights if name.startswith(("encoder.", "decoders."))]
    assert len(names) == (1 + 2 * LAYERS * 4 + 4) + 4 * (2 + LAYERS * 4 + 2)
    same_gradients(model, loss, weights, names)


@pytest.mark.parametrize("genre", [[0, 2], [GENRES, 1]], ids=["tagged", "one untagged"])
def test_the_gradient_penalty_is_that_of_the_chain_rule(model, weights, codes, genre):
    penalty = gradient_penalty(model.critic, *codes, torch.tensor(genre), torch.Generator().manual_seed(5))
    alpha = torch.rand(BATCH, 1, generator=torch.Generator().manual_seed(5))
    same(penalty, reference.gradient_penalty(weights, *codes, torch.tensor(genre), alpha))


def test_the_critic_gets_the_references_gradients(model, weights, codes):
    genre = torch.tensor([GENRES, 1])
    loss, distance = critic_loss(model.critic, *codes, genre, 10.0, torch.Generator().manual_seed(5))
    loss.backward()
    alpha = torch.rand(BATCH, 1, generator=torch.Generator().manual_seed(5))
    expected, expected_distance = reference.critic_loss(weights, *codes, genre, 10.0, alpha)
    same((loss.detach(), distance), (expected.detach(), expected_distance.detach()))
    names = [name for name in weights if name.startswith("critic.")]
    names.remove("critic.layers.4.bias")  # a constant in every score cancels
    same_gradients(model, expected, weights, names)
