"""The classifier of genres, trained, tested on validation songs, and with real windows to compare scores with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.control.genre_classifier import (
    GenreClassifier,
    Marks,
    Numbers,
    auc_by_song,
    percentiles,
    train_classifier,
)
from analysis.control.setup import ControlConfig, Drawn
from analysis.shared.context import EvaluationContext, random_subset
from model.data import WindowSet
from music.tokens import Tokens, with_all_tracks


@dataclass(frozen=True)
class TestedClassifier:
    """A classifier, and how far it can be trusted."""

    classifier: GenreClassifier
    learnt_from: int
    """Training windows."""
    aucs: Mapping[int, float]
    """By song, of each genre that it knows, in the order of its scores."""
    scores: Numbers
    """(windows, genres) of real validation windows."""
    tagged: Marks
    """(windows, genres)"""

    def percentiles(self, genre: int, context: EvaluationContext, tokens: Tensor) -> Numbers:
        """Of the genre's score among real validation windows; (..., tracks, steps) of the model's tracks -> (...)."""
        place = list(self.aucs).index(genre)
        scores = self.classifier.scores(_whole(context, tokens.flatten(0, -3)))[:, place]
        return percentiles(scores, self.scores[:, place]).reshape(tokens.shape[:-2])

    def standing(self, genre: int) -> float:
        """Mean percentile of real validation windows of the genre."""
        place = list(self.aucs).index(genre)
        scores = self.scores[:, place]
        return float(percentiles(scores[self.tagged[:, place]], scores).mean())


def tested_classifier(
    context: EvaluationContext, drawn: Drawn, config: ControlConfig, generator: torch.Generator
) -> TestedClassifier | None:
    """Trains and tests the classifier on the genres for which there are windows enough; None if for no genre."""
    training, real = (
        random_subset(of, config.classifier_windows, generator) for of in (context.training, context.validation)
    )
    known = [
        genre for genre in range(len(context.genres)) if _classifiable(training, real, drawn, genre, config.least_songs)
    ]
    if not known:
        return None
    classifier = train_classifier(_whole(context, training.tokens), training.genres[:, known].numpy())
    scores, tagged = classifier.scores(_whole(context, real.tokens)), real.genres[:, known].numpy()
    aucs = dict(zip(known, auc_by_song(scores, tagged, real.songs.numpy()).tolist(), strict=True))
    return TestedClassifier(classifier, len(training), aucs, scores, tagged)


def _classifiable(training: WindowSet, real: WindowSet, drawn: Drawn, genre: int, least: int) -> bool:
    """Whether there are windows of the genre and others to learn from, songs to test on, and windows to move."""
    tagged, songs = real.genres[:, genre].numpy(), real.songs.numpy()
    return (
        _some_not_all(training.genres[:, genre])
        and _some_not_all(drawn.training.genres[:, genre])
        and min(len(np.unique(songs[tagged])), len(np.unique(songs[~tagged]))) >= least
        and not bool(drawn.windows.genres[:, genre].all())
    )


def _some_not_all(marks: Tensor) -> bool:
    return bool(marks.any()) and not bool(marks.all())


def _whole(context: EvaluationContext, tokens: Tensor) -> Tokens:
    return with_all_tracks(tokens.numpy(), context.description.model.tracks)
