"""Hamming distances between windows, and how gradually they grow along a path from one window to another.

A path is a series of windows at positions from 0, at the first window, to 1, at the second. The distances along paths
are those from the first windows, (pairs, points).
"""

import numpy as np
import torch
from torch import Tensor

from analysis.shared.correlation import rank_correlation
from model.similarity import same_states
from music.arrays import FloatArray


def hamming_distance(first: Tensor, second: Tensor) -> FloatArray:
    """Returns the share of track-steps whose state differs; (..., tracks, steps), which broadcast -> (...).

    [P] counts over a matrix with a cell for each step, track and state, where a state that differs is two cells of 130.
    """
    return np.asarray(1 - same_states(first, second).numpy())


def bernoulli_mix(first: Tensor, second: Tensor, alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Mixes windows at random: each track-step is the first's with probability alpha, otherwise the second's.

    The track-steps are chosen anew at each point; [P] figure 4. first, second: (pairs, tracks, steps), alpha: (points,)
    -> (pairs, points, tracks, steps).
    """
    pairs, tracks, steps = first.shape
    uniform = torch.rand((pairs, len(alpha), tracks, steps), generator=generator)
    return torch.where(uniform < alpha[:, None, None], first[:, None], second[:, None])


def non_decreasing_share(distances: FloatArray) -> float:
    """Returns the share of the steps along the paths at which the distance does not fall."""
    return float((np.diff(distances) >= 0).mean())


def mean_rank_correlation(distances: FloatArray) -> float:
    """Returns Spearman's correlation of distance and position, mean over pairs; 0 where the distance never changes."""
    return float(rank_correlation(np.arange(distances.shape[1], dtype=np.float64), distances).mean())


def largest_step(distances: FloatArray) -> float:
    """Returns the largest rise of the distance from one point to the next, mean over pairs."""
    return float(np.diff(distances).max(axis=1).mean())


def detour(paths: Tensor) -> float | None:
    """Returns all that changes from point to point, divided by what differs between the first points and the last.

    paths: (pairs, points, tracks, steps). 1 where only what must change changes; None where nothing differs
    between the ends.
    """
    shortest = hamming_distance(paths[:, 0], paths[:, -1]).sum()
    return float(hamming_distance(paths[:, :-1], paths[:, 1:]).sum() / shortest) if shortest else None
