"""How well a hyperplane parts two genres in the latent space, on songs it was not fitted to, beside shuffled labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from sklearn.model_selection import GroupKFold

from analysis.genres.pairs import Codes, Numbers, Pair
from analysis.shared.correlation import rank_correlation

CHANCE = 0.95
"""The quantile of what shuffled labels reach that counts as the chance level."""
FEWEST_PAIRS = 10
"""That a correlation is taken over."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Separability:
    """Balanced accuracies of one pair of genres."""

    first: int
    second: int
    songs: tuple[int, int]
    accuracy: float
    shuffled: Values
    """(shuffles,): with the labels dealt to the songs anew."""

    @cached_property
    def chance(self) -> float:
        """What shuffled labels seldom surpass."""
        return float(np.quantile(self.shuffled, CHANCE))

    @property
    def above_chance(self) -> bool:
        """Whether the genres are told apart better than songs with shuffled labels."""
        return self.accuracy > self.chance


Measured = Mapping[tuple[int, int], Separability]
"""By the numbers of the two genres, the lower first."""


def separability(pair: Pair, shuffles: int, folds: int, shrinkage: float, seed: int) -> Separability:
    """Cross-validated by song: no song is in both the training and the test part of a fold."""
    _, first_windows, song = np.unique(pair.songs, return_index=True, return_inverse=True)
    generator = np.random.default_rng((seed, pair.first, pair.second))
    dealt = [generator.permutation(pair.labels[first_windows])[song] for _ in range(shuffles)]
    accuracies = balanced_accuracies(pair.codes, np.column_stack([pair.labels, *dealt]), song, folds, shrinkage)
    return Separability(pair.first, pair.second, pair.songs_a_side(), float(accuracies[0]), accuracies[1:])


def balanced_accuracies(codes: Codes, labels: Numbers, songs: Numbers, folds: int, shrinkage: float) -> Values:
    """The mean of both sides' shares of windows told right, by linear classifiers that were not fitted to their songs.

    The classifier is a linear discriminant, its covariance shrunk towards a sphere by the share `shrinkage`, with the
    cut halfway between the sides' means: kernel ridge regression on the labels, solved once a fold for all labellings
    and as fast in any number of dimensions. The folds know nothing of the labels: true and shuffled ones fare alike.

    codes: (windows, latent); labels: (windows, labellings) -1 or 1; songs: (windows,) -> (labellings,).
    """
    codes = codes - codes.mean(axis=0)
    codes = codes / max(np.sqrt(np.mean(codes**2)), np.finfo(np.float64).tiny)
    right = np.empty(labels.shape, dtype=bool)
    for seen, unseen in GroupKFold(min(folds, len(np.unique(songs)))).split(codes, groups=songs):
        centred = codes - codes[seen].mean(axis=0)
        kernel = centred @ centred[seen].T
        penalty = shrinkage / (1 - shrinkage) * len(seen) * np.eye(len(seen))
        scores = kernel @ solve(kernel[seen] + penalty, labels[seen], assume_a="pos")
        cut = _mean_of_sides(scores[seen], labels[seen])
        right[unseen] = (scores[unseen] > cut) == (labels[unseen] > 0)
    return _mean_of_sides(right, labels)


def _mean_of_sides(values: Values | NDArray[np.bool_], labels: Numbers) -> Values:
    """Halfway between both sides' means, a column each; a side without windows counts as 0."""
    sides = [labels == label for label in (-1, 1)]
    means = [(values * side).sum(axis=0) / np.maximum(side.sum(axis=0), 1) for side in sides]
    halfway: Values = (means[0] + means[1]) / 2
    return halfway


def circle_distance(first: Numbers, second: Numbers, genres: int) -> Numbers:
    """How many places apart genres are on a circle of so many."""
    apart = abs(first - second)
    nearer: Numbers = np.minimum(apart, genres - apart)
    return nearer


def circle_correlation(
    measured: Sequence[Separability], genres: int, shuffles: int, seed: int
) -> tuple[float, float] | None:
    """Rank correlation of separability with distance on the circle, and what shuffled orders of genres seldom surpass.

    Pairs share genres and so are not independent: chance is asked by shuffling the genres' places (a Mantel test).
    None where there are too few pairs, or all are alike.
    """
    if len(measured) < FEWEST_PAIRS or len({of.accuracy for of in measured}) == 1:
        return None
    generator = np.random.default_rng(seed)
    first, second = np.array([(of.first, of.second) for of in measured]).T
    places = [np.arange(genres), *(generator.permutation(genres) for _ in range(shuffles))]
    distances = np.array([circle_distance(place[first], place[second], genres) for place in places])
    ranks = rank_correlation(np.array([of.accuracy for of in measured]), distances)
    return float(ranks[0]), float(np.quantile(ranks[1:], CHANCE))
