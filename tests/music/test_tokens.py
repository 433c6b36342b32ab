import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from music.tokens import HOLD, SILENT, to_notes, to_steps, tokenise

STEPS = 24


def states(*notes: tuple[int, int, int], steps: int = STEPS) -> list[int]:
    with_track = [(0, *note) for note in notes]
    return tokenise(np.array(with_track, dtype=np.int64).reshape(-1, 4).T, 1, steps)[0].tolist()


def test_steps_round_halves_up():
    ticks = np.array([0, 59, 60, 119, 120, 179, 180])
    assert to_steps(ticks, 480).tolist() == [0, 0, 1, 1, 1, 1, 2]


def test_steps_of_an_odd_division():
    assert to_steps(np.array([1, 2, 3, 5]), 5).tolist() == [1, 2, 2, 4]  # 0.8, 1.6, 2.4 and 4.0 steps


def test_a_note_starts_holds_and_falls_silent():
    assert states((1, 4, 60), steps=6) == [SILENT, 60, HOLD, HOLD, SILENT, SILENT]


def test_repeated_notes_start_again():
    assert states((0, 2, 60), (2, 4, 60), steps=4) == [60, HOLD, 60, HOLD]


def test_the_lowest_pitch_counts():
    assert states((0, 4, 64), (1, 3, 60), steps=4) == [64, 60, HOLD, 64]  # 64 is the lowest again: an onset


def test_a_higher_note_is_no_onset():
    assert states((0, 4, 60), (2, 4, 72), steps=4) == [60, HOLD, HOLD, HOLD]


def test_the_same_pitch_starting_again_inside_a_longer_note():
    assert states((0, 6, 60), (2, 4, 60), steps=6) == [60, HOLD, 60, HOLD, HOLD, HOLD]


def test_no_notes_are_silence():
    assert states(steps=3) == [SILENT] * 3


notes = st.lists(
    st.tuples(st.integers(0, STEPS - 1), st.integers(1, STEPS), st.integers(0, 127)).map(
        lambda n: (n[0], min(n[0] + n[1], STEPS), n[2])
    ),
    max_size=12,
)


@given(notes)
def test_tokens_follow_the_rules_step_by_step(played):
    expected, previous = [], None
    for step in range(STEPS):
        heard = [(pitch, start) for start, end, pitch in played if start <= step < end]
        lowest = min((pitch for pitch, _ in heard), default=None)
        if lowest is None:
            expected.append(SILENT)
        elif lowest != previous or (lowest, step) in heard:
            expected.append(lowest)
        else:
            expected.append(HOLD)
        previous = lowest
    assert states(*played) == expected


@given(notes)
def test_tokens_come_back_from_their_notes(played):
    tokens = np.array(states(*played), dtype=np.uint8)
    assert states(*map(tuple, to_notes(tokens).tolist())) == tokens.tolist()


def test_a_hold_without_a_note_is_silence():
    tokens = np.array([HOLD, SILENT, 60, HOLD, SILENT, HOLD], dtype=np.uint8)
    assert to_notes(tokens).tolist() == [[2, 4, 60]]
