"""The vocabulary of 130 states, and the conversion between notes and tokens. Only numpy is needed.

Source: [P] section 3.1. Onsets and holds follow its text, from which the published code differs.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from music.arrays import IntArray

STEPS_PER_QUARTER = 4
STEPS_PER_BAR = 16
PITCHES = 128
HOLD = 128
SILENT = 129
STATES = 130
TRACKS = ("drums", "bass", "guitar", "strings")
"""The four tracks, in the order in which every array keeps them; "guitar" is guitar or piano."""

CELL_BITS = 39
"""The bits of a cell's number, track * steps + step, below those of a layer's."""

Tokens = NDArray[np.uint8]
Notes = tuple[IntArray, IntArray, IntArray, IntArray]
"""Four arrays of shape (notes,): track, start step, end step (exclusive, later than the start), pitch."""


def to_steps(ticks: IntArray, ticks_per_quarter: int) -> IntArray:
    """Rounds each tick to the nearest step, halves up, in integer arithmetic."""
    return (2 * STEPS_PER_QUARTER * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def tokenise(notes: Notes, tracks: int, steps: int) -> Tokens:
    """Returns (tracks, steps) states: the onset of the track's lowest sounding pitch, a hold of it, or silence.

    A step is an onset if the lowest pitch starts there, or differs from the lowest pitch of the step before.
    """
    track, start, end, pitch = notes
    begins = track * steps + start
    lowest = np.full(tracks * steps, SILENT, dtype=np.uint8)
    cells, pitches = _paint(begins, end - start, pitch)
    lowest[cells] = pitches
    onset = lowest == SILENT
    onset[begins[lowest[begins] == pitch]] = True
    states, onset = lowest.reshape(tracks, steps), onset.reshape(tracks, steps)
    onset[:, 0] = True
    onset[:, 1:] |= states[:, 1:] != states[:, :-1]
    return np.where(onset, states, np.uint8(HOLD))


def _paint(begins: IntArray, lengths: IntArray, pitch: IntArray) -> tuple[IntArray, NDArray[np.uint8]]:
    """Returns cells to fill, in order, and the pitch to fill each with; the lowest pitch comes last.

    A cell is filled at most once with each pitch, however many notes overlap there, so memory is bounded.
    """
    layers = (PITCHES - 1 - pitch).astype(np.uint8)  # one for each pitch
    order = np.lexsort((begins, layers))
    layers = layers[order]
    places = layers.astype(np.int64) << CELL_BITS | begins[order]
    ends = places + lengths[order]
    places[1:] = np.maximum(places[1:], np.maximum.accumulate(ends)[:-1])
    lengths = np.maximum(ends - places, 0)
    offsets = np.cumsum(lengths) - lengths
    filled = np.repeat(places - offsets, lengths)
    filled += np.arange(len(filled))
    filled &= (1 << CELL_BITS) - 1
    return filled, PITCHES - 1 - np.repeat(layers, lengths)


def with_all_tracks(tokens: Tokens, tracks: Sequence[str]) -> Tokens:
    """Adds the silent other tracks to states of some of `TRACKS`; (..., tracks, steps) -> (..., 4, steps)."""
    whole = np.full((*tokens.shape[:-2], len(TRACKS), tokens.shape[-1]), SILENT, dtype=np.uint8)
    whole[..., [TRACKS.index(track) for track in tracks], :] = tokens
    return whole


def to_notes(tokens: Tokens) -> IntArray:
    """Returns (notes, 3) start step, end step (exclusive) and pitch, from the (steps,) states of one track.

    A hold with no note before it, which a decoder may produce, is silence.
    """
    starts = np.flatnonzero(tokens < PITCHES)
    stops = np.append(np.flatnonzero(tokens != HOLD), len(tokens))
    ends = stops[np.searchsorted(stops, starts, side="right")]
    return np.stack([starts, ends, tokens[starts].astype(np.int64)], axis=1)
