"""Low-level properties of windows, after [P] section 4.4.1: numbers that can be checked against a score by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from music.arrays import BoolArray, FloatArray, IntArray
from music.tokens import HOLD, PITCHES, STEPS_PER_BAR, TRACKS, Tokens

DRUMS = TRACKS.index("drums")
OCTAVE = 12
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
METRICAL_WEIGHTS = np.array([0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4])
"""The metrical weight of each step of a 4/4 bar: one level lower each from bar to half, quarter, eighth, sixteenth."""


@dataclass(frozen=True)
class Metric:
    """The unit and the definition of a property."""

    unit: str
    definition: str


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "notes": Metric("notes", "Notes of all four tracks that start in the window."),
        "onset density": Metric("steps/bar", "Steps per bar at which any of the four tracks starts a note."),
        "drum density": Metric("notes/bar", "Drum notes that start, per bar."),
        "drum sounds": Metric("sounds", "Different pitches of the drum track."),
        "note length": Metric("steps", "Mean length of the pitched tracks' notes, cut at the end of the window."),
        "polyphony": Metric("tracks", "How many pitched tracks sound at a step, mean over the steps."),
        "silence": Metric(
            "share of steps",
            "Steps at which no pitched track sounds and no drum note starts: it lasts one step.",
        ),
        "syncopation": Metric(
            "levels/note",
            "Longuet-Higgins and Lee 1984: how much heavier than a note's own step the heaviest step is between it and "
            "its track's next note or the window's end, mean over the notes of all four tracks; weights 0, -1, -2, -3, "
            "-4 from bar to sixteenth.",
        ),
        "mean pitch": Metric("MIDI pitch", "Mean pitch of the pitched tracks' notes, each counted once."),
        "pitch step": Metric(
            "semitones", "Absolute interval from a note to the next of its pitched track, mean over all such pairs."
        ),
        "pitch range": Metric(
            "semitones", "From a pitched track's lowest note to its highest, mean over the tracks that have notes."
        ),
        "pitch classes": Metric("pitch classes", "Different pitch classes of the pitched tracks' notes."),
        "scale consistency": Metric(
            "share of notes",
            "The pitched tracks' notes in the one major scale that contains most of them.",
        ),
    }
)
"""All properties, in the order in which tables and figures show them."""


@dataclass(frozen=True)
class _WindowNotes:
    """The notes of several windows, in order of window, track and start; each field is (notes,)."""

    window: IntArray
    track: IntArray
    start: IntArray
    length: IntArray
    pitch: IntArray

    def where(self, chosen: BoolArray) -> "_WindowNotes":
        return _WindowNotes(
            self.window[chosen], self.track[chosen], self.start[chosen], self.length[chosen], self.pitch[chosen]
        )


def measure(tokens: Tokens) -> dict[str, FloatArray]:
    """Returns the (windows,) values of each of `METRICS`.

    tokens: (windows, 4, steps) states of whole bars. A value is NaN where a window has nothing to measure, for example
    the length of its notes if it has none. Take means with `numpy.nanmean`, which leaves such windows out.
    """
    windows, _, steps = tokens.shape
    bars = steps // STEPS_PER_BAR
    notes = _notes(tokens)
    drums, pitched = notes.where(notes.track == DRUMS), notes.where(notes.track != DRUMS)
    classes = _histogram(pitched.window, pitched.pitch % OCTAVE, windows, OCTAVE)
    values = {
        "notes": np.bincount(notes.window, minlength=windows).astype(np.float64),
        "onset density": (tokens < PITCHES).any(axis=1).sum(axis=1) / bars,
        "drum density": np.bincount(drums.window, minlength=windows) / bars,
        "drum sounds": _different(_histogram(drums.window, drums.pitch, windows, PITCHES)),
        "note length": _means(pitched.window, pitched.length, windows),
        "polyphony": np.bincount(pitched.window, pitched.length, minlength=windows) / steps,
        "silence": _silence(notes, windows, steps),
        "syncopation": _means(notes.window, _syncopation(tokens), windows),
        "mean pitch": _means(pitched.window, pitched.pitch, windows),
        "pitch step": _pitch_step(pitched, windows),
        "pitch range": _pitch_range(pitched, windows),
        "pitch classes": _different(classes),
        "scale consistency": _scale_consistency(classes),
    }
    return {name: values[name] for name in METRICS}


def _notes(tokens: Tokens) -> _WindowNotes:
    """Returns every note, by the rules of `music.tokens.to_notes`: a hold with no note before it is silence."""
    _, tracks, steps = tokens.shape
    begins = tokens != HOLD
    begins[..., 0] = True
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=tokens.size)
    states = tokens.reshape(-1)[starts]
    rows, start = np.divmod(starts, steps)
    window, track = np.divmod(rows, tracks)
    return _WindowNotes(window, track, start, lengths, states.astype(np.int64)).where(states < PITCHES)


def _syncopation(tokens: Tokens) -> IntArray:
    """Returns (notes,): the strength of each note's syncopation, 0 for none."""
    onset = tokens < PITCHES
    begins = onset.copy()
    begins[..., 0] = True
    starts = np.flatnonzero(begins)
    weights = np.resize(METRICAL_WEIGHTS, tokens.size)
    strength: IntArray = np.maximum.reduceat(weights, starts) - weights[starts]
    return strength[onset.reshape(-1)[starts]]


def _silence(notes: _WindowNotes, windows: int, steps: int) -> FloatArray:
    """Returns (windows,): the share of steps at which nothing sounds."""
    lengths = np.where(notes.track == DRUMS, 1, notes.length)
    firsts = notes.window * steps + notes.start
    offsets = np.cumsum(lengths) - lengths
    silent = np.ones(windows * steps)
    silent[np.repeat(firsts - offsets, lengths) + np.arange(lengths.sum())] = 0
    share: FloatArray = silent.reshape(windows, steps).mean(axis=1)
    return share


def _pitch_step(pitched: _WindowNotes, windows: int) -> FloatArray:
    same_track = (np.diff(pitched.window) == 0) & (np.diff(pitched.track) == 0)
    return _means(pitched.window[1:][same_track], np.abs(np.diff(pitched.pitch))[same_track], windows)


def _pitch_range(pitched: _WindowNotes, windows: int) -> FloatArray:
    rows = pitched.window * len(TRACKS) + pitched.track
    used, firsts = np.unique(rows, return_index=True)
    highest = np.maximum.reduceat(pitched.pitch, firsts)
    lowest = np.minimum.reduceat(pitched.pitch, firsts)
    return _means(used // len(TRACKS), highest - lowest, windows)


def _scale_consistency(classes: IntArray) -> FloatArray:
    """Returns (windows,), from (windows, 12) counts of notes of each pitch class."""
    scales = np.zeros((OCTAVE, OCTAVE), dtype=np.int64)
    for tonic in range(OCTAVE):
        scales[(tonic + np.array(MAJOR_SCALE)) % OCTAVE, tonic] = 1
    return _ratio((classes @ scales).max(axis=1), classes.sum(axis=1))


def _histogram(window: IntArray, values: IntArray, windows: int, size: int) -> IntArray:
    """Returns (windows, size): how many notes of each window have each value."""
    return np.bincount(window * size + values, minlength=windows * size).reshape(windows, size)


def _different(histogram: IntArray) -> FloatArray:
    different: FloatArray = (histogram > 0).sum(axis=1, dtype=np.float64)
    return different


def _means(window: IntArray, values: IntArray, windows: int) -> FloatArray:
    """Returns (windows,): the mean of each window's values, NaN where it has none."""
    return _ratio(np.bincount(window, values, minlength=windows), np.bincount(window, minlength=windows))


def _ratio(values: IntArray | FloatArray, counts: IntArray) -> FloatArray:
    ratio: FloatArray = np.divide(values, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return ratio
