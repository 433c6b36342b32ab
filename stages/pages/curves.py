"""The curves of training: what stage `train` or `python -m model` left, drawn."""

import csv
from collections.abc import Mapping
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from music.pictures import picture

VALIDATION = "validation_"
COLUMNS = 2
PANEL_INCHES = (5, 2.8)

Curve = dict[int, float]
"""A value after so many updates."""


def read_curves(folder: Path) -> dict[str, Curve]:
    """The curves in a folder: curves.csv of `python -m model`, or DVCLive's in training; none where neither is."""
    table = folder / "curves.csv"
    if table.exists():
        rows = _rows(table, ",")
        names = [name for name in rows[0] if name != "update"] if rows else []
        return {name: {int(row["update"]): float(row[name]) for row in rows if row[name]} for name in names}
    files = sorted((folder / "training/plots/metrics").glob("*.tsv"))
    return {file.stem: {int(row["step"]): float(row[file.stem]) for row in _rows(file, "\t")} for file in files}


def _rows(file: Path, delimiter: str) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def draw_curves(path: Path, runs: Mapping[str, Mapping[str, Curve]]) -> None:
    """A panel a measure, of training and of validation; a colour a run."""
    measures = sorted({name.removeprefix(VALIDATION) for curves in runs.values() for name in curves})
    rows = -(-len(measures) // COLUMNS)
    with picture(path, PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * rows + 0.5) as figure:
        axes = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
        for axis, measure in zip(axes, measures, strict=False):
            for number, (run, curves) in enumerate(runs.items()):
                colour = f"C{number}"
                prefix = f"{run}: " if len(runs) > 1 else ""
                if measure in curves:
                    axis.plot(*_points(curves[measure]), color=colour, alpha=0.5, label=f"{prefix}training")
                if VALIDATION + measure in curves:
                    points = _points(curves[VALIDATION + measure])
                    axis.plot(
                        *points, color=colour, linestyle="--", marker="o", markersize=3, label=f"{prefix}validation"
                    )
            axis.set(title=measure.replace("_", " "), xlabel="updates")
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            axis.grid(linewidth=0.5)
            axis.legend(fontsize=8)
        for axis in axes[len(measures) :]:
            axis.set_axis_off()


def _points(curve: Curve) -> tuple[list[int], list[float]]:
    return list(curve), list(curve.values())
