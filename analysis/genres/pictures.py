"""Pictures of genres in the latent space; [P] figure 5."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.projections.polar import PolarAxes

from analysis.genres.pairs import Codes, Numbers, Pair
from analysis.genres.projection import pca, tsne
from analysis.genres.separability import CHANCE, Measured, circle_distance
from music.pictures import picture, short

BLUE, ORANGE, GREY = "#1f77b4", "#ff7f0e", "#d9d9d9"
MARKS = {-1: ("o", BLUE), 1: ("x", ORANGE)}
"""Of the first and the second genre of a pair."""
CELL_INCHES = 0.9
CIRCLE_COLOURS = mpl.colormaps["hsv"]


def draw_all_pairs(path: Path, genres: Sequence[str], pairs: Sequence[Pair], measured: Measured) -> None:
    """A triangle of panels: each pair's codes on their own principal plane."""
    cells = len(genres) - 1
    inches = CELL_INCHES * max(cells, 5)
    size = 9 + cells / 2
    with picture(path, inches + 1.6, inches + 1.6) as figure:
        axis = figure.subplots()
        axis.set(xlim=(0, cells), ylim=(cells, 0), aspect="equal")
        axis.set_frame_on(False)
        for pair in pairs:
            column, row = pair.first, pair.second - 1
            colour = "none" if pair.drawable else GREY
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor=GREY, linewidth=0.8))
            if (pair.first, pair.second) in measured:
                accuracy = measured[pair.first, pair.second].accuracy
                axis.text(column + 0.97, row + 0.03, f"{accuracy:.2f}", fontsize=6, ha="right", va="top", clip_on=True)
        drawn = [pair for pair in pairs if pair.drawable]
        points = [_in_cell(pca(pair.codes)[0], pair.first, pair.second - 1) for pair in drawn]
        _scatter(axis, np.concatenate(points), np.concatenate([pair.labels for pair in drawn]), size=3)
        names = [short(genre) for genre in genres]
        middles = np.arange(cells) + 0.5
        axis.set_xticks(middles, names[:-1], rotation=90)
        axis.set_yticks(middles, names[1:])
        axis.tick_params(length=0)
        for column, name in enumerate(names[:-1]):
            axis.text(column + 0.1, column - 0.05, name, rotation=45, color=BLUE, rotation_mode="anchor")
        axis.tick_params(axis="x", labelcolor=BLUE)
        axis.tick_params(axis="y", labelcolor=ORANGE)
        figure.suptitle("Every two genres on the plane of their codes' most variance", fontsize=size)
        grey = Patch(color=GREY, label="too few windows")
        axis.legend(
            handles=[*_legend("genre of the column", "genre of the row"), grey], loc="upper right",
            title="number: balanced\naccuracy, all dimensions", fontsize=0.8 * size, title_fontsize=0.8 * size,
            markerscale=size / 10,
        )  # fmt: skip


def _in_cell(points: Codes, column: int, row: int) -> Codes:
    """The points in one unit square of a grid, both axes alike, with a margin."""
    lowest, highest = points.min(axis=0), points.max(axis=0)
    extent = max(float((highest - lowest).max()), np.finfo(np.float64).tiny)
    within: Codes = np.array([column, row]) + 0.5 + 0.86 * (points - (lowest + highest) / 2) / extent
    return within


def _scatter(axis: Axes, points: Codes, labels: Numbers, size: float) -> None:
    for label, (marker, colour) in MARKS.items():
        of = points[labels == label]
        linewidth = 0 if marker == "o" else size**0.5 / 3
        axis.scatter(of[:, 0], of[:, 1], s=size, color=colour, marker=marker, linewidths=linewidth, alpha=0.7)


def _legend(first: str, second: str) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", label=name, color=colour, marker=marker)
        for name, (marker, colour) in zip((first, second), MARKS.values(), strict=True)
    ]


def draw_large(path: Path, genres: Sequence[str], pairs: Sequence[Pair], seed: int) -> None:
    """A row a pair: its principal plane, and t-SNE."""
    with picture(path, 10, 4.6 * len(pairs)) as figure:
        for (left, right), pair in zip(figure.subplots(len(pairs), 2, squeeze=False), pairs, strict=True):
            names = [
                f"{genres[genre]} ({sum(pair.labels == label)} windows of {songs} songs)"
                for genre, label, songs in zip((pair.first, pair.second), MARKS, pair.songs_a_side(), strict=True)
            ]
            points, shares = pca(pair.codes)
            _scatter(left, points, pair.labels, size=22)
            components = [f"{name} component ({share:.0%} of the variance)" for name, share in
                          zip(("first", "second"), shares, strict=True)]  # fmt: skip
            left.set(title="principal components", xlabel=components[0], ylabel=components[1], aspect="equal")
            left.set_adjustable("datalim")
            _scatter(right, tsne(pair.codes, seed), pair.labels, size=22)
            right.set(title="t-SNE: who is near whom; axes have no unit", xticks=[], yticks=[])
            left.legend(handles=_legend(*names), loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=1)


def draw_together(path: Path, genres: Sequence[str], codes: Codes, genre: Numbers, seed: int) -> None:
    """t-SNE of windows of all genres, coloured by the genre's place on the circle, with the circle as a legend."""
    with picture(path, 14, 7.6) as figure:
        left = figure.add_subplot(1, 2, 1)
        points = tsne(codes, seed)
        left.scatter(points[:, 0], points[:, 1], s=14, color=CIRCLE_COLOURS(genre / len(genres)), linewidths=0)
        left.set(title="Windows of all genres, t-SNE: who is near whom; axes have no unit", xticks=[], yticks=[])
        _draw_wheel(figure.add_subplot(1, 2, 2, projection="polar"), genres)


def _draw_wheel(axis: Axes, genres: Sequence[str]) -> None:
    assert isinstance(axis, PolarAxes)
    places = np.arange(len(genres)) / len(genres)
    angles = 2 * np.pi * places
    axis.bar(angles, 0.35, 2 * np.pi / len(genres), bottom=0.25, color=CIRCLE_COLOURS(places), edgecolor="white")
    axis.set(ylim=(0, 1), title="Colours: the genre's place on the circle")
    axis.set_axis_off()
    for angle, genre in zip(angles, genres, strict=True):
        left = np.cos(angle) < -1e-9
        axis.text(
            angle, 0.63, short(genre), rotation=np.degrees(angle) + 180 * left, rotation_mode="anchor",
            ha="right" if left else "left", va="center",
        )  # fmt: skip


def draw_matrix(path: Path, split: str, genres: Sequence[str], measured: Measured) -> None:
    """A heat map, both halves alike: balanced accuracies, and a dot where shuffled labels do as well."""
    values = np.full((len(genres), len(genres)), np.nan)
    for (first, second), of in measured.items():
        values[first, second] = values[second, first] = of.accuracy
    inches = 0.27 * max(len(genres), 10)
    with picture(path, inches + 2.6, inches + 2.3) as figure:
        axis = figure.subplots()
        axis.set_facecolor(GREY)
        image = axis.imshow(values, cmap="viridis", vmin=0.5, vmax=1)
        within = [pair for pair, of in measured.items() if not of.above_chance]
        dots = np.array([*within, *((second, first) for first, second in within)]).reshape(-1, 2)
        axis.scatter(dots[:, 0], dots[:, 1], s=14, color="white", edgecolors="black", linewidths=0.5)
        names = [short(genre) for genre in genres]
        axis.set_xticks(range(len(genres)), names, rotation=90, fontsize=8)
        axis.set_yticks(range(len(genres)), names, fontsize=8)
        axis.set_title(f"Genres told apart by a linear classifier: {split} songs")
        figure.colorbar(image, label="balanced accuracy (1/2: no better than guessing)", shrink=0.6, extend="min")
        legend = [
            Line2D([], [], linestyle="", marker="o", markersize=4, markerfacecolor="white", markeredgecolor="black",
                   label=f"not above {CHANCE:.0%} of shuffled labels"),
            Patch(color=GREY, label="no number: too few songs, or the genre itself"),
        ]  # fmt: skip
        figure.legend(handles=legend, loc="outside lower center")


def draw_distances(path: Path, genres: Sequence[str], measured: Measured) -> None:
    """A dot a pair: balanced accuracy over the distance on the circle, and the mean at each distance."""
    first, second = np.array(list(measured)).T
    distances = circle_distance(first, second, len(genres))
    accuracies = np.array([of.accuracy for of in measured.values()])
    with picture(path, 8, 4.6) as figure:
        axis = figure.subplots()
        axis.scatter(distances, accuracies, s=14, color=BLUE, alpha=0.5, linewidths=0, label="a pair of genres")
        steps = np.unique(distances)
        means = [accuracies[distances == step].mean() for step in steps]
        axis.plot(steps, means, color=ORANGE, marker="o", label="mean")
        axis.axhline(0.5, color="grey", linestyle="--", label="guessing")
        axis.set(title="Separability and distance on the circle", ylabel="balanced accuracy",
                 xlabel="places apart on the circle of genres (1: neighbours)", ylim=(None, 1.02))  # fmt: skip
        axis.set_xticks(steps)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3)
