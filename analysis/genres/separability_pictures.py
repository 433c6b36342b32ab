"""Pictures of how separable the genres are, as a matrix and over their distance on the circle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.genres.separability import CHANCE, Separabilities, circle_distance
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure
from music.pictures import UNKNOWN_COLOUR, heat_map, picture

PROSE = Prose(__file__)
CELL_INCHES = 0.27


def draw_matrix(split: str, genres: Sequence[str], separabilities: Separabilities, out: Path) -> Figure:
    """Draws balanced accuracies as a symmetric heat map, with a dot where shuffled labels do as well."""
    values = np.full((len(genres), len(genres)), np.nan)
    dots = []
    for (first, second), separability in separabilities.items():
        values[first, second] = values[second, first] = separability.accuracy
        if not separability.above_chance:
            dots += [(first, second), (second, first)]
    inches = CELL_INCHES * max(len(genres), 10)
    with picture(out / PICTURES / f"{split}.png", inches + 2.6, inches + 2.3) as figure:
        axis = figure.subplots()
        image = heat_map(axis, values, genres, genres, cmap="viridis", vmin=0.5, vmax=1)
        x, y = np.array(dots).reshape(-1, 2).T
        axis.scatter(x, y, s=14, color="white", edgecolors="black", linewidths=0.5)
        axis.set_title(f"Genres told apart by a linear classifier: {split} songs")
        figure.colorbar(image, label="balanced accuracy (1/2: no better than guessing)", shrink=0.6, extend="min")
        legend = [
            Line2D([], [], linestyle="", marker="o", markersize=4, markerfacecolor="white", markeredgecolor="black",
                   label=f"not above {CHANCE:.0%} of shuffled labels"),
            Patch(color=UNKNOWN_COLOUR, label="no number: too few songs, or the genre itself"),
        ]  # fmt: skip
        figure.legend(handles=legend, loc="outside lower center")
    return Figure(f"{PICTURES}/{split}.png", PROSE.text("matrix_caption", split=split))


def draw_distances(separabilities: Separabilities, genres: int, out: Path) -> Figure:
    """Draws each pair's balanced accuracy over its distance on the circle, and the mean at each distance."""
    first, second = np.array(list(separabilities)).T
    distances = circle_distance(first, second, genres)
    accuracies = np.array([separability.accuracy for separability in separabilities.values()])
    with picture(out / PICTURES / "distances.png", 8, 4.6) as figure:
        axis = figure.subplots()
        axis.scatter(distances, accuracies, s=14, color="#1f77b4", alpha=0.5, linewidths=0, label="a pair of genres")
        steps = np.unique(distances)
        means = [accuracies[distances == step].mean() for step in steps]
        axis.plot(steps, means, color="#ff7f0e", marker="o", label="mean")
        axis.axhline(0.5, color="grey", linestyle="--", label="guessing")
        axis.set(title="Separability and distance on the circle", ylabel="balanced accuracy",
                 xlabel="places apart on the circle of genres (1: neighbours)", ylim=(None, 1.02))  # fmt: skip
        axis.set_xticks(steps)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return Figure(f"{PICTURES}/distances.png", PROSE.text("distances_caption"))
