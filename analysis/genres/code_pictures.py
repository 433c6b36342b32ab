"""Pictures of the codes of genres in two dimensions; [P] figure 5."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from analysis.genres.pairs import Pair
from analysis.genres.projection import pca, tsne
from analysis.genres.separability import Separabilities
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure
from music.arrays import FloatArray, IntArray
from music.pictures import CIRCLE_COLOURS, label_circle, picture, short

PROSE = Prose(__file__)
BLUE, ORANGE, GREY = "#1f77b4", "#ff7f0e", "#d9d9d9"
MARKS = {-1: ("o", BLUE), 1: ("x", ORANGE)}
"""The marks of the first and of the second genre of a pair, by their labels."""
CELL_INCHES = 0.9


def draw_all_pairs(
    genres: Sequence[str], pairs: Sequence[Pair], separabilities: Separabilities, most: int, out: Path
) -> Figure:
    """Draws a triangle of panels, with each pair's codes in the plane of their principal components.

    most: how many windows each genre of a pair was limited to.
    """
    cells = len(genres) - 1
    inches = CELL_INCHES * max(cells, 5) + 1.6
    with picture(out / PICTURES / "pairs.png", inches, inches) as figure:
        axis = figure.subplots()
        axis.set(xlim=(0, cells), ylim=(cells, 0), aspect="equal")
        axis.set_frame_on(False)
        for pair in pairs:
            column, row = pair.first, pair.second - 1
            colour = "none" if pair.drawable else GREY
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor=GREY, linewidth=0.8))
            if (pair.first, pair.second) in separabilities:
                accuracy = f"{separabilities[pair.first, pair.second].accuracy:.2f}"
                axis.text(column + 0.97, row + 0.03, accuracy, fontsize=6, ha="right", va="top", clip_on=True)
        drawn = [pair for pair in pairs if pair.drawable]
        points = [_in_cell(pca(pair.codes)[0], pair.first, pair.second - 1) for pair in drawn]
        _scatter(axis, np.concatenate(points), np.concatenate([pair.labels for pair in drawn]), size=3)
        _label_triangle(axis, [short(genre) for genre in genres])
        fontsize = 9 + cells / 2
        figure.suptitle("Every two genres in the plane of their principal components", fontsize=fontsize)
        grey = Patch(color=GREY, label="too few windows")
        axis.legend(
            handles=[*_legend("genre of the column", "genre of the row"), grey], loc="upper right",
            title="number: balanced\naccuracy, all dimensions", fontsize=0.8 * fontsize, title_fontsize=0.8 * fontsize,
            markerscale=fontsize / 10,
        )  # fmt: skip
    return Figure(f"{PICTURES}/pairs.png", PROSE.text("pairs_caption", windows=most))


def _label_triangle(axis: Axes, names: Sequence[str]) -> None:
    """Writes the genres of the rows on the left, and those of the columns below and along the diagonal."""
    middles = np.arange(len(names) - 1) + 0.5
    axis.set_xticks(middles, names[:-1], rotation=90)
    axis.set_yticks(middles, names[1:])
    axis.tick_params(length=0)
    axis.tick_params(axis="x", labelcolor=BLUE)
    axis.tick_params(axis="y", labelcolor=ORANGE)
    for column, name in enumerate(names[:-1]):
        axis.text(column + 0.1, column - 0.05, name, rotation=45, color=BLUE, rotation_mode="anchor")


def _in_cell(points: FloatArray, column: int, row: int) -> FloatArray:
    """Scales points, (windows, 2), into a unit square of the grid, both axes alike, with a margin."""
    lowest, highest = points.min(axis=0), points.max(axis=0)
    extent = max(float((highest - lowest).max()), np.finfo(np.float64).tiny)
    scaled: FloatArray = np.array([column, row]) + 0.5 + 0.86 * (points - (lowest + highest) / 2) / extent
    return scaled


def _scatter(axis: Axes, points: FloatArray, labels: IntArray, size: float) -> None:
    for label, (marker, colour) in MARKS.items():
        x, y = points[labels == label].T
        linewidth = 0 if marker == "o" else size**0.5 / 3
        axis.scatter(x, y, s=size, color=colour, marker=marker, linewidths=linewidth, alpha=0.7)


def _legend(first: str, second: str) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", label=name, color=colour, marker=marker)
        for name, (marker, colour) in zip((first, second), MARKS.values(), strict=True)
    ]


def draw_large(
    genres: Sequence[str], pairs: Sequence[Pair], separabilities: Separabilities, seed: int, out: Path
) -> Figure:
    """Draws two panels for each pair: the plane of the principal components, and t-SNE."""
    with picture(out / PICTURES / "large.png", 10, 4.6 * len(pairs)) as figure:
        for (left, right), pair in zip(figure.subplots(len(pairs), 2, squeeze=False), pairs, strict=True):
            names = [
                f"{short(genres[genre])} ({sum(pair.labels == label)} windows of {songs} songs)"
                for genre, label, songs in zip((pair.first, pair.second), MARKS, pair.song_counts(), strict=True)
            ]
            points, shares = pca(pair.codes)
            _scatter(left, points, pair.labels, size=22)
            x, y = (f"{name} component ({share:.0%} of the variance)" for name, share in
                    zip(("first", "second"), shares, strict=True))  # fmt: skip
            left.set(title="principal components", xlabel=x, ylabel=y, aspect="equal", adjustable="datalim")
            _scatter(right, tsne(pair.codes, seed), pair.labels, size=22)
            right.set(title="t-SNE: neighbours stay together, axes have no unit", xticks=[], yticks=[])
            left.legend(handles=_legend(*names), loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=1)
    measured = [
        (genres[pair.first], genres[pair.second], separabilities[pair.first, pair.second])
        for pair in pairs
        if (pair.first, pair.second) in separabilities
    ]
    return Figure(f"{PICTURES}/large.png", PROSE.text("large_caption", pairs=measured))


def draw_together(genres: Sequence[str], codes: FloatArray, genre: IntArray, most: int, seed: int, out: Path) -> Figure:
    """Draws t-SNE of windows of all genres, coloured by their genre's place on the circle, which is the legend.

    codes: (windows, latent), genre: (windows,), most: how many windows each genre was limited to.
    """
    with picture(out / PICTURES / "together.png", 14, 7.6) as figure:
        left, right = figure.subplots(1, 2)
        points = tsne(codes, seed)
        left.scatter(points[:, 0], points[:, 1], s=14, color=CIRCLE_COLOURS(genre / len(genres)), linewidths=0)
        left.set(
            title="Windows of all genres, t-SNE: neighbours stay together, axes have no unit", xticks=[], yticks=[]
        )
        _draw_wheel(right, genres)
    return Figure(f"{PICTURES}/together.png", PROSE.text("together_caption", windows=most))


def _draw_wheel(axis: Axes, genres: Sequence[str]) -> None:
    """Draws the circle of genres as a ring of coloured sectors, the first to the right, counter-clockwise."""
    colours = [CIRCLE_COLOURS(number / len(genres)) for number in range(len(genres))]
    axis.pie(
        np.ones(len(genres)), colors=colours, radius=0.6, startangle=-180 / len(genres),
        wedgeprops={"width": 0.35, "edgecolor": "white"},
    )  # fmt: skip
    label_circle(axis, [short(genre) for genre in genres], radius=0.63, fontsize=10)
    axis.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), title="Colours: the genre's place on the circle")
