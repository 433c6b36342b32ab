"""The pictures of the part `control`.

What they draw are statistics (see `analysis.shared.bootstrap`): values of the windows, and their 95% intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from analysis.control.attribute_moves import AttributeMove
from analysis.shared.bootstrap import interval, weighted_means
from music.arrays import FloatArray
from music.metrics import METRICS
from music.pictures import heat_map, picture, short

COLUMNS = 3
PANEL_INCHES = (3.4, 2.7)
BAND = 0.2
"""Opacity of intervals."""
REFERENCE = "#7f7f7f"
LEVEL = "level (sd of codes)"


def draw_attribute_moves(
    path: Path,
    moves: Mapping[str, AttributeMove],
    levels: Sequence[float],
    weights: FloatArray,
    similarity_of_songs: float | None,
) -> None:
    """Draws the mean change of each attribute by level, and how much of the reconstruction is kept."""
    rows = -(-(len(moves) + 1) // COLUMNS)
    with picture(path, PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * rows + 0.4) as figure:
        axes = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
        kept = axes[len(moves)]
        for axis, (number, (name, move)) in zip(axes, enumerate(moves.items()), strict=False):
            values = move.values[name]
            changes = values - values[:, [levels.index(0)]]
            _line(axis, levels, weighted_means(weights, changes), f"C{number}", name)
            axis.set(title=f"Along {name}", xlabel=LEVEL, ylabel=f"change ({METRICS[name].unit})")
            _line(kept, levels, weighted_means(weights, move.kept), f"C{number}", name)
        kept.set(title="States kept", xlabel=LEVEL, ylabel="share of states", ylim=(0, 1.03))
        if similarity_of_songs is not None:
            kept.axhline(similarity_of_songs, color=REFERENCE, linestyle=":", label="two different songs")
        kept.legend(fontsize="x-small", loc="lower center", ncols=2)
        for axis in axes[: len(moves) + 1]:
            axis.grid(linewidth=0.3)
        for axis in axes[len(moves) + 1 :]:
            axis.set_axis_off()
        figure.suptitle("Codes moved along an attribute: mean changes from the reconstruction and their 95% intervals")


def draw_matrices(path: Path, names: Sequence[str], changes: FloatArray, correlations: FloatArray) -> None:
    """Draws what moves change, in standard deviations, and how attributes of real windows correlate.

    changes, correlations: (attributes, attributes).
    """
    side = 2.4 + 0.6 * len(names)
    largest = max(float(np.nanmax(np.abs(changes))), 1e-9)
    with picture(path, 2 * side + 1.4, side) as figure:
        left, right = figure.subplots(1, 2)
        for axis, values, limit, label in (
            (left, changes, largest, "change (sd of training windows)"),
            (right, correlations, 1.0, "correlation"),
        ):
            image = heat_map(axis, values, names, names, cmap="RdBu_r", vmin=-limit, vmax=limit)
            figure.colorbar(image, ax=axis, label=label, shrink=0.8)
            for row, column in np.argwhere(~np.isnan(values)).tolist():
                value = values[row, column]
                colour = "white" if abs(value) > 0.6 * limit else "black"
                axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=colour, fontsize="small")
        left.set(title="What moves change", xlabel="attribute measured", ylabel="moved along")
        right.set(title="How attributes of real windows correlate")


@dataclass(frozen=True)
class PathCurve:
    """One path to genres, and random moves as far.

    Each is a statistic, (1 + resamples, points), where the points are strengths or genres.
    """

    label: str
    moves: FloatArray
    random: FloatArray


@dataclass(frozen=True)
class StrengthPanel:
    """A quantity over the strength of moves toward genres."""

    title: str
    unit: str
    highest: float
    """The end of the vertical axis, which begins at 0."""
    curves: Sequence[PathCurve]
    reference: tuple[str, float] | None
    """The name and height of a line to compare with."""


def draw_strengths(path: Path, strengths: Sequence[float], panels: Sequence[StrengthPanel]) -> None:
    """Draws the panels side by side: means over genres, with their intervals."""
    with picture(path, PANEL_INCHES[0] * len(panels), PANEL_INCHES[1] + 1.0) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, panel in zip(axes, panels, strict=True):
            for number, curve in enumerate(panel.curves):
                _line(axis, strengths, curve.moves, f"C{number}", curve.label)
                _line(axis, strengths, curve.random, f"C{number}", "as far in random directions", "--")
            if panel.reference:
                name, height = panel.reference
                axis.axhline(height, color=REFERENCE, linestyle=":")
                axis.text(0.03, height, name, va="bottom", fontsize="x-small", transform=axis.get_yaxis_transform())
            axis.set(title=panel.title, xlabel="strength", ylabel=panel.unit, ylim=(0, 1.03 * panel.highest))
            axis.grid(linewidth=0.3)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
        figure.suptitle("Codes moved toward genres: means of genres and their 95% intervals")


def draw_gains(path: Path, genres: Sequence[str], gains: Sequence[PathCurve]) -> None:
    """Draws gains in percentiles as bars with intervals, the genre of the first path's largest gain on top."""
    order = np.argsort(gains[0].moves[0])
    places, height = np.arange(len(genres), dtype=np.float64), 0.8 / len(gains)
    with picture(path, 7.0, 1.6 + 0.22 * len(genres) * len(gains)) as figure:
        axis = figure.subplots()
        for number, gain in enumerate(gains):
            middle = places + 0.4 - height * (number + 0.5)
            axis.barh(middle, gain.moves[0, order], height, color=f"C{number}", alpha=0.6, label=gain.label)
            _whiskers(axis, gain.moves[:, order], middle + 0.15 * height, f"C{number}", "none", None)
            label = None if number else "as far in random directions"
            _whiskers(axis, gain.random[:, order], middle - 0.2 * height, "black", "d", label)
        axis.set_yticks(places, [short(genres[place]) for place in order])
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(
            title="What moves toward a genre gain, with 95% intervals",
            xlabel="gain of the classifier's percentile, from the reconstruction to strength 1",
            ylim=(-0.7, len(genres) - 0.3),
        )
        axis.grid(axis="x", linewidth=0.3)
        figure.legend(loc="outside lower center", ncols=len(gains) + 1, fontsize="small")


def _whiskers(
    axis: Axes, statistic: FloatArray, heights: FloatArray, colour: str, marker: str, label: str | None
) -> None:
    """Draws horizontal intervals of (1 + resamples, points), with a marker at each value."""
    low, high = interval(statistic)
    axis.hlines(heights, low, high, color=colour, linewidth=1.2)
    axis.plot(statistic[0], heights, linestyle="none", marker=marker, markersize=3, color=colour, label=label)


def _line(axis: Axes, x: Sequence[float], statistic: FloatArray, colour: str, label: str, linestyle: str = "-") -> None:
    """Draws the values of a statistic, (1 + resamples, points), and a band of their intervals."""
    axis.plot(x, statistic[0], color=colour, linestyle=linestyle, marker=".", label=label)
    axis.fill_between(x, *interval(statistic), color=colour, alpha=BAND, linewidth=0)
