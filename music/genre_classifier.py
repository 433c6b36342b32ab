"""A linear classifier of genre by the music of a window, as numbers alone: nothing but numpy is needed to score."""

from dataclasses import dataclass

import numpy as np

from music.arrays import FloatArray
from music.genre_features import features
from music.tokens import Tokens

FARTHEST = 5.0
"""Standard deviations from the mean at which a feature is cut off."""


@dataclass(frozen=True)
class GenreClassifier:
    """For each genre a linear function of a window's features, which tells its windows from all others."""

    means: FloatArray
    """(features,) of the windows that the classifier learnt from; an undefined feature counts as its mean."""
    deviations: FloatArray
    """(features,) the standard deviations there, 1 for a feature that is constant."""
    weights: FloatArray
    """(genres, features), of features in standard deviations from their means; NaN for a genre that is not known."""
    biases: FloatArray
    """(genres,)"""

    def scores(self, tokens: Tokens) -> FloatArray:
        """Scores windows, (windows, 4, steps) -> (windows, genres): higher for windows more like the genre's."""
        scaled = np.nan_to_num((features(tokens) - self.means) / self.deviations, nan=0.0)
        scores: FloatArray = scaled.clip(-FARTHEST, FARTHEST) @ self.weights.T + self.biases
        return scores


@dataclass(frozen=True)
class GenreScores:
    """A genre classifier, and how it scores real windows."""

    classifier: GenreClassifier
    quantiles: FloatArray
    """(genres, 101) the percentiles 0 to 100 of real windows' scores; NaN for a genre that is not known."""

    def percentiles(self, tokens: Tokens) -> FloatArray:
        """Returns how many percent of real windows are less like each genre, NaN for a genre that is not known.

        tokens: (windows, 4, steps) -> (windows, genres).
        """
        percent = np.arange(self.quantiles.shape[1])
        columns = zip(self.classifier.scores(tokens).T, self.quantiles, strict=True)
        ranks: FloatArray = np.stack([np.interp(scores, among, percent) for scores, among in columns], axis=1)
        return ranks
