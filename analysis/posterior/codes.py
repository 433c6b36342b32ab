"""The codes of validation windows, each beside a sample of the prior."""

from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.shared.context import BATCH, EvaluationContext
from model.data import WindowSet
from model.networks.posterior import reparametrise
from model.networks.priors import sample_genre

SAMPLES, VALIDATION = "samples of the prior", "validation windows"
"""The names of the two in tables and pictures."""


@dataclass(frozen=True)
class PosteriorCodes:
    """Codes of windows, each beside a sample of the prior for the same genre; all on the CPU."""

    mean: Tensor
    """(windows, latent): the mean of q(z|x)."""
    variance: Tensor
    """(windows, latent): the variance of q(z|x)."""
    sampled: Tensor
    """(windows, latent): a sample of each q(z|x); together they are samples of the aggregate posterior."""
    prior: Tensor
    """(windows, latent): a sample of the prior for the genre of each window."""
    genre: Tensor
    """(windows,): one of the genres of the window's song, chosen as in training; the last number means no genre."""
    songs: Tensor
    """(windows,): which song the window is from."""

    def __len__(self) -> int:
        return len(self.genre)


@torch.no_grad()
def read_codes(context: EvaluationContext, windows: WindowSet, generator: torch.Generator) -> PosteriorCodes:
    """Encodes the windows, and samples the prior once for each; the generator is on the CPU."""
    encoded = [context.model.encode(batch.to(context.device)) for batch in torch.split(windows.tokens, BATCH)]
    mean, log_variance = (torch.cat(parts).cpu() for parts in zip(*encoded, strict=True))
    genre = sample_genre(windows.genres, generator)
    sampled = reparametrise(mean, log_variance, torch.randn(mean.shape, generator=generator))
    prior = context.model.prior.sample(genre, generator)
    return PosteriorCodes(mean, log_variance.exp(), sampled, prior, genre, windows.songs)


def count_songs(songs: Tensor) -> int:
    """Returns the number of different songs. songs: (windows,) the song of each window."""
    return len(set(songs.tolist()))
