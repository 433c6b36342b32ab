"""From one window to another through the latent space; [P] figures 2 and 4."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor

from analysis.interpolation.paths import measure_paths
from analysis.shared.clips import Panels, draw_with_clips, write_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure, Section
from model.latent import interpolate
from music.settings import Seed, Settings, at_least
from music.tokens import HOLD, SILENT

TITLE = "Interpolation"
PROSE = Prose(__file__)
COLUMNS = 3
"""The number of panels in a row of the picture of one path."""


@dataclass(frozen=True)
class InterpolationConfig(Settings):
    """The settings of this part, in `settings.toml` beside this file."""

    points: Annotated[int, at_least(2)]
    """The number of points of the path that is drawn and heard, including its ends."""
    pairs: Annotated[int, at_least(2)]
    """The number of pairs of windows whose paths are measured."""
    alphas: Annotated[int, at_least(2)]
    """The number of points of each measured path, including its ends."""
    seed: Seed


def analyse_interpolation(context: EvaluationContext, config: InterpolationConfig, out: Path) -> Section:
    """Draws one path between two validation windows and writes its music, and measures the paths of many pairs."""
    validation = context.validation
    if bool((validation.songs == validation.songs[:1]).all()):
        return Section(TITLE, [], {}, missing=[PROSE.text("too_few_songs")])
    generator = torch.Generator().manual_seed(config.seed)
    first, second = (validation.tokens[ends] for ends in random_pairs(validation.songs, config.pairs, generator))
    (out / PICTURES).mkdir()
    one_path = _draw_one_path(context, first[0], second[0], config.points, out)
    measured = measure_paths(context, first, second, config.alphas, generator, out)
    return replace(measured, title=TITLE, figures=[one_path, *measured.figures])


def random_pairs(songs: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Returns the numbers of the first and of the second windows of random pairs, (count,) each.

    The first is any window, the second any window of another song. songs: (windows,) the song of each window, at least
    two different ones.
    """
    by_song = torch.argsort(songs, stable=True)
    _, song, sizes = torch.unique_consecutive(songs[by_song], return_inverse=True, return_counts=True)
    first = torch.randint(len(songs), (count,), generator=generator)
    others = len(songs) - sizes[song[first]]
    after_its_song = sizes.cumsum(0)[song[first]]
    ahead = (torch.rand(count, generator=generator, dtype=torch.float64) * others).long()
    return by_song[first], by_song[(after_its_song + ahead) % len(songs)]


def _draw_one_path(context: EvaluationContext, first: Tensor, second: Tensor, points: int, out: Path) -> Figure:
    z1, z2 = context.codes(torch.stack([first, second]))
    path = context.decoded(interpolate(z1, z2, torch.linspace(1, 0, points)))
    positions = torch.linspace(0, 1, points).tolist()
    decoded = [(f"decoded at {position:.2f}", window) for position, window in zip(positions, path, strict=True)]
    tracks = context.description.model.tracks
    whole_clip = write_clips(out, "whole", [("all decoded windows, one after another", concatenated(path))], tracks)
    panels = Panels([("x1", first), *decoded, ("x2", second)], tracks, COLUMNS)
    title, caption = PROSE.text("one_path_title"), PROSE.text("one_path_caption")
    figure = draw_with_clips(out, "interpolation", title, panels, caption)
    return replace(figure, clips=[*whole_clip, *figure.clips])


def concatenated(windows: Tensor) -> Tensor:
    """Puts windows one after another; no note of a window is held on in the next.

    (windows, tracks, steps) -> (tracks, windows * steps).
    """
    separate = windows.clone()
    separate[..., 0][separate[..., 0] == HOLD] = SILENT
    return torch.cat(list(separate), dim=-1)
