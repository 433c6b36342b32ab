"""How well windows come back from their codes, beside what needs no model."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.data import WindowSet
from model.musae import MusAE
from music.tokens import HOLD, PITCHES, STATES, TRACKS

BATCH = 256


@dataclass(frozen=True)
class Accuracy:
    """Shares of steps whose state is predicted, one a track: (4,) each."""

    accuracy: Tensor
    """Of the model."""
    onset_accuracy: Tensor
    """Of the model, of the steps at which a note starts."""
    majority: Tensor
    """Predicting, at each step of the window, the state commonest there in training."""
    always_hold: Tensor

    def by_track(self) -> dict[str, dict[str, float]]:
        """Each measure for each track, and its means over four tracks (dbgs) and three (dbg) [P table 1]."""
        return {
            name: dict(zip(TRACKS, values.tolist(), strict=True))
            | {"mean_dbgs": values.mean().item(), "mean_dbg": values[:3].mean().item()}
            for name, values in vars(self).items()
        }


def evaluate(model: MusAE, training: WindowSet, validation: WindowSet) -> Accuracy:
    """Accuracies over all validation windows, each reconstructed from its mean code."""
    commonest = state_counts(training).argmax(dim=-1)  # (4, steps)
    hits, onset_hits, onsets, majority, holds = torch.zeros(5, len(TRACKS), dtype=torch.float64)
    for tokens, predicted in reconstructions(model, validation):
        right = predicted == tokens
        is_onset = tokens < PITCHES
        hits += right.sum(dim=(0, 2))
        onset_hits += (right & is_onset).sum(dim=(0, 2))
        onsets += is_onset.sum(dim=(0, 2))
        majority += (commonest == tokens).sum(dim=(0, 2))
        holds += (tokens == HOLD).sum(dim=(0, 2))
    steps = len(validation) * validation.tokens.shape[-1]
    return Accuracy(hits / steps, onset_hits / onsets.clamp(min=1), majority / steps, holds / steps)


def reconstructions(model: MusAE, windows: WindowSet) -> Iterator[tuple[Tensor, Tensor]]:
    """(tokens, predicted), (batch, 4, steps) each, over all windows."""
    device = next(model.parameters()).device
    for tokens in torch.split(windows.tokens, BATCH):
        yield tokens, model.tokens(model.codes(tokens.to(device))).cpu()


def state_counts(windows: WindowSet) -> Tensor:
    """(4, steps, 130) how often each state stands at each step of each track."""
    counts = torch.zeros(*windows.tokens.shape[1:], STATES, dtype=torch.int64)
    for tokens in torch.split(windows.tokens, BATCH):
        counts.scatter_add_(
            -1, tokens.long().permute(1, 2, 0), torch.ones(1).long().expand(*counts.shape[:2], len(tokens))
        )
    return counts
