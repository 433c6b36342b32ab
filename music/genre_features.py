"""The features by which the genre classifier knows a window: they come from its music, never from its code."""

import numpy as np
from numpy.typing import NDArray

from music.arrays import FloatArray
from music.metrics import DRUMS, OCTAVE, measure
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS, Tokens

BEATS = {"kick": (35, 36), "snare": (38, 40), "cymbals": (42, 44, 46, 49, 51, 57, 59)}
"""The drums whose places in the bar make a beat, by their General MIDI pitches."""


def features(tokens: Tokens) -> FloatArray:
    """Returns (windows, features), NaN where there is nothing to measure; tokens: (windows, 4, steps).

    All of `music.metrics`; onsets by place in the bar, of each track and of kick, snare and cymbals; drum sounds; the
    pitched tracks' octaves, and their pitch classes counted from the commonest, so that the key says nothing; silence
    and holds of each track.
    """
    windows = len(tokens)
    bars = tokens.reshape(windows, len(TRACKS), -1, STEPS_PER_BAR)
    pitched = np.delete(tokens, DRUMS, axis=1)
    octaves = np.where(pitched < PITCHES, pitched // OCTAVE, PITCHES)
    classes = _counts(np.where(pitched < PITCHES, pitched % OCTAVE, PITCHES).reshape(windows, -1), OCTAVE)
    from_commonest = (classes.argmax(axis=1)[:, None] + np.arange(OCTAVE)) % OCTAVE
    return np.concatenate(
        [
            np.stack(list(measure(tokens).values()), axis=1),
            (bars < PITCHES).mean(axis=2).reshape(windows, -1),
            *(np.isin(bars[:, DRUMS], pitches).mean(axis=1) for pitches in BEATS.values()),
            _counts(tokens[:, DRUMS], PITCHES) / bars.shape[2],
            *(_counts(octaves[:, track], PITCHES // OCTAVE + 1) / bars.shape[2] for track in range(pitched.shape[1])),
            np.take_along_axis(classes, from_commonest, axis=1) / classes.sum(axis=1, keepdims=True).clip(1),
            (tokens == SILENT).mean(axis=2),
            (tokens == HOLD).mean(axis=2),
        ],
        axis=1,
    )


def _counts(values: NDArray[np.integer], size: int) -> FloatArray:
    """Returns (windows, size) how often each number below `size` occurs in a row; values: (windows, places)."""
    cells = np.arange(len(values))[:, None] * (size + 1) + np.minimum(values, size)
    counts = np.bincount(cells.reshape(-1), minlength=len(values) * (size + 1))
    return counts.reshape(-1, size + 1)[:, :size].astype(np.float64)
