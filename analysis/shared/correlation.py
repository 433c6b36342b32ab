"""Correlations of many rows with the same places, such as points on a way or levels of a fader."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Numbers = NDArray[np.float64]


def correlation(places: Numbers, values: Numbers) -> Numbers:
    """(rows,) Pearson's; 0 for a row that is the same everywhere. places: (points,), values: (rows, points)."""
    x = places - places.mean()
    y = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt((x**2).sum() * (y**2).sum(axis=1))
    return np.asarray(np.divide(y @ x, spread, out=np.zeros(len(y)), where=spread > 0))


def rank_correlation(places: Numbers, values: Numbers) -> Numbers:
    """(rows,) Spearman's; places rise, otherwise as `correlation`."""
    return correlation(rankdata(places), rankdata(values, axis=1))
