import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from analysis.control.attribute_metrics import consistency, linearity, monotonicity, restrictiveness
from analysis.control.attribute_moves import attribute_control, move_attribute
from analysis.control.attributes import attribute_section
from analysis.control.config import ControlConfig
from analysis.control.genre_moves import GenreMove, Transfer, mean_over_genres, random_steps, steps_to_genre
from analysis.control.genres import genre_section
from analysis.control.part import analyse_control
from analysis.shared.bootstrap import estimate, mean_statistic, song_weights, weighted_means
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import (
    auc_by_song,
    percentiles,
    score_genres,
    train_classifier,
    validated_classifier,
)
from analysis.shared.moves.sample import take_sample
from analysis.shared.section import PICTURES
from model.data import WindowSet
from model.latent import moved, slope, step_along, step_between, step_to_petal
from model.networks.priors import FlowerPrior
from model.similarity import note_f1, same_states, shared_notes
from music.genre_features import features
from music.metrics import METRICS
from music.tokens import HOLD, PITCHES, SILENT, TRACKS
from tests.helpers.models import SMALL, make_context, make_windows

ENDS = ("", "_low", "_high")
CONFIG = ControlConfig(
    attributes=["notes", "drum density"], levels=[-1, 0, 1], strengths=[0, 1], windows=6, training_windows=40,
    classifier_windows=40, min_songs=2, min_auc=0.0, resamples=20, seed=0,
)  # fmt: skip


def context_of(training=40, validation=20, **changes) -> EvaluationContext:
    windows = make_windows(training + validation)
    numbers = torch.arange(len(windows))
    return make_context(windows.take(numbers[:training]), windows.take(numbers[training:]), **changes)


def without_tags(context: EvaluationContext) -> EvaluationContext:
    data = replace(context.description.data, genres=[])
    training, validation = (
        replace(windows, genres=windows.genres[:, :0]) for windows in (context.training, context.validation)
    )
    description = replace(context.description, data=data)
    return replace(context, description=description, training=training, validation=validation)


def once(windows: int) -> np.ndarray:
    """Weights of windows without resamples."""
    return np.ones((1, windows))


def test_moving_to_a_petal_leaves_what_is_off_the_plane():
    z = torch.tensor([[0.5, 0.5, 9.0]])
    step = step_to_petal(FlowerPrior(3, 4), z, genre=1)  # a quarter of the circle: (0, 1)
    torch.testing.assert_close(step, torch.tensor([[-0.5, 0.5, 0.0]]))
    codes = moved(z, step, torch.tensor([0.0, 0.5, 1.0]))
    expected = torch.tensor([[[0.5, 0.5, 9.0]], [[0.25, 0.75, 9.0]], [[0.0, 1.0, 9.0]]])
    torch.testing.assert_close(codes, expected, atol=1e-6, rtol=0)


def test_the_flowers_samples_lie_around_its_centres():
    prior = FlowerPrior(8, 4)
    genre = torch.arange(4).repeat_interleave(500)
    z = prior.sample(genre, torch.Generator().manual_seed(0))
    means = z.reshape(4, 500, 8).mean(dim=1)
    torch.testing.assert_close(means[:, :2], prior.axes(torch.arange(4))[0], atol=0.05, rtol=0)


def test_the_difference_of_means_is_the_same_for_all_windows():
    z = torch.tensor([[0.0, 1.0], [2.0, 1.0], [5.0, 3.0]])
    step = step_between(z, torch.tensor([False, False, True]))
    torch.testing.assert_close(step, torch.tensor([4.0, 2.0]))
    torch.testing.assert_close(moved(z, step, torch.tensor([1.0]))[0], z + torch.tensor([4.0, 2.0]))


def test_a_step_along_a_direction_is_a_standard_deviation_of_the_codes():
    z = torch.tensor([[-3.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [3.0, 1.0]])
    torch.testing.assert_close(step_along(z, torch.tensor([7.0, 0.0])), torch.tensor([math.sqrt(20 / 3), 0.0]))
    torch.testing.assert_close(step_along(z, torch.tensor([0.0, -1.0])), torch.tensor([0.0, -math.sqrt(4 / 3)]))


def test_the_slope_is_how_codes_differ_where_an_attribute_is_a_deviation_more():
    """A regression of the values on the codes would find (1, -1), which no code varies along."""
    shared, own = torch.tensor([-3.0, -1.0, 1.0, 3.0]), torch.tensor([1.0, -1.0, -1.0, 1.0])
    z = torch.stack([5 + shared + own, shared], dim=1)
    values = 7 + 2 * own.double()
    torch.testing.assert_close(slope(z, values), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(slope(z, 3 * shared.double()), torch.tensor([math.sqrt(5), math.sqrt(5)]))


def test_monotonicity_is_the_rank_correlation_within_each_window():
    levels = np.array([-1.0, 0.0, 1.0])
    values = np.array([[0.0, 1.0, 100.0], [3.0, 2.0, 1.0], [5.0, 5.0, 5.0], [1.0, 3.0, 2.0], [math.nan] * 3])
    np.testing.assert_allclose(monotonicity(levels, values), [1, -1, 0, 0.5, math.nan])


def test_linearity_is_the_share_of_variance_on_a_line():
    levels = np.array([-1.0, 0.0, 1.0])
    values = np.array([[3.0, 2.0, 1.0], [4.0, 4.0, 4.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [math.nan] * 3])
    np.testing.assert_allclose(linearity(levels, values), [1, 0, 0, 0.75, math.nan], atol=1e-12)


def test_consistency_falls_as_windows_differ():
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0], [3.0, 1.0, 0.0]])
    alike, differing = np.array([[-1.0, 0.0, 2.0]] * 2), np.array([[-1.0, 0.0, 2.0], [-2.0, 0.0, 4.0]])
    assert consistency(once(2), alike).tolist() == [1]
    assert consistency(once(2), differing) == pytest.approx(1 - (0.5 + 0 + 1) / 3)
    with_undefined = np.concatenate([differing, np.full((1, 3), math.nan)])
    # Three of the first and one of the second: standard deviations of sqrt(3) / 4 of their distances 1, 0 and 2.
    expected = [1 - (0.5 + 0 + 1) / 3, 1, 1 - math.sqrt(3) / 4 * (1 + 0 + 2) / 3]
    np.testing.assert_allclose(consistency(weights, with_undefined), expected)


def test_restrictiveness_falls_as_other_attributes_move():
    still, moving = np.array([[2.0, 2.0], [5.0, 5.0]]), np.array([[0.0, 1.0], [0.0, 3.0]])
    assert restrictiveness(once(2), [still]).tolist() == [1]
    assert restrictiveness(once(2), [still, moving]) == pytest.approx(1 - (0 + (0.5 + 1.5) / 2) / 2)
    assert restrictiveness(once(2), [moving, np.full((2, 2), math.nan)]) == pytest.approx(1 - (0.5 + 1.5) / 2)


def test_random_steps_are_as_long_and_lie_between_codes():
    codes = torch.tensor([[0.0, 0.0], [0.0, 7.0]])
    steps = torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]])
    random = random_steps(steps, codes, torch.Generator().manual_seed(0))
    torch.testing.assert_close(random.norm(dim=1), torch.tensor([5.0, 1.0, 0.0]))
    assert not random[:, 0].any()


def test_states_and_notes_that_stay_are_counted():
    reference = torch.tensor([[[60, HOLD, 62, SILENT]]])
    other = torch.tensor([[[60, HOLD, 64, 62]]])
    assert same_states(other, reference).tolist() == [0.5]
    assert note_f1(other, reference).item() == pytest.approx(2 * 1 / (3 + 2))
    silent = torch.full((1, 1, 4), SILENT)
    assert note_f1(silent, silent).isnan().all()
    assert note_f1(silent, reference).item() == 0
    assert shared_notes(other, reference).tolist() == [1]


def test_percentiles_count_equal_scores_by_half():
    among = np.array([1.0, 2.0, 2.0, 4.0])
    assert percentiles(np.array([0.0, 2.0, 3.0, 5.0]), among).tolist() == [0, 50, 75, 100]


def test_the_classifier_is_tested_by_song():
    scores = np.array([[9.0], [0.0], [1.0], [1.0], [2.0]])  # songs' means: 4.5, 1, 2
    tagged, songs = np.array([[True], [True], [False], [False], [True]]), np.array([7, 7, 3, 3, 5], dtype=np.int32)
    assert auc_by_song(scores, tagged, songs).tolist() == [1]
    assert auc_by_song(-scores, tagged, songs).tolist() == [0]


def beats(offset: int, keys: int) -> np.ndarray:
    """Windows of a kick every quarter, later by the offset, and a bass note of as many keys."""
    tokens = np.full((keys, 4, 16), SILENT, dtype=np.uint8)
    tokens[:, 0, offset::4] = 36
    tokens[:, 1, 0] = 40 + np.arange(keys)
    return tokens


def test_the_classifier_knows_genres_by_their_beats():
    on, off = np.array([[True, False]]), np.array([[False, True]])
    classifier = train_classifier(
        np.concatenate([beats(0, 12), beats(2, 12)]), np.repeat(np.concatenate([on, off]), 12, axis=0)
    )
    of_on, of_off = classifier.scores(beats(0, 20)), classifier.scores(beats(2, 20))
    assert (of_on[:, 0] > of_off[:, 0]).all()
    assert (of_on[:, 1] < of_off[:, 1]).all()


def test_a_genre_of_all_windows_or_none_is_not_known():
    tagged = np.array([[True, True, False], [False, True, False]])
    scores = score_genres(np.concatenate([beats(0, 12), beats(2, 12)]), np.repeat(tagged, 12, axis=0), beats(2, 20))
    percentiles = scores.percentiles(beats(0, 20))
    assert np.isfinite(percentiles[:, 0]).all()
    assert np.isnan(percentiles[:, 1:]).all()


def test_genres_are_scored_among_other_windows():
    tagged = np.repeat([[True], [False]], 12, axis=0)
    scores = score_genres(np.concatenate([beats(0, 12), beats(2, 12)]), tagged, beats(1, 20))
    assert (scores.percentiles(beats(0, 12)) > 90).all()
    assert (scores.percentiles(beats(2, 12)) < 10).all()


def test_the_classifier_knows_nothing_of_the_key():
    """Of a window that is moved within its octave only the mean pitch is another."""
    tokens = np.full((2, 4, 16), SILENT, dtype=np.uint8)
    tokens[:, 0, ::4] = 36
    tokens[:, 1, ::8] = [[36, 40], [37, 41]]
    tokens[:, 2, :4] = [[60, 60, 64, 67], [61, 61, 65, 68]]
    before, after = features(tokens)
    changed = np.flatnonzero((before != after) & ~(np.isnan(before) & np.isnan(after)))
    assert changed.tolist() == [list(METRICS).index("mean pitch")]


class Counting(torch.nn.Module):
    """As many drum notes, and half as many bass notes, as the first coordinate says."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(()))

    def tokens(self, z: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(16)
        tokens = torch.full((len(z), 4, 16), SILENT, dtype=torch.uint8)
        tokens[:, 0][steps < z[:, :1]] = 36
        tokens[:, 1][steps < z[:, :1] / 2] = 40
        return tokens


def test_a_decoder_that_counts_controls_notes_perfectly():
    z = torch.tensor([[2.0, 1.0], [4.0, -1.0], [8.0, -1.0], [10.0, 1.0]])  # a deviation of sqrt(40 / 3)
    z = torch.cat([z, torch.zeros(4, 2)], dim=1)
    context = EvaluationContext(Counting(), SimpleNamespace(model=SMALL), None, None, "song")
    notes = 1.5 * z[:, 0].double().numpy()
    names, levels = ["notes", "drum density", "mean pitch"], [-1.0, 0.0, 1.0]
    here = torch.tensor([[8.0, 0, 0, 0], [6.0, 0, 0, 0]])
    move = move_attribute(context, (z, notes), (here, np.array([12.0, 9.0])), names, levels)
    assert move.explained == pytest.approx(1)
    # The step is 3.65 of the first coordinate: 8 -> 4.35, 8, 11.65: 5, 8, 12 drum notes and 3, 4, 6 of the bass.
    np.testing.assert_allclose(move.values["notes"], [[8, 12, 18], [5, 9, 15]])
    np.testing.assert_allclose(move.values["drum density"], [[5, 8, 12], [3, 6, 10]])
    np.testing.assert_allclose(move.values["mean pitch"], 40)
    np.testing.assert_allclose(move.kept, [[60 / 64, 1, 58 / 64], [60 / 64, 1, 58 / 64]])
    scales = {"notes": 2.0, "drum density": 4.0, "mean pitch": 1.0}
    control = attribute_control("notes", move, levels, scales, once(2))
    assert (control.lowest, control.highest, control.end_to_end) == (-4, 6, 5)
    assert control.monotonicity == pytest.approx(1)
    assert control.consistency == 1
    deviation = np.std([5, 8, 12]) / 4, np.std([3, 6, 10]) / 4
    assert control.restrictiveness == pytest.approx(1 - np.mean(deviation) / 2)
    assert control.kept == pytest.approx(59 / 64)


def test_windows_without_the_attribute_at_some_level_are_left_out():
    context = EvaluationContext(Counting(), SimpleNamespace(model=SMALL), None, None, "song")
    z = torch.tensor([[2.0, 0.0], [4.0, 0.0], [8.0, 0.0], [10.0, 0.0]])  # a step of 3.65 of the first coordinate
    codes, levels = torch.tensor([[2.0, 0.0], [8.0, 0.0]]), [-1.0, 0.0, 1.0]
    names, scales = ["mean pitch", "notes"], {"mean pitch": 1.0, "notes": 1.0}
    move = move_attribute(context, (z, z[:, 0].double().numpy()), (codes, np.array([40.0, 40.0])), names, levels)
    np.testing.assert_allclose(move.values["mean pitch"], [[math.nan] * 3, [40] * 3])  # -1.65 of a note has no pitch
    control = attribute_control("mean pitch", move, levels, scales, np.array([[1.0, 1.0], [0.0, 2.0], [2.0, 0.0]]))
    np.testing.assert_allclose(control.highest, [0, 0, math.nan])
    assert attribute_control("mean pitch", move, levels, scales, once(2)).lowest == 0
    none = replace(move, values=move.values | {"mean pitch": np.full((2, 3), math.nan)})
    assert attribute_control("mean pitch", none, levels, scales, once(2)) is None


def test_means_of_windows_count_each_as_often_as_its_song_is_drawn():
    values = np.array([[1.0, 1.0], [2.0, math.nan], [6.0, math.nan]])
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    np.testing.assert_allclose(weighted_means(weights, values), [[3, 1], [1.5, 1], [6, math.nan]])
    statistics = [np.array([1.0, 2.0, math.nan]), np.array([3.0, math.nan, math.nan])]
    np.testing.assert_allclose(mean_statistic(statistics), [2, 2, math.nan])


def test_songs_are_drawn_whole():
    weights = song_weights(torch.tensor([7, 2, 7, 7, 2]), resamples=300, seed=0)
    assert weights.shape == (301, 5)
    assert (weights[0] == 1).all()
    assert (weights[:, [0, 0, 1]] == weights[:, [2, 3, 4]]).all()
    pairs, counts = np.unique(weights[1:, :2], axis=0, return_counts=True)  # of two songs: none, once or twice
    assert pairs.tolist() == [[0, 2], [1, 1], [2, 0]]
    np.testing.assert_allclose(counts / 300, [0.25, 0.5, 0.25], atol=0.08)


def test_intervals_are_those_of_a_mean_of_songs():
    """For 400 songs the bootstrap agrees with the normal approximation, 1.96 standard errors; windows do not count."""
    by_song = np.random.default_rng(1).normal(5, 2, size=400)
    songs = torch.arange(400).repeat_interleave(3)
    gain = estimate(weighted_means(song_weights(songs, 2000, seed=0), np.repeat(by_song, 3)))
    error = 1.96 * by_song.std() / math.sqrt(400)
    assert gain.value == pytest.approx(by_song.mean())
    assert (gain.value - gain.low, gain.high - gain.value) == pytest.approx((error, error), rel=0.08)
    percentile = estimate(np.array([3.0, *range(101)]))
    assert (percentile.low, percentile.high) == pytest.approx((2.5, 97.5))
    assert percentile.text(1) == "3.0 [2.5, 97.5]"


def test_what_a_move_gains_and_keeps():
    nan = math.nan
    move = GenreMove(
        np.array([[10.0, 40.0], [50.0, 40.0], [nan, nan]]),
        np.array([[1.0, 0.5], [1.0, 0.7], [nan, nan]]),
        np.array([[1.0, 0.5], [nan, nan], [nan, nan]]),
    )
    weights = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0], [3.0, 1.0, 0.0]])
    np.testing.assert_allclose(move.gain(weights), [10, -10, 20])
    np.testing.assert_allclose(move.risen(weights), [0.5, 0, 0.75])
    np.testing.assert_allclose(move.kept(weights), [0.6, 0.7, 0.55])
    np.testing.assert_allclose(move.notes_kept(weights), [0.5, nan, 0.5])
    still = replace(move, percentiles=np.array([[10.0, 10.0], [50.0, 60.0], [nan, nan]]))
    np.testing.assert_allclose(still.risen(weights), [0.5, 1, 0.25])


def test_genres_share_the_resamples_of_their_songs():
    """Two genres that gain the same of the opposite windows: their mean is certain, though neither is."""
    empty = np.full((4, 2), math.nan)
    moves = [
        GenreMove(np.array([[50.0, 50.0 + sign * gain] for gain in (4, -4, 8, -8)]), empty, empty) for sign in (1, -1)
    ]
    transfers = [Transfer(genre, 4, {"means": move}, {"means": move}) for genre, move in enumerate(moves)]
    weights = song_weights(torch.tensor([3, 3, 5, 9]), 200, seed=0)
    first, both = moves[0].gain(weights), mean_over_genres(transfers, "means", lambda move: move.gain(weights))
    assert estimate(first).low < -1 < 1 < estimate(first).high
    np.testing.assert_allclose(both, 0, atol=1e-12)


def test_random_moves_have_means_over_genres_of_their_own():
    empty = np.full((2, 2), math.nan)
    gains = {"moves": [(10.0, 20.0), (0.0, 6.0)], "controls": [(1.0, 3.0), (-5.0, -7.0)]}  # of each genre's windows
    kinds = {
        kind: [{"means": GenreMove(np.array([[50.0, 50.0 + gain] for gain in both]), empty, empty)} for both in genres]
        for kind, genres in gains.items()
    }
    transfers = [Transfer(genre, 2, kinds["moves"][genre], kinds["controls"][genre]) for genre in (0, 1)]
    by_kind = {
        random: mean_over_genres(transfers, "means", lambda move: move.gain(once(2)), random=random)
        for random in (False, True)
    }
    assert by_kind == {False: [(15 + 3) / 2], True: [(2 - 6) / 2]}


@pytest.fixture(scope="module")
def flower(tmp_path_factory):
    out = tmp_path_factory.mktemp("flower")
    return analyse_control(context_of(), CONFIG, out), out


def test_a_flower_is_asked_for_its_petals_and_for_the_means(flower):
    section, out = flower
    means = ("mean_monotonicity", "consistency", "restrictiveness")
    transfer = (
        "gain",
        "gain_random",
        "risen",
        "risen_random",
        "kept",
        "kept_random",
        "notes_kept",
        "notes_kept_random",
        "gain_over_random",
    )
    of_means, of_transfer = ({f"{name}{end}" for name in names for end in ENDS} for names in (means, transfer))
    assert set(section.metrics) == {"monotonicity", "classifier_auc", "petal"} | of_means | of_transfer
    assert set(section.metrics["petal"]) == of_transfer
    for numbers in (section.metrics, section.metrics["petal"]):
        assert numbers["gain_over_random"] == pytest.approx(numbers["gain"] - numbers["gain_random"])
    assert not section.missing
    assert [len(table.rows) for table in section.tables] == [2, 2 + 2 * 3]
    for figure in section.figures:
        assert (out / figure.picture).exists()
        assert all((out / clip.midi).exists() for clip in figure.clips)
    assert [len(figure.clips) for figure in section.figures if figure.clips] == [1 + 3, 2 + 2 * 3]
    for name in ("attributes", "genres", "strengths"):
        assert json.loads((out / f"{name}.json").read_text())


def test_control_is_the_same_every_time(flower, tmp_path):
    section, out = flower
    assert analyse_control(context_of(), CONFIG, tmp_path) == section
    first_files, second_files = (sorted(path for path in folder.rglob("*.*")) for folder in (out, tmp_path))
    assert len(list((out / "clips").glob("*.mid"))) == 12
    assert [path.read_bytes() for path in first_files] == [path.read_bytes() for path in second_files]


def test_without_drums_tags_and_petals_the_rest_is_measured(tmp_path):
    context = without_tags(context_of(tracks=TRACKS[1:], prior="gaussian", regulariser="kl"))
    section = analyse_control(context, CONFIG, tmp_path)
    assert set(section.metrics["monotonicity"]) == {"notes"}
    assert "restrictiveness" not in section.metrics
    assert not {"classifier_auc", "gain"} & set(section.metrics)
    assert section.missing[0].startswith("Not moved along drum density: all windows of this model's tracks")
    assert section.missing[1:] == ["Not moved toward genres: the songs have no tags; give tags."]


def test_codes_that_are_all_alike_are_not_moved(tmp_path):
    context = context_of()
    for weights in context.model.encoder.parameters():
        torch.nn.init.zeros_(weights)
    section = analyse_control(context, CONFIG, tmp_path)
    assert section.missing == ["All windows have the same code, so there is no direction to move in: train longer."]


def test_a_gaussian_prior_has_no_petals():
    generator = torch.Generator().manual_seed(0)
    for prior, paths in (("gaussian", {"means"}), ("flower", {"means", "petal"})):
        context = context_of(prior=prior)
        sample = take_sample(context, CONFIG, generator)
        assert set(steps_to_genre(context, sample.codes, 0, sample)) == paths


def test_the_path_by_the_difference_of_means_is_six_deviations_of_the_codes_along_it():
    context = context_of()
    sample = take_sample(context, CONFIG, torch.Generator().manual_seed(0))
    codes, tagged = sample.training_codes, sample.training.genres[:, 1]
    difference = codes[tagged].mean(dim=0) - codes[~tagged].mean(dim=0)
    step = steps_to_genre(context, sample.codes, 1, sample)["means"]
    assert torch.allclose(torch.nn.functional.cosine_similarity(step, difference[None]), torch.ones(len(step)))
    assert torch.allclose(step.norm(dim=1), 6 * (codes @ (difference / difference.norm())).std())


def test_attributes_that_no_decoded_window_has_are_named(tmp_path):
    context = context_of()
    silent = replace(context, model=Silent(context.model))
    (tmp_path / PICTURES).mkdir()
    config = replace(CONFIG, attributes=["notes", "mean pitch"])
    section = attribute_section(silent, take_sample(silent, config, torch.Generator().manual_seed(0)), config, tmp_path)
    assert section.missing[0].startswith("Not measured along mean pitch: no decoded window has it")
    assert section.metrics["monotonicity"] == {"notes": 0}


class Silent(torch.nn.Module):
    """Encodes as a model does, and decodes to nothing."""

    def __init__(self, model) -> None:
        super().__init__()
        self.model = model
        self.codes = model.codes

    def tokens(self, z: torch.Tensor) -> torch.Tensor:
        return torch.full((len(z), 4, 16), SILENT, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"min_songs": 100}, "Not moved toward jazz, rock, pop: the genre classifier takes training windows"),
        ({"min_auc": 1.1}, "Not moved toward jazz, rock, pop: the genre classifier can hardly tell them"),
        ({"classifier_windows": 1}, "Not moved toward jazz, rock, pop: the genre classifier takes training windows"),
    ],
)
def test_genres_that_the_classifier_does_not_know_are_named(tmp_path, change, sentence):
    config, generator = replace(CONFIG, **change), torch.Generator().manual_seed(0)
    context = context_of()
    section = genre_section(context, take_sample(context, config, generator), config, generator, tmp_path)
    assert [line[: len(sentence)] for line in section.missing] == [sentence]
    assert not section.figures
    assert set(section.metrics) <= {"classifier_auc"}


def test_windows_of_as_many_songs_as_there_are_are_moved():
    sample = take_sample(context_of(), replace(CONFIG, windows=10), torch.Generator().manual_seed(0))
    assert len(sample.windows) == len(sample.windows.songs.unique()) == 10  # of 20 windows, two of each song


def test_intervals_of_control_are_over_the_songs_of_the_windows_that_are_moved():
    sample = take_sample(context_of(), replace(CONFIG, windows=20), torch.Generator().manual_seed(0))
    same_song = torch.from_numpy((sample.weights[:, :, None] == sample.weights[:, None, :]).all(axis=0))
    assert torch.equal(same_song, sample.windows.songs[:, None] == sample.windows.songs)


class CountingCodec(Counting):
    """Its first coordinate is the number of bass notes when encoding, and the number of drum notes when decoding."""

    prior = None

    def codes(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.stack([(tokens[:, 1] < PITCHES).sum(dim=-1), torch.zeros(len(tokens))], dim=1).float()


def opposite_splits() -> EvaluationContext:
    """Jazz has many drum notes; bass notes, which are the code, grow with them in training and fall in validation."""
    drums, steps = torch.arange(2, 11).repeat(4), torch.arange(16)
    splits = []
    jazz = drums > 6
    for bass in (drums, 12 - drums):
        tokens = torch.full((len(drums), 4, 16), SILENT, dtype=torch.uint8)
        tokens[:, 0][steps < drums[:, None]] = 36
        tokens[:, 1][steps < bass[:, None]] = 40
        splits.append(WindowSet(tokens, torch.stack([jazz, ~jazz, jazz], dim=1), torch.arange(len(drums)).int()))
    return replace(make_context(*splits), model=CountingCodec())


def test_directions_come_from_training_windows(tmp_path):
    """A direction from validation windows would lead to fewer drum notes, and away from jazz."""
    context, config = opposite_splits(), replace(CONFIG, attributes=["drum density"])
    sample = take_sample(context, config, torch.Generator().manual_seed(0))
    (tmp_path / PICTURES).mkdir()
    section = attribute_section(context, sample, config, tmp_path)
    assert section.metrics["monotonicity"]["drum density"] == pytest.approx(1)
    assert (steps_to_genre(context, sample.codes, 0, sample)["means"][:, 0] > 0).all()


def test_the_classifier_learns_from_training_songs_and_is_tested_on_validation_songs():
    """The same windows have the opposite tags in validation, so what was learnt in training is wrong of every song."""
    context = opposite_splits()
    context = replace(context, validation=replace(context.training, genres=~context.training.genres))
    generator = torch.Generator().manual_seed(0)
    sample = take_sample(context, CONFIG, generator)
    classifier = validated_classifier(context, sample, CONFIG, generator)
    assert list(classifier.aucs.values()) == [0, 0, 0]


def test_one_window_is_moved_along_attributes_and_none_is_not(tmp_path):
    few = context_of(training=2, validation=1)
    sample = take_sample(few, CONFIG, torch.Generator().manual_seed(0))
    assert sample.similarity_of_songs is None
    assert genre_section(few, sample, CONFIG, torch.Generator().manual_seed(0), tmp_path).missing
    for counts in ({"training": 1}, {"validation": 0}):
        section = analyse_control(context_of(**counts), CONFIG, tmp_path)
        assert section.missing == [
            "Control takes two training windows and one validation window to move: take more songs."
        ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attributes": ["swing"]}, "attributes: no swing; there are notes,"),
        ({"levels": [1, 2]}, "0 among them"),
        ({"strengths": [0, 0.5]}, "from 0 to 1"),
        ({"strengths": [0, 1, 0.5, 1]}, "that rise"),
        ({"windows": 0}, "windows must be at least 1"),
        ({"resamples": 0}, "resamples must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)
