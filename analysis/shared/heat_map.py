"""Tables of numbers as colours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from music.pictures import picture

CLIP = 0.5
"""Values beyond it have its colour; `.dvc/plots/heatmap.json` draws the same."""
CELL_INCHES = 0.28
LABEL_INCHES = 3.5
LEAST_INCHES = 7.0
"""For the title, however few the columns."""
UNKNOWN = "#999999"


def draw_heat_maps(
    path: Path,
    title: str,
    maps: Sequence[tuple[str, NDArray[np.float64]]],
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    meaning: str,
) -> None:
    """A PNG with maps one above another, a name and (rows, columns) shares each; 0 is white, NaN grey.

    label: of the horizontal axis, meaning: of the colours.
    """
    width = max(LEAST_INCHES, LABEL_INCHES + CELL_INCHES * len(columns))
    height = len(maps) * (CELL_INCHES * len(rows) + 0.5) + LABEL_INCHES / 2
    with picture(path, width, height) as figure:
        axes = figure.subplots(len(maps), squeeze=False, sharex=True).flatten()
        for axis, (name, values) in zip(axes, maps, strict=True):
            axis.set_facecolor(UNKNOWN)
            image = axis.imshow(values, cmap="RdBu_r", vmin=-CLIP, vmax=CLIP, aspect="auto", interpolation="none")
            axis.set_title(name)
            axis.set_yticks(range(len(rows)), rows)
            axis.tick_params(length=0)
        axes[-1].set_xticks(range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor")
        axes[-1].set_xlabel(label)
        figure.colorbar(image, ax=axes.tolist(), label=meaning, extend="both", format=PercentFormatter(1))
        figure.suptitle(title)
