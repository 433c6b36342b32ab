"""The low-level metrics of groups of windows, and how each group differs from all."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from analysis.shared.section import Cell
from music.arrays import FloatArray
from music.metrics import METRICS, measure
from music.tokens import with_all_tracks


@dataclass(frozen=True)
class GroupMetrics:
    """The metrics of every window of some groups, NaN where a window has nothing to measure."""

    groups: Sequence[FloatArray]
    """(metrics, windows) for each group, in the order of `METRICS`."""

    @cached_property
    def overall(self) -> FloatArray:
        """(metrics,) the mean over all windows."""
        return mean_of_known(np.concatenate(self.groups, axis=1), axis=1)

    @cached_property
    def by_group(self) -> FloatArray:
        """(metrics, groups) the mean over each group's windows, NaN where it has none."""
        return np.stack([mean_of_known(group, axis=1) for group in self.groups], axis=1)

    @cached_property
    def relative(self) -> FloatArray:
        """(metrics, groups) how far each group's mean is from the mean over all windows, as a share of the latter."""
        return relative_difference(self.by_group, self.overall[:, None])

    @cached_property
    def error(self) -> FloatArray:
        """(metrics,) the standard error of the groups' means, as a share of the mean over all windows."""
        variance = np.stack(
            [mean_of_known(group**2, axis=1) - mean_of_known(group, axis=1) ** 2 for group in self.groups], axis=1
        )
        counts = np.stack([np.isfinite(group).sum(axis=1) for group in self.groups], axis=1).clip(1)
        error = np.sqrt(mean_of_known(variance.clip(0) / counts, axis=1))
        return relative_difference(self.overall + error, self.overall)


def group_metrics(groups: Sequence[Tensor], tracks: Sequence[str]) -> GroupMetrics:
    """Measures groups of windows of some tracks, (windows, tracks, steps) each; the other tracks are silent."""
    measured = [measure(with_all_tracks(windows.numpy(), tracks)) for windows in groups]
    return GroupMetrics([np.stack([metrics[name] for name in METRICS]) for metrics in measured])


def relative_difference(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Returns the difference from the reference as a share of the reference, NaN where that is 0."""
    unknown = np.full(values.shape, np.nan)
    return np.asarray(np.divide(values - reference, reference, out=unknown, where=reference != 0))


def mean_of_known(values: FloatArray, axis: int) -> FloatArray:
    """Returns the mean without the values that are NaN; NaN where nothing is left."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis))


def table_cells(values: FloatArray) -> list[Cell]:
    """Returns the values as cells of a table; a NaN becomes an empty cell."""
    return [None if math.isnan(value) else value for value in values.tolist()]
