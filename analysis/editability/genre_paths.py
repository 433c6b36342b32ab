"""The paths on which codes move toward genres: along the difference of mean codes, and by the flow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.editability.config import EditabilityConfig
from analysis.editability.genre_edits import GenreEdit, edit_toward
from analysis.shared.context import BATCH, EvaluationContext
from analysis.shared.moves.genre_classifier import ValidatedClassifier
from analysis.shared.moves.sample import MovedSample
from model.latent import steps_by_flow


@dataclass(frozen=True)
class GenrePath:
    """A path toward genres, and how far windows move on it."""

    name: str
    strength: str
    """The word for a strength on this path."""
    strengths: Sequence[float]
    windows: int
    """How many of the sample's windows move, the first ones."""
    steps: Callable[[Tensor, Sequence[int]], Tensor]
    """Returns the steps for codes, (windows, latent), and genres: (genres, strengths, windows, latent)."""

    def edits(
        self, context: EvaluationContext, sample: MovedSample, classifier: ValidatedClassifier, genres: Sequence[int]
    ) -> list[GenreEdit]:
        """Edits the sample's windows toward each genre on this path."""
        steps = self.steps(sample.codes[: self.windows], genres)
        return [edit_toward(context, sample, classifier, *toward) for toward in zip(genres, steps, strict=True)]


def genre_paths(context: EvaluationContext, sample: MovedSample, config: EditabilityConfig) -> list[GenrePath]:
    """Returns the difference of means, and the flow if the model has one."""

    def by_means(codes: Tensor, genres: Sequence[int]) -> Tensor:
        directions = torch.stack([sample.step_toward(genre) for genre in genres])
        steps = directions[:, None] * torch.tensor(config.strengths)[:, None]
        return steps[:, :, None].expand(-1, -1, len(codes), -1)

    def by_flow(codes: Tensor, genres: Sequence[int]) -> Tensor:
        batches = torch.split(codes.to(context.device), BATCH)
        steps = [steps_by_flow(context.model, batch, genres, config.guidances).cpu() for batch in batches]
        return torch.cat(steps, dim=2)

    means = GenrePath("difference of means", "strength", config.strengths, len(sample.windows), by_means)
    if not context.model.flow:
        return [means]
    moved = min(config.flow_windows, len(sample.windows))
    return [means, GenrePath("flow", "guidance", config.guidances, moved, by_flow)]
