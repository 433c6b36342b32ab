"""Moves toward genres, judged by a classifier of real windows that knows no codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.attributes.group_metrics import mean
from analysis.control.setup import Drawn
from analysis.control.tested_classifier import TestedClassifier
from analysis.shared.context import EvaluationContext
from analysis.shared.correlation import Numbers
from model.similarity import note_f1, same_states
from model.latent import moved, step_between, step_to_petal
from model.networks.priors import FlowerPrior


@dataclass(frozen=True)
class Moved:
    """Windows on their way: (strengths, windows) each, the reconstruction first."""

    percentile: Numbers
    """Of the classifier's score of the genre, among real validation windows."""
    same_states: Numbers
    """Share of states that are the reconstruction's."""
    note_f1: Numbers
    """Of the notes against the reconstruction's, NaN where neither has any."""

    @property
    def notes_kept(self) -> Numbers:
        """(strengths,) mean of `note_f1` over the windows that have it; NaN where none has."""
        return mean(self.note_f1, axis=1)

    @property
    def gain(self) -> float:
        """Mean change of percentile from the reconstruction to strength 1."""
        return float((self.percentile[-1] - self.percentile[0]).mean())

    @property
    def risen(self) -> float:
        """Share of windows that the classifier finds more of the genre at strength 1 than reconstructed."""
        return float((self.percentile[-1] > self.percentile[0]).mean())

    @property
    def kept(self) -> float:
        """Mean share of states that are the reconstruction's at strength 1."""
        return float(self.same_states[-1].mean())


@dataclass(frozen=True)
class Transfer:
    """Windows moved toward one genre that is not theirs."""

    genre: int
    windows: int
    moves: Mapping[str, Moved]
    """A way to the genre each: "means", and of a flower prior "petal"."""
    controls: Mapping[str, Moved]
    """As far as each of those, in random directions."""


def steps_to_genre(context: EvaluationContext, z: Tensor, genre: int, drawn: Drawn) -> dict[str, Tensor]:
    """Each way to a genre at strength 1; z, and the steps: (windows, latent)."""
    steps = {"means": step_between(drawn.training_codes, drawn.training.genres[:, genre]).expand_as(z)}
    if isinstance(context.model.prior, FlowerPrior):
        steps["petal"] = step_to_petal(context.model.prior, z, genre)
    return steps


def random_steps(steps: Tensor, codes: Tensor, generator: torch.Generator) -> Tensor:
    """As far as the steps, each in the direction from one drawn code to another: any change, as codes differ.

    steps: (windows, latent), codes: (codes, latent), at least two -> (windows, latent).
    """
    first = torch.randint(len(codes), (len(steps),), generator=generator)
    second = (first + torch.randint(1, len(codes), (len(steps),), generator=generator)) % len(codes)
    lengths: Tensor = steps.norm(dim=1, keepdim=True)
    return lengths * torch.nn.functional.normalize(codes[second] - codes[first])


def transfer(
    context: EvaluationContext,
    drawn: Drawn,
    classifier: TestedClassifier,
    genre: int,
    strengths: Sequence[float],
    generator: torch.Generator,
) -> Transfer:
    """Moves those of the drawn windows that are not tagged with the genre toward it; strengths: from 0 to 1."""
    others = ~drawn.windows.genres[:, genre]
    codes, reconstructions = drawn.codes[others], drawn.reconstructions[others]
    steps = steps_to_genre(context, codes, genre, drawn)
    controls = {way: random_steps(step, drawn.training_codes, generator) for way, step in steps.items()}

    def judged(step: Tensor) -> Moved:
        decoded = context.decoded(moved(codes, step, torch.tensor(strengths[1:])).flatten(0, 1))
        tokens = torch.cat([reconstructions, decoded]).reshape(len(strengths), *reconstructions.shape)
        return Moved(
            classifier.percentiles(genre, context, tokens),
            same_states(tokens, reconstructions).numpy(),
            note_f1(tokens, reconstructions).numpy(),
        )

    return Transfer(
        genre,
        len(codes),
        {way: judged(step) for way, step in steps.items()},
        {way: judged(step) for way, step in controls.items()},
    )
