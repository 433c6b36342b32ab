"""How close the codes of windows are to the prior."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import norm
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.svm import SVC
from torch import Tensor

from analysis.shared.context import BATCH, EvaluationContext
from model.data import WindowSet
from model.networks.encoder import reparametrise
from model.networks.priors import Prior, draw_genre

ACTIVE = 0.01
"""Variance of the mean codes, as a share of the prior's, from which a dimension counts as active (arXiv 1509.00519)."""
FOLDS = 5


@dataclass(frozen=True)
class Codes:
    """Codes of windows beside as many samples of the prior; on the CPU."""

    mean: Tensor
    """(windows, latent) of q(z|x)."""
    variance: Tensor
    """(windows, latent) of q(z|x)."""
    drawn: Tensor
    """(windows, latent) from q(z|x): together, draws from the aggregate posterior."""
    prior: Tensor
    """(windows, latent) from the prior of each window's genre."""
    genre: Tensor
    """(windows,) one of the genres of each window's song, as in training; the last means none."""
    songs: Tensor
    """(windows,)."""

    def __len__(self) -> int:
        return len(self.genre)


@torch.no_grad()
def read_codes(context: EvaluationContext, windows: WindowSet, generator: torch.Generator) -> Codes:
    """Encodes the windows; the generator is the CPU's."""
    encoded = [context.model.encode(batch.to(context.device)) for batch in torch.split(windows.tokens, BATCH)]
    mean, log_variance = (torch.cat(parts).cpu() for parts in zip(*encoded, strict=True))
    genre = draw_genre(windows.genres, generator)
    drawn = reparametrise(mean, log_variance, torch.randn(mean.shape, generator=generator))
    prior = context.model.prior.sample(genre, generator)
    return Codes(mean, log_variance.exp(), drawn, prior, genre, windows.songs)


@dataclass(frozen=True)
class Fit:
    """How far codes are from the Gaussian that they should come from, in its own standard deviations.

    The floors are what as many independent draws of the Gaussian itself give in the mean.
    """

    mean: float
    """Of the codes from that of the Gaussian: root mean square over the dimensions."""
    mean_floor: float
    covariance: float
    """Frobenius norm of the difference of both covariances, as a share of that of the Gaussian's."""
    covariance_floor: float
    spread: float
    """Standard deviation of the codes, as a multiple of the Gaussian's: root mean square over the dimensions."""


def fit(standardised: Tensor) -> Fit:
    """Codes in the Gaussian's axes and standard deviations, (windows, latent), at least 2 -> how they differ."""
    windows, latent = standardised.shape
    covariance = standardised.T.cov()
    return Fit(
        standardised.mean(dim=0).square().mean().sqrt().item(),
        windows**-0.5,
        (covariance - torch.eye(latent)).square().sum().div(latent).sqrt().item(),
        ((latent + 1) / (windows - 1)) ** 0.5,
        covariance.diagonal().mean().sqrt().item(),
    )


@dataclass(frozen=True)
class TwoSampleTest:
    """How well a classifier tells codes from samples of the prior (arXiv 1610.06545)."""

    accuracy: float
    """On songs that it was not trained on; half where it can't."""
    p: float
    """Of such an accuracy or a higher one where it can't, with songs rather than windows as independent.

    However high the accuracy is, few songs leave it large: four songs 0.02 at least.
    """


def two_sample_test(codes: Codes, variance: Tensor) -> TwoSampleTest:
    """Takes codes of two songs at least; variance: (latent,) of the prior."""
    features = (torch.cat([codes.drawn, codes.prior]) / variance.sqrt()).numpy()
    is_code = np.repeat([True, False], len(codes))
    songs = codes.songs.repeat(2).numpy()  # a window's sample of the prior is held out with its song
    folds = GroupKFold(min(FOLDS, len(np.unique(songs))))
    right = cross_val_predict(SVC(), features, is_code, groups=songs, cv=folds) == is_code
    above_half = np.bincount(np.unique(songs, return_inverse=True)[1], weights=right - 0.5)
    deviation = max(float(np.linalg.norm(above_half)), np.finfo(float).tiny)  # of the sum, were each as often below
    return TwoSampleTest(float(right.mean()), float(norm.sf(above_half.sum() / deviation)))


@torch.no_grad()
def critic_scores(context: EvaluationContext, codes: Codes) -> tuple[Tensor, Tensor] | None:
    """The critic's scores of the prior's samples and of the codes, (windows,) each; none where there is no critic."""
    if context.model.critic is None:
        return None
    genre = codes.genre.to(context.device)
    prior, drawn = (context.model.critic(z.to(context.device), genre).cpu() for z in (codes.prior, codes.drawn))
    return prior, drawn


@dataclass(frozen=True)
class Dimensions:
    """What each dimension carries, as shares of the prior's variance in it; (latent,) each."""

    signal: Tensor
    """Variance of the mean codes over the windows."""
    total: Tensor
    """The same and the mean variance of q(z|x): the variance of the aggregate posterior."""

    @property
    def dead(self) -> float:
        """Share of dimensions that are not active."""
        return (self.signal <= ACTIVE).float().mean().item()


def dimensions(codes: Codes, prior: Prior) -> Dimensions:
    """Of the flower it is the whole mixture's variance that counts, whatever a window's genre."""
    signal = codes.mean.var(dim=0) / prior.variance()
    return Dimensions(signal, signal + codes.variance.mean(dim=0) / prior.variance())
