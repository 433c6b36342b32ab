"""Moves toward genres, judged by a classifier of real windows that knows no codes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.control_setup import Drawn
from analysis.faders import Numbers
from analysis.judge import Judge, percentiles
from analysis.resemblance import note_f1, same_states
from analysis.subject import Subject
from model.latent import moved, step_between, step_to_petal
from model.priors import FlowerPrior
from music.tokens import with_all_tracks


@dataclass(frozen=True)
class Moved:
    """Windows on their way, judged: (strengths, windows) each."""

    percentile: Numbers
    """Of the judge's score of the target genre, among real validation windows."""
    same_states: Numbers
    """Share of states that are the reconstruction's."""
    note_f1: Numbers
    """Of the notes against the reconstruction's, NaN where neither has any."""

    @property
    def notes_kept(self) -> Numbers:
        """(strengths,) mean of `note_f1` over the windows that have it; NaN where none has."""
        known = ~np.isnan(self.note_f1)
        totals = np.where(known, self.note_f1, 0).sum(axis=1)
        return np.divide(totals, known.sum(axis=1), out=np.full(len(totals), np.nan), where=known.any(axis=1))

    @property
    def gain(self) -> float:
        """Mean change of percentile from the reconstruction to full strength."""
        return float((self.percentile[-1] - self.percentile[0]).mean())

    @property
    def risen(self) -> float:
        """Share of windows that the judge finds more of the genre at full strength than their reconstruction."""
        return float((self.percentile[-1] > self.percentile[0]).mean())


@dataclass(frozen=True)
class Target:
    """One genre to move toward, as the judge knows it."""

    place: int
    """Of the genre in what the judge scores."""
    among: Numbers
    """(windows,) the judge's scores of the genre in real validation windows."""


def step_to_genre(subject: Subject, z: Tensor, genre: int, drawn: Drawn) -> Tensor:
    """What takes codes to a genre: to its Gaussian or, where the prior has none, by the difference of mean codes.

    z, and the steps: (windows, latent).
    """
    if isinstance(subject.model.prior, FlowerPrior):
        return step_to_petal(subject.model.prior, z, genre)
    return step_between(drawn.training_codes, drawn.training.genres[:, genre]).expand_as(z)


def random_steps(steps: Tensor, codes: Tensor, generator: torch.Generator) -> Tensor:
    """As far as the steps, each in the direction from one drawn code to another: any change, as codes differ.

    steps: (windows, latent), codes: (codes, latent), at least two -> (windows, latent).
    """
    first = torch.randint(len(codes), (len(steps),), generator=generator)
    second = (first + torch.randint(1, len(codes), (len(steps),), generator=generator)) % len(codes)
    differences = codes[second] - codes[first]
    lengths = differences.norm(dim=1, keepdim=True).clamp(min=torch.finfo(codes.dtype).tiny)
    return differences / lengths * steps.norm(dim=1, keepdim=True)


def move_and_judge(
    subject: Subject, judge: Judge, target: Target, z: Tensor, step: Tensor, strengths: Sequence[float]
) -> Moved:
    """Decodes codes, (windows, latent), on their way along a step, (windows, latent); the first strength is 0."""
    ways = moved(z, step, torch.tensor(strengths))
    decoded = subject.decoded(ways.flatten(0, 1))
    scores = judge.scores(with_all_tracks(decoded.numpy(), subject.description.model.tracks))[:, target.place]
    tokens = decoded.unflatten(0, ways.shape[:2])
    return Moved(
        percentiles(scores.reshape(ways.shape[:2]), target.among),
        same_states(tokens, tokens[0]).numpy(),
        note_f1(tokens, tokens[0]).numpy(),
    )
