"""The flow and the difference of means side by side, where both gain as many percentiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.editability.genre_edits import GenreEdit, mean_over_genres


@dataclass(frozen=True)
class Comparison:
    """What the flow keeps with one guidance, and the difference of means where it gains as much."""

    place: int
    """The guidance's place in the list of guidances."""
    gain: float
    note_f1: float
    note_f1_by_means: float


def compare(by_means: Sequence[GenreEdit], by_flow: Sequence[GenreEdit], windows: int) -> Comparison | None:
    """Compares both, as means over genres and the first `windows` windows, which are those that the flow moves.

    The guidance is the last with which the flow gains no more than the difference of means at its best; None if there
    is none. What that keeps is taken to lie on lines between its strengths, of which the first is no move at all.
    """
    once = np.zeros((1, len(by_flow[0].gains["difference"])))
    once[:, :windows] = 1
    (kept_by_means, gains_by_means), (kept, gains) = (
        [mean_over_genres(edits, once, measure, "difference")[0] for measure in ("note_f1", "gains")]
        for edits in (by_means, by_flow)
    )
    comparable = np.flatnonzero(gains <= gains_by_means.max())
    if not len(comparable):
        return None
    place = int(comparable[-1])
    gains_from_none, kept_from_all = np.append(0.0, gains_by_means), np.append(1.0, kept_by_means)
    order = np.argsort(gains_from_none)
    on_line = np.interp(gains[place], gains_from_none[order], kept_from_all[order])
    return Comparison(place, float(gains[place]), float(kept[place]), float(on_line))
