"""The vocabulary of 130 states, and notes to tokens and back. numpy only: training needs no MIDI library.

Source: [P] section 3.1, with the rules of onset and hold that its text states.
"""

import numpy as np
from numpy.typing import NDArray

STEPS_PER_QUARTER = 4
STEPS_PER_BAR = 16
PITCHES = 128
HOLD = 128
SILENT = 129
STATES = 130
TRACKS = ("drums", "bass", "guitar", "strings")
"""The four tracks, in the order in which every array keeps them; "guitar" is guitar or piano."""

Tokens = NDArray[np.uint8]


def to_steps(ticks: NDArray[np.int64], ticks_per_quarter: int) -> NDArray[np.int64]:
    """The nearest step of each tick, halves rounded up, in integers."""
    return (2 * STEPS_PER_QUARTER * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def tokenise(starts: NDArray[np.int64], ends: NDArray[np.int64], pitches: NDArray[np.int64], steps: int) -> Tokens:
    """(steps,) states of one track: at each step the lowest sounding pitch, a hold of it, or silence.

    A step is an onset where that pitch starts, or differs from the lowest pitch of the step before. `starts` and
    `ends` are in steps, `ends` exclusive and later than `starts`.
    """
    lowest = np.full(steps, SILENT, dtype=np.uint8)
    order = np.lexsort((starts, pitches))[::-1]  # highest pitch first: the lowest is painted over it
    cells, lengths = _paint(starts[order], ends[order], pitches[order])
    lowest[cells] = np.repeat(pitches[order], lengths)
    onset = np.empty(steps, dtype=bool)
    onset[0] = True
    np.not_equal(lowest[1:], lowest[:-1], out=onset[1:])
    onset[starts[lowest[starts] == pitches]] = True
    onset |= lowest == SILENT
    return np.where(onset, lowest, np.uint8(HOLD))


def _paint(
    starts: NDArray[np.int64], ends: NDArray[np.int64], pitches: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The steps that each note adds to those of its pitch that start earlier, end to end, and how many they are.

    Each step of a pitch is painted once, however many notes overlap there: memory stays below 128 a step.
    Notes come with pitches and starts descending.
    """
    span = int(ends.max(initial=0)) + 1
    covered = np.maximum.accumulate((pitches * span + ends)[::-1])[::-1]
    begins = starts.copy()
    begins[:-1] = np.maximum(starts[:-1], covered[1:] - pitches[:-1] * span)
    lengths = np.maximum(ends - begins, 0)
    offsets = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(begins - offsets, lengths), lengths


def sounding(tokens: Tokens) -> Tokens:
    """The tokens with every hold replaced by the pitch that it holds; (..., steps), no row beginning with a hold."""
    steps = np.arange(tokens.shape[-1])
    last_onset = np.maximum.accumulate(np.where(tokens != HOLD, steps, 0), axis=-1)
    return np.take_along_axis(tokens, last_onset, axis=-1)


def to_notes(tokens: Tokens) -> NDArray[np.int64]:
    """(notes, 3) start step, end step (exclusive), pitch of one track's (steps,) states.

    A hold with no note before it is silence: a decoder may write one.
    """
    starts = np.flatnonzero(tokens < PITCHES)
    stops = np.append(np.flatnonzero(tokens != HOLD), len(tokens))
    ends = stops[np.searchsorted(stops, starts, side="right")]
    return np.stack([starts, ends, tokens[starts].astype(np.int64)], axis=1)
