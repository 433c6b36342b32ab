"""How sure a share is that was counted over songs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.evaluation import Counts, columns, with_means

INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A share, and the ends of its 95% interval."""

    value: float
    low: float
    high: float


Measures = dict[str, dict[str, Estimate]]
"""By measure, then by track and mean."""


def estimates(counts: Mapping[str, Counts], tracks: tuple[str, ...], resamples: int, seed: int) -> Measures:
    """Each measure for each track and its means, with the percentile intervals of a bootstrap over songs.

    Windows of one song are alike: drawn one by one they would make the intervals far too narrow.
    """
    songs = len(next(iter(counts.values())).hits)
    weights = _draws(songs, resamples, seed)
    ends = torch.tensor(INTERVAL, dtype=weights.dtype)
    measures: Measures = {}
    for measure, of in counts.items():
        value = with_means(of.share())
        low, high = torch.quantile(with_means(of.share(weights)), ends, dim=0)
        rows = torch.stack([value, low, high], dim=-1).tolist()
        measures[measure] = {name: Estimate(*row) for name, row in zip(columns(tracks), rows, strict=True)}
    return measures


def _draws(songs: int, resamples: int, seed: int) -> Tensor:
    """(resamples, songs) how often each song is drawn, of as many songs with replacement."""
    drawn = np.random.default_rng(seed).multinomial(songs, np.full(songs, 1 / songs), size=resamples)
    return torch.from_numpy(drawn).double()
