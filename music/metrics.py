"""Low-level properties of windows, after [P] section 4.4.1: a number each that a musician can check by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from music.tokens import HOLD, PITCHES, STEPS_PER_BAR, TRACKS, Tokens

DRUMS = TRACKS.index("drums")
OCTAVE = 12
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
METRICAL_WEIGHTS = np.array([0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4])
"""Of the 16 steps of a 4/4 bar: a level down each from bar to half, quarter, eighth and sixteenth."""

Numbers = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """What a number says of a window."""

    unit: str
    definition: str


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "notes": Metric("notes", "Notes that start in the window, of all four tracks."),
        "onset density": Metric("steps/bar", "Steps at which any of the four tracks starts a note, a bar."),
        "drum density": Metric("notes/bar", "Drum notes that start, a bar."),
        "drum sounds": Metric("sounds", "Different pitches of the drum track."),
        "note length": Metric("steps", "Mean length of the pitched tracks' notes, cut at the window's end."),
        "polyphony": Metric("tracks", "Pitched tracks that sound at a step, mean over the steps."),
        "silence": Metric(
            "share of steps", "Steps at which no pitched track sounds and no drum starts: a drum lasts one step."
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
            "share of notes", "The pitched tracks' notes that are in the major scale that most of them are in."
        ),
    }
)
"""Every metric, in the order of tables and figures."""


@dataclass(frozen=True)
class _Notes:
    """(notes,) each, by window, track and start; a hold with no note before it is silence."""

    window: Numbers
    track: Numbers
    start: Numbers
    length: Numbers
    pitch: Numbers

    def of(self, chosen: NDArray[np.bool_]) -> "_Notes":
        return _Notes(
            self.window[chosen], self.track[chosen], self.start[chosen], self.length[chosen], self.pitch[chosen]
        )


def measure(tokens: Tokens) -> dict[str, Values]:
    """(windows,) values of each of `METRICS`; tokens: (windows, 4, steps) states of whole bars.

    NaN where a window has nothing to measure, such as the length of its notes where it has none: leave those windows
    out of means, as `numpy.nanmean` does.
    """
    windows, _, steps = tokens.shape
    bars = steps // STEPS_PER_BAR
    notes = _notes(tokens)
    drums, pitched = notes.of(notes.track == DRUMS), notes.of(notes.track != DRUMS)
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


def _notes(tokens: Tokens) -> _Notes:
    """Every note, as `music.tokens.to_notes` has those of one track."""
    _, tracks, steps = tokens.shape
    begins = tokens != HOLD
    begins[..., 0] = True
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=tokens.size)
    states = tokens.reshape(-1)[starts]
    rows, start = np.divmod(starts, steps)
    window, track = np.divmod(rows, tracks)
    return _Notes(window, track, start, lengths, states.astype(np.int64)).of(states < PITCHES)


def _syncopation(tokens: Tokens) -> Numbers:
    """(notes,) strength of each note's syncopation, 0 for none."""
    onset = tokens < PITCHES
    begins = onset.copy()
    begins[..., 0] = True
    starts = np.flatnonzero(begins)
    weights = np.resize(METRICAL_WEIGHTS, tokens.size)
    strength: Numbers = np.maximum.reduceat(weights, starts) - weights[starts]
    return strength[onset.reshape(-1)[starts]]


def _silence(notes: _Notes, windows: int, steps: int) -> Values:
    """(windows,) share of the steps at which nothing sounds."""
    lengths = np.where(notes.track == DRUMS, 1, notes.length)
    firsts = notes.window * steps + notes.start
    offsets = np.cumsum(lengths) - lengths
    silent = np.ones(windows * steps)
    silent[np.repeat(firsts - offsets, lengths) + np.arange(lengths.sum())] = 0
    share: Values = silent.reshape(windows, steps).mean(axis=1)
    return share


def _pitch_step(pitched: _Notes, windows: int) -> Values:
    same = (np.diff(pitched.window) == 0) & (np.diff(pitched.track) == 0)
    return _means(pitched.window[1:][same], np.abs(np.diff(pitched.pitch))[same], windows)


def _pitch_range(pitched: _Notes, windows: int) -> Values:
    rows = pitched.window * len(TRACKS) + pitched.track
    used, firsts = np.unique(rows, return_index=True)
    highest = np.maximum.reduceat(pitched.pitch, firsts)
    lowest = np.minimum.reduceat(pitched.pitch, firsts)
    return _means(used // len(TRACKS), highest - lowest, windows)


def _scale_consistency(classes: Numbers) -> Values:
    """(windows,) from counts of notes, (windows, 12)."""
    scales = np.zeros((OCTAVE, OCTAVE), dtype=np.int64)
    for tonic in range(OCTAVE):
        scales[(tonic + np.array(MAJOR_SCALE)) % OCTAVE, tonic] = 1
    return _ratio((classes @ scales).max(axis=1), classes.sum(axis=1))


def _histogram(window: Numbers, values: Numbers, windows: int, size: int) -> Numbers:
    """(windows, size) how many notes of each window have each value."""
    return np.bincount(window * size + values, minlength=windows * size).reshape(windows, size)


def _different(histogram: Numbers) -> Values:
    different: Values = (histogram > 0).sum(axis=1, dtype=np.float64)
    return different


def _means(window: Numbers, values: Numbers, windows: int) -> Values:
    """(windows,) mean of each window's values, NaN where it has none."""
    return _ratio(np.bincount(window, values, minlength=windows), np.bincount(window, minlength=windows))


def _ratio(values: Numbers | Values, counts: Numbers) -> Values:
    ratio: Values = np.divide(values, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return ratio
