import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.networks.music_vae import FlatDecoder, HierarchicalDecoder, ScheduledSampling, sample_states
from model.networks.posterior import free_bits_kl
from music.tokens import HOLD, STATES, tokenise
from tests.helpers import models

SMALL = replace(models.SMALL, bars=2, network="flat", hidden_size=8, latent=5, prior="gaussian", regulariser="kl")
DRUMS = replace(SMALL, tracks=("drums",))
START = 130

both = pytest.mark.parametrize("decoder_type", [FlatDecoder, HierarchicalDecoder])


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def built(decoder_type, config=SMALL):
    """Returns a decoder with weights so large that every input matters."""
    torch.manual_seed(0)
    decoder = decoder_type(config).double()
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return decoder


def sampling(chance, seed, device="cpu"):
    generator = torch.Generator(device).manual_seed(seed)
    return ScheduledSampling(chance, lambda *shape: torch.rand(shape, generator=generator, device=device))


def random_batch(generator, config=SMALL, windows=3):
    z = torch.randn(windows, config.latent, generator=generator, dtype=torch.float64)
    shape = windows, len(config.tracks), 16 * config.bars
    return z, torch.randint(STATES, shape, generator=generator, dtype=torch.uint8)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class PlainLSTM:
    """One window, one step at a time; its first states are tanh of a linear map."""

    def __init__(self, weights, name, first, layers, units):
        self.cells = [
            [weights[f"{name}.{kind}_l{layer}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            for layer in range(layers)
        ]
        self.first = weights[f"{first}.linear.weight"], weights[f"{first}.linear.bias"]
        self.shape = 2, layers, units

    def start(self, code):
        weight, bias = self.first
        self.hidden, self.cell = np.tanh(weight @ code + bias).reshape(self.shape).copy()

    def step(self, x):
        for layer, (w, u, b, c) in enumerate(self.cells):
            i, f, g, o = np.split(w @ x + b + u @ self.hidden[layer] + c, 4)
            self.cell[layer] = sigmoid(f) * self.cell[layer] + sigmoid(i) * np.tanh(g)
            self.hidden[layer] = x = sigmoid(o) * np.tanh(self.cell[layer])
        return x


class PlainPredictor:
    """Logits of some tracks, from one-hot states of the step before and a code."""

    def __init__(self, weights, name, config):
        self.lstm = PlainLSTM(weights, f"{name}.lstm", f"{name}.first_state", config.layers, config.hidden_size)
        self.embedding = weights[f"{name}.embedding.weight"]
        self.states = weights[f"{name}.states.weight"], weights[f"{name}.states.bias"]

    def step(self, previous, code):
        one_hot = np.zeros((len(previous), STATES + 1))
        one_hot[range(len(previous)), previous] = 1
        weight, bias = self.states
        output = self.lstm.step(np.concatenate([one_hot.ravel() @ self.embedding, code]))
        return (weight @ output + bias).reshape(-1, STATES)


def plain_flat(weights, config, z, tokens):
    predictor = PlainPredictor(weights, "predictors.0", config)
    predictor.lstm.start(z)
    fed = np.concatenate([np.full((len(tokens), 1), START), tokens], axis=1)
    return np.stack([predictor.step(fed[:, step], z) for step in range(tokens.shape[1])], axis=1)


def plain_hierarchical(weights, config, z, tokens):
    conductor = PlainLSTM(weights, "conductor", "first_state", config.layers, config.hidden_size)
    conductor.start(z)
    predictors = [PlainPredictor(weights, f"predictors.{track}", config) for track in range(len(tokens))]
    logits = np.zeros((*tokens.shape, STATES))
    for step in range(tokens.shape[1]):
        if step % 16 == 0:
            code = conductor.step(np.zeros(1))
        for track, predictor in enumerate(predictors):
            if step % 16 == 0:
                predictor.lstm.start(code)
            previous = tokens[track, step - 1] if step else START
            logits[track, step] = predictor.step([previous], code)[0]
    return logits


@pytest.mark.parametrize("config", [SMALL, DRUMS], ids=["four tracks", "drums"])
@pytest.mark.parametrize(
    ("decoder_type", "plain"), [(FlatDecoder, plain_flat), (HierarchicalDecoder, plain_hierarchical)]
)
def test_logits_are_those_of_lstm_cells_written_out(decoder_type, plain, config, generator):
    decoder = built(decoder_type, config)
    z, tokens = random_batch(generator, config)
    logits = decoder(z, tokens).detach().numpy()
    weights = {name: weight.numpy() for name, weight in decoder.state_dict().items()}
    for window in range(len(z)):
        expected = plain(weights, config, z[window].numpy(), tokens[window].numpy())
        assert np.allclose(logits[window], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("config", [SMALL, DRUMS], ids=["four tracks", "drums"])
@both
def test_free_running_tokens_are_the_likeliest_after_themselves(decoder_type, config, generator):
    decoder = built(decoder_type, config)
    z, _ = random_batch(generator, config)
    tokens = decoder.tokens(z)
    assert tokens.shape == (3, len(config.tracks), 32)
    assert tokens.dtype == torch.uint8
    assert len(tokens.unique()) > 2
    assert torch.equal(decoder(z, tokens).argmax(dim=-1), tokens)


def changed_steps(decoder, z, tokens, track, step):
    """(tracks, steps) whether the logits differ when one state does."""
    other = tokens.clone()
    other[:, track, step] = (other[:, track, step] + 1) % STATES
    difference = decoder(z, tokens) - decoder(z, other)
    return difference.abs().amax(dim=(0, -1)) > 0


def test_in_the_flat_decoder_a_state_is_seen_by_all_tracks_from_the_next_step_on(generator):
    changed = changed_steps(built(FlatDecoder), *random_batch(generator), track=1, step=5)
    assert changed.tolist() == [[step > 5 for step in range(32)]] * 4


@pytest.mark.parametrize(("step", "seen"), [(5, range(6, 16)), (15, range(16, 32)), (31, range(0))])
def test_in_the_hierarchical_decoder_a_state_is_seen_by_its_track_alone_up_to_the_bar_line(step, seen, generator):
    changed = changed_steps(built(HierarchicalDecoder), *random_batch(generator), track=1, step=step)
    assert [changed[1, step].item() for step in range(32)] == [step in seen for step in range(32)]
    assert not changed[[0, 2, 3]].any()


@both
def test_every_bar_depends_on_the_code(decoder_type, generator):
    decoder = built(decoder_type)
    z, tokens = random_batch(generator)
    difference = decoder(z, tokens) - decoder(z + 0.1, tokens)
    assert (difference.abs().amax(dim=(0, -1)) > 1e-6).all()


@both
def test_a_decoder_fed_its_own_states_alone_sees_no_tokens(decoder_type, generator):
    decoder = built(decoder_type)
    z, tokens = random_batch(generator)
    first, second = (decoder(z, given, sampling(1.0, seed=1)) for given in (tokens, torch.zeros_like(tokens)))
    assert torch.equal(first, second)
    assert not torch.equal(first, decoder(z, tokens, sampling(1.0, seed=2)))


@both
def test_own_states_are_fed_to_that_share_of_windows_and_steps(decoder_type):
    """The logits of a step after the first are the teacher's as long as no own state was fed."""
    decoder = built(decoder_type, replace(SMALL, bars=1))
    z, tokens = torch.zeros(500, 5).double(), torch.zeros(500, 4, 16, dtype=torch.uint8)
    teacher_forced = decoder(z[:1], tokens[:1])
    mixed = decoder(z, tokens, sampling(0.1, seed=0))
    same = (mixed - teacher_forced).abs().amax(dim=(1, 3)) < 1e-9  # (windows, steps)
    assert same[:, 0].all()
    expected = 0.9 ** np.arange(16)  # an own state is hardly ever the token by chance
    assert np.allclose(same.double().mean(dim=0), expected, atol=0.06)


@both
def test_scheduled_sampling_is_the_same_for_the_same_seed(decoder_type, generator):
    decoder = built(decoder_type)
    z, tokens = random_batch(generator)
    first, again, other = (decoder(z, tokens, sampling(0.5, seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_states_are_drawn_by_their_chances(generator):
    chances = torch.tensor([0.5, 0.3, 0.2, 0.0])
    drawn = sample_states(chances.log().expand(40_000, 4), torch.rand(40_000, 4, generator=generator))
    assert torch.allclose(torch.bincount(drawn, minlength=4) / 40_000, chances, atol=0.01)


@pytest.mark.parametrize("own", [0.0, 0.5])
@pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
)
@both
def test_gradients_are_the_same_again_with_deterministic_algorithms(decoder_type, device, own, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        first, second = (gradients(decoder_type, device, own) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def gradients(decoder_type, device, own):
    decoder = built(decoder_type).float().to(device)
    z, tokens = (tensor.to(device) for tensor in random_batch(torch.Generator().manual_seed(0)))
    logits = decoder(z.float(), tokens, sampling(own, seed=0, device=device) if own else None)
    torch.nn.functional.cross_entropy(logits.flatten(0, 2), tokens.long().flatten()).backward()
    return [parameter.grad for parameter in decoder.parameters()]


def songlike(windows, generator):
    """Windows of four notes over and over, in each track at its own pace and length."""
    scale = np.array([0, 2, 4, 7, 9])
    tokens = []
    for _ in range(windows):
        pitches = scale[generator.integers(5, size=(4, 4))]
        notes = [
            (track, start, start + length, 36 + 12 * track + pitches[track, start // every % 4])
            for track, (every, length) in enumerate([(2, 1), (4, 3), (4, 4), (8, 8)])
            for start in range(0, 32, every)
        ]
        tokens.append(tokenise(np.array(notes).T, 4, 32))
    return torch.from_numpy(np.stack(tokens))


@both
def test_a_decoder_learns_a_few_windows_by_heart(decoder_type, generator):
    torch.manual_seed(0)
    decoder = decoder_type(replace(SMALL, hidden_size=32, layers=1, latent=32))
    tokens = songlike(8, np.random.default_rng(0))
    z = torch.randn(8, 32, generator=generator)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=0.02, betas=(0.9, 0.9))
    accuracy = 0.0
    for _ in range(250):
        logits = decoder(z, tokens)
        accuracy = (logits.argmax(dim=-1) == tokens).float().mean().item()
        if accuracy > 0.95:
            break
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits.flatten(0, 2), tokens.long().flatten()).backward()
        optimiser.step()
    assert accuracy > 0.95
    assert (tokens == HOLD).float().mean() < 0.6  # what always holding would get


def test_free_bits_are_taken_from_the_kl_of_each_window():
    mean = torch.tensor([[1.0, 2.0], [0.1, 0.0]])
    log_variance = torch.tensor([[0.0, math.log(4)], [0.0, 0.0]])
    # KL, by hand: (1 + 0) / 2 + (4 + 4 - ln 4 - 1) / 2 = 4 - ln 2, and 0.005
    assert free_bits_kl(mean, log_variance, 0.0).item() == pytest.approx((4.005 - math.log(2)) / 2)
    assert free_bits_kl(mean, log_variance, 3.0).item() == pytest.approx((4 - 4 * math.log(2)) / 2)
    assert free_bits_kl(mean, log_variance, 48.0).item() == 0


def test_the_kl_is_that_of_torchs_distributions(generator):
    mean, log_variance = torch.randn(2, 6, 5, generator=generator)
    q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(dim=-1).mean()
    assert free_bits_kl(mean, log_variance, 0.0).item() == pytest.approx(expected.item(), rel=1e-5)
