"""Projections of codes to two dimensions."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from music.arrays import FloatArray

PERPLEXITY = 30.0


def pca(codes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Projects on the plane of the first two principal components.

    codes: (windows, latent) -> (windows, 2), and the two components' shares of the variance, (2,).
    """
    plane = PCA(2, random_state=0)
    with np.errstate(invalid="ignore"):  # codes that are all alike have no variance to share
        points = plane.fit_transform(codes)
    return points, np.nan_to_num(plane.explained_variance_ratio_)


def tsne(codes: FloatArray, seed: int) -> FloatArray:
    """Projects by t-SNE, which keeps neighbours together, while large distances have no meaning.

    codes: (windows, latent) -> (windows, 2); codes that are all alike are all projected to one point.
    """
    if not np.ptp(codes, axis=0).any():
        return np.zeros((len(codes), 2))
    perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
    points: FloatArray = TSNE(perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(codes)
    return points
