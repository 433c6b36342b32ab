"""The metrics of groups of windows, and of each group against all."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from analysis.shared.section import Cell
from music.metrics import METRICS, measure
from music.tokens import with_all_tracks

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Metrics of groups of windows, NaN where a window has nothing to measure."""

    groups: Sequence[Values]
    """(metrics, windows) each, in the order of `METRICS`."""

    @cached_property
    def whole(self) -> Values:
        """(metrics,) mean over all windows."""
        return mean(np.concatenate(self.groups, axis=1), axis=1)

    @cached_property
    def local(self) -> Values:
        """(metrics, groups) mean over each group's windows, NaN where it has none."""
        return np.stack([mean(group, axis=1) for group in self.groups], axis=1)

    @cached_property
    def relative(self) -> Values:
        """(metrics, groups) each group's mean less the mean over all windows, as a share of the latter."""
        return relative(self.local, self.whole[:, None])

    @cached_property
    def error(self) -> Values:
        """(metrics,) standard error of the groups' means, as a share of the mean over all windows."""
        variance = np.stack([mean(group**2, axis=1) - mean(group, axis=1) ** 2 for group in self.groups], axis=1)
        counts = np.stack([np.isfinite(group).sum(axis=1) for group in self.groups], axis=1).clip(1)
        error = np.sqrt(mean(variance.clip(0) / counts, axis=1))
        return relative(self.whole + error, self.whole)


def measured(groups: Sequence[Tensor], tracks: Sequence[str]) -> Measured:
    """Groups of windows of some tracks, (windows, tracks, steps) each; the other tracks are silent."""
    values = [measure(with_all_tracks(windows.numpy(), tracks)) for windows in groups]
    return Measured([np.stack([of[name] for name in METRICS]) for of in values])


def relative(values: Values, reference: Values) -> Values:
    """Differences from the reference as shares of it, NaN where it is 0."""
    unknown = np.full(values.shape, np.nan)
    share: Values = np.divide(values - reference, reference, out=unknown, where=reference != 0)
    return share


def mean(values: Values, axis: int) -> Values:
    """What is NaN is left out; NaN where nothing is left."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis))


def cells(values: Values) -> list[Cell]:
    """For a table: what is NaN is an empty cell."""
    return [None if math.isnan(value) else value for value in values.tolist()]
