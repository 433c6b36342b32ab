"""How gradually one window becomes another on two paths through the latent space, and in a mix; [P] figure 4."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from analysis.interpolation.hamming import (
    bernoulli_mix,
    detour,
    hamming_distance,
    largest_step,
    mean_rank_correlation,
    non_decreasing_share,
)
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Cell, Figure, Section, Table, write_plot_rows
from model.latent import interpolate, interpolate_spherically
from music.arrays import FloatArray
from music.pictures import picture

PROSE = Prose(__file__)
ROWS = "rows.json"
PICTURE = f"{PICTURES}/hamming.png"
LATENT_PATHS: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = MappingProxyType(
    {"linear": interpolate, "spherical": interpolate_spherically}
)
MIX = "mix"
STYLES = {
    "linear": ("decoded from the straight line between the codes", "#1f77b4", "-"),
    "spherical": ("decoded from the arc between the codes", "#d62728", "--"),
    MIX: ("mix of the two windows, without the model", "#7f7f7f", ":"),
}
"""The label, colour and line style of each path."""
HEADER = [
    "path", "distance of x1 from its start", "distance of x2 from its end", "steps that do not go back",
    "rank correlation", "mean step", "largest step", "detour",
]  # fmt: skip
NORMAL_95 = 1.96


def measure_paths(
    context: EvaluationContext, first: Tensor, second: Tensor, points: int, generator: torch.Generator, out: Path
) -> Section:
    """Measures and draws the paths from the first windows to the second; (pairs, tracks, steps) each."""
    alpha = torch.linspace(1, 0, points)
    paths = _decoded(context, first, second, alpha) | {MIX: bernoulli_mix(first, second, alpha, generator)}
    distances = {name: hamming_distance(first[:, None], path) for name, path in paths.items()}
    apart = float(hamming_distance(first, second).mean())
    write_plot_rows(out / ROWS, _plot_rows(distances))
    _draw(out / PICTURE, distances, apart)
    return Section(
        "Paths",
        [
            PROSE.text("method", pairs=len(first), points=points, apart=apart),
            *map(PROSE.text, ("baseline", "measures")),
        ],
        {
            "non_decreasing_share": {name: non_decreasing_share(distances[name]) for name in LATENT_PATHS},
            "rank_correlation": {name: mean_rank_correlation(distances[name]) for name in LATENT_PATHS},
            "distance_at_start": float(distances["linear"][:, 0].mean()),
        },
        [Figure(PICTURE, PROSE.text("distances_caption"))],
        [Table(PROSE.text("table_caption"), HEADER, _table_rows(paths, distances, second))],
    )


def _decoded(context: EvaluationContext, first: Tensor, second: Tensor, alpha: Tensor) -> dict[str, Tensor]:
    """Returns the windows on every path between the codes, (pairs, points, tracks, steps)."""
    z1, z2 = context.codes(first), context.codes(second)
    shape = (len(first), len(alpha), *first.shape[1:])
    return {
        name: context.decoded(codes_between(z1, z2, alpha).flatten(0, 1)).reshape(shape)
        for name, codes_between in LATENT_PATHS.items()
    }


def _table_rows(paths: Mapping[str, Tensor], distances: Mapping[str, FloatArray], second: Tensor) -> list[list[Cell]]:
    return [
        [
            STYLES[name][0],
            float(distances[name][:, 0].mean()),
            float(hamming_distance(second, path[:, -1]).mean()),
            non_decreasing_share(distances[name]),
            mean_rank_correlation(distances[name]),
            float(np.diff(distances[name]).mean()),
            largest_step(distances[name]),
            None if name == MIX else detour(path),
        ]
        for name, path in paths.items()
    ]


def _plot_rows(distances: Mapping[str, FloatArray]) -> list[dict[str, str | float]]:
    """Returns a row for each position, with the mean distance on every path."""
    means = {name: by_pair.mean(axis=0).tolist() for name, by_pair in distances.items()}
    positions = np.linspace(0, 1, len(means[MIX])).tolist()
    return [
        {"position": position} | {name: mean[number] for name, mean in means.items()}
        for number, position in enumerate(positions)
    ]


def _draw(path: Path, distances: Mapping[str, FloatArray], apart: float) -> None:
    pairs, points = distances[MIX].shape
    positions = np.linspace(0, 1, points)
    with picture(path, 7.5, 5) as figure:
        axis = figure.subplots()
        for name, (label, colour, line) in STYLES.items():
            mean = distances[name].mean(axis=0)
            half = NORMAL_95 * distances[name].std(axis=0, ddof=1) / np.sqrt(pairs)
            axis.plot(positions, mean, line, color=colour, label=label)
            axis.fill_between(positions, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)
        axis.axhline(apart, color="#4d4d4d", linewidth=0.8, label="x2 itself")
        axis.set(
            title=PROSE.text("distances_title", pairs=pairs),
            xlabel="position from x1 (0) to x2 (1)", ylabel="share of track-steps that differ from x1",
            xlim=(0, 1), ylim=(0, None),
        )  # fmt: skip
        axis.grid(linewidth=0.5)
        axis.legend(loc="lower right")
