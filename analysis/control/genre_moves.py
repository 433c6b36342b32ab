"""Moves toward genres, measured by a genre classifier that sees the music and not the codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.shared.bootstrap import mean_statistic, weighted_means
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import ValidatedClassifier
from analysis.shared.moves.sample import MovedSample
from model.latent import moved, step_to_petal
from model.networks.priors import FlowerPrior
from model.similarity import note_f1, same_states
from music.arrays import FloatArray

DEVIATIONS = 6
"""How far the path by the difference of means goes, in standard deviations of the codes along it.

The difference itself is .7 of one on real music and 3.2 on the demo, medians over genres; codes with a floor of noise
bear the first without a change to the music.
"""


@dataclass(frozen=True)
class GenreMove:
    """The effect of one path to a genre on each window: (windows, strengths) each, the reconstruction first.

    Windows of the genre itself are not moved; their values are NaN.
    """

    percentiles: FloatArray
    """Percentile of the classifier's score for the genre, among real validation windows."""
    same_states: FloatArray
    """Share of states that equal the reconstruction's."""
    note_f1: FloatArray
    """F1 of the notes against the reconstruction's, NaN where neither has any."""

    def gain(self, weights: FloatArray) -> FloatArray:
        """Returns the mean change of percentile from the reconstruction to strength 1."""
        return weighted_means(weights, self.percentiles[:, -1] - self.percentiles[:, 0])

    def risen(self, weights: FloatArray) -> FloatArray:
        """Returns the share of windows that the classifier finds more of the genre at strength 1 than at 0."""
        gains = self.percentiles[:, -1] - self.percentiles[:, 0]
        return weighted_means(weights, np.where(np.isnan(gains), np.nan, gains > 0))

    def kept(self, weights: FloatArray) -> FloatArray:
        """Returns the mean share of states that equal the reconstruction's at strength 1."""
        return weighted_means(weights, self.same_states[:, -1])

    def notes_kept(self, weights: FloatArray) -> FloatArray:
        """Returns the mean F1 of the notes at strength 1, over the windows that have notes."""
        return weighted_means(weights, self.note_f1[:, -1])


@dataclass(frozen=True)
class Transfer:
    """Windows moved toward one genre that their songs are not tagged with."""

    genre: int
    windows: int
    """The number of windows that are moved."""
    moves: Mapping[str, GenreMove]
    """The moves by their path to the genre: "means", and "petal" for a flower prior."""
    controls: Mapping[str, GenreMove]
    """The control for each path: moves as far in random directions."""


def mean_over_genres(
    transfers: Sequence[Transfer], path: str, statistic: Callable[[GenreMove], FloatArray], *, random: bool = False
) -> FloatArray:
    """Returns the mean over genres of a statistic of the moves on one path, or of its random moves."""
    return mean_statistic(
        [statistic((transfer.controls if random else transfer.moves)[path]) for transfer in transfers]
    )


def steps_to_genre(context: EvaluationContext, z: Tensor, genre: int, sample: MovedSample) -> dict[str, Tensor]:
    """Returns the step to strength 1 of each path to a genre; z and the steps: (windows, latent)."""
    steps = {"means": (DEVIATIONS * sample.step_toward(genre)).expand_as(z)}
    if isinstance(context.model.prior, FlowerPrior):
        steps["petal"] = step_to_petal(context.model.prior, z, genre)
    return steps


def random_steps(steps: Tensor, codes: Tensor, generator: torch.Generator) -> Tensor:
    """Steps of the same lengths, each in the direction from one random code to another.

    steps: (windows, latent), codes: (codes, latent), at least two -> (windows, latent).
    """
    first = torch.randint(len(codes), (len(steps),), generator=generator)
    second = (first + torch.randint(1, len(codes), (len(steps),), generator=generator)) % len(codes)
    lengths: Tensor = steps.norm(dim=1, keepdim=True)
    return lengths * torch.nn.functional.normalize(codes[second] - codes[first])


def move_toward(
    context: EvaluationContext,
    sample: MovedSample,
    classifier: ValidatedClassifier,
    genre: int,
    strengths: Sequence[float],
    generator: torch.Generator,
) -> Transfer:
    """Moves the windows that are not tagged with the genre toward it; strengths: from 0 to 1."""
    chosen = ~sample.windows.genres[:, genre]
    codes = sample.codes[chosen]
    steps = steps_to_genre(context, codes, genre, sample)
    random = [random_steps(step, sample.training_codes, generator) for step in steps.values()]
    amounts = torch.tensor(strengths[1:])
    all_codes = torch.stack([moved(codes, step, amounts) for step in (*steps.values(), *random)])
    decoded = context.decoded(all_codes.flatten(0, 2))
    by_move = decoded.reshape(*all_codes.shape[:3], *decoded.shape[1:])
    moves = [_measure(classifier, context, sample, genre, tokens) for tokens in by_move]
    return Transfer(
        genre,
        len(codes),
        dict(zip(steps, moves[: len(steps)], strict=True)),
        dict(zip(steps, moves[len(steps) :], strict=True)),
    )


def _measure(
    classifier: ValidatedClassifier, context: EvaluationContext, sample: MovedSample, genre: int, decoded: Tensor
) -> GenreMove:
    """Measures one move; decoded: (strengths above 0, moved windows, tracks, steps)."""
    chosen = ~sample.windows.genres[:, genre]
    reconstructions = sample.reconstructions[chosen]
    tokens = torch.cat([reconstructions[None], decoded])
    measures = (
        classifier.percentiles(genre, context, tokens),
        same_states(tokens, reconstructions).numpy(),
        note_f1(tokens, reconstructions).numpy(),
    )
    all_windows = np.full((len(measures), len(chosen), len(tokens)), np.nan)
    all_windows[:, chosen.numpy()] = [values.T for values in measures]
    return GenreMove(*all_windows)
