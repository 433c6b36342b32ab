"""A classifier of genre that is independent of the model: it learns from the music of real windows, not from codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor

from analysis.shared.context import EvaluationContext
from analysis.shared.moves.config import MovesConfig
from analysis.shared.moves.genre_features import features
from analysis.shared.moves.sample import MovedSample
from analysis.shared.sampling import random_subset
from model.data import WindowSet
from music.arrays import BoolArray, FloatArray
from music.tokens import Tokens, with_all_tracks

STRENGTH = 0.001
"""C of the logistic regressions: a song's windows are alike, so a classifier that fits windows closely fits songs."""
FARTHEST = 5.0
"""Standard deviations from the mean at which a feature is cut off."""


@dataclass(frozen=True)
class GenreClassifier:
    """A logistic regression for each genre, which tells its windows from all others."""

    preprocessing: Any
    """Fills in undefined features and scales all."""
    regressions: Sequence[Any]

    def scores(self, tokens: Tokens) -> FloatArray:
        """Scores windows, (windows, 4, steps) -> (windows, genres): higher for windows more like the genre's."""
        scaled = self.preprocessing.transform(features(tokens)).clip(-FARTHEST, FARTHEST)
        return np.stack([regression.decision_function(scaled) for regression in self.regressions], axis=1)


def train_classifier(tokens: Tokens, tagged: BoolArray) -> GenreClassifier:
    """Trains on real windows, (windows, 4, steps), and their genres, (windows, genres); no genre has all or none."""
    preprocessing = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    scaled = preprocessing.fit_transform(features(tokens)).clip(-FARTHEST, FARTHEST)
    with threadpool_limits(1):  # threads would wait for one another longer than they work
        regressions = [LogisticRegression(C=STRENGTH, max_iter=1000).fit(scaled, marks) for marks in tagged.T]
    return GenreClassifier(preprocessing, regressions)


def auc_by_song(scores: FloatArray, tagged: BoolArray, songs: NDArray[np.int32]) -> FloatArray:
    """Returns (genres,) how often a song of the genre scores higher than another, by its windows' mean score.

    0.5 is chance. scores, tagged: (windows, genres), songs: (windows,); some songs have each genre and some do not.
    """
    _, first, song = np.unique(songs, return_index=True, return_inverse=True)
    sizes = np.bincount(song)
    by_song = np.stack([np.bincount(song, genre_scores) / sizes for genre_scores in scores.T], axis=1)
    return np.array([roc_auc_score(tagged[first, genre], by_song[:, genre]) for genre in range(scores.shape[1])])


def percentiles(scores: FloatArray, reference: FloatArray) -> FloatArray:
    """Returns the percentage of the reference scores, (n,), below each score, where equal ones count half."""
    ordered = np.sort(reference)
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return np.asarray(50 * (below + up_to) / len(ordered))


@dataclass(frozen=True)
class ValidatedClassifier:
    """A genre classifier, how well it does on validation songs, and its scores of their real windows."""

    classifier: GenreClassifier
    training_windows: int
    """The number of windows it was trained on."""
    aucs: Mapping[int, float]
    """AUC by song for each genre that it knows, in the order of its scores."""
    scores: FloatArray
    """(windows, genres) of real validation windows."""
    tagged: BoolArray
    """(windows, genres)"""

    def percentiles(self, genre: int, context: EvaluationContext, tokens: Tensor) -> FloatArray:
        """Percentiles of windows' scores for the genre among those of real validation windows.

        tokens: (..., tracks, steps) of the model's tracks -> (...).
        """
        column = list(self.aucs).index(genre)
        scores = self.classifier.scores(_all_tracks(context, tokens.flatten(0, -3)))[:, column]
        return percentiles(scores, self.scores[:, column]).reshape(tokens.shape[:-2])

    def real_percentile(self, genre: int) -> float:
        """Returns the mean percentile of the real validation windows of the genre."""
        column = list(self.aucs).index(genre)
        scores = self.scores[:, column]
        return float(percentiles(scores[self.tagged[:, column]], scores).mean())


def validated_classifier(
    context: EvaluationContext, sample: MovedSample, config: MovesConfig, generator: torch.Generator
) -> ValidatedClassifier | None:
    """Trains on training windows and tests on validation songs; None if no genre has enough of both."""
    training = random_subset(context.training, config.classifier_windows, generator)
    real = random_subset(context.validation, config.classifier_windows, generator)
    known = [
        genre
        for genre in range(len(context.genres))
        if _some_not_all(training.genres[:, genre])
        and _testable(real, genre, config.min_songs)
        and _movable(sample, genre)
    ]
    if not known:
        return None
    classifier = train_classifier(_all_tracks(context, training.tokens), training.genres[:, known].numpy())
    scores, tagged = classifier.scores(_all_tracks(context, real.tokens)), real.genres[:, known].numpy()
    aucs = dict(zip(known, auc_by_song(scores, tagged, real.songs.numpy()).tolist(), strict=True))
    return ValidatedClassifier(classifier, len(training), aucs, scores, tagged)


def _testable(real: WindowSet, genre: int, min_songs: int) -> bool:
    """Returns whether there are enough songs with the genre and without it."""
    tagged, songs = real.genres[:, genre].numpy(), real.songs.numpy()
    return min(len(np.unique(songs[tagged])), len(np.unique(songs[~tagged]))) >= min_songs


def _movable(sample: MovedSample, genre: int) -> bool:
    """Returns whether training windows give a direction to the genre, and there are windows to move in it."""
    return _some_not_all(sample.training.genres[:, genre]) and not bool(sample.windows.genres[:, genre].all())


def _some_not_all(marks: Tensor) -> bool:
    return bool(marks.any()) and not bool(marks.all())


def _all_tracks(context: EvaluationContext, tokens: Tensor) -> Tokens:
    return with_all_tracks(tokens.numpy(), context.description.model.tracks)
