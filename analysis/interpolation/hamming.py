"""How windows change on their way to others: Hamming distances, and numbers of how gradual the change is."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.shared import correlation
from model.similarity import same_states


def distance(first: Tensor, second: Tensor) -> NDArray[np.float64]:
    """The share of track-steps whose state differs; (..., tracks, steps) each, which broadcast -> (...).

    Of [P]'s matrix of a cell a step, state and track, a differing state is two cells of 130.
    """
    return np.asarray(1 - same_states(first, second).numpy())


def mix(first: Tensor, second: Tensor, alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Windows whose every track-step is the first's with chance alpha, otherwise the second's, drawn at each point.

    first, second: (pairs, tracks, steps), alpha: (points,) -> (pairs, points, tracks, steps).
    """
    pairs, tracks, steps = first.shape
    drawn = torch.rand((pairs, len(alpha), tracks, steps), generator=generator)
    return torch.where(drawn < alpha[:, None, None], first[:, None], second[:, None])


def monotonicity(distances: NDArray[np.float64]) -> float:
    """The share of the steps along a path at which the distance does not fall; (pairs, points)."""
    return float((np.diff(distances) >= 0).mean())


def rank_correlation(distances: NDArray[np.float64]) -> float:
    """Spearman's rho of distance and position, mean over pairs, 0 where the distance never changes; (pairs, points)."""
    return float(correlation.rank_correlation(np.arange(distances.shape[1], dtype=np.float64), distances).mean())


def largest_step(distances: NDArray[np.float64]) -> float:
    """The largest rise of the distance from one point to the next, mean over pairs; (pairs, points)."""
    return float(np.diff(distances).max(axis=1).mean())


def detour(windows: Tensor) -> float | None:
    """All that changes from point to point, over what differs between the first point and the last, of all pairs.

    windows: (pairs, points, tracks, steps). 1 is a way on which no track-step changes in vain; None where nothing
    differs between the ends.
    """
    shortest = distance(windows[:, 0], windows[:, -1]).sum()
    return float(distance(windows[:, :-1], windows[:, 1:]).sum() / shortest) if shortest else None
