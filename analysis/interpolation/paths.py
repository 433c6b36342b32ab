"""How gradually many windows become others on three ways: through the latent space, and mixed; [P] figure 4."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.interpolation.hamming import detour, distance, largest_step, mix, monotonicity, rank_correlation
from analysis.shared.context import EvaluationContext
from analysis.shared.section import Cell, Figure, Section, Table
from model.latent import interpolate, interpolate_spherically
from music.json_files import write_json
from music.pictures import picture

ROWS = "rows.json"
PATHS: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = MappingProxyType(
    {"linear": interpolate, "spherical": interpolate_spherically}
)
MIX = "mix"
LOOKS = {
    "linear": ("decoded from the straight line between the codes", "#1f77b4", "-"),
    "spherical": ("decoded from the arc between the codes", "#d62728", "--"),
    MIX: ("mix of the two windows, without the model", "#7f7f7f", ":"),
}
"""Name, colour and line of each way."""
HEADER = [
    "way", "x1 to its beginning", "x2 to its end", "monotonicity", "rank correlation", "mean step", "largest step",
    "detour",
]  # fmt: skip
CAPTION = (
    "How far what is decoded has gone from x1. The curves begin at the error of x1's reconstruction; the mix rises "
    "evenly by its making; a curve that is steeper in the middle changes from one window to the other all at once. "
    "The bands are normal 95% intervals of the mean over pairs, taken as independent though songs come again in them."
)
NORMAL_95 = 1.96


def measure_paths(
    context: EvaluationContext,
    first: Tensor,
    second: Tensor,
    points: int,
    generator: torch.Generator,
    out: Path,
    figure: str,
) -> Section:
    """Numbers, table and figure of the ways from the first windows to the second, (pairs, tracks, steps) each."""
    alpha = torch.linspace(1, 0, points)
    ways = _decoded(context, first, second, alpha) | {MIX: mix(first, second, alpha, generator)}
    distances = {name: distance(first[:, None], way) for name, way in ways.items()}
    apart = float(distance(first, second).mean())
    _write_rows(out / ROWS, distances)
    _draw(out / figure, distances, apart)
    metrics = {
        "monotonicity": {path: monotonicity(distances[path]) for path in PATHS},
        "rank_correlation": {path: rank_correlation(distances[path]) for path in PATHS},
        "distance_at_start": float(distances["linear"][:, 0].mean()),
    }
    table = Table(
        "How gradual the ways are: means over pairs, distances as shares of track-steps.",
        HEADER,
        [_row(name, way, distances[name], second) for name, way in ways.items()],
    )
    return Section("Ways", _text(len(first), points, apart), metrics, [Figure(figure, CAPTION)], [table])


def _decoded(context: EvaluationContext, first: Tensor, second: Tensor, alpha: Tensor) -> dict[str, Tensor]:
    """(pairs, points, tracks, steps) of every path between the codes."""
    z1, z2 = context.codes(first), context.codes(second)
    shape = (len(first), len(alpha), *first.shape[1:])
    return {name: context.decoded(path(z1, z2, alpha).flatten(0, 1)).reshape(shape) for name, path in PATHS.items()}


def _row(name: str, way: Tensor, distances: NDArray[np.float64], second: Tensor) -> list[Cell]:
    return [
        LOOKS[name][0],
        float(distances[:, 0].mean()),
        float(distance(second, way[:, -1]).mean()),
        monotonicity(distances),
        rank_correlation(distances),
        float(np.diff(distances).mean()),
        largest_step(distances),
        None if name == MIX else detour(way),
    ]


def _write_rows(path: Path, distances: Mapping[str, NDArray[np.float64]]) -> None:
    """A row a position, with the mean distance on every way."""
    means = {name: of.mean(axis=0).tolist() for name, of in distances.items()}
    positions = np.linspace(0, 1, len(means[MIX])).tolist()
    rows = [
        {"position": position} | {name: mean[number] for name, mean in means.items()}
        for number, position in enumerate(positions)
    ]
    write_json(path, rows)


def _draw(path: Path, distances: Mapping[str, NDArray[np.float64]], apart: float) -> None:
    pairs, points = distances[MIX].shape
    positions = np.linspace(0, 1, points)
    with picture(path, 7.5, 5) as figure:
        axis = figure.subplots()
        for name, (label, colour, line) in LOOKS.items():
            mean = distances[name].mean(axis=0)
            half = NORMAL_95 * distances[name].std(axis=0, ddof=1) / np.sqrt(pairs)
            axis.plot(positions, mean, line, color=colour, label=label)
            axis.fill_between(positions, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)
        axis.axhline(apart, color="#4d4d4d", linewidth=0.8, label="x2 itself")
        axis.set(
            title=f"Distance from x1 on the way to x2, mean of {pairs} pairs",
            xlabel="position from x1 (0) to x2 (1)", ylabel="share of track-steps that differ from x1",
            xlim=(0, 1), ylim=(0, None),
        )  # fmt: skip
        axis.grid(linewidth=0.5)
        axis.legend(loc="lower right")


def _text(pairs: int, points: int, apart: float) -> list[str]:
    return [
        f"{pairs} pairs of validation windows of different songs were encoded, and {points} codes on the way from the "
        "one's, x1, to the other's, x2, decoded to the likeliest states: on the straight line, and on the arc around "
        "the origin. Position 0 is x1 and position 1 is x2: 1 - alpha in the paper's equation 19. The distance of two "
        "windows is the share of track-steps whose state differs (normalised Hamming distance); x1 and x2 are "
        f"{apart:.3f} apart.",
        "The baseline is a mix of the two windows without the model: at every point each track-step is drawn anew from "
        "the one or the other, the likelier from x2 the nearer to it.",
        "Monotonicity is the share of the steps along a way at which the distance from x1 does not fall; distances in "
        "random order would have about a half, but a model that decodes everything alike has all. So beside it stands "
        "Spearman's rank correlation of distance and position, which is 0 where the distance never changes. The "
        "largest step is the largest rise of the distance from one point to the next; were a way even, it would be the "
        "mean step. The detour is all that changes from point to point, over what differs between the first point and "
        "the last: 1 where nothing changes in vain.",
    ]
