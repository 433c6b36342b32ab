"""A classifier of genre that is independent of the model: it learns from the music of real windows, not from codes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor

from analysis.shared.context import EvaluationContext
from analysis.shared.moves.config import MovesConfig
from analysis.shared.moves.sample import MovedSample
from analysis.shared.sampling import random_subset
from model.data import WindowSet
from music.arrays import BoolArray, FloatArray
from music.genre_classifier import FARTHEST, GenreClassifier, GenreScores
from music.genre_features import features
from music.tokens import Tokens, with_all_tracks

STRENGTH = 0.001
"""C of the logistic regressions: a song's windows are alike, so a classifier that fits windows closely fits songs."""


def train_classifier(tokens: Tokens, tagged: BoolArray) -> GenreClassifier:
    """Trains a logistic regression for each genre, which tells its windows from all others.

    tokens: real windows, (windows, 4, steps), tagged: their genres, (windows, genres). A genre that all windows have,
    or none, cannot be known: its weights are NaN.
    """
    defined = SimpleImputer(keep_empty_features=True).fit_transform(features(tokens))
    scaler = StandardScaler().fit(defined)
    scaled = scaler.transform(defined).clip(-FARTHEST, FARTHEST)
    weights, biases = np.full((tagged.shape[1], scaled.shape[1]), np.nan), np.full(tagged.shape[1], np.nan)
    with threadpool_limits(1):  # threads would wait for one another longer than they work
        for genre in np.flatnonzero(tagged.any(axis=0) & ~tagged.all(axis=0)):
            regression = LogisticRegression(C=STRENGTH, max_iter=1000).fit(scaled, tagged[:, genre])
            weights[genre], biases[genre] = regression.coef_[0], regression.intercept_[0]
    return GenreClassifier(scaler.mean_, scaler.scale_, weights, biases)


def score_genres(tokens: Tokens, tagged: BoolArray, others: Tokens) -> GenreScores:
    """Trains a classifier on real windows, as `train_classifier`, and scores others, (windows, 4, steps), with it."""
    classifier = train_classifier(tokens, tagged)
    return GenreScores(classifier, np.percentile(classifier.scores(others), np.arange(101), axis=0).T)


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
