"""The judge of genres, trained, tested on validation songs, and with real windows to compare scores with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.control.genre_classifier import Judge, Marks, Numbers, auc_by_song, percentiles, train_judge
from analysis.control.setup import ControlConfig, Drawn
from analysis.shared.context import Subject, some
from model.data import WindowSet
from music.tokens import Tokens, with_all_tracks


@dataclass(frozen=True)
class TestedJudge:
    """A judge, and how far it can be trusted."""

    judge: Judge
    learnt_from: int
    """Training windows."""
    aucs: Mapping[int, float]
    """By song, of each genre that it knows, in the order of its scores."""
    scores: Numbers
    """(windows, genres) of real validation windows."""
    tagged: Marks
    """(windows, genres)"""

    def percentiles(self, genre: int, subject: Subject, tokens: Tensor) -> Numbers:
        """Of the genre's score among real validation windows; (..., tracks, steps) of the model's tracks -> (...)."""
        place = list(self.aucs).index(genre)
        scores = self.judge.scores(_whole(subject, tokens.flatten(0, -3)))[:, place]
        return percentiles(scores, self.scores[:, place]).reshape(tokens.shape[:-2])

    def standing(self, genre: int) -> float:
        """Mean percentile of real validation windows of the genre."""
        place = list(self.aucs).index(genre)
        scores = self.scores[:, place]
        return float(percentiles(scores[self.tagged[:, place]], scores).mean())


def tested_judge(
    subject: Subject, drawn: Drawn, config: ControlConfig, generator: torch.Generator
) -> TestedJudge | None:
    """Trains and tests the judge on the genres for which there are windows enough; None if for no genre."""
    training, real = (some(of, config.judge_windows, generator) for of in (subject.training, subject.validation))
    known = [
        genre for genre in range(len(subject.genres)) if _judgeable(training, real, drawn, genre, config.least_songs)
    ]
    if not known:
        return None
    judge = train_judge(_whole(subject, training.tokens), training.genres[:, known].numpy())
    scores, tagged = judge.scores(_whole(subject, real.tokens)), real.genres[:, known].numpy()
    aucs = dict(zip(known, auc_by_song(scores, tagged, real.songs.numpy()).tolist(), strict=True))
    return TestedJudge(judge, len(training), aucs, scores, tagged)


def _judgeable(training: WindowSet, real: WindowSet, drawn: Drawn, genre: int, least: int) -> bool:
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


def _whole(subject: Subject, tokens: Tensor) -> Tokens:
    return with_all_tracks(tokens.numpy(), subject.description.model.tracks)
