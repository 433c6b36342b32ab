import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model import checkpoint
from model.checkpoint import Description
from model.config import ModelConfig, TrainingConfig
from model.critic import Critic, critic_loss, gradient_penalty
from model.data import Provenance, WindowSet, batches
from model.evaluation import evaluate
from model.latent import interpolate, sample
from model.musae import MusAE, reconstruction_loss
from model.priors import FlowerPrior, GaussianPrior, draw_genre
from model.training import train
from music.errors import InputError
from music.tokens import HOLD, SILENT, STATES

SMALL = ModelConfig(bars=1, units=16, layers=2, latent=8, prior="flower", genres=3)
BRIEF = TrainingConfig(
    updates=12, batch=4, learning_rate=0.01, decay=0.01, beta_every=2, critic_updates=2, gradient_penalty=10.0,
    evaluate_every=5, seed=0,
)  # fmt: skip


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def windows(generator):
    tokens = torch.randint(STATES, (20, 4, 16), generator=generator, dtype=torch.uint8)
    return WindowSet(tokens, torch.rand(20, 3, generator=generator) < 0.5)


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
    drawn = draw_genre(tagged, generator).view(-1, 2)
    assert set(drawn[:, 0].tolist()) == {0, 2}
    assert (drawn[:, 0] == 0).float().mean() == pytest.approx(0.5, abs=0.02)
    assert set(drawn[:, 1].tolist()) == {3}


def test_songs_of_a_corpus_without_genres_get_the_extra_class(generator):
    assert draw_genre(torch.zeros(5, 0, dtype=torch.bool), generator).tolist() == [0] * 5


def test_the_embedding_is_a_linear_map_of_the_one_hot_input():
    model = MusAE(SMALL).double()
    tokens = torch.randint(STATES, (2, 4, 16), dtype=torch.uint8)
    one_hot = torch.nn.functional.one_hot(tokens.long(), STATES).double()  # (batch, 4, steps, 130)
    flat = one_hot.transpose(1, 2).flatten(2)  # (batch, steps, 520)
    encoder = model.encoder
    output, _ = encoder.lstm(flat @ encoder.embedding.weight)
    forwards, backwards = output[:, -1, :16], output[:, 0, 16:]
    mean, _ = encoder(tokens)
    assert torch.allclose(mean, encoder.mean(torch.cat([forwards, backwards], dim=-1)))


def test_the_gradient_penalty_of_a_linear_critic_is_exact(generator):
    critic = Critic(replace(SMALL, prior="gaussian")).double()
    weight = torch.arange(1.0, 9.0, dtype=torch.float64)
    critic.layers = torch.nn.Sequential(torch.nn.Linear(8, 1, bias=False)).double()
    critic.layers[0].weight.data = weight[None]
    real, fake = torch.randn(2, 5, 8, dtype=torch.float64)
    norm = math.sqrt(204)  # 1 + 4 + ... + 64
    genre = torch.zeros(5, dtype=torch.long)
    assert gradient_penalty(critic, real, fake, genre, generator).item() == pytest.approx((norm - 1) ** 2)
    loss, distance = critic_loss(critic, real, fake, genre, 10.0, generator)
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


def test_beta_grows_by_tenths_up_to_one():
    schedule = replace(BRIEF, beta_every=100)
    assert [schedule.beta(update) for update in (0, 99, 100, 950, 1000, 5000)] == [0, 0, 0.1, 0.9, 1, 1]


def trained(windows, config=BRIEF, model=SMALL):
    torch.manual_seed(0)
    musae = MusAE(model)
    history = []
    metrics = train(musae, windows, windows, config, lambda update, values: history.append((update, values)))
    return musae, metrics, history


@pytest.mark.parametrize("prior", ["flower", "gaussian"])
def test_training_is_the_same_for_the_same_seed(windows, prior):
    model = replace(SMALL, prior=prior)
    first, second = (trained(windows, model=model)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = trained(windows, replace(BRIEF, seed=1), model)[0].state_dict()
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_moves_encoder_decoders_and_critic(windows):
    torch.manual_seed(0)
    before = MusAE(SMALL).state_dict()
    after = trained(windows)[0].state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == ["critic.layers.4.bias"]  # a constant in every score cancels


def test_training_learns_a_few_windows_by_heart(windows):
    few = WindowSet(windows.tokens[:4], windows.genres[:4])
    config = replace(BRIEF, updates=150, beta_every=1000, learning_rate=0.02, decay=0.0)
    assert trained(few, config)[1]["validation_accuracy"] > 0.5  # chance is below 0.01


def test_metrics_are_logged_with_their_update(windows):
    _, metrics, history = trained(windows)
    assert [update for update, _ in history] == [5, 10, 12]
    assert history[-1][1] == metrics
    assert set(metrics) == {"loss", "wasserstein", "beta", "validation_loss", "validation_accuracy"}
    assert metrics["beta"] == 0.5


def test_too_few_windows_and_divergence_are_named(windows):
    with pytest.raises(InputError, match="20 training windows, fewer than one batch of 21"):
        trained(windows, replace(BRIEF, batch=21))
    with pytest.raises(InputError, match="no number after update"):
        trained(windows, replace(BRIEF, learning_rate=1e30, updates=50))


def test_an_epoch_sees_every_window_once(windows):
    order = batches(windows, 5, seed=0)
    epochs = [[next(order)[0] for _ in range(4)] for _ in range(2)]
    for epoch in epochs:
        assert {w.numpy().tobytes() for batch in epoch for w in batch} == {w.numpy().tobytes() for w in windows.tokens}
    assert not torch.equal(torch.cat(epochs[0]), torch.cat(epochs[1]))


def test_a_checkpoint_comes_back_whole(windows, tmp_path):
    model, metrics, _ = trained(windows)
    description = Description(SMALL, BRIEF, Provenance(1, ["jazz", "rock", "pop"], "abc"), metrics)
    checkpoint.save(tmp_path, model, description)
    again, read = checkpoint.load(tmp_path)
    assert read == description
    assert torch.equal(again.codes(windows.tokens), model.codes(windows.tokens))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_checkpoint_that_does_not_fit_is_named(windows, tmp_path):
    with pytest.raises(InputError, match="train a model first"):
        checkpoint.load(tmp_path)
    model, metrics, _ = trained(windows)
    checkpoint.save(tmp_path, model, Description(SMALL, BRIEF, Provenance(1, [], ""), metrics))
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-10])
    with pytest.raises(InputError, match="not a checkpoint"):
        checkpoint.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole)
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace('"units": 16', '"units": 32'))
    with pytest.raises(InputError, match="size mismatch"):
        checkpoint.load(tmp_path)


class Always:
    """Stands for a model that reconstructs every window as the one that it is given."""

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
    result = evaluate(
        Always(guess), *(WindowSet(t, torch.zeros(len(t), 0, dtype=torch.bool)) for t in (training, true))
    )
    assert result.accuracy.tolist() == [0.75, 0.5, 0.5, 0.75]
    assert result.onset_accuracy.tolist() == [0.5, 0, 0.5, 0]
    assert result.majority.tolist() == [1, 1, 1, 1]
    assert result.always_hold.tolist() == [0.25, 0.75, 0, 0]
    assert result.by_track()["accuracy"] == {
        "drums": 0.75, "bass": 0.5, "guitar": 0.5, "strings": 0.75, "mean_dbgs": 0.625, "mean_dbg": 1.75 / 3,
    }  # fmt: skip


def test_an_interpolation_goes_from_one_reconstruction_to_the_other(windows):
    model = trained(windows)[0].eval()
    first, second = windows.tokens[:2]
    way = interpolate(model, first, second, torch.linspace(1, 0, 5))
    assert way.shape == (5, 4, 16)
    ends = model.tokens(model.codes(windows.tokens[:2]))
    assert torch.equal(way[0], ends[0])
    assert torch.equal(way[-1], ends[1])


def test_samples_depend_on_the_seed_alone(windows):
    model = trained(windows)[0].eval()
    model.prior.scale *= 0.05  # codes so far apart that they decode differently
    first = sample(model, 1, 30, seed=5)
    torch.rand(7)
    assert torch.equal(sample(model, 1, 30, seed=5), first)
    assert not torch.equal(sample(model, 1, 30, seed=6), first)
    assert sample(model, SMALL.genres, 2, seed=0).shape == (2, 4, 16)


@pytest.mark.parametrize(
    "changes", [{"prior": "sphere"}, {"latent": 1}, {"units": 0}, {"genres": 0}], ids=lambda change: next(iter(change))
)
def test_sizes_out_of_range_are_refused(changes):
    with pytest.raises(ValueError, match="prior" if "genres" in changes else next(iter(changes))):
        replace(SMALL, **changes)
