"""Pictures as PNG files, and what several pictures have in common: short labels, heat maps, labels around a circle."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from music.arrays import FloatArray

LONGEST_LABEL = 20
UNKNOWN_COLOUR = "#999999"
"""The colour of a cell of a heat map that has no value."""
CIRCLE_COLOURS = colormaps["hsv"]
"""The colours of genres by their place on the circle, from 0 to 1: neighbours have similar colours."""


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yields a figure of this size in inches, and then writes it as a PNG whose bytes depend only on its contents.

    Texts are drawn literally: a `$` in a tag begins no formula, and a character without a glyph becomes a box.
    """
    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure = Figure((width, height), layout="constrained")
        yield figure
        figure.savefig(path, dpi=100, metadata={"Software": None})


def short(label: str) -> str:
    """Cuts a label, for example a tag, so that it leaves room for the picture."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def heat_map(axis: Axes, values: FloatArray, rows: Sequence[str], columns: Sequence[str], **colours: Any) -> AxesImage:
    """Draws values as colours; a cell that is NaN or masked is grey.

    values: (rows, columns). colours: arguments of `Axes.imshow`, for example cmap, vmin and vmax.
    """
    axis.set_facecolor(UNKNOWN_COLOUR)
    image = axis.imshow(values, interpolation="none", **colours)
    axis.set_xticks(
        range(len(columns)), [short(name) for name in columns], rotation=60, ha="right", rotation_mode="anchor"
    )
    axis.set_yticks(range(len(rows)), [short(name) for name in rows])
    axis.tick_params(length=0)
    return image


def label_circle(axis: Axes, labels: Sequence[str], radius: float, fontsize: float) -> None:
    """Writes labels evenly around the origin, the first to the right, counter-clockwise, each along its own ray.

    radius: how far from the origin the labels begin, in the units of the axes.
    """
    for angle, label in zip(2 * np.pi * np.arange(len(labels)) / len(labels), labels, strict=True):
        on_the_left = np.cos(angle) < -1e-9
        axis.text(
            radius * np.cos(angle), radius * np.sin(angle), label, fontsize=fontsize,
            rotation=np.degrees(angle) + 180 * on_the_left, rotation_mode="anchor",
            ha="right" if on_the_left else "left", va="center",
        )  # fmt: skip
