import json
import math
from dataclasses import astuple, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from analysis.editability.attribute_edits import (
    AttributeEdit,
    Outcome,
    edit_along,
    edit_attribute,
    read_corpus,
)
from analysis.editability.config import EditabilityConfig
from analysis.editability.genre_comparison import Comparison, compare
from analysis.editability.genre_edits import GenreEdit, edit_toward, mean_over_genres, moved_music
from analysis.editability.in_key import share_in_key
from analysis.editability.note_changes import note_changes
from analysis.editability.part import analyse_editability
from analysis.shared.moves.sample import take_sample
from model.editing.attempts import Attempts
from model.editing.request import EditSettings, Request
from model.similarity import note_f1
from music.tokens import HOLD, PITCHES, SILENT, TRACKS
from tests.analysis.test_control import context_of, without_tags
from tests.helpers.models import windows_of
from tests.model.test_editing import PATTERNS, STEPS, Drummer, drums

CONFIG = EditabilityConfig(
    attributes=["notes", "drum density"], changes=[-1, 1], strengths=[1, 4], guidances=[1, 2],
    flow_windows=3, attempts=4, windows=6, training_windows=40,
    classifier_windows=40, min_songs=2, min_auc=0.0, resamples=20, seed=0,
)  # fmt: skip


def test_each_note_is_kept_or_changed_in_one_way():
    before, after = (np.full((4, 16), SILENT, dtype=np.uint8) for _ in range(2))
    before[0, [0, 4, 8]], after[0, [0, 4, 12]] = [36, 38, 42], [36, 42, 42]
    before[0, 1], after[0, 1] = HOLD, SILENT
    before[1, :4], after[1, :4] = [40, HOLD, HOLD, HOLD], [40, HOLD, SILENT, 43]
    before[2, [0, 5]], after[2, [0, 5]] = [60, 64], [60, 65]
    assert {kind: notes.tolist() for kind, notes in note_changes(before, after).items()} == {
        "kept": [[0, 0, 1, 36], [2, 0, 1, 60]],  # how long a drum note is held is not heard
        "added": [[0, 12, 13, 42], [1, 3, 4, 43]],
        "removed": [[0, 8, 9, 42]],
        "other pitch": [[0, 4, 5, 42], [2, 5, 6, 65]],
        "other length": [[1, 0, 2, 40]],
    }


def test_the_slope_is_followed_as_far_as_each_window_needs():
    """Along a step that moves all drum codes alike, notes come one after another."""
    tokens = drums(*PATTERNS)
    for change, notes in ((2.0, 4), (-0.5, -1)):
        attempts = Attempts(Drummer(), tokens, Request({"notes": change}), STEPS, EditSettings())
        edited = edit_along(attempts, torch.ones(16))
        before, after = ((windows < PITCHES).sum(dim=(1, 2)) for windows in (tokens, edited.tokens))
        assert edited.arrived.all()
        assert (after - before).tolist() == [notes] * 3


def context_of_drums():
    """Windows of 1 to 15 drum notes, and the model that knows nothing but drums."""
    windows = windows_of(drums(*(list(range(count)) for count in range(1, 16))))
    return replace(context_of(), model=Plain(), training=windows, validation=windows)


class Plain(Drummer):
    """The drummer with all that the analysis calls."""

    autoregressive = False

    def tokens(self, z: torch.Tensor) -> torch.Tensor:
        return self.decode(z, None).argmax(dim=-1).to(torch.uint8)


def test_windows_are_asked_only_for_what_real_windows_have():
    context = context_of_drums()
    config = replace(CONFIG, windows=15)
    sample = take_sample(context, config, torch.Generator().manual_seed(0))
    corpus = read_corpus(context, sample, config)
    unit = np.std(np.arange(1, 16))  # notes, of which one is the bass's
    assert corpus.spread.attributes == pytest.approx({"notes": unit, "drum density": unit})
    edit = edit_attribute(context, sample, corpus, "drum density", 1.0, attempts=30)
    drum_notes = (sample.windows.tokens[:, 0] < PITCHES).sum(dim=1).numpy()
    low, high = np.percentile(np.arange(1, 16), (1, 99))
    asked = drum_notes + unit <= high
    assert asked.tolist() == (~np.isnan(edit.outcomes["gradient"].got)).tolist()
    assert not asked.all()
    assert low > 1
    result = edit.outcomes["gradient"]
    assert torch.equal(result.tokens[~asked], sample.windows.tokens[~asked])
    gained = (result.tokens[:, 0] < PITCHES).sum(dim=1).numpy() - drum_notes
    np.testing.assert_allclose(result.got[asked], gained[asked] / unit)
    assert (result.arrived[asked] == (np.abs(gained[asked] / unit - 1) <= 0.1)).all()
    np.testing.assert_allclose(result.drift[asked], gained[asked] / unit)  # of notes, the only other attribute
    np.testing.assert_allclose(result.note_f1, np.where(asked, note_f1(result.tokens, sample.windows.tokens), np.nan))
    np.testing.assert_allclose(
        result.most[asked], 2 * (1 + drum_notes[asked]) / (2 + 2 * drum_notes[asked] + gained[asked])
    )
    assert edit_attribute(context, sample, corpus, "drum density", 9.0, attempts=30) is None


def test_notes_kept_are_those_of_windows_that_arrived():
    nan = math.nan
    of_edit = Outcome(
        torch.empty(0),
        got=np.array([1.0, 0.5, 1.05, nan]),
        arrived=np.array([1.0, 0.0, 1.0, nan]),
        note_f1=np.array([0.9, 1.0, 0.5, nan]),
        most=np.array([1.0, 1.0, 0.8, nan]),
        in_key=np.array([nan, 1.0, 0.5, nan]),
        drift=np.array([0.5, 0.0, 0.25, nan]),
    )
    plain = replace(of_edit, got=np.array([0.1, 0.2, 0.3, nan]), arrived=np.array([0.0, 0.0, 0.0, nan]))
    edit = AttributeEdit("notes", 1.0, {"gradient": of_edit, "slope": plain, "plain": plain})
    weights = np.array([[1.0, 1, 1, 1], [3, 0, 1, 0], [0, 2, 0, 0]])
    np.testing.assert_allclose(edit.mean(weights, "gradient", "got"), [0.85, 4.05 / 4, 0.5])
    np.testing.assert_allclose(edit.mean(weights, "gradient", "arrived"), [2 / 3, 1, 0])
    np.testing.assert_allclose(edit.mean(weights, "gradient", "note_f1"), [0.7, 0.8, nan])
    np.testing.assert_allclose(edit.mean(weights, "plain", "note_f1"), [0.7, 0.8, nan])
    np.testing.assert_allclose(edit.mean(weights, "gradient", "in_key"), [0.5, 0.5, nan])
    assert np.isnan(edit.mean(weights, "slope", "note_f1")).all()


def test_new_notes_are_in_key_if_the_window_has_their_pitch_class():
    before = torch.full((3, 4, 16), SILENT, dtype=torch.uint8)
    before[:, 0, 0] = 42  # drums have no key
    before[:2, 1, 0], before[:2, 2, 4] = 36, 64  # C and E
    after = before.clone()
    after[0, 1, 0], after[0, 2, 8:11], after[0, 0, 1] = 40, torch.tensor([72, 66, 64]), 37  # E, C, F sharp, E
    after[2, 1, 0] = 36
    np.testing.assert_allclose(share_in_key(after, before, TRACKS).numpy(), [3 / 4, math.nan, math.nan])
    np.testing.assert_allclose(share_in_key(after[:, 1:], before[:, 1:], TRACKS[1:]).numpy()[0], 3 / 4)


def test_attributes_in_which_windows_do_not_differ_are_not_edited():
    windows = windows_of(drums(*PATTERNS)[:, 1:])
    context = replace(context_of(tracks=TRACKS[1:]), training=windows, validation=windows)
    config = replace(CONFIG, attributes=["notes", "mean pitch", "drum density"])
    sample = take_sample(context, config, torch.Generator().manual_seed(0))
    assert read_corpus(context, sample, config).spread.attributes == {}


def test_moves_to_genres_change_what_they_change_in_the_decoder():
    tokens = drums(*PATTERNS)
    steps = torch.stack([torch.zeros(3, 16), torch.full((3, 16), 9.0)])
    music = moved_music(context_of_drums(), tokens, steps)
    assert torch.equal(music["difference"][0], tokens)
    assert (music["difference"][1, :, 0] == 36).all()
    assert torch.equal(music["difference"][1, :, 1:], tokens[:, 1:])
    assert (music["plain"][:, :, 1:] == 17).all()  # the drummer's errors


def test_genres_are_averaged_resample_by_resample():
    nan = math.nan
    gains = [np.array([[10.0], [20.0], [nan]]), np.array([[nan], [0.0], [6.0]])]
    edits = [GenreEdit(genre, 2, {"plain": values}, {"plain": values}) for genre, values in enumerate(gains)]
    weights = np.array([[1.0, 1, 1], [0, 1, 0], [2, 0, 1]])
    np.testing.assert_allclose(mean_over_genres(edits, weights, "gains", "plain")[:, 0], [9, 10, 8])


def test_only_windows_with_a_step_and_without_the_genre_are_moved():
    context = context_of()
    sample = take_sample(context, CONFIG, torch.Generator().manual_seed(0))
    tagged = torch.tensor([True, False, False, False, True, False])
    sample.windows.genres[:, 0], sample.windows.genres[:, 1] = tagged, True
    classifier = SimpleNamespace(percentiles=lambda genre, context, tokens: np.full(tokens.shape[:-2], 50.0))
    for genre, moved in ((0, [False, True, True, False, False, False]), (1, [False] * 6)):
        edit = edit_toward(context, sample, classifier, genre, torch.zeros(2, 3, context.description.model.latent))
        assert edit.windows == sum(moved)
        for way in ("difference", "plain"):
            assert (~np.isnan(edit.gains[way])).tolist() == [[moves, moves] for moves in moved]
        assert (edit.note_f1["difference"][moved] == 1).all()  # the step is none


@pytest.mark.parametrize(
    ("gains", "kept", "expected"),
    [
        ([15.0, 40.0], [0.88, 0.5], Comparison(0, 15, 0.88, 0.85)),
        ([5.0, 12.0], [0.97, 0.85], Comparison(1, 12, 0.85, 0.88)),
        ([5.0, 40.0], [0.94, 0.5], Comparison(0, 5, 0.94, 0.95)),
        ([30.0, 40.0], [0.7, 0.5], None),
    ],
)
def test_the_flow_is_compared_where_the_difference_of_means_gains_as_much(gains, kept, expected):
    def edits(percentiles, notes):
        return [GenreEdit(0, 2, {"difference": np.array(percentiles)}, {"difference": np.array(notes)})]

    nan = math.nan
    by_means = edits([[10.0, 20.0], [90.0, 90.0]], [[0.9, 0.8], [0.1, 0.1]])
    found = compare(by_means, edits([gains, [nan, nan]], [kept, [nan, nan]]), 1)
    assert (found and astuple(found)) == (expected and pytest.approx(astuple(expected)))


@pytest.fixture(scope="module")
def flower(tmp_path_factory):
    out = tmp_path_factory.mktemp("flower")
    return analyse_editability(context_of(), CONFIG, out), out


def test_the_section_has_what_edits_reach_and_keep(flower):
    section, out = flower
    assert {"got", "got_low", "got_high", "arrived", "notes -1", "notes +1", "drum density +1"} <= set(section.metrics)
    assert set(section.metrics["genres"]) == {"real_gain", "strength 1", "strength 4"}
    assert {"gain", "gain_low", "note_f1", "gain_plain", "note_f1_plain"} <= set(
        section.metrics["genres"]["strength 4"]
    )
    assert [len(table.rows) for table in section.tables] == [1 + 4, 2 * (1 + 3)]
    assert all(len(row) == len(table.header) for table in section.tables for row in table.rows)
    for figure in section.figures:
        assert (out / figure.picture).exists()
        assert all((out / clip.midi).exists() for clip in figure.clips)
    assert [len(figure.clips) > 1 for figure in section.figures] == [False, True, False, True]
    assert (out / "edits.json").exists()


def test_a_model_with_a_flow_moves_by_it_too(tmp_path):
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    context = context_of(latent=64, hidden_size=64, noise_floor=0.75, place_steps=16)
    without = analyse_editability(context, CONFIG, tmp_path / "without")
    torch.manual_seed(1)
    context.model.add_flow()
    section = analyse_editability(context, CONFIG, tmp_path / "with")
    both = section.metrics["genres"]
    assert {name: both[name] for name in without.metrics["genres"]} == without.metrics["genres"]
    assert set(both) - set(without.metrics["genres"]) == {"guidance 1", "guidance 2"}
    assert {"gain", "gain_high", "note_f1", "gain_plain", "note_f1_plain"} <= set(both["guidance 2"])
    table = section.tables[-1]
    assert [row[2] for row in table.rows[:4]] == [
        "difference of means, strength 1", "difference of means, strength 4", "flow, guidance 1", "flow, guidance 2",
    ]  # fmt: skip
    assert len(table.rows) == 4 * (1 + 3)
    assert len(section.figures[-1].clips) == 2 * len(without.figures[-1].clips) - 1
    assert section.text[-1].startswith("By the flow: it carries the codes of 3 of the windows to the prior")


def test_editability_is_the_same_every_time(flower, tmp_path):
    section, out = flower
    again = analyse_editability(context_of(), CONFIG, tmp_path)
    assert json.dumps(section.metrics) == json.dumps(again.metrics)
    first, second = (sorted(path for path in folder.rglob("*.*")) for folder in (out, tmp_path))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_without_drums_and_tags_the_rest_is_edited(tmp_path):
    context = without_tags(context_of(tracks=TRACKS[1:], prior="gaussian", regulariser="kl"))
    section = analyse_editability(context, CONFIG, tmp_path)
    assert section.missing[0].startswith("Not edited by drum density: all windows of this model's tracks")
    assert section.missing[1:] == ["Not edited toward genres: the songs have no tags; give tags."]
    assert "notes +1" in section.metrics
    assert "drift" not in section.metrics


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"training": 1}, "Edits take two training windows and one validation window to edit: take more songs."),
        ({"validation": 0}, "Edits take two training windows and one validation window to edit: take more songs."),
        ({"training": 2, "validation": 1}, "Intervals over songs take at least two validation songs: take more songs."),
    ],
)
def test_too_few_windows_are_named(tmp_path, counts, sentence):
    assert sentence in analyse_editability(context_of(**counts), CONFIG, tmp_path).missing


def test_codes_that_are_all_alike_are_not_moved(tmp_path):
    context = context_of()
    for weights in context.model.encoder.parameters():
        torch.nn.init.zeros_(weights)
    section = analyse_editability(context, CONFIG, tmp_path)
    assert section.missing == ["All windows have the same code, so there is nothing to move: train longer."]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attributes": ["syncopation"]}, "attributes: no syncopation; there are notes,"),
        ({"changes": [0, 1]}, "none of them 0"),
        ({"strengths": [2, 1]}, "strengths must be one or more that rise, all above 0"),
        ({"guidances": [0, 1]}, "guidances must be one or more that rise, all above 0"),
        ({"attempts": 0}, "attempts must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)
