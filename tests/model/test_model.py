import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.autoencoder import reconstruction_loss
from model.evaluation import MEASURES, by_track, evaluate, with_means
from model.latent import interpolate, interpolate_spherically, sample_windows
from model.networks.critic import Critic, critic_loss, gradient_penalty
from model.networks.posterior import moments_kl
from model.networks.priors import FlowerPrior, GaussianPrior, sample_genre
from model.training.first_weights import untrained
from music.tokens import HOLD, SILENT, STATES, TRACKS
from tests.helpers.models import SMALL, make_windows, windows_of


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def windows():
    return make_windows()


def flower_by_the_paper(i: int, n: int, latent: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance, written out as in equations 14 to 18."""
    cos, sin = math.cos(2 * math.pi * i / n), math.sin(2 * math.pi * i / n)
    mean = np.zeros(latent)
    mean[:2] = cos, sin
    v = np.array([[cos, sin], [-sin, cos]])
    m = np.eye(latent)
    m[:2, :2] = v.T
    s = np.diag([0.1] + [0.001] * (latent - 1))
    return mean, m @ s @ np.linalg.inv(m)


@pytest.mark.parametrize("genre", [0, 1, 5])
def test_the_flower_has_the_papers_means_and_covariances(genre, generator):
    z = FlowerPrior(latent=4, genres=8).sample(torch.full((200_000,), genre), generator).double().numpy()
    mean, covariance = flower_by_the_paper(genre, 8, 4)
    assert np.allclose(z.mean(axis=0), mean, atol=0.004)
    assert np.allclose(np.cov(z.T), covariance, atol=0.001)


def test_no_genre_is_the_whole_flower(generator):
    prior = FlowerPrior(latent=4, genres=8)
    z = prior.sample(torch.full((80_000,), 8), generator)
    assert torch.allclose(z.mean(dim=0), torch.zeros(4), atol=0.01)
    angle = torch.atan2(z[:, 1], z[:, 0]) / (2 * math.pi) * 8
    petals = torch.bincount(angle.round().long() % 8, minlength=8)
    assert (petals / 10_000 - 1).abs().max() < 0.06


@pytest.mark.parametrize("prior", [GaussianPrior(6), FlowerPrior(6, 4)])
def test_the_scale_of_a_prior_is_the_size_of_its_codes(prior, generator):
    z = prior.sample(torch.arange(100_000) % 4, generator)
    assert z.square().mean().sqrt().item() == pytest.approx(prior.scale, rel=0.01)


def test_the_gaussian_prior_is_standard(generator):
    z = GaussianPrior(3).sample(torch.zeros(100_000, dtype=torch.long), generator)
    assert torch.allclose(z.T.cov(), torch.eye(3), atol=0.02)


def test_genres_are_drawn_uniformly_from_the_songs_own(generator):
    tagged = torch.tensor([[True, False, True], [False, False, False]]).repeat(10_000, 1)
    drawn = sample_genre(tagged, generator).view(-1, 2)
    assert set(drawn[:, 0].tolist()) == {0, 2}
    assert (drawn[:, 0] == 0).float().mean() == pytest.approx(0.5, abs=0.02)
    assert set(drawn[:, 1].tolist()) == {3}


def test_songs_of_a_corpus_without_genres_get_the_extra_class(generator):
    assert sample_genre(torch.zeros(5, 0, dtype=torch.bool), generator).tolist() == [0] * 5


def test_the_embedding_is_a_linear_map_of_the_one_hot_input():
    model = untrained(replace(SMALL, network="recurrent")).double()
    tokens = torch.randint(STATES, (2, 4, 16), dtype=torch.uint8)
    one_hot = torch.nn.functional.one_hot(tokens.long(), STATES).double()  # (batch, 4, steps, 130)
    flat = one_hot.transpose(1, 2).flatten(2)  # (batch, steps, 520)
    encoder = model.encoder
    output, _ = encoder.lstm(flat @ encoder.embedding.weight)
    forwards, backwards = output[:, -1, :16], output[:, 0, 16:]
    mean, _ = encoder(tokens)
    assert torch.allclose(mean, encoder.posterior.mean(torch.cat([forwards, backwards], dim=-1)))


def test_the_gradient_penalty_of_a_linear_critic_is_exact(generator):
    critic = Critic(replace(SMALL, prior="gaussian")).double()
    weight = torch.arange(1.0, 9.0, dtype=torch.float64)
    critic.of_code = torch.nn.Linear(8, 1, bias=False).double()
    critic.of_code.weight.data = weight[None]
    critic.layers = torch.nn.Identity()
    real, fake = torch.randn(2, 5, 8, dtype=torch.float64)
    norm = math.sqrt(204)  # 1 + 4 + ... + 64
    genre = torch.zeros(5, dtype=torch.long)
    alpha = torch.rand(5, 1, dtype=torch.float64, generator=generator)
    assert gradient_penalty(critic, real, fake, genre, alpha).item() == pytest.approx((norm - 1) ** 2)
    loss, distance = critic_loss(critic, real, fake, genre, alpha, weight=10.0)
    assert distance.item() == pytest.approx(((real - fake) @ weight).mean().item())
    assert loss.item() == pytest.approx(10 * (norm - 1) ** 2 - distance.item())


def test_the_critic_of_the_flower_sees_the_genre():
    z, genre = torch.zeros(2, 8), torch.tensor([0, 3])
    scores = Critic(SMALL)(z, genre)
    assert scores.shape == (2,)
    assert scores[0] != scores[1]


def test_reconstruction_loss_of_even_odds():
    logits = torch.zeros(2, 4, 16, STATES)
    tokens = torch.zeros(2, 4, 16, dtype=torch.uint8)
    assert reconstruction_loss(logits, tokens).item() == pytest.approx(4 * math.log(130))


@pytest.fixture(scope="session")
def model():
    """A model whose codes are so far apart that they decode differently."""
    torch.manual_seed(0)
    model = untrained(SMALL).eval()
    model.prior.scale *= 0.05
    return model


class Always:
    """Stands for a model that reconstructs every window as the one that it is given."""

    autoregressive = False

    def __init__(self, tokens: torch.Tensor) -> None:
        self.window = tokens

    def parameters(self):
        yield self.window

    def codes(self, tokens):
        return tokens

    def tokens(self, z):
        return self.window.expand_as(z)


def test_accuracy_of_a_hand_worked_window():
    track = [60, HOLD, 62, SILENT]
    true = torch.tensor([[track, [60, HOLD, HOLD, HOLD], [60, 61, 62, 63], [SILENT] * 3 + [60]]], dtype=torch.uint8)
    seen = torch.tensor([[track, [60, 60, HOLD, SILENT], [60, 0, 0, 63], [60] * 4]], dtype=torch.uint8)
    training = torch.cat([seen, true, true])
    guess = torch.tensor(
        [[60, HOLD, 63, SILENT], [61, HOLD, HOLD, 60], [60, 61, 0, 0], [SILENT] * 4], dtype=torch.uint8
    )
    counts = evaluate(Always(guess), windows_of(training), windows_of(true))
    result = {measure: measured.share().tolist() for measure, measured in counts.items()}
    assert result == {
        "accuracy": [0.75, 0.5, 0.5, 0.75],
        "onset_accuracy": [0.5, 0, 0.5, 0],
        "note_f1": [0.5, 0, 0.5, 0],  # of drums 1 note of 2 is found and 1 of 2 invented; of the guitar 2 of 4
        "majority": [1, 1, 1, 1],
        "majority_onset_accuracy": [1, 1, 1, 1],
        "majority_note_f1": [1, 1, 1, 1],
        "always_hold": [0.25, 0.75, 0, 0],
    }
    assert by_track(counts, TRACKS)["accuracy"] == {
        "drums": 0.75, "bass": 0.5, "guitar": 0.5, "strings": 0.75, "mean": 0.625, "mean_without_strings": 1.75 / 3,
    }  # fmt: skip


def test_the_means_are_over_all_tracks_and_over_all_but_the_strings():
    means = with_means(torch.tensor([[0.125, 0.25, 0.5625, 0.75]]))  # drums, bass, guitar, strings
    assert means.tolist() == [[0.125, 0.25, 0.5625, 0.75, 0.421875, 0.3125]]
    assert with_means(torch.tensor([0.25, 0.75])).tolist() == [0.25, 0.75, 0.5]


def test_the_majority_is_that_of_training():
    training = torch.tensor([[[60, HOLD]], [[60, SILENT]], [[62, SILENT]]], dtype=torch.uint8)
    validation = torch.tensor([[[62, HOLD]], [[62, HOLD]], [[60, HOLD]]], dtype=torch.uint8)
    counts = evaluate(Always(validation[0]), windows_of(training), windows_of(validation))
    assert counts["majority"].hits.sum() == 1  # of the six states, 60 and SILENT are right once
    assert counts["majority_onset_accuracy"].share().tolist() == [pytest.approx(1 / 3)]


@pytest.mark.parametrize("prior", ["flower", "gaussian"])
def test_codes_bear_little_noise_before_training(prior, windows):
    torch.manual_seed(0)
    model = untrained(replace(SMALL, hidden_size=64, prior=prior))
    _, log_variance = model.encode(windows.tokens)
    ratio = log_variance.exp() / model.prior.scale**2
    assert ratio.log().mean().exp().item() == pytest.approx(0.01, rel=0.1)


def test_notes_found_and_invented_are_counted_by_song():
    guess = torch.tensor([[[60, 62, 64, HOLD]]], dtype=torch.uint8)  # three notes
    windows = torch.tensor(
        [[[60, HOLD, HOLD, HOLD]], [[60, 62, 65, 64]], [[SILENT, SILENT, SILENT, HOLD]]], dtype=torch.uint8
    )
    songs = torch.tensor([7, 3, 7], dtype=torch.int32)
    validation = replace(windows_of(windows), songs=songs)
    counts = evaluate(Always(guess), windows_of(windows), validation)
    assert counts["note_f1"].hits.tolist() == [[4], [2]]  # twice the notes found, of song 3 and of song 7
    assert counts["note_f1"].chances.tolist() == [[3 + 4], [3 + 1 + 3 + 0]]
    assert counts["accuracy"].hits.tolist() == [[2], [2 + 1]]
    assert counts["accuracy"].chances.tolist() == [[4], [8]]
    assert counts["accuracy"].share().tolist() == [pytest.approx(5 / 12)]
    twice_the_first = torch.tensor([[2.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    assert counts["accuracy"].share(twice_the_first)[:, 0].tolist() == [0.5, pytest.approx(5 / 12)]


def test_a_decoder_that_is_fed_the_truth_is_measured_too(windows):
    torch.manual_seed(0)
    model = untrained(replace(SMALL, network="flat", prior="gaussian", regulariser="kl")).eval()
    counts = evaluate(model, windows, windows)
    logits = model.decode(model.codes(windows.tokens), windows.tokens)
    right = (logits.argmax(dim=-1) == windows.tokens).double().mean(dim=(0, 2))
    assert torch.allclose(counts["teacher_forced_accuracy"].share(), right)
    assert list(counts) == [measure for measure in MEASURES if measure in counts]


def test_a_straight_line_between_codes_has_even_steps():
    line = interpolate(torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 8.0]]), torch.tensor([1, 0.75, 0]))
    assert line.tolist() == [[[4, 0], [3, 2], [0, 8]]]


def test_an_arc_between_codes_turns_evenly_and_keeps_its_distance_from_the_origin():
    first, second = (
        torch.tensor([[2.0, 0.0], [2.0, 0.0]]),
        torch.tensor([[0.0, 2.0], [-1.0, 3**0.5]]),
    )  # 90, 120 degrees
    arc = interpolate_spherically(first, second, torch.tensor([1, 0.5, 0]))
    half = [[2**0.5, 2**0.5], [1, 3**0.5]]
    torch.testing.assert_close(arc, torch.stack([first, torch.tensor(half), second], dim=1))


def test_codes_with_no_arc_between_them_are_joined_by_the_line():
    first, second = (
        torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 0.0]]),
        torch.tensor([[4.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]),
    )
    line = interpolate_spherically(first, second, torch.tensor([0.5]))
    torch.testing.assert_close(line[:2, 0], torch.tensor([[3.0, 0.0], [0.0, 0.0]]))
    assert line.isfinite().all()


def test_samples_depend_on_the_seed_alone(model):
    first = sample_windows(model, 1, 30, seed=5)
    torch.rand(7)
    assert torch.equal(sample_windows(model, 1, 30, seed=5), first)
    assert not torch.equal(sample_windows(model, 1, 30, seed=6), first)
    assert sample_windows(model, SMALL.genres, 2, seed=0).shape == (2, 4, 16)


@pytest.mark.parametrize(
    "changes",
    [{"prior": "sphere"}, {"latent": 1}, {"hidden_size": 0}, {"genres": 0}],
    ids=lambda change: next(iter(change)),
)
def test_sizes_out_of_range_are_refused(changes):
    with pytest.raises(ValueError, match="prior" if "genres" in changes else next(iter(changes))):
        replace(SMALL, **changes)


@pytest.mark.parametrize("network", ["attention", "recurrent"])
@pytest.mark.parametrize("prior", ["flower", "gaussian"])
def test_codes_have_at_least_the_noise_of_the_floor(network, prior):
    torch.manual_seed(0)
    config = replace(SMALL, network=network, prior=prior, noise_floor=0.5)
    model = untrained(config)
    tokens = make_windows(count=4).tokens
    # Of the flower with three petals, the plane has half of 1 + .1 + .001 each way; all else has .001.
    prior_variance = torch.tensor([1.101 / 2] * 2 + [0.001] * 6) if prior == "flower" else torch.ones(8)
    for bias in (-100.0, -5.0, 0.0):
        torch.nn.init.constant_(model.encoder.posterior.log_variance.bias, bias)
        variance = model.encode(tokens)[1].exp()
        noiseless = untrained(replace(config, noise_floor=0))
        noiseless.load_state_dict(model.state_dict())
        own = noiseless.encode(tokens)[1].exp()
        torch.testing.assert_close(variance, own + 0.25 * prior_variance)


def test_the_moments_of_a_batch_are_held_to_the_priors():
    """From far away, descending nothing but the divergence of the moments brings the codes to the prior's."""
    mean, log_variance = torch.full((8, 2), 3.0, requires_grad=True), torch.full((8, 2), -6.0, requires_grad=True)
    with torch.no_grad():
        mean += 0.01 * torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    prior_mean, prior_variance = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.25])
    optimiser = torch.optim.Adam([mean, log_variance], lr=0.05)
    for _ in range(1000):
        second = (mean.square() + log_variance.exp()).mean(dim=0)
        loss = moments_kl(mean.mean(dim=0), second, prior_mean, prior_variance)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    z = mean.detach() + (log_variance.detach() / 2).exp() * torch.randn(100_000, 8, 2)
    assert torch.allclose(z.mean(dim=(0, 1)), prior_mean, atol=0.02)
    assert torch.allclose(z.var(dim=(0, 1)), prior_variance, rtol=0.03)
