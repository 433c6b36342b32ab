import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from analysis.posterior import copies, part
from analysis.posterior.codes import PosteriorCodes, read_codes
from analysis.posterior.cycle import CycleConsistency, cycle_consistency
from analysis.posterior.dimensions import dimension_variances
from analysis.posterior.part import PosteriorConfig, analyse_posterior
from analysis.posterior.prior_fit import fit_to_prior, prior_fit_section
from analysis.posterior.two_sample import critic_section, two_sample_test
from analysis.shared.context import EvaluationContext
from analysis.shared.section import Section
from model.checkpoint import Description
from model.data import Provenance, WindowSet
from model.networks.priors import FlowerPrior, GaussianPrior
from model.training.first_weights import untrained
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows, seen_by, windows_of
from tests.helpers.pictures import collect_texts

CONFIG = PosteriorConfig(windows=40, samples=6, fewest=3, seed=0)


def drawn(count: int, latent: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, latent, generator=torch.Generator().manual_seed(seed))


def codes_of(mean: torch.Tensor, windows_a_song: int = 4, variance: float = 0.0) -> PosteriorCodes:
    """Codes of one genre, each beside a sample of N(0, I)."""
    count = len(mean)
    return PosteriorCodes(
        mean,
        torch.full_like(mean, variance),
        mean,
        drawn(count, mean.shape[1], seed=99),
        torch.zeros(count, dtype=torch.long),
        torch.arange(count) // windows_a_song,
    )


def test_the_flowers_codes_are_given_in_the_axes_of_their_own_petal():
    prior = FlowerPrior(latent=3, genres=4)  # petal 1 points along the second dimension, across it is minus the first
    z = torch.tensor([[0, 1, 0], [0, 1 + math.sqrt(0.1), 0], [-math.sqrt(0.001), 1, 0], [0, 1, 2 * math.sqrt(0.001)]])
    expected = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]])
    torch.testing.assert_close(prior.standardised(z, torch.ones(4, dtype=torch.long)), expected, atol=1e-5, rtol=0)


def test_the_flowers_variance_is_that_of_its_samples():
    prior = FlowerPrior(latent=4, genres=4)
    torch.testing.assert_close(prior.variance(), torch.tensor([0.5505, 0.5505, 0.001, 0.001]))
    z = prior.sample(torch.full((20_000,), 4), torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.var(dim=0), prior.variance(), rtol=0.05, atol=0)
    torch.testing.assert_close(FlowerPrior(3, genres=1).variance(), torch.tensor([0.1, 0.001, 0.001]))


@pytest.mark.parametrize("prior", [FlowerPrior(6, genres=5), GaussianPrior(6)])
def test_samples_of_the_prior_are_as_far_from_it_as_the_floor(prior):
    generator = torch.Generator().manual_seed(0)
    genre = torch.full((200,), 3)
    fits = [fit_to_prior(prior.standardised(prior.sample(genre, generator), genre)) for _ in range(50)]
    for measure in ("mean", "covariance"):
        square = sum(getattr(fit, measure) ** 2 for fit in fits) / len(fits)
        assert math.sqrt(square) == pytest.approx(getattr(fits[0], f"{measure}_floor"), rel=0.1)
    assert sum(fit.spread for fit in fits) / len(fits) == pytest.approx(1, abs=0.02)


def test_errors_of_mean_covariance_and_spread_are_those_worked_out_by_hand():
    # The covariance [[2, 0], [0, 0]] is off by 1 and by -1: the norm of the difference is that of the unit matrix.
    fit = fit_to_prior(torch.tensor([[4.0, 0], [2, 0]]))
    assert (fit.mean, fit.covariance, fit.spread) == pytest.approx((math.sqrt(9 / 2), 1, 1))
    assert (fit.mean_floor, fit.covariance_floor) == pytest.approx((math.sqrt(1 / 2), math.sqrt(3)))


def test_windows_are_encoded_and_each_gets_a_sample_of_its_genre():
    context = context_of(make_windows(300))
    codes = read_codes(context, context.validation, torch.Generator().manual_seed(0))
    mean, log_variance = context.model.encode(context.validation.tokens)
    torch.testing.assert_close(codes.mean, mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(codes.variance, log_variance.exp(), atol=1e-5, rtol=1e-4)
    assert ((codes.sampled - codes.mean) / codes.variance.sqrt()).std().item() == pytest.approx(1, abs=0.1)
    tagged = codes.genre < len(GENRES)
    assert context.validation.genres[tagged, codes.genre[tagged]].all()
    standardised = context.model.prior.standardised(codes.prior[tagged], codes.genre[tagged])
    assert standardised.std().item() == pytest.approx(1, abs=0.1)


def test_the_critics_distance_is_how_much_higher_it_scores_the_prior():
    codes = codes_of(drawn(20) - 3)
    model = SimpleNamespace(critic=lambda z, genre: z.sum(dim=-1))
    section = critic_section(SimpleNamespace(model=model, device=torch.device("cpu")), codes)
    expected = (codes.prior.sum() - codes.sampled.sum()) / 20
    assert section.metrics["critic_distance"] == pytest.approx(expected.item(), rel=1e-5)
    assert section.metrics["critic_distance"] > 0


def test_codes_like_the_prior_are_not_told_from_it_and_shifted_ones_are():
    variance = torch.ones(8)
    alike = two_sample_test(codes_of(drawn(400)), variance)
    assert alike.accuracy == pytest.approx(0.5, abs=0.07)
    assert alike.p > 0.01
    shifted = two_sample_test(codes_of(drawn(400) + 1), variance)
    assert shifted.accuracy > 0.85
    assert shifted.p < 0.001
    narrow = two_sample_test(codes_of(0.3 * drawn(400)), variance)
    assert narrow.accuracy > 0.85


def test_few_songs_give_no_certainty_however_well_their_codes_are_classified():
    far = two_sample_test(
        codes_of(drawn(40) + 9, windows_a_song=10), torch.ones(8)
    )  # four songs, all classified correctly
    assert far.accuracy == 1
    assert far.p == pytest.approx(0.0228, abs=1e-4)  # the upper tail of a normal distribution beyond 2, the root of 4


def test_songs_with_a_place_of_their_own_each_are_not_told_from_the_prior():
    # With windows of one song in both training and test parts, neighbours would give away nearly all codes.
    songs = drawn(60).repeat_interleave(10, dim=0)
    clustered = two_sample_test(codes_of(songs + 0.01 * drawn(600, seed=1), windows_a_song=10), torch.ones(8))
    assert clustered.accuracy < 0.6
    assert clustered.p > 0.01


def test_dimensions_whose_mean_codes_hardly_vary_are_dead():
    mean = drawn(2000)
    mean[:, 0] = 3.0
    mean[:, 1] *= 0.05  # a variance of 0.0025, below 0.01
    mean[:, 2] *= 0.2
    variances = dimension_variances(codes_of(mean, variance=0.5), GaussianPrior(8))
    assert variances.dead_share == pytest.approx(2 / 8)
    torch.testing.assert_close(variances.total - variances.signal, torch.full((8,), 0.5))


def test_a_dimension_of_the_flowers_plane_is_held_against_the_whole_mixture():
    # The codes vary as a petal does across: next to nothing in the plane of the circle, and all of it elsewhere.
    variances = dimension_variances(codes_of(math.sqrt(0.001) * drawn(2000)), FlowerPrior(8, genres=4))
    assert variances.dead_share == pytest.approx(2 / 8)
    torch.testing.assert_close(variances.signal[2:], torch.ones(6), atol=0.15, rtol=0)


class Toy:
    """A model whose decoder returns the code itself, and whose encoder is the function it is given."""

    def __init__(self, read) -> None:
        self.model, self.codes = self, read
        self.prior = GaussianPrior(8)

    def decoded(self, z: torch.Tensor) -> torch.Tensor:
        return z


def test_a_code_that_comes_back_has_cycle_zero_and_one_that_is_lost_has_one():
    assert cycle_consistency(Toy(lambda x: x), drawn(50)) == CycleConsistency(0, 0, 1)
    lost = cycle_consistency(Toy(torch.zeros_like), drawn(50))
    assert (lost.distance, lost.plane, lost.states) == pytest.approx((1, 1, 0))
    plane_kept = cycle_consistency(Toy(lambda x: torch.cat([x[:, :2], 0 * x[:, 2:]], dim=1)), drawn(50))
    assert plane_kept.plane == 0
    assert 0 < plane_kept.distance < 1
    assert plane_kept.states == pytest.approx(2 / 8)


def test_the_nearest_training_window_is_found_wherever_it_is(monkeypatch):
    monkeypatch.setattr(copies, "CHUNK", 3)
    training = make_windows(10).tokens
    windows = training[[7, 4]]
    windows[0, 0, :2] = (windows[0, 0, :2] + 1) % 130
    neighbours = copies.nearest(windows, training, torch.device("cpu"))
    assert neighbours.number.tolist() == [7, 4]
    assert neighbours.distance.tolist() == [2 / 64, 0]
    assert neighbours.copied_share == 0.5


def context_of(
    validation: WindowSet, genres: list[str] = GENRES, training: WindowSet | None = None, **changes
) -> EvaluationContext:
    config = replace(SMALL, genres=len(genres), **changes)
    torch.manual_seed(0)
    description = Description(config, BRIEF, Provenance(1, genres, "digest"), {}, {})
    splits = make_windows(30) if training is None else training, validation
    windows = (seen_by(split, config) for split in splits)
    return EvaluationContext(untrained(config).eval(), description, *windows, "song")


def analysed(context: EvaluationContext, out, config: PosteriorConfig = CONFIG) -> Section:
    out.mkdir(exist_ok=True)
    section = analyse_posterior(context, config, out)
    for figure in section.figures:
        assert (out / figure.picture).stat().st_size
        assert all((out / clip.midi).exists() for clip in figure.clips)
    return section


@pytest.fixture(name="texts")
def collected_texts(monkeypatch) -> dict[str, set[str]]:
    return collect_texts(monkeypatch)


def test_all_of_the_pictures_are_drawn(tmp_path):
    section = analysed(context_of(make_windows(40)), tmp_path / "out")
    assert {figure.picture.removeprefix("pictures/") for figure in section.figures} == {
        "plane.png", "genres.png", "dimensions.png", "nearest.png", "copies.png"
    }  # fmt: skip
    assert all((tmp_path / "out" / figure.picture).read_bytes()[1:4] == b"PNG" for figure in section.figures)


@pytest.mark.usefixtures("texts")
def test_the_codes_that_are_compared_with_the_prior_are_draws_not_means(tmp_path):
    (tmp_path / "pictures").mkdir()
    codes = replace(codes_of(torch.zeros(400, 8)), sampled=2 * drawn(400))
    section = prior_fit_section(context_of(make_windows(4), prior="gaussian"), codes, 2, tmp_path)
    assert section.metrics["spread"] == pytest.approx(2, abs=0.1)


@pytest.mark.usefixtures("texts")
def test_codes_are_of_validation_windows_and_distances_go_to_training_windows(tmp_path):
    """All training windows are of one song; every validation window is one of them with 2 of its 64 states changed."""
    training = replace(make_windows(30), songs=torch.zeros(30, dtype=torch.int32))
    validation = make_windows(30)
    validation.tokens[:, 0, :2] = (validation.tokens[:, 0, :2] + 1) % 130
    section = analysed(context_of(validation, training=training), tmp_path / "out")
    assert "two_sample_accuracy" in section.metrics  # for which it takes two songs
    assert section.metrics["nearest_of_validation"] == pytest.approx(2 / 64)


@pytest.mark.usefixtures("texts")
def test_samples_are_of_the_whole_flower(tmp_path, monkeypatch):
    samples = []

    def cycle_section(_, z, codes):
        samples.append(z)
        return Section("", [], {})

    monkeypatch.setattr(part, "cycle_section", cycle_section)
    analysed(context_of(make_windows(40)), tmp_path / "out", replace(CONFIG, samples=40))
    (z,) = samples
    petals = (torch.atan2(z[:, 1], z[:, 0]) / (2 * math.pi) * len(GENRES)).round() % len(GENRES)
    assert set(petals.tolist()) == {0, 1, 2}


@pytest.mark.usefixtures("texts")
def test_the_flower_is_analysed_a_genre_a_row_and_twice_alike(tmp_path):
    context = context_of(make_windows(40))
    section, again = (analysed(context, tmp_path / name) for name in ("first", "second"))
    assert section == again
    assert set(section.metrics) == {
        "mean_error", "covariance_error", "spread", "two_sample_accuracy", "critic_distance", "dead_share", "cycle",
        "copies", "nearest", "nearest_of_validation",
    }  # fmt: skip
    assert [row[0] for row in section.tables[0].rows] == GENRES
    assert not section.missing


@pytest.mark.usefixtures("texts")
def test_other_models_and_windows_are_analysed_as_far_as_they_go(tmp_path):
    tagless = replace(make_windows(8), genres=torch.zeros(8, 0, dtype=torch.bool))
    peer = context_of(tagless, genres=[], prior="gaussian", network="flat", regulariser="kl", tracks=("drums", "bass"))
    section = analysed(peer, tmp_path / "out")
    assert [row[:3] for row in section.tables[0].rows] == [["all", 8, 4]]
    assert section.missing == ["The model was trained without a critic, so there are no critic scores."]
    assert "critic_distance" not in section.metrics


@pytest.mark.usefixtures("texts")
def test_genres_with_too_few_windows_are_not_compared_but_counted(tmp_path):
    section = analysed(context_of(make_windows(40)), tmp_path / "out", replace(CONFIG, fewest=41))
    assert "mean_error" not in section.metrics
    assert section.missing[0].startswith("Of the 40 validation windows, fewer than 41 belong to each of these genres")


@pytest.mark.usefixtures("texts")
def test_a_flower_without_genres_or_of_one_song_is_analysed_as_far_as_it_goes(tmp_path):
    windows = replace(windows_of(make_windows(9).tokens), songs=torch.zeros(9, dtype=torch.int32))
    section = analysed(context_of(windows), tmp_path / "out")
    assert "mean_error" not in section.metrics
    assert "two_sample_accuracy" not in section.metrics
    few, one_song = section.missing
    assert "jazz (0), rock (0), pop (0)" in few
    assert "two songs" in one_song


@pytest.mark.usefixtures("texts")
def test_the_nearest_samples_are_drawn_and_notes_are_counted(tmp_path):
    (tmp_path / "pictures").mkdir()
    context = context_of(make_windows(6))
    samples, real = context.training.tokens[:5].clone(), context.validation.tokens
    for changed, sample in enumerate(samples):
        sample[0, : 5 - changed] = (sample[0, : 5 - changed] + 1) % 130
    section = copies.copies_section(context, samples, real, tmp_path)
    assert "each beside that window: 1.6%, 3.1%, 4.7% of their states" in section.figures[-1].caption  # 1 to 3 of 64
    assert section.metrics["nearest"] == pytest.approx(3 / 64)
    assert section.tables[0].rows[1][5] == (real < 128).sum(dim=(1, 2)).median()


def test_long_tags_are_cut_in_pictures_and_no_tag_can_end_a_script_of_the_plots(tmp_path, texts):
    names = ["a long tag that ends in 1", "a long tag that ends in 2", "pop</script><script>alert(1)</script>"]
    section = analysed(context_of(make_windows(40), genres=names), tmp_path / "out")
    assert not any(name in text for picture in texts.values() for text in picture for name in names)
    for name in ("plane.png", "genres.png"):
        assert {"a long tag that end…", "pop</script><script…"} <= texts[name]
    rows = json.loads((tmp_path / "out" / "genres.json").read_text())
    assert [row["genre"] for row in rows] == [*names[:2], names[2].replace("<", "‹")]
    assert [row[0] for row in section.tables[0].rows] == names


def test_one_window_is_too_few(tmp_path):
    section = analysed(context_of(make_windows(1)), tmp_path / "out")
    assert len(section.missing) == 1
    assert "at least two validation windows" in section.missing[0]


def test_a_setting_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="samples must be at least 2"):
        replace(CONFIG, samples=1)
