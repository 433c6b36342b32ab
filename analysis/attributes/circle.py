"""How values go around the circle of genres: against their neighbours, against others, and both against chance."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

LEAST_GENRES = 4
"""With three genres every order around a circle is the same."""

Values = NDArray[np.float64]
Orders = NDArray[np.int64]


def circle_order(genres: int) -> Orders:
    """(1, genres)."""
    return np.arange(genres)[None]


def shuffled_orders(genres: int, count: int, seed: int) -> Orders:
    """(count, genres)."""
    return np.random.default_rng(seed).permuted(np.tile(circle_order(genres), (count, 1)), axis=1)


def turned_orders(genres: int) -> Orders:
    """(2 genres - 1, genres): the circle turned and mirrored in every way but as it is; neighbours stay neighbours."""
    circle = circle_order(genres)[0]
    turned = [np.roll(way, places) for way in (circle, circle[::-1]) for places in range(genres)]
    return np.stack(turned[1:])


def autocorrelation(values: Values, orders: Orders) -> Values:
    """(orders, rows) correlation of each genre's value with the next genre's, the last's with the first's.

    values: (rows, genres), orders: (orders, genres). NaN for a row that is the same all around, or has a NaN.
    """
    unit = _unit(values)
    correlation: Values = np.einsum("rog,rog->or", unit[:, orders], unit[:, np.roll(orders, -1, axis=1)])
    return correlation


def rank_correlation(values: Values, others: Values, orders: Orders) -> Values:
    """(orders, rows) Spearman's, over the genres, of the values with the others' in each order.

    values, others: (rows, genres), orders: (orders, genres). NaN as in `autocorrelation`.
    """
    first, second = (_unit(rankdata(of, axis=1)) for of in (values, others))
    correlation: Values = np.einsum("rg,rog->or", first, second[:, orders])
    return correlation


def chance(observed: Values | float, others: Values) -> Values:
    """(...) p-value: the share of (orders, ...) values that are as large, the observed one counted among them."""
    p = (1 + (others >= observed - 1e-12).sum(axis=0)) / (1 + len(others))
    return np.where(np.isnan(observed), np.nan, p)


def _unit(values: Values) -> Values:
    """Each row less its mean, of length 1."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Values = np.divide(centred, length, out=np.full(values.shape, np.nan), where=length > 1e-12)
    return unit
