"""How well a move of the codes works as a fader of one attribute: it moves that, evenly, and little else.

Consistency, restrictiveness and linearity are those of Music FaderNets (Tan and Herremans, ISMIR 2020): its published
code takes standard deviations of attributes in units of their standard deviation in training. It sets a latent
dimension to eight values between its least and greatest, the same for every window, and so measures consistency on the
attribute itself; our codes have no dimension of an attribute's own and each window moves from where it is, so we
measure consistency on the change. Its restrictiveness looks at the one other attribute; ours is the mean over all
others. Its linearity, which its code calls monotonicity, is R squared; our monotonicity is Spearman's rank correlation,
as Pati and Lerch's AR-VAE (2020) has it between codes and attributes, here within each window along the fader.
"""

import numpy as np

from analysis.shared.correlation import Numbers, correlation, rank_correlation


def defined(values: Numbers) -> Numbers:
    """The windows that have the attribute at every level; (windows, levels) -> fewer windows."""
    return values[~np.isnan(values).any(axis=1)]


def monotonicity(levels: Numbers, values: Numbers) -> float:
    """Mean over windows of Spearman's correlation of level and attribute, from -1 to 1; 0 where it does not move.

    levels: (levels,), values: (windows, levels).
    """
    return float(rank_correlation(levels, values).mean())


def linearity(levels: Numbers, values: Numbers) -> float:
    """Mean over windows of the share of the attribute's variance on a straight line over the levels, 0 to 1.

    0 where it does not move. levels: (levels,), values: (windows, levels).
    """
    return float((correlation(levels, values) ** 2).mean())


def consistency(changes: Numbers) -> float:
    """1 for a fader that changes the attribute of every window alike, less the more they differ.

    1 less the mean over levels of the standard deviation over windows; changes: (windows, levels) from level 0, in
    standard deviations of the attribute in training.
    """
    return float(1 - changes.std(axis=0).mean())


def restrictiveness(others: list[Numbers]) -> float:
    """1 for a fader that moves no other attribute, less the more it does.

    1 less the mean over attributes and windows of the standard deviation over levels; others: (windows, levels) each,
    in standard deviations of the attribute in training.
    """
    return float(1 - np.mean([values.std(axis=1).mean() for values in others]))
