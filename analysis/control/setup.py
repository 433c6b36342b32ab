"""What the part `control` is set by, and the windows that it draws."""

from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.shared.context import EvaluationContext, some
from model.similarity import same_states, shared_notes
from model.data import WindowSet
from music.metrics import METRICS


@dataclass(frozen=True)
class ControlConfig:
    """Section `control` of analysis.toml."""

    attributes: list[str]
    """To move along: names of `music.metrics.METRICS`."""
    levels: list[float]
    """How far along an attribute, in standard deviations of the codes along it; rising, 0 among them."""
    strengths: list[float]
    """How far to a genre, from 0 to 1; rising."""
    windows: int
    """Validation windows that are moved."""
    training_windows: int
    """Whose codes the directions come from, at most."""
    classifier_windows: int
    """That the classifier of genres is trained on, and as many to compare with, at most."""
    least_songs: int
    """Of a genre, and of the others, that the classifier is tested on, or it is not judged."""
    least_auc: float
    """Of the classifier by song, 0.5 being chance, or the genre is not judged."""
    seed: int

    def __post_init__(self) -> None:
        unknown = [name for name in self.attributes if name not in METRICS]
        if unknown:
            raise ValueError(f"attributes: no {unknown[0]}; there are {', '.join(METRICS)}")
        if len(self.levels) < 2 or sorted(set(self.levels)) != self.levels or 0 not in self.levels:
            raise ValueError("levels must be two or more that rise, 0 among them")
        if len(self.strengths) < 2 or sorted(set(self.strengths)) != self.strengths:
            raise ValueError("strengths must be two or more that rise")
        if (self.strengths[0], self.strengths[-1]) != (0, 1):
            raise ValueError("strengths must go from 0 to 1")
        for name in ("windows", "training_windows", "classifier_windows", "least_songs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


@dataclass(frozen=True)
class Drawn:
    """Windows drawn from both splits, and their codes."""

    training: WindowSet
    training_codes: Tensor
    """(windows, latent)"""
    windows: WindowSet
    """Of validation, to be moved."""
    codes: Tensor
    """(windows, latent)"""
    reconstructions: Tensor
    """(windows, tracks, steps)"""

    @property
    def best_kept(self) -> int:
        """Which of the windows has most notes that come back."""
        return int(shared_notes(self.reconstructions, self.windows.tokens).argmax())

    @property
    def unrelated(self) -> float | None:
        """Mean share of states alike in reconstructions of two different songs; None if there is one song alone."""
        other_songs = self.windows.songs != self.windows.songs.roll(1)
        if not other_songs.any():
            return None
        alike = same_states(self.reconstructions, self.reconstructions.roll(1, dims=0))
        return alike[other_songs].mean().item()


def draw(context: EvaluationContext, config: ControlConfig, generator: torch.Generator) -> Drawn:
    """Draws what is moved, and what the directions come from."""
    training = some(context.training, config.training_windows, generator)
    windows = some(context.validation, config.windows, generator)
    codes = context.codes(windows.tokens)
    return Drawn(training, context.codes(training.tokens), windows, codes, context.decoded(codes))
