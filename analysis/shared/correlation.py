"""Correlations of many rows of numbers at once."""

import numpy as np
from scipy.stats import rankdata

from music.arrays import FloatArray

SHORTEST = 1e-12
"""A row whose distance from its own mean is less than this is constant, except for rounding."""


def correlation(first: FloatArray, second: FloatArray, constant: float = 0.0) -> FloatArray:
    """Pearson's correlation over the last axis.

    first, second: (..., n), which broadcast -> (...). constant: the result where either of the two is constant or
    has a NaN.
    """
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (first, second))
    x_length, y_length = np.linalg.norm(x, axis=-1), np.linalg.norm(y, axis=-1)
    products = (x * y).sum(axis=-1)
    known = np.broadcast_to((x_length > SHORTEST) & (y_length > SHORTEST), products.shape)
    unknown = np.full(products.shape, constant)
    return np.asarray(np.divide(products, x_length * y_length, out=unknown, where=known))


def rank_correlation(first: FloatArray, second: FloatArray, constant: float = 0.0) -> FloatArray:
    """Spearman's correlation over the last axis; arguments and result are those of `correlation`."""
    return correlation(rankdata(first, axis=-1), rankdata(second, axis=-1), constant)
