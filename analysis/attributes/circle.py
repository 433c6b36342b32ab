"""How values change around the circle of genres: how similar neighbours are, and how likely that is by chance.

An order is a row of genre numbers that says which genre stands at each place of the circle.
"""

import numpy as np

from analysis.shared.correlation import correlation, rank_correlation
from music.arrays import FloatArray, IntArray

LEAST_GENRES = 4
"""The fewest genres for a test: with three, every order around a circle is the same."""
ROUNDING = 1e-12

Orders = IntArray
"""(orders, genres)"""


def circle_order(genres: int) -> Orders:
    """Returns the genres in the order of the circle; (1, genres)."""
    return np.arange(genres)[None]


def shuffled_orders(genres: int, count: int, seed: int) -> Orders:
    """Returns random orders of the genres; (count, genres)."""
    return np.random.default_rng(seed).permuted(np.tile(circle_order(genres), (count, 1)), axis=1)


def turned_orders(genres: int) -> Orders:
    """Returns all turns and mirrors of the circle except the circle itself; neighbours stay neighbours.

    (2 genres - 1, genres).
    """
    circle = circle_order(genres)[0]
    turned = [np.roll(order, places) for order in (circle, circle[::-1]) for places in range(genres)]
    return np.stack(turned[1:])


def autocorrelation(values: FloatArray, orders: Orders) -> FloatArray:
    """Correlates each genre's value with the next genre's, the last one's with the first one's.

    values: (rows, genres) -> (orders, rows). NaN for a row that is the same all around, or has a NaN.
    """
    return correlation(values[:, orders], values[:, np.roll(orders, -1, axis=1)], constant=np.nan).T


def agreement(values: FloatArray, others: FloatArray, orders: Orders) -> FloatArray:
    """Correlates the ranks of the genres' values with those of the others in each order.

    values, others: (rows, genres) -> (orders, rows). NaN as in `autocorrelation`.
    """
    return rank_correlation(values[:, None], others[:, orders], constant=np.nan).T


def p_value(observed: FloatArray | float, by_chance: FloatArray) -> FloatArray:
    """Returns the share of the values by chance that are as large as the observed one, which counts as one of them.

    observed: (...), by_chance: (orders, ...) -> (...); NaN where the observed value is.
    """
    p = (1 + (by_chance >= observed - ROUNDING).sum(axis=0)) / (1 + len(by_chance))
    return np.where(np.isnan(observed), np.nan, p)
