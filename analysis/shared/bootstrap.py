"""95% intervals for numbers measured on windows, from a bootstrap over the songs.

Windows of one song are alike: resampling windows instead would make the intervals far too narrow.

A statistic is an array here: its value for the original windows, and then for each resample of their songs. Statistics
from the same weights share their resamples, so sums, differences and means of them have correct intervals too.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.evaluation import Counts, column_names, with_means
from music.arrays import FloatArray

INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A number, and the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def text(self, decimals: int = 3) -> str:
        """Returns the number with its interval, as tables and texts show it."""
        return f"{self.value:.{decimals}f} [{self.low:.{decimals}f}, {self.high:.{decimals}f}]"


Measures = dict[str, dict[str, Estimate]]
"""Estimates by measure, then by track and mean."""


def estimates(counts: Mapping[str, Counts], tracks: tuple[str, ...], resamples: int, seed: int) -> Measures:
    """Returns each measure by track, with its means, with the percentile intervals of a bootstrap over songs."""
    songs = len(next(iter(counts.values())).hits)
    weights = _resample(songs, resamples, seed)
    ends = torch.tensor(INTERVAL, dtype=weights.dtype)
    measures: Measures = {}
    for measure, count in counts.items():
        value = with_means(count.share())
        low, high = torch.quantile(with_means(count.share(weights)), ends, dim=0)
        rows = torch.stack([value, low, high], dim=-1).tolist()
        measures[measure] = {name: Estimate(*row) for name, row in zip(column_names(tracks), rows, strict=True)}
    return measures


def song_weights(songs: Tensor, resamples: int, seed: int) -> FloatArray:
    """Returns how often each window counts: once in the first row, then as often as its song is in each resample.

    songs: (windows,) the song of each window -> (1 + resamples, windows).
    """
    distinct, song = np.unique(songs.numpy(), return_inverse=True)
    counts: FloatArray = _resample(len(distinct), resamples, seed).numpy()
    return np.concatenate([np.ones((1, len(song))), counts[:, song]])


def _resample(songs: int, resamples: int, seed: int) -> Tensor:
    """Samples as many songs as there are, with replacement; returns (resamples, songs) how often each is chosen."""
    counts = np.random.default_rng(seed).multinomial(songs, np.full(songs, 1 / songs), size=resamples)
    return torch.from_numpy(counts).double()


def weighted_means(weights: FloatArray, values: NDArray[np.floating]) -> FloatArray:
    """Returns the mean over windows, as a statistic; NaN where no window counts.

    weights: (1 + resamples, windows), values: (windows, ...), NaN where a window does not count
    -> (1 + resamples, ...).
    """
    rows = values.reshape(len(values), -1)
    known = ~np.isnan(rows)
    totals, counts = weights @ np.where(known, rows, 0), weights @ known
    shares = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return np.asarray(shares.reshape(len(weights), *values.shape[1:]))


def mean_statistic(statistics: Sequence[FloatArray]) -> FloatArray:
    """Averages statistics of one shape, resample by resample, without those that are NaN there."""
    total = np.ma.masked_invalid(np.stack(statistics)).mean(axis=0)
    return np.asarray(np.ma.filled(total, np.nan), dtype=np.float64)


def interval(statistic: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns both ends of the percentile interval; (1 + resamples, ...) -> (...) each, NaN if all resamples are."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered")
        low, high = np.nanquantile(statistic[1:], INTERVAL, axis=0)
    return low, high


def estimate(statistic: FloatArray) -> Estimate:
    """Returns the value for the original windows, and its interval; statistic: (1 + resamples,)."""
    low, high = interval(statistic)
    return Estimate(float(statistic[0]), float(low), float(high))


def interval_metrics(name: str, statistic: FloatArray) -> dict[str, float]:
    """Returns the metrics NAME, NAME_low and NAME_high: the value and its interval; none if there is no value."""
    number = estimate(statistic)
    if np.isnan(number.value):
        return {}
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}


def table_cell(statistic: FloatArray, decimals: int = 2) -> str | None:
    """Returns the value and its interval for a table; None if there is no value."""
    number = estimate(statistic)
    return None if np.isnan(number.value) else number.text(decimals)
