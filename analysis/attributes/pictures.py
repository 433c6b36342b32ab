"""The picture of the metrics around the circle; [P] figure 3."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.ticker import PercentFormatter

from music.arrays import FloatArray
from music.metrics import METRICS
from music.pictures import heat_map, picture

COLOUR_LIMIT = 0.5
"""Values beyond this have its colour; `.dvc/plots/heatmap.json` draws the same."""
CELL_INCHES = 0.28
LABEL_INCHES = 3.5
LEAST_INCHES = 7.0
"""The least width, so that there is room for the title above few columns."""


def draw_heat_maps(path: Path, maps: Mapping[str, FloatArray], genres: Sequence[str]) -> None:
    """Draws shares as colours, one map above another; 0 is white, NaN grey.

    maps: (metrics, genres) shares by the name of the map. genres: in the order of the circle.
    """
    width = max(LEAST_INCHES, LABEL_INCHES + CELL_INCHES * len(genres))
    height = len(maps) * (CELL_INCHES * len(METRICS) + 0.5) + LABEL_INCHES / 2
    with picture(path, width, height) as figure:
        axes = figure.subplots(len(maps), squeeze=False, sharex=True).flatten()
        for axis, (name, values) in zip(axes, maps.items(), strict=True):
            image = heat_map(
                axis, values, list(METRICS), genres, cmap="RdBu_r", vmin=-COLOUR_LIMIT, vmax=COLOUR_LIMIT, aspect="auto"
            )
            axis.set_title(name)
        axes[-1].set_xlabel("genre, in the order of the circle: the last is a neighbour of the first")
        label = "(mean of the genre - mean of all) / mean of all"
        figure.colorbar(image, ax=axes.tolist(), label=label, extend="both", format=PercentFormatter(1))
        figure.suptitle("Low-level metrics of each genre, relative to all")
