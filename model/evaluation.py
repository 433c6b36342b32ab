"""How well windows are reconstructed from their codes, compared with baselines that need no model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.data import WindowSet
from model.similarity import note_counts
from music.progress import Progress
from music.tokens import HOLD, STATES, TRACKS

BATCH = 256
MEASURES = {
    "accuracy": "states, from a window's code alone",
    "onset_accuracy": "states where a note starts: the recall of notes",
    "note_f1": "notes, by pitch and first step: F1 of precision and recall",
    "teacher_forced_accuracy": "states, where the decoder is fed the true states before (only autoregressive ones)",
    "majority": "states, guessing at each step the commonest there in training",
    "majority_onset_accuracy": "the same guess where a note starts",
    "majority_note_f1": "the notes of the same guess",
    "always_hold": "states, guessing a hold everywhere, which finds no notes",
}
"""The measures, each a share, with what it is a share of."""


@dataclass(frozen=True)
class Counts:
    """The two counts whose ratio is a measure, by song and track; (songs, tracks) float64 each."""

    hits: Tensor
    chances: Tensor

    def share(self, weights: Tensor | None = None) -> Tensor:
        """Returns the ratio over all songs, (tracks,); with weights, (resamples, songs): (resamples, tracks)."""
        if weights is None:
            return self.hits.sum(dim=0) / self.chances.sum(dim=0).clamp(min=1)
        return (weights @ self.hits) / (weights @ self.chances).clamp(min=1)


def column_names(tracks: Sequence[str]) -> list[str]:
    """Returns the names of the columns that `with_means` returns."""
    return [*tracks, "mean", *(["mean_without_strings"] if len(tracks) == len(TRACKS) else [])]


def with_means(shares: Tensor) -> Tensor:
    """Appends the mean over the tracks and, of four tracks, that of the first three, as [P] table 1; (..., tracks)."""
    means = [shares.mean(dim=-1, keepdim=True)]
    if shares.shape[-1] == len(TRACKS):
        means.append(shares[..., :3].mean(dim=-1, keepdim=True))
    return torch.cat([shares, *means], dim=-1)


def by_track(counts: Mapping[str, Counts], tracks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Returns each measure by track, with its means."""
    return {
        measure: dict(zip(column_names(tracks), with_means(measured.share()).tolist(), strict=True))
        for measure, measured in counts.items()
    }


def format_measures(title: str, by_track: dict[str, dict[str, float]]) -> str:
    """Returns the result of `by_track` as text."""
    rows = [
        " ".join([f"{measure:23}", *(f"{track} {share:.3f}" for track, share in shares.items())])
        for measure, shares in by_track.items()
    ]
    return "\n".join([title, *rows])


@torch.no_grad()
def evaluate(model: Autoencoder, training: WindowSet, validation: WindowSet) -> dict[str, Counts]:
    """Counts each of `MEASURES` over all validation windows, reconstructed from their mean codes.

    Both sets are as the model sees them; the baselines learn from the training windows.
    """
    device = next(model.parameters()).device
    commonest = state_counts(training).argmax(dim=-1).to(device)
    songs, song = torch.unique(validation.songs, return_inverse=True)
    shape = 2, len(songs), len(commonest)
    totals: dict[str, Tensor] = defaultdict(lambda: torch.zeros(shape, dtype=torch.int64, device=device))
    batches = zip(torch.split(validation.tokens, BATCH), torch.split(song.to(device), BATCH), strict=True)
    done = 0
    with Progress("reconstructing", len(validation), "window") as progress:
        for tokens, batch_songs in batches:
            for measure, counts in _counts(model, tokens.to(device), commonest).items():
                totals[measure].index_add_(1, batch_songs, counts)
            done += len(tokens)
            progress.to(done)
    return {measure: Counts(*totals[measure].cpu().double()) for measure in MEASURES if measure in totals}


def _counts(model: Autoencoder, tokens: Tensor, commonest: Tensor) -> dict[str, Tensor]:
    """Returns the hits and chances of each measure, (2, windows, tracks)."""
    z = model.codes(tokens)
    counts = _by_measure(model.tokens(z), tokens)
    guessed = _by_measure(commonest.expand_as(tokens), tokens)
    counts |= {f"majority_{measure}": guess for measure, guess in guessed.items()}
    counts["majority"] = counts.pop("majority_accuracy")
    counts["always_hold"] = _over_steps(tokens == HOLD)
    if model.autoregressive:
        counts["teacher_forced_accuracy"] = _over_steps(model.decode(z, tokens).argmax(dim=-1) == tokens)
    return counts


def _by_measure(predicted: Tensor, tokens: Tensor) -> dict[str, Tensor]:
    """Returns the hits and chances of a prediction, (2, windows, tracks); (windows, tracks, steps) states each.

    F1 is 2 found / (predicted + true): the ratio of two counts.
    """
    found, played, true = note_counts(predicted, tokens)
    return {
        "accuracy": _over_steps(predicted == tokens),
        "onset_accuracy": torch.stack([found, true]),
        "note_f1": torch.stack([2 * found, played + true]),
    }


def _over_steps(right: Tensor) -> Tensor:
    """Counts every step as a chance; right: (windows, tracks, steps) bool -> hits and chances, (2, windows, tracks)."""
    hits = right.sum(dim=-1)
    return torch.stack([hits, torch.full_like(hits, right.shape[-1])])


def state_counts(windows: WindowSet) -> Tensor:
    """Counts how often each state occurs at each step of each track; (tracks, steps, 130)."""
    counts = torch.zeros(*windows.tokens.shape[1:], STATES, dtype=torch.int64)
    for tokens in torch.split(windows.tokens, BATCH):
        counts.scatter_add_(
            -1, tokens.long().permute(1, 2, 0), torch.ones(1).long().expand(*counts.shape[:2], len(tokens))
        )
    return counts
