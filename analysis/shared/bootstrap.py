"""How certain a number is that was measured on the windows of some songs: 95% intervals from resampling the songs.

Windows of one song are alike: resampled one by one they would make the intervals far too narrow.

A statistic of windows is an array here: its value for the windows as they are, and then for each resample. Statistics
from the same weights share their resamples, so sums, differences and means of them have correct intervals too.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.evaluation import Counts, columns, with_means
from music.arrays import FloatArray

INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A number, and the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def text(self, decimals: int = 3) -> str:
        """The number with its interval, as tables and texts show it."""
        return f"{self.value:.{decimals}f} [{self.low:.{decimals}f}, {self.high:.{decimals}f}]"


Measures = dict[str, dict[str, Estimate]]
"""By measure, then by track and mean."""


def estimates(counts: Mapping[str, Counts], tracks: tuple[str, ...], resamples: int, seed: int) -> Measures:
    """Each measure for each track and its means, with the percentile intervals of a bootstrap over songs."""
    songs = len(next(iter(counts.values())).hits)
    weights = _draws(songs, resamples, seed)
    ends = torch.tensor(INTERVAL, dtype=weights.dtype)
    measures: Measures = {}
    for measure, count in counts.items():
        value = with_means(count.share())
        low, high = torch.quantile(with_means(count.share(weights)), ends, dim=0)
        rows = torch.stack([value, low, high], dim=-1).tolist()
        measures[measure] = {name: Estimate(*row) for name, row in zip(columns(tracks), rows, strict=True)}
    return measures


def song_weights(songs: Tensor, resamples: int, seed: int) -> FloatArray:
    """How often each window counts: once in the first row, then as often as its song is drawn in each resample.

    songs: (windows,) which song each window is from -> (1 + resamples, windows).
    """
    distinct, song = np.unique(songs.numpy(), return_inverse=True)
    draws: FloatArray = _draws(len(distinct), resamples, seed).numpy()
    return np.concatenate([np.ones((1, len(song))), draws[:, song]])


def _draws(songs: int, resamples: int, seed: int) -> Tensor:
    """(resamples, songs) how often each song is drawn, of as many songs with replacement."""
    drawn = np.random.default_rng(seed).multinomial(songs, np.full(songs, 1 / songs), size=resamples)
    return torch.from_numpy(drawn).double()


def means(weights: FloatArray, values: NDArray[np.floating]) -> FloatArray:
    """The mean over windows, as a statistic; NaN where no window counts.

    weights: (1 + resamples, windows), values: (windows, ...), NaN where a window does not count
    -> (1 + resamples, ...).
    """
    rows = values.reshape(len(values), -1)
    known = ~np.isnan(rows)
    totals, counts = weights @ np.where(known, rows, 0), weights @ known
    shares = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return np.asarray(shares.reshape(len(weights), *values.shape[1:]))


def mean_of(statistics: Sequence[FloatArray]) -> FloatArray:
    """The mean of statistics of one shape, resample by resample, without those that are NaN there."""
    total = np.ma.masked_invalid(np.stack(statistics)).mean(axis=0)
    return np.asarray(np.ma.filled(total, np.nan), dtype=np.float64)


def interval(statistic: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both ends of the percentile interval; (1 + resamples, ...) -> (...) each, NaN where no resample has a value."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered")
        low, high = np.nanquantile(statistic[1:], INTERVAL, axis=0)
    return low, high


def estimate(statistic: FloatArray) -> Estimate:
    """The value for the windows as they are, and its interval; (1 + resamples,)."""
    low, high = interval(statistic)
    return Estimate(float(statistic[0]), float(low), float(high))


def interval_metrics(name: str, statistic: FloatArray) -> dict[str, float]:
    """The value and its interval for a file of metrics: NAME, NAME_low, NAME_high; nothing where there is no value."""
    number = estimate(statistic)
    if np.isnan(number.value):
        return {}
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}


def table_cell(statistic: FloatArray, decimals: int = 2) -> str | None:
    """The value and its interval for a table; None where there is no value."""
    number = estimate(statistic)
    return None if np.isnan(number.value) else number.text(decimals)
