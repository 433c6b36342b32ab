"""The pictures of the part `control`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from analysis.control.attribute_metrics import defined
from analysis.control.attribute_moves import AttributeMove
from analysis.shared.correlation import Numbers
from music.metrics import METRICS
from music.pictures import picture

COLUMNS = 3
PANEL_INCHES = (3.4, 2.7)
MIDDLE_HALF = (25, 75)
BAND = 0.2
"""Opacity."""
REFERENCE = "#7f7f7f"


def draw_faders(
    path: Path, moves: Mapping[str, AttributeMove], levels: Sequence[float], unrelated: float | None
) -> None:
    """A panel an attribute, its value over the level; and one of how much of the reconstruction stays."""
    rows = -(-(len(moves) + 1) // COLUMNS)
    with picture(path, PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * rows + 0.4) as figure:
        axes = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
        for axis, (number, (name, move)) in zip(axes, enumerate(moves.items()), strict=False):
            _line(axis, levels, defined(move.values[name]).T, f"C{number}", name)
            axis.set(title=f"Along {name}", xlabel="level (sd of codes)", ylabel=f"{name} ({METRICS[name].unit})")
            axes[len(moves)].plot(levels, move.kept.mean(axis=0), color=f"C{number}", marker=".", label=name)
        kept = axes[len(moves)]
        kept.set(
            title="How much of it stays", xlabel="level (sd of codes)", ylabel="share of states kept", ylim=(0, 1.03)
        )
        if unrelated is not None:
            kept.axhline(unrelated, color=REFERENCE, linestyle=":", label="two other songs")
        kept.legend(fontsize="x-small", loc="lower center", ncols=2)
        for axis in axes[: len(moves) + 1]:
            axis.grid(linewidth=0.3)
        for axis in axes[len(moves) + 1 :]:
            axis.set_axis_off()
        figure.suptitle("Codes moved along an attribute: mean and middle half of windows")


def draw_matrices(path: Path, names: Sequence[str], changes: Numbers, together: Numbers) -> None:
    """Heat maps of (attributes, attributes): changes in standard deviations, correlations in real windows."""
    side = 2.4 + 0.6 * len(names)
    with picture(path, 2 * side + 1.4, side) as figure:
        left, right = figure.subplots(1, 2)
        most = max(float(np.nanmax(np.abs(changes))), 1e-9)
        for axis, values, limit, label in (
            (left, changes, most, "change (sd of training windows)"),
            (right, together, 1.0, "correlation"),
        ):
            image = axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
            figure.colorbar(image, ax=axis, label=label, shrink=0.8)
            axis.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
            axis.set_yticks(range(len(names)), names)
            for row, column in np.argwhere(~np.isnan(values)).tolist():
                value = values[row, column]
                colour = "white" if abs(value) > 0.6 * limit else "black"
                axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=colour, fontsize="small")
        left.set(title="What moves change", xlabel="attribute measured", ylabel="moved along")
        right.set(title="What goes together in real windows")


@dataclass(frozen=True)
class Curve:
    """One way to the genres, and random moves as far; (strengths, genres) or (genres,) each."""

    label: str
    move: Numbers
    control: Numbers


@dataclass(frozen=True)
class Way:
    """What is drawn over the strength of a move."""

    title: str
    unit: str
    top: float
    """Of the axis, from 0."""
    curves: Sequence[Curve]
    reference: tuple[str, float] | None
    """A level to compare with."""


def draw_ways(path: Path, strengths: Sequence[float], panels: Sequence[Way]) -> None:
    """A panel each, mean and middle half of the genres."""
    with picture(path, PANEL_INCHES[0] * len(panels), PANEL_INCHES[1] + 1.0) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, panel in zip(axes, panels, strict=True):
            for number, curve in enumerate(panel.curves):
                _line(axis, strengths, curve.move, f"C{number}", curve.label)
                means = curve.control.mean(axis=1)
                axis.plot(
                    strengths, means, color=f"C{number}", linestyle="--", label="as far as that, random direction"
                )
            if panel.reference:
                name, level = panel.reference
                axis.axhline(level, color=REFERENCE, linestyle=":")
                axis.text(0.03, level, name, va="bottom", fontsize="x-small", transform=axis.get_yaxis_transform())
            axis.set(title=panel.title, xlabel="strength", ylabel=panel.unit, ylim=(0, 1.03 * panel.top))
            axis.grid(linewidth=0.3)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
        figure.suptitle("Codes moved toward genres that are not theirs: mean and middle half of genres")


def draw_gains(path: Path, genres: Sequence[str], gains: Sequence[Curve]) -> None:
    """Bars of percentiles gained, the first way's most on top."""
    order = np.argsort(gains[0].move)
    places, height = np.arange(len(genres)), 0.8 / len(gains)
    with picture(path, 7.0, 1.6 + 0.32 * len(genres)) as figure:
        axis = figure.subplots()
        for number, gain in enumerate(gains):
            at = places + 0.4 - height * (number + 0.5)
            axis.barh(at, gain.move[order], height, color=f"C{number}", label=gain.label)
            axis.plot(gain.control[order], at, "|", color="black", label=None if number else "as far, random direction")
        axis.set_yticks(places, [genres[place] for place in order])
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(
            title="What the classifier of genres makes of moves toward a genre",
            xlabel="gain of the classifier's percentile, from the reconstruction to strength 1",
            ylim=(-0.7, len(genres) - 0.3),
        )
        axis.grid(axis="x", linewidth=0.3)
        figure.legend(loc="outside lower center", ncols=len(gains) + 1, fontsize="small")


def _line(axis: Axes, x: Sequence[float], y: Numbers, colour: str, label: str) -> None:
    """Mean and middle half of (points, samples)."""
    axis.plot(x, y.mean(axis=1), color=colour, marker=".", label=label)
    axis.fill_between(x, *np.percentile(y, MIDDLE_HALF, axis=1), color=colour, alpha=BAND, linewidth=0)
