"""How well a hyperplane separates two genres in the latent space, on songs that it was not fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solve
from sklearn.model_selection import GroupKFold

from analysis.genres.pairs import Pair
from analysis.shared.correlation import rank_correlation
from music.arrays import BoolArray, FloatArray, IntArray

CHANCE = 0.95
"""The chance level is this quantile of what shuffled labels, or shuffled orders of the genres, reach."""
FEWEST_PAIRS = 10
"""The fewest pairs of genres for a correlation."""


@dataclass(frozen=True)
class Separability:
    """Balanced accuracies of classifiers that tell two genres apart."""

    first: int
    second: int
    """The genres' numbers in the vocabulary, the lower first."""
    songs: tuple[int, int]
    """How many songs each genre has."""
    accuracy: float
    shuffled: FloatArray
    """(shuffles,): the accuracy each time after the labels were shuffled among the songs."""

    @cached_property
    def chance(self) -> float:
        """The accuracy that shuffled labels seldom exceed."""
        return float(np.quantile(self.shuffled, CHANCE))

    @property
    def above_chance(self) -> bool:
        """Whether the genres are told apart better than songs with shuffled labels."""
        return self.accuracy > self.chance


Separabilities = Mapping[tuple[int, int], Separability]
"""The separability of pairs, by the numbers of the two genres, the lower first."""


def measure_separability(pair: Pair, shuffles: int, folds: int, shrinkage: float, seed: int) -> Separability:
    """Cross-validates by song: no song is in both the training and the test part of a fold."""
    _, first_windows, song = np.unique(pair.songs, return_index=True, return_inverse=True)
    generator = np.random.default_rng((seed, pair.first, pair.second))
    shuffled = [generator.permutation(pair.labels[first_windows])[song] for _ in range(shuffles)]
    accuracies = balanced_accuracies(pair.codes, np.column_stack([pair.labels, *shuffled]), song, folds, shrinkage)
    return Separability(pair.first, pair.second, pair.song_counts(), float(accuracies[0]), accuracies[1:])


def balanced_accuracies(
    codes: FloatArray, labels: IntArray, songs: IntArray, folds: int, shrinkage: float
) -> FloatArray:
    """Returns the mean over both sides of the share of windows that classifiers not fitted to their songs get right.

    The classifier is a linear discriminant, its covariance shrunk towards a sphere by the share `shrinkage`, with the
    threshold halfway between the means of both sides: kernel ridge regression on the labels, solved once per fold for
    all labellings and equally fast in any number of dimensions. The folds do not depend on the labels, so they are the
    same for true and for shuffled ones.

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
        threshold = _mean_of_sides(scores[seen], labels[seen])
        right[unseen] = (scores[unseen] > threshold) == (labels[unseen] > 0)
    return _mean_of_sides(right, labels)


def _mean_of_sides(values: FloatArray | BoolArray, labels: IntArray) -> FloatArray:
    """Returns the middle between the means of both sides, for each labelling; the mean of an empty side is 0.

    values, labels: (windows, labellings) -> (labellings,).
    """
    sides = [labels == label for label in (-1, 1)]
    means = [(values * side).sum(axis=0) / np.maximum(side.sum(axis=0), 1) for side in sides]
    middle: FloatArray = (means[0] + means[1]) / 2
    return middle


def circle_distance(first: IntArray, second: IntArray, genres: int) -> IntArray:
    """Returns how many places apart two genres are on a circle of `genres` genres; (pairs,) each -> (pairs,)."""
    apart = abs(first - second)
    shorter: IntArray = np.minimum(apart, genres - apart)
    return shorter


def circle_correlation(
    separabilities: Sequence[Separability], genres: int, shuffles: int, seed: int
) -> tuple[float, float] | None:
    """Returns the rank correlation of separability with distance on the circle, and its chance level.

    Pairs that share a genre are not independent, so the chance level comes from shuffling the places of the genres (a
    Mantel test). None if there are too few pairs, or all have the same accuracy.
    """
    accuracies = np.array([separability.accuracy for separability in separabilities])
    if len(accuracies) < FEWEST_PAIRS or not np.ptp(accuracies):
        return None
    generator = np.random.default_rng(seed)
    first, second = np.array([(separability.first, separability.second) for separability in separabilities]).T
    places = [np.arange(genres), *(generator.permutation(genres) for _ in range(shuffles))]
    distances = np.stack([circle_distance(place[first], place[second], genres) for place in places])
    correlations = rank_correlation(accuracies, distances.astype(np.float64))
    return float(correlations[0]), float(np.quantile(correlations[1:], CHANCE))
