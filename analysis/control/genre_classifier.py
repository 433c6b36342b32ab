"""An independent classifier of genre: a classifier of real windows by what stands in them, which knows no codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from music.metrics import DRUMS, OCTAVE, measure
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS, Tokens

BEATS = {"kick": (35, 36), "snare": (38, 40), "cymbals": (42, 44, 46, 49, 51, 57, 59)}
"""Drums whose places in the bar make a beat, by their General MIDI pitches."""
STRENGTH = 0.001
"""C of the logistic regressions: a song's windows are alike, so a classifier that fits windows closely fits songs."""
FARTHEST = 5.0
"""Standard deviations from the mean at which a feature is cut off."""

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


def features(tokens: Tokens) -> Numbers:
    """(windows, features), NaN where there is nothing to measure; tokens: (windows, 4, steps).

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


def _counts(values: NDArray[Any], size: int) -> Numbers:
    """(windows, size) how often each number below size stands in a row; values: (windows, places)."""
    cells = np.arange(len(values))[:, None] * (size + 1) + np.minimum(values, size)
    counts = np.bincount(cells.reshape(-1), minlength=len(values) * (size + 1))
    return counts.reshape(-1, size + 1)[:, :size].astype(np.float64)


@dataclass(frozen=True)
class GenreClassifier:
    """A logistic regression a genre, one against the rest."""

    prepared: Any
    """Fills, scales."""
    regressions: Sequence[Any]

    def scores(self, tokens: Tokens) -> Numbers:
        """(windows, genres), higher for windows more like the genre's; tokens: (windows, 4, steps)."""
        heard = self.prepared.transform(features(tokens)).clip(-FARTHEST, FARTHEST)
        return np.stack([of_genre.decision_function(heard) for of_genre in self.regressions], axis=1)


def train_classifier(tokens: Tokens, tagged: Marks) -> GenreClassifier:
    """Of real windows, (windows, 4, steps), and their genres, (windows, genres), each of some windows but not all."""
    prepared = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    heard = prepared.fit_transform(features(tokens)).clip(-FARTHEST, FARTHEST)
    return GenreClassifier(
        prepared, [LogisticRegression(C=STRENGTH, max_iter=1000).fit(heard, marks) for marks in tagged.T]
    )


def auc_by_song(scores: Numbers, tagged: Marks, songs: NDArray[np.int32]) -> Numbers:
    """(genres,) how often a song of the genre scores higher than another, by the mean of its windows' scores.

    0.5 is chance. scores, tagged: (windows, genres), songs: (windows,); some songs have each genre and some do not.
    """
    _, first, song = np.unique(songs, return_index=True, return_inverse=True)
    sizes = np.bincount(song)
    means = np.stack([np.bincount(song, of_genre) / sizes for of_genre in scores.T], axis=1)
    return np.array([roc_auc_score(tagged[first, g], means[:, g]) for g in range(scores.shape[1])])


def percentiles(scores: Numbers, among: Numbers) -> Numbers:
    """What share of some scores lies below each, in percent, of equal ones half; any shape, among: (scores,)."""
    ordered = np.sort(among)
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return np.asarray(50 * (below + up_to) / len(ordered))
