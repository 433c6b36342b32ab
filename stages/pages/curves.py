"""The curves of training: read from what stage `train` or `python -m model` wrote, and drawn."""

import csv
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from music.pictures import picture

VALIDATION = "validation_"
COLUMNS = 2
PANEL_INCHES = (5, 2.8)

Curve = dict[int, float]
"""The values of one measure, by the number of updates done."""


def read_curves(folder: Path) -> dict[str, Curve]:
    """Reads the curves of a run by the name of the measure; none where the folder has none.

    folder: with curves.csv, as `python -m model` writes it, or with DVCLive's tables in training/plots/metrics.
    """
    table = folder / "curves.csv"
    if table.exists():
        rows = _read_rows(table, ",")
        names = [name for name in rows[0] if name != "update"] if rows else []
        return {name: {int(row["update"]): float(row[name]) for row in rows if row[name]} for name in names}
    files = sorted((folder / "training/plots/metrics").glob("*.tsv"))
    return {file.stem: {int(row["step"]): float(row[file.stem]) for row in _read_rows(file, "\t")} for file in files}


def _read_rows(file: Path, delimiter: str) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def draw_curves(path: Path, runs: Mapping[str, Mapping[str, Curve]]) -> None:
    """Draws a panel for each measure, with a colour for each run; validation is dashed."""
    measures = sorted({name.removeprefix(VALIDATION) for curves in runs.values() for name in curves})
    rows = -(-len(measures) // COLUMNS)
    with picture(path, PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * rows + 0.5) as figure:
        axes = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
        for axis, measure in zip(axes, measures, strict=False):
            _draw_measure(axis, measure, runs)
        for axis in axes[len(measures) :]:
            axis.set_axis_off()


def _draw_measure(axis: Axes, measure: str, runs: Mapping[str, Mapping[str, Curve]]) -> None:
    lines: dict[str, Line2D] = {}  # the axis itself would leave a label out of its legend that begins with "_"
    for number, (run, curves) in enumerate(runs.items()):
        prefix = f"{run}: " if len(runs) > 1 else ""
        if curve := curves.get(measure):
            (lines[f"{prefix}training"],) = axis.plot(*_points(curve), color=f"C{number}", alpha=0.5)
        if curve := curves.get(VALIDATION + measure):
            (lines[f"{prefix}validation"],) = axis.plot(*_points(curve), "--o", color=f"C{number}", markersize=3)
    axis.set(title=measure.replace("_", " "), xlabel="updates")
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.grid(linewidth=0.5)
    axis.legend(lines.values(), lines.keys(), fontsize=8)


def _points(curve: Curve) -> tuple[list[int], list[float]]:
    return list(curve), list(curve.values())
