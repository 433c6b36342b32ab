"""Codes in two dimensions."""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from analysis.genres.pairs import Codes

PERPLEXITY = 30.0


def pca(codes: Codes) -> tuple[Codes, NDArray[np.float64]]:
    """The plane of most variance: (windows, latent) -> (windows, 2), and both components' shares of the variance."""
    plane = PCA(2, random_state=0)
    with np.errstate(invalid="ignore"):  # codes that are all alike have no variance to share
        points = plane.fit_transform(codes)
    return points, np.nan_to_num(plane.explained_variance_ratio_)


def tsne(codes: Codes, seed: int) -> Codes:
    """t-SNE: windows near each other stay so, far distances mean nothing; (windows, latent) -> (windows, 2).

    Codes that are all alike are all at one point.
    """
    if not np.ptp(codes, axis=0).any():
        return np.zeros((len(codes), 2))
    perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
    points: Codes = TSNE(perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(codes)
    return points
