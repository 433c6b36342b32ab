"""How well windows come back from their codes, beside what needs no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.data import WindowSet
from music.tokens import HOLD, PITCHES, STATES, TRACKS

BATCH = 256


@dataclass(frozen=True)
class Accuracy:
    """Shares of steps whose state is predicted, one a track: (tracks,) each."""

    accuracy: Tensor
    """Of the model, from a window's code alone."""
    onset_accuracy: Tensor
    """Of the model, of the steps at which a note starts."""
    taught_accuracy: Tensor | None
    """Of an autoregressive decoder that is fed the true states before; the others have none."""
    majority: Tensor
    """Predicting, at each step of the window, the state commonest there in training."""
    always_hold: Tensor

    def by_track(self, tracks: Sequence[str]) -> dict[str, dict[str, float]]:
        """Each measure for each track, and its mean; of four tracks also that of the first three [P table 1]."""
        measures = {name: values for name, values in vars(self).items() if values is not None}
        return {
            name: dict(zip(tracks, values.tolist(), strict=True))
            | {"mean": values.mean().item()}
            | ({"mean_without_strings": values[:3].mean().item()} if len(tracks) == len(TRACKS) else {})
            for name, values in measures.items()
        }


def lines(title: str, by_track: dict[str, dict[str, float]]) -> str:
    """What `Accuracy.by_track` gives, as a text for people."""
    rows = [
        " ".join([f"{measure:16}", *(f"{name} {value:.3f}" for name, value in of_track.items())])
        for measure, of_track in by_track.items()
    ]
    return "\n".join([title, *rows])


def evaluate(model: Autoencoder, training: WindowSet, validation: WindowSet) -> Accuracy:
    """Accuracies over all validation windows, each reconstructed from its mean code.

    Both sets have the model's tracks alone.
    """
    commonest = state_counts(training).argmax(dim=-1)  # (tracks, steps)
    hits, onset_hits, taught, onsets, majority, holds = torch.zeros(6, len(commonest), dtype=torch.float64)
    for tokens, predicted in reconstructions(model, validation):
        right = predicted == tokens
        is_onset = tokens < PITCHES
        hits += right.sum(dim=(0, 2))
        onset_hits += (right & is_onset).sum(dim=(0, 2))
        onsets += is_onset.sum(dim=(0, 2))
        majority += (commonest == tokens).sum(dim=(0, 2))
        holds += (tokens == HOLD).sum(dim=(0, 2))
        if model.autoregressive:
            taught += (_taught(model, tokens) == tokens).sum(dim=(0, 2))
    steps = len(validation) * validation.tokens.shape[-1]
    return Accuracy(
        hits / steps,
        onset_hits / onsets.clamp(min=1),
        taught / steps if model.autoregressive else None,
        majority / steps,
        holds / steps,
    )


def reconstructions(model: Autoencoder, windows: WindowSet) -> Iterator[tuple[Tensor, Tensor]]:
    """(tokens, predicted), (batch, tracks, steps) each, over all windows."""
    device = next(model.parameters()).device
    for tokens in torch.split(windows.tokens, BATCH):
        yield tokens, model.tokens(model.codes(tokens.to(device))).cpu()


@torch.no_grad()
def _taught(model: Autoencoder, tokens: Tensor) -> Tensor:
    """The likeliest state after the true ones before; (batch, tracks, steps)."""
    device = next(model.parameters()).device
    tokens = tokens.to(device)
    logits = model.decode(model.codes(tokens), tokens)
    return logits.argmax(dim=-1).cpu()


def state_counts(windows: WindowSet) -> Tensor:
    """(tracks, steps, 130) how often each state stands at each step of each track."""
    counts = torch.zeros(*windows.tokens.shape[1:], STATES, dtype=torch.int64)
    for tokens in torch.split(windows.tokens, BATCH):
        counts.scatter_add_(
            -1, tokens.long().permute(1, 2, 0), torch.ones(1).long().expand(*counts.shape[:2], len(tokens))
        )
    return counts
