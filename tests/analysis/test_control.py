import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from analysis.control.attribute_metrics import consistency, linearity, monotonicity, restrictiveness
from analysis.control.attribute_moves import fader, growth, move_attribute
from analysis.control.attributes import attribute_section
from analysis.control.genre_classifier import auc_by_song, percentiles, train_classifier
from analysis.control.genre_moves import Moved, random_steps, steps_to_genre
from analysis.control.genres import genre_section
from analysis.control.part import analyse_control
from analysis.control.setup import ControlConfig, draw
from analysis.shared.context import EvaluationContext
from analysis.shared.section import PICTURES
from model.similarity import note_f1, same_states, shared_notes
from model.autoencoder import Autoencoder
from model.latent import moved, step_along, step_between, step_to_petal
from model.networks.priors import FlowerPrior
from music.tokens import HOLD, SILENT, TRACKS
from tests.helpers.models import GENRES, SMALL, make_windows

CONFIG = ControlConfig(
    attributes=["notes", "drum density"], levels=[-1, 0, 1], strengths=[0, 1], windows=6, training_windows=40,
    classifier_windows=40, least_songs=2, least_auc=0.0, seed=0,
)  # fmt: skip


def subject_of(model=SMALL, genres=GENRES, training=40, validation=20, **fields) -> EvaluationContext:
    config = replace(model, **fields)
    description = SimpleNamespace(model=config, data=SimpleNamespace(genres=genres))
    windows = [make_windows(count, config.bars).seen_by(config) for count in (training, validation)]
    windows = [replace(of, genres=of.genres[:, : len(genres)]) for of in windows]
    torch.manual_seed(0)
    return EvaluationContext(Autoencoder(config).eval(), description, *windows, "song")


def test_moving_to_a_petal_leaves_what_is_off_the_plane():
    z = torch.tensor([[0.5, 0.5, 9.0]])
    step = step_to_petal(FlowerPrior(3, 4), z, genre=1)  # a quarter of the circle: (0, 1)
    torch.testing.assert_close(step, torch.tensor([[-0.5, 0.5, 0.0]]))
    ways = moved(z, step, torch.tensor([0.0, 0.5, 1.0]))
    expected = torch.tensor([[[0.5, 0.5, 9.0]], [[0.25, 0.75, 9.0]], [[0.0, 1.0, 9.0]]])
    torch.testing.assert_close(ways, expected, atol=1e-6, rtol=0)


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


def test_an_attribute_grows_where_it_depends_on_the_codes():
    z = torch.tensor([[-3.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [3.0, 1.0]])
    for slope in ([2.0, 0.0], [0.0, -3.0], [1.0, 1.0]):
        values = 7 + z.double().numpy() @ slope
        direction = growth(z, values)
        expected = torch.tensor(slope) / math.hypot(*slope)
        torch.testing.assert_close(direction / direction.norm(), expected, atol=1e-3, rtol=0)


def test_monotonicity_is_the_rank_correlation_within_each_window():
    levels = np.array([-1.0, 0.0, 1.0])
    values = np.array([[0.0, 1.0, 100.0], [3.0, 2.0, 1.0], [5.0, 5.0, 5.0], [1.0, 3.0, 2.0]])
    assert monotonicity(levels, values) == pytest.approx((1 - 1 + 0 + 0.5) / 4)


def test_linearity_is_the_share_of_variance_on_a_line():
    levels = np.array([-1.0, 0.0, 1.0])
    assert linearity(levels, np.array([[3.0, 2.0, 1.0], [4.0, 4.0, 4.0]])) == pytest.approx(0.5)
    assert linearity(levels, np.array([[1.0, 0.0, 1.0]])) == pytest.approx(0.0)
    assert linearity(levels, np.array([[0.0, 0.0, 1.0]])) == pytest.approx(0.75)


def test_consistency_falls_as_windows_differ():
    assert consistency(np.array([[-1.0, 0.0, 2.0], [-1.0, 0.0, 2.0]])) == 1
    assert consistency(np.array([[-1.0, 0.0, 2.0], [-2.0, 0.0, 4.0]])) == pytest.approx(1 - (0.5 + 0 + 1) / 3)


def test_restrictiveness_falls_as_other_attributes_move():
    still, moving = np.array([[2.0, 2.0], [5.0, 5.0]]), np.array([[0.0, 1.0], [0.0, 3.0]])
    assert restrictiveness([still]) == 1
    assert restrictiveness([still, moving]) == pytest.approx(1 - (0 + (0.5 + 1.5) / 2) / 2)


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


def test_the_judge_is_tested_by_song():
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


def test_the_judge_knows_genres_by_their_beats():
    on, off = np.array([[True, False]]), np.array([[False, True]])
    classifier = train_classifier(
        np.concatenate([beats(0, 12), beats(2, 12)]), np.repeat(np.concatenate([on, off]), 12, axis=0)
    )
    of_on, of_off = classifier.scores(beats(0, 20)), classifier.scores(beats(2, 20))
    assert (of_on[:, 0] > of_off[:, 0]).all()
    assert (of_on[:, 1] < of_off[:, 1]).all()


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


def test_a_decoder_that_counts_is_a_perfect_fader_of_notes():
    z = torch.tensor([[2.0, 1.0], [4.0, -1.0], [8.0, -1.0], [10.0, 1.0]])  # a deviation of sqrt(40 / 3)
    z = torch.cat([z, torch.zeros(4, 2)], dim=1)
    context = EvaluationContext(Counting(), SimpleNamespace(model=SMALL), None, None, "song")
    notes = 1.5 * z[:, 0].double().numpy()
    names, levels = ["notes", "drum density", "mean pitch"], [-1.0, 0.0, 1.0]
    here = torch.tensor([[8.0, 0, 0, 0], [6.0, 0, 0, 0]])
    move = move_attribute(context, (z, notes), (here, np.array([12.0, 9.0])), names, levels)
    assert move.read == pytest.approx(1)
    # The step is 3.65 of the first coordinate: 8 -> 4.35, 8, 11.65: 5, 8, 12 drum notes and 3, 4, 6 of the bass.
    np.testing.assert_allclose(move.values["notes"], [[8, 12, 18], [5, 9, 15]])
    np.testing.assert_allclose(move.values["drum density"], [[5, 8, 12], [3, 6, 10]])
    np.testing.assert_allclose(move.values["mean pitch"], 40)
    np.testing.assert_allclose(move.kept, [[60 / 64, 1, 58 / 64], [60 / 64, 1, 58 / 64]])
    numbers = fader("notes", move, levels, {"notes": 2.0, "drum density": 4.0, "mean pitch": 1.0})
    assert (numbers.lowest, numbers.highest, numbers.moved) == (-4, 6, 5)
    assert numbers.monotonicity == pytest.approx(1)
    assert numbers.consistency == 1
    deviation = np.std([5, 8, 12]) / 4, np.std([3, 6, 10]) / 4
    assert numbers.restrictiveness == pytest.approx(1 - np.mean(deviation) / 2)
    assert numbers.kept == pytest.approx(59 / 64)


def test_windows_without_the_attribute_at_some_level_are_left_out():
    values = {"note length": np.array([[np.nan, 2.0, 3.0], [1.0, 2.0, 3.0]]), "notes": np.full((2, 3), 4.0)}
    move = SimpleNamespace(values=values, kept=np.ones((2, 3)))
    numbers = fader("note length", move, [-1, 0, 1], {"note length": 1.0, "notes": 1.0})
    assert (numbers.lowest, numbers.highest) == (-1, 1)
    assert fader("note length", replace_values(move, np.full((2, 3), np.nan)), [-1, 0, 1], {"notes": 1.0}) is None


def replace_values(move, lengths):
    return SimpleNamespace(values=move.values | {"note length": lengths}, kept=move.kept)


def test_what_a_move_gains_and_keeps():
    nan = math.nan
    move = Moved(
        np.array([[10.0, 50.0], [40.0, 40.0]]),
        np.array([[1.0, 1.0], [0.5, 0.7]]),
        np.array([[1.0, nan], [0.5, nan]]),
    )
    assert (move.gain, move.risen) == (10, 0.5)
    assert move.kept == pytest.approx(0.6)
    assert move.notes_kept.tolist() == [1, 0.5]
    assert np.isnan(replace(move, note_f1=np.full((2, 2), nan)).notes_kept).all()


@pytest.fixture(scope="module")
def flower(tmp_path_factory):
    out = tmp_path_factory.mktemp("flower")
    return analyse_control(subject_of(), CONFIG, out), out


def test_a_flower_is_asked_for_its_petals_and_for_the_means(flower):
    section, out = flower
    assert set(section.metrics) == {"monotonicity", "consistency", "restrictiveness", "transfer"}
    assert set(section.metrics["transfer"]) == {"classifier_auc", "means", "petal"}
    assert not section.missing
    assert [len(table.rows) for table in section.tables] == [2, 2 * 3]
    for figure in section.figures:
        assert (out / figure.picture).exists()
        assert all((out / clip.midi).exists() for clip in figure.clips)
    assert [len(figure.clips) for figure in section.figures if figure.clips] == [1 + 3, 2 + 2 * 3]
    for name in ("attributes", "genres", "strengths"):
        assert json.loads((out / f"{name}.json").read_text())


def test_control_is_the_same_every_time(flower, tmp_path):
    section, out = flower
    assert analyse_control(subject_of(), CONFIG, tmp_path) == section
    one, two = (sorted(path for path in folder.rglob("*.*")) for folder in (out, tmp_path))
    assert len(list((out / "clips").glob("*.mid"))) == 12
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_without_drums_tags_and_petals_the_rest_is_measured(tmp_path):
    context = subject_of(tracks=TRACKS[1:], genres=[], prior="gaussian", regulariser="kl")
    section = analyse_control(context, CONFIG, tmp_path)
    assert set(section.metrics["monotonicity"]) == {"notes"}
    assert "restrictiveness" not in section.metrics
    assert "transfer" not in section.metrics
    assert section.missing[0].startswith("Not moved along drum density: the windows of this model's tracks")
    assert section.missing[1:] == ["Not moved toward genres: the songs have no tags; give tags."]


def test_codes_that_are_all_alike_are_not_moved(tmp_path):
    context = subject_of()
    for weights in context.model.encoder.parameters():
        torch.nn.init.zeros_(weights)
    section = analyse_control(context, CONFIG, tmp_path)
    assert section.missing == ["All windows have one code, so none leads elsewhere: train longer."]


def test_a_gaussian_prior_has_no_petals():
    generator = torch.Generator().manual_seed(0)
    for prior, ways in (("gaussian", {"means"}), ("flower", {"means", "petal"})):
        context = subject_of(prior=prior)
        drawn = draw(context, CONFIG, generator)
        assert set(steps_to_genre(context, drawn.codes, 0, drawn)) == ways


def test_attributes_that_no_decoded_window_has_are_named(tmp_path):
    context = subject_of()
    silent = replace(context, model=Silent(context.model))
    (tmp_path / PICTURES).mkdir()
    config = replace(CONFIG, attributes=["notes", "mean pitch"])
    section = attribute_section(silent, draw(silent, config, torch.Generator().manual_seed(0)), config, tmp_path)
    assert section.missing[0].startswith("Not measured along mean pitch: no window that is decoded has it")
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
        ({"least_songs": 100}, "Not moved toward jazz, rock, pop: the classifier takes windows"),
        ({"least_auc": 1.1}, "Not moved toward jazz, rock, pop: the classifier hardly knows them"),
        ({"classifier_windows": 1}, "Not moved toward jazz, rock, pop: the classifier takes windows"),
    ],
)
def test_genres_that_the_judge_does_not_know_are_named(tmp_path, change, sentence):
    config, generator = replace(CONFIG, **change), torch.Generator().manual_seed(0)
    context = subject_of()
    section = genre_section(context, draw(context, config, generator), config, generator, tmp_path)
    assert [line[: len(sentence)] for line in section.missing] == [sentence]
    assert not section.figures
    assert set(section.metrics.get("transfer", [])) <= {"classifier_auc"}


def test_one_window_is_moved_along_attributes_and_none_is_not(tmp_path):
    few = subject_of(training=2, validation=1)
    drawn = draw(few, CONFIG, torch.Generator().manual_seed(0))
    assert drawn.unrelated is None
    assert genre_section(few, drawn, CONFIG, torch.Generator().manual_seed(0), tmp_path).missing
    for counts in ({"training": 1}, {"validation": 0}):
        section = analyse_control(subject_of(**counts), CONFIG, tmp_path)
        assert section.missing == ["Control takes two training windows and one to move: take more songs."]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attributes": ["swing"]}, "attributes: no swing; there are notes,"),
        ({"levels": [1, 2]}, "0 among them"),
        ({"strengths": [0, 0.5]}, "from 0 to 1"),
        ({"windows": 0}, "windows must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)
