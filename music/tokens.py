"""The vocabulary of 130 states, and notes to tokens and back. numpy only: training needs no MIDI library.

Source: [P] section 3.1, with the rules of onset and hold that its text states.
"""

from collections.abc import Sequence

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

STEP_BITS = 17
TRACK_BITS = 22
"""A note's pitch, track, start and end are one number of 63 bits where they are sorted."""

Tokens = NDArray[np.uint8]
Notes = NDArray[np.int64]


def to_steps(ticks: NDArray[np.int64], ticks_per_quarter: int) -> NDArray[np.int64]:
    """The nearest step of each tick, halves rounded up, in integers."""
    return (2 * STEPS_PER_QUARTER * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def tokenise(notes: Notes, tracks: int, steps: int) -> Tokens:
    """(tracks, steps) states: at each step the lowest sounding pitch of the track, a hold of it, or silence.

    notes: (4, notes) track, start step, end step (exclusive, later than the start), pitch. A step is an onset where the
    lowest pitch starts, or differs from the lowest pitch of the step before.
    """
    lowest = np.full(tracks * steps, SILENT, dtype=np.uint8)
    cells, pitches = _paint(notes, steps)
    lowest[cells] = pitches
    onset = lowest == SILENT
    track, start, _, pitch = notes
    starts = track * steps + start
    onset[starts[lowest[starts] == pitch]] = True
    states, onset = lowest.reshape(tracks, steps), onset.reshape(tracks, steps)
    onset[:, 0] = True
    onset[:, 1:] |= states[:, 1:] != states[:, :-1]
    return np.where(onset, states, np.uint8(HOLD))


def _paint(notes: Notes, steps: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Cells track * steps + step to fill in turn, and the pitch to fill each with: the lowest pitch comes last.

    Each cell is filled once a pitch, however many notes overlap there: memory stays below 128 fillings a cell.
    """
    track, start, end, pitch = notes
    layer = (PITCHES - 1 - pitch) << TRACK_BITS | track
    ordered = np.sort((layer << STEP_BITS | start) << STEP_BITS | end)  # one number a note sorts much faster
    layer = ordered >> 2 * STEP_BITS
    behind = layer << STEP_BITS  # every place of a higher layer
    begin, end = ordered >> STEP_BITS, behind | (ordered & ((1 << STEP_BITS) - 1))
    begin[1:] = np.maximum(begin[1:], np.maximum.accumulate(end)[:-1])
    lengths = np.maximum(end - begin, 0)
    first_cell = begin - behind + (layer & ((1 << TRACK_BITS) - 1)) * steps
    offsets = np.cumsum(lengths) - lengths
    cells = np.arange(lengths.sum()) + np.repeat(first_cell - offsets, lengths)
    return cells, np.repeat((PITCHES - 1 - (layer >> TRACK_BITS)).astype(np.uint8), lengths)


def with_all_tracks(tokens: Tokens, tracks: Sequence[str]) -> Tokens:
    """(4, steps) of the (tracks, steps) states of some of `TRACKS`: the others are silent."""
    whole = np.full((len(TRACKS), tokens.shape[1]), SILENT, dtype=np.uint8)
    whole[[TRACKS.index(track) for track in tracks]] = tokens
    return whole


def to_notes(tokens: Tokens) -> NDArray[np.int64]:
    """(notes, 3) start step, end step (exclusive), pitch of one track's (steps,) states.

    A hold with no note before it is silence: a decoder may write one.
    """
    starts = np.flatnonzero(tokens < PITCHES)
    stops = np.append(np.flatnonzero(tokens != HOLD), len(tokens))
    ends = stops[np.searchsorted(stops, starts, side="right")]
    return np.stack([starts, ends, tokens[starts].astype(np.int64)], axis=1)
