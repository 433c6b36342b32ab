"""The flow and the difference of means side by side, where both keep as many notes of the windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.editability.genre_edits import GenreEdit, mean_over_genres


@dataclass(frozen=True)
class Comparison:
    """What the flow gains with one guidance, and the difference of means where it keeps as many notes."""

    place: int
    """The guidance's place in the list of guidances."""
    note_f1: float
    gain: float
    gain_by_means: float


def compare(by_means: Sequence[GenreEdit], by_flow: Sequence[GenreEdit], windows: int) -> Comparison | None:
    """Compares both, as means over genres and the first `windows` windows, which are those that the flow moves.

    The guidance is the last with which the flow keeps as many notes as the farthest move by means, or more; None if
    there is none. Gains by means are taken to lie on lines between the strengths, from no move at all to the farthest.
    """
    once = np.zeros((1, len(by_flow[0].gains["difference"])))
    once[:, :windows] = 1
    (kept_by_means, gains_by_means), (kept, gains) = (
        [mean_over_genres(edits, once, measure, "difference")[0] for measure in ("note_f1", "gains")]
        for edits in (by_means, by_flow)
    )
    comparable = np.flatnonzero(kept >= kept_by_means.min())
    if not len(comparable):
        return None
    place = int(comparable[-1])
    order = np.argsort(kept_by_means)
    on_line = np.interp(kept[place], [*kept_by_means[order], 1.0], [*gains_by_means[order], 0.0])
    return Comparison(place, float(kept[place]), float(gains[place]), float(on_line))
