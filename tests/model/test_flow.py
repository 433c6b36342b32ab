"""The flow between prior and codes."""

import math
from dataclasses import replace

import pytest
import torch

from model.checkpoint import Description, load, save, save_compact
from model.data import Provenance
from model.latent import sample_windows, steps_by_flow
from model.networks.flow import Flow
from model.training.first_weights import untrained
from model.training.flow import train_flow
from model.training.signals import InterruptedRunError
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows
from tests.model.test_training import trained

NOISY = replace(SMALL, latent=64, hidden_size=64, noise_floor=0.75, place_steps=4)
PLACES = 4
NOT_KNOWN = NOISY.genres


@pytest.fixture
def model():
    torch.manual_seed(0)
    return untrained(NOISY).eval()


def flow_of(model):
    torch.manual_seed(1)
    return model.add_flow()


def prior_samples(model, count, seed=0):
    return model.prior.sample(torch.full((count,), NOT_KNOWN), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("deviation", [0.2, 0.6, 1.5])
def test_gaussian_codes_are_samples_of_the_prior_at_another_scale(model, monkeypatch, deviation):
    """Between Gaussians with mean 0 the velocity only scales: by the ratio of their standard deviations."""

    def expected_mean(flow, z, time, genre, memory):
        time = time[..., None]
        signal = time * deviation**2
        return z * signal / (signal * time + (time * 0.75).square() + (1 - time).square()), None

    monkeypatch.setattr(Flow, "estimate", expected_mean)
    monkeypatch.setattr("model.networks.flow.INTERVALS", 100)
    flow, z, genre = flow_of(model), prior_samples(model, 5), torch.full((5,), NOT_KNOWN)
    scale = (deviation**2 + 0.75**2) ** 0.5
    codes = flow.to_codes(z, genre)
    torch.testing.assert_close(codes, model.prior_mean + scale * (z - model.prior_mean), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(flow.to_prior(codes, genre), z, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_guidance_is_the_weight_of_what_the_genre_changes(model, monkeypatch, guidance):
    """Where the expected mean code is one number for each genre, it is that number to which the flow leads."""
    means = torch.tensor([1.0, 2.0, 3.0, 0.5])
    monkeypatch.setattr(Flow, "estimate", lambda flow, z, time, genre, _: (means[genre].view(-1, 1, 1).expand_as(z), 0))
    monkeypatch.setattr("model.networks.flow.INTERVALS", 100)
    flow, genre = flow_of(model), torch.arange(4)
    codes = flow.standardised(flow.to_codes(model.prior_mean.expand(4, -1), genre, guidance))
    led_to = 0.5 + guidance * (means - 0.5)
    torch.testing.assert_close(codes, led_to[:, None, None].expand_as(codes), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("prior", ["flower", "gaussian"])
def test_the_flow_moves_codes_by_what_sets_the_genre_apart(monkeypatch, prior):
    """Codes of each genre are a Gaussian here, as wide as the others: the flow scales and shifts, petals apart."""
    model = untrained(replace(NOISY, prior=prior)).eval()
    width, centres = 0.6, torch.tensor([1.0, 2.0, 3.0, 0.5])

    def expected_mean(flow, z, time, genre, memory):
        time, centre = time[..., None], centres[genre].view(-1, 1, 1)
        signal = time * width**2
        variance = signal * time + (time * 0.75).square() + (1 - time).square()
        return centre + signal / variance * (z - time * centre), None

    monkeypatch.setattr(Flow, "estimate", expected_mean)
    monkeypatch.setattr("model.networks.flow.INTERVALS", 100)
    flow_of(model)
    z, scale = prior_samples(model, 5), (width**2 + 0.75**2) ** 0.5
    steps = steps_by_flow(model, z, [1, 2], [1.0, 2.5])
    assert steps.shape == (2, 2, *z.shape)
    for row, genre in zip(steps, (1, 2), strict=True):
        for step, guidance in zip(row, (1.0, 2.5), strict=True):
            mean, deviation = model.prior_mean, model.prior_variance.sqrt()
            expected = (guidance * (centres[genre] - 0.5) * deviation).repeat(5, 1)
            if prior == "flower":
                in_prior = mean + (z - mean - 0.5 * deviation) / scale
                angle = torch.tensor(2 * math.pi * genre / 3)
                expected[:, :2] += scale * (torch.stack([angle.cos(), angle.sin()]) - in_prior[:, :2])
            torch.testing.assert_close(step, expected, rtol=1e-2, atol=5e-3)


def test_before_training_it_expects_what_the_encoder_makes_of_the_decoded_music():
    torch.manual_seed(0)
    model = untrained(replace(NOISY, place_steps=16)).eval()  # one place, which sees all that encoder and decoder see
    with torch.no_grad():
        for logits in model.decoder.states:
            logits.weight *= 1e6  # so that probabilities are 0 and 1
    flow, z, last = flow_of(model), prior_samples(model, 6), torch.ones(6, 1)
    expected, logits = flow.estimate(flow.standardised(z), last, torch.full((6,), NOT_KNOWN), None)
    assert torch.equal(logits.argmax(dim=-1), model.tokens(z))
    torch.testing.assert_close(expected, flow.standardised(model.codes(model.tokens(z))), rtol=1e-3, atol=1e-3)


@pytest.fixture
def shaken_flow(model):
    """A flow of weights that are not 0: those of the first weights that are would hide what places know of others."""
    flow = flow_of(model)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter += 0.1 * torch.randn(parameter.shape)
    return flow


@pytest.mark.parametrize("changed", range(PLACES))
def test_a_place_knows_its_own_point_and_the_codes_before_it(model, shaken_flow, changed):
    flow, genre = shaken_flow, torch.arange(3)
    z, codes = (flow.standardised(prior_samples(model, 3, seed)) for seed in (0, 1))
    time = torch.full((3, PLACES), 0.4)

    def estimate(z, codes):
        with torch.no_grad():
            return flow.estimate(z, time, genre, flow.remember(codes[:, :-1]))[0]

    def moved(places):
        return torch.cat([places[:, :changed], places[:, [changed]] + 1, places[:, changed + 1 :]], dim=1)

    before = estimate(z, codes)
    own = (estimate(moved(z), codes) != before).any(dim=2).all(dim=0)
    assert own.tolist() == [place == changed for place in range(PLACES)]
    context = (estimate(z, moved(codes)) != before).any(dim=2).all(dim=0)
    assert context.tolist() == [place > changed for place in range(PLACES)]


def test_one_place_after_the_other_is_the_same_as_all_at_once(model, shaken_flow):
    flow, genre = shaken_flow, torch.tensor([0, 1, NOT_KNOWN])
    z, codes = (flow.standardised(prior_samples(model, 3, seed)) for seed in (0, 1))
    time = torch.rand(3, PLACES, generator=torch.Generator().manual_seed(0))
    memory = None
    with torch.no_grad():
        together, logits = flow.estimate(z, time, genre, flow.remember(codes[:, :-1]))
        for place in range(PLACES):
            only = slice(place, place + 1)
            alone, states = flow.estimate(z[:, only], time[:, only], genre, memory)
            torch.testing.assert_close(alone, together[:, only], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(states, logits[:, :, 4 * place : 4 * place + 4], rtol=1e-4, atol=1e-5)
            memory = flow.remember(codes[:, only], memory)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A model that knows two windows, one of each of two genres, and its flow."""
    two = make_windows(8).take(torch.tensor([0, 1] * 8))
    two = replace(two, genres=torch.tensor([[True, False, False], [False, True, False]] * 8))
    schedule = replace(BRIEF, updates=150, batch=16, evaluate_every=150, moments_weight=0.2)
    model = trained(tmp_path_factory.mktemp("run"), two, config=schedule, model=NOISY)[0].eval()
    assert torch.equal(model.tokens(model.codes(two.tokens)), two.tokens)
    error = train_flow(model, two, replace(schedule, flow_updates=300))
    return model, two, error


def test_samples_of_a_genre_are_its_music(learnt):
    model, windows, _ = learnt
    for genre in (0, 1):
        samples = sample_windows(model, genre, 20, seed=0)
        assert (samples == windows.tokens[genre]).float().mean() > 0.95


def test_samples_of_the_whole_prior_are_all_the_music(learnt):
    model, windows, _ = learnt
    samples = sample_windows(model, NOT_KNOWN, 40, seed=0)
    near = torch.stack([(samples == window).float().mean(dim=(1, 2)) for window in windows.tokens[:2]], dim=1)
    assert (near.amax(dim=1) > 0.9).float().mean() > 0.8
    assert 0.2 < (near.argmax(dim=1) == 0).float().mean() < 0.8


def test_codes_carried_to_the_prior_and_back_are_the_same_music(learnt):
    model, windows, _ = learnt
    tokens, genre = windows.tokens, torch.arange(len(windows)) % 2
    noise = torch.randn(len(windows), NOISY.latent, generator=torch.Generator().manual_seed(0))
    codes = model.codes(tokens) + 0.75 * model.prior_variance.sqrt() * noise
    prior = model.flow.to_prior(codes, genre)
    assert model.flow.standardised(prior).std().item() == pytest.approx(1, abs=0.05)
    back = model.tokens(model.flow.to_codes(prior, genre))
    assert (back == tokens).float().mean() > 0.8  # in ten steps not every way leads back


def test_the_error_is_that_of_expected_mean_codes(learnt):
    model, windows, error = learnt
    spread = model.flow.standardised(model.codes(windows.tokens)).var(dim=0, correction=0).mean().item()
    assert 0 < error < spread / 2  # what the mean of all codes is off by


def test_training_the_flow_changes_nothing_else_and_is_the_same_for_the_same_seed(model):
    windows = make_windows(16)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    config = replace(BRIEF, flow_updates=4)
    train_flow(model, windows, config)
    first = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert all(torch.equal(first[name], weight) for name, weight in before.items())
    torch.manual_seed(5)
    train_flow(model, windows, config)
    assert all(torch.equal(first[name], weight) for name, weight in model.state_dict().items())
    train_flow(model, windows, replace(config, seed=1))
    assert not torch.equal(first["flow.time.weight"], model.flow.time.weight)


def test_a_stopped_flow_is_named(model, monkeypatch):
    monkeypatch.setattr("model.training.flow.stop_signals", lambda: _Stopped())
    with pytest.raises(InterruptedRunError, match="the same command goes on"):
        train_flow(model, make_windows(16), replace(BRIEF, flow_updates=4))


class _Stopped:
    def __enter__(self):
        return lambda: True

    def __exit__(self, *error):
        pass


@pytest.mark.parametrize("write", [save, save_compact])
def test_a_checkpoint_has_the_flow(learnt, tmp_path, write):
    model, _, _ = learnt
    write(tmp_path, model, Description(NOISY, BRIEF, Provenance(1, GENRES, "digest"), {}, {}))
    loaded, _ = load(tmp_path)
    z, genre = prior_samples(model, 4), torch.tensor([0, 1, 2, NOT_KNOWN])
    same = model.tokens(model.flow.to_codes(z, genre)) == loaded.tokens(loaded.flow.to_codes(z, genre))
    assert same.float().mean() > 0.98


@pytest.mark.parametrize(
    ("changes", "may"), [({}, True), ({"noise_floor": 0.0}, False), ({"network": "recurrent"}, False)]
)
def test_only_codes_of_attention_that_bear_noise_have_a_flow(changes, may):
    assert replace(NOISY, **changes).may_have_flow == may
