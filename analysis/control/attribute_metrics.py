"""Attribute-control metrics: how well a move of the codes changes one attribute, evenly, and little else.

Consistency, restrictiveness and linearity are those of Music FaderNets (Tan and Herremans, ISMIR 2020), whose published
code divides the standard deviation of an attribute by its standard deviation in training. Two of them differ here:

- Consistency: in FaderNets a latent dimension is set to eight values, the same for every window, so consistency is
  measured on the attribute. Our codes have no dimension for an attribute, and each window moves from where it is, so
  consistency is measured on the attribute's change.
- Restrictiveness: theirs looks at one other attribute, ours is the mean over all others.

Linearity, which their code calls monotonicity, is R squared. Our monotonicity is Spearman's rank correlation, as in
Pati and Lerch's AR-VAE (2020): there between codes and attributes, here within each window between level and attribute.

values: (windows, levels) an attribute, with NaN in the whole row of a window that lacks it at some level. Statistics
are those of `analysis.shared.bootstrap`: (1 + resamples,).
"""

from collections.abc import Sequence

import numpy as np

from analysis.shared.bootstrap import mean_statistic, weighted_means
from analysis.shared.correlation import correlation, rank_correlation
from music.arrays import FloatArray


def monotonicity(levels: FloatArray, values: FloatArray) -> FloatArray:
    """Returns (windows,) Spearman's correlation of level and attribute, -1 to 1; 0 where the attribute is constant."""
    return np.where(np.isnan(values[:, 0]), np.nan, rank_correlation(levels, values))


def linearity(levels: FloatArray, values: FloatArray) -> FloatArray:
    """Returns (windows,) the share of the attribute's variance that a straight line over the levels explains, 0 to 1.

    0 where the attribute is constant.
    """
    return np.where(np.isnan(values[:, 0]), np.nan, correlation(levels, values) ** 2)


def consistency(weights: FloatArray, changes: FloatArray) -> FloatArray:
    """Returns the statistic that is 1 where all windows change alike, and less the more they differ.

    It is 1 less the mean over levels of the standard deviation over windows. changes: (windows, levels) the
    attribute's change from level 0, in its standard deviations in training, NaN as in values.
    """
    centred = changes - weighted_means(weights[:1], changes)
    variance = weighted_means(weights, centred**2) - weighted_means(weights, centred) ** 2
    return np.asarray(1 - np.sqrt(variance.clip(0)).mean(axis=1))


def restrictiveness(weights: FloatArray, others: Sequence[FloatArray]) -> FloatArray:
    """Returns the statistic that is 1 where no other attribute changes, and less the more they do.

    It is 1 less the mean over attributes and windows of the standard deviation over levels. others: values of each
    other attribute, in its standard deviations in training.
    """
    return 1 - mean_statistic([weighted_means(weights, values.std(axis=1)) for values in others])
