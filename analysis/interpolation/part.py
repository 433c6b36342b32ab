"""From one window to another through the latent space; [P] figures 2 and 4."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from analysis.interpolation.paths import measure_paths
from analysis.shared.clips import draw_with_clips, write_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.section import PICTURES, Figure, Section
from model.latent import interpolate
from music.tokens import HOLD, SILENT

TITLE = "Interpolation"
COLUMNS = 3


@dataclass(frozen=True)
class InterpolationConfig:
    """The settings of this part, in `settings.toml` beside this file."""

    points: int
    """Of the interpolation that is drawn and heard, its ends included."""
    pairs: int
    """Of windows, on whose ways distances are measured."""
    alphas: int
    """Points of each of these ways, the ends included."""
    seed: int

    def __post_init__(self) -> None:
        for name in ("points", "pairs", "alphas"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2")


def analyse_interpolation(context: EvaluationContext, config: InterpolationConfig, out: Path) -> Section:
    """Draws one interpolation of two validation windows and writes its music; measures many."""
    validation = context.validation
    if bool((validation.songs == validation.songs[:1]).all()):
        return Section(TITLE, [], {}, missing=["Interpolations take validation windows of two songs: take more songs."])
    generator = torch.Generator().manual_seed(config.seed)
    first, second = (validation.tokens[ends] for ends in draw_pairs(validation.songs, config.pairs, generator))
    (out / PICTURES).mkdir()
    one = _one_way(context, first[0], second[0], config.points, out)
    many = measure_paths(context, first, second, config.alphas, generator, out, f"{PICTURES}/hamming.png")
    return replace(many, title=TITLE, figures=[one, *many.figures])


def draw_pairs(songs: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers of windows, (count,) each: any window, and any of another song.

    songs: (windows,), of two songs at least.
    """
    by_song = torch.argsort(songs, stable=True)
    _, song, sizes = torch.unique_consecutive(songs[by_song], return_inverse=True, return_counts=True)
    first = torch.randint(len(songs), (count,), generator=generator)
    others = len(songs) - sizes[song[first]]
    after_its_song = sizes.cumsum(0)[song[first]]
    ahead = (torch.rand(count, generator=generator, dtype=torch.float64) * others).long()
    return by_song[first], by_song[(after_its_song + ahead) % len(songs)]


def _one_way(context: EvaluationContext, first: Tensor, second: Tensor, points: int, out: Path) -> Figure:
    z1, z2 = context.codes(torch.stack([first, second]))
    way = context.decoded(interpolate(z1, z2, torch.linspace(1, 0, points)))
    positions = torch.linspace(0, 1, points).tolist()
    decoded = [(f"decoded at {position:.2f}", window) for position, window in zip(positions, way, strict=True)]
    panels = [("x1", first), *decoded, ("x2", second)]
    tracks = context.description.model.tracks
    whole = write_clips(out, "whole", [("all that is decoded, in turn", in_turn(way))], tracks)
    figure = draw_with_clips(
        out,
        "interpolation",
        "From one window, x1, to another, x2, through the latent space",
        panels,
        COLUMNS,
        tracks,
        "Two validation windows of different songs, x1 and x2, and between them, row by row, what is decoded on the "
        "straight line between their codes: at 0 the reconstruction of x1, at 1 that of x2. A bar of colour is a note.",
    )
    return replace(figure, clips=[*whole, *figure.clips])


def in_turn(windows: Tensor) -> Tensor:
    """(windows, tracks, steps) -> (tracks, windows * steps); no note of one window is held on in the next."""
    begun = windows.clone()
    begun[..., 0][begun[..., 0] == HOLD] = SILENT
    return torch.cat(list(begun), dim=-1)
