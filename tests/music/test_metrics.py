import math

import numpy as np
import pytest

from music.metrics import METRICS, measure
from music.tokens import HOLD, SILENT, TRACKS, with_all_tracks

STEPS = 32
UNDEFINED_WITHOUT_NOTES = {
    "note length", "syncopation", "mean pitch", "pitch step", "pitch range", "scale consistency",
}  # fmt: skip


def window(steps: int = STEPS, **tracks: list[tuple[int, int, int]]) -> np.ndarray:
    """(4, steps) of each track's notes: start, end, pitch."""
    tokens = np.full((len(TRACKS), steps), SILENT, dtype=np.uint8)
    for track, notes in tracks.items():
        for start, end, pitch in notes:
            tokens[TRACKS.index(track), start] = pitch
            tokens[TRACKS.index(track), start + 1 : end] = HOLD
    return tokens


def metric(name: str, *windows: np.ndarray) -> list[float]:
    return measure(np.stack(windows))[name].tolist()


SILENCE = window()
BAND = window(
    drums=[(0, 1, 36), (4, 5, 38), (8, 9, 36), (12, 13, 38), (14, 15, 42)],
    bass=[(0, 8, 40), (8, 10, 47), (16, 32, 40)],
    guitar=[(4, 8, 64), (8, 12, 60)],
)


def test_every_metric_is_measured_in_order():
    values = measure(np.stack([SILENCE, BAND, BAND]))
    assert list(values) == list(METRICS)
    assert all(value.shape == (3,) and value.dtype == np.float64 for value in values.values())


def test_no_windows_have_no_values():
    assert all(value.shape == (0,) for value in measure(np.empty((0, 4, STEPS), dtype=np.uint8)).values())


def test_silence_counts_nothing_and_leaves_the_rest_undefined():
    values = {name: value.item() for name, value in measure(SILENCE[None]).items()}
    assert {name for name, value in values.items() if math.isnan(value)} == UNDEFINED_WITHOUT_NOTES
    assert values.pop("silence") == 1
    assert all(value == 0 for value in values.values() if not math.isnan(value))


def test_a_hold_with_no_note_before_it_is_silence():
    held = SILENCE.copy()
    held[:, 0:3] = HOLD
    held[1, 8:10] = HOLD
    for name, values in measure(np.stack([held, SILENCE])).items():
        assert values[0] == pytest.approx(values[1], nan_ok=True), name


def test_notes_start_and_are_not_held():
    assert metric("notes", BAND, SILENCE, window(bass=[(0, 32, 40)])) == [10, 0, 1]


def test_notes_of_one_window_end_at_its_end():
    last = window(guitar=[(31, 32, 60)])
    next_one = SILENCE.copy()
    next_one[:, 0] = HOLD
    assert metric("notes", last, next_one) == [1, 0]
    assert metric("polyphony", last, next_one) == [1 / 32, 0]
    assert metric("note length", last)[0] == 1


def test_onset_density_counts_a_step_once_however_many_tracks_start_there():
    # 0, 4, 8, 12, 14, 16 in two bars
    assert metric("onset density", BAND) == [3]


def test_drum_density_and_sounds():
    assert metric("drum density", BAND) == [2.5]
    assert metric("drum sounds", BAND) == [3]


def test_note_length_is_of_pitched_tracks_and_cut_at_the_end():
    # 8, 2, 16, 4, 4
    assert metric("note length", BAND) == [pytest.approx(34 / 5)]
    assert metric("note length", window(strings=[(20, 32, 70)])) == [12]
    assert math.isnan(metric("note length", window(drums=[(0, 4, 36)]))[0])


def test_polyphony_is_of_pitched_tracks():
    # bass sounds at 26 steps, guitar at 8
    assert metric("polyphony", BAND) == [34 / 32]
    whole = [(0, 32, 60)]
    assert metric("polyphony", window(drums=whole, bass=whole, guitar=whole, strings=whole)) == [3]


def test_silence_is_where_no_track_sounds_and_a_drum_lasts_one_step():
    # bass at 0-9 and 16-31, guitar to 11, drums at 12 and 14: silent at 13 and 15
    assert metric("silence", BAND) == [2 / 32]
    assert metric("silence", window(drums=[(0, 16, 36), (16, 32, 36)])) == [30 / 32]


@pytest.mark.parametrize(
    ("steps", "notes", "levels"),
    [
        (16, [(0, 4), (4, 8), (8, 12), (12, 16)], 0),  # on every beat
        (16, [(4, 12), (12, 16)], 1 / 2),  # beat 2 (-2), held over beat 3 (-1)
        (16, [(2, 4)], 2),  # an eighth (-3), and a rest at beat 3 (-1)
        (16, [(0, 1), (3, 8), (8, 16)], 2 / 3),  # a sixteenth (-4) held over beat 2 (-2)
        (16, [(15, 16)], 0),  # nothing is known of the bar after
        (32, [(15, 16)], 4),  # a sixteenth (-4) before an empty downbeat (0)
        (32, [(12, 20), (24, 32)], 2 / 2),  # beat 4 (-2) held over the bar line (0)
    ],
)
def test_syncopation_is_where_a_note_is_lighter_than_a_step_without_one_after_it(
    steps: int, notes: list[tuple[int, int]], levels: float
):
    rhythm = window(steps, bass=[(start, end, 40) for start, end in notes])
    assert metric("syncopation", rhythm) == [pytest.approx(levels)]


def test_syncopation_is_of_each_track():
    drums = [(0, 1, 36), (4, 5, 36), (8, 9, 36), (12, 13, 36), (16, 17, 36)]
    assert metric("syncopation", window(drums=drums, bass=[(4, 12, 40)])) == [2 / 6]  # the bar line is empty for bass


def test_mean_pitch_counts_each_pitched_note_once():
    assert metric("mean pitch", BAND) == [pytest.approx((40 + 47 + 40 + 64 + 60) / 5)]


def test_pitch_step_is_within_a_track():
    # 7, 7 and 4 semitones
    assert metric("pitch step", BAND) == [6]
    assert math.isnan(metric("pitch step", window(bass=[(0, 4, 40)], guitar=[(4, 8, 60)]))[0])
    alone = window(bass=[(0, 4, 40)])
    assert all(math.isnan(value) for value in metric("pitch step", alone, alone))


def test_pitch_range_is_the_mean_of_the_tracks_that_have_notes():
    # 7 and 4 semitones; strings have none
    assert metric("pitch range", BAND) == [5.5]
    assert metric("pitch range", window(strings=[(0, 4, 70)], drums=[(0, 1, 36), (1, 2, 50)])) == [0]


def test_pitch_classes_are_the_same_in_every_octave():
    # E, B and C
    assert metric("pitch classes", BAND, window(guitar=[(0, 4, 60), (4, 8, 72)])) == [3, 1]


def test_scale_consistency_is_the_share_in_the_best_major_scale():
    chromatic = [(step, step + 1, 60 + step) for step in range(12)]
    minor = [(step, step + 1, 57 + pitch) for step, pitch in enumerate((0, 2, 3, 5, 7, 8, 10))]
    assert metric("scale consistency", BAND) == [1]
    assert metric("scale consistency", window(guitar=chromatic), window(guitar=minor)) == [7 / 12, 1]
    assert metric("scale consistency", window(bass=[(0, 1, 40), (1, 2, 41), (2, 3, 42)])) == [pytest.approx(2 / 3)]


def test_windows_of_some_tracks_are_measured_with_the_others_silent():
    two = BAND[None, [TRACKS.index("bass"), TRACKS.index("drums")]]
    whole = with_all_tracks(two, ("bass", "drums"))
    assert whole.shape == (1, 4, STEPS)
    assert measure(whole)["notes"].tolist() == [8]
    assert measure(whole)["drum density"].tolist() == [2.5]
