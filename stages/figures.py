"""Stage `figures`: a trained model and windows -> a reconstruction, an interpolation and samples by genre."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from typer import Option

from model.checkpoint import load_for
from model.data import read_windows
from model.latent import interpolate, sample
from music.drawing import draw_windows
from music.errors import InputError
from music.midi import write
from music.roles import to_song
from music.tokens import Tokens, with_all_tracks
from stages.command import replacing, run
from stages.settings import PARAMS, read_settings

COLUMNS = 8


@dataclass(frozen=True)
class FiguresConfig:
    """Section `figures` of params.yaml."""

    points: int
    """Of the interpolation, its ends included."""
    seed: int

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError("points must be at least 2")


def main(
    model: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    pictures: Annotated[Path, Option()],
    midi: Annotated[Path, Option()],
) -> None:
    """Draws piano rolls and writes the same music as MIDI files."""
    config = read_settings(FiguresConfig, PARAMS, "figures")
    autoencoder, description = load_for(model, windows)
    tracks = description.model.tracks
    validation = read_windows(windows, "validation").seen_by(description.model)
    if len(validation) < 2:
        raise InputError(f"{windows}: an interpolation takes two validation windows; take more songs")
    generator = torch.Generator().manual_seed(config.seed)
    first, second = validation.tokens[torch.randperm(len(validation), generator=generator)[:2]]
    with replacing(pictures) as pngs, replacing(midi) as mids:
        rebuilt = autoencoder.tokens(autoencoder.codes(first[None]))[0]
        pair = [("window", first), ("its reconstruction", rebuilt)]
        _show(tracks, pngs, mids, "reconstruction", "A window and its reconstruction", pair, 2)

        alpha = torch.linspace(1, 0, config.points)
        way = interpolate(autoencoder, first, second, alpha)
        steps = [(f"alpha {a:.2f}", window) for a, window in zip(alpha.tolist(), way, strict=True)]
        ends = [("window 1", first), *steps, ("window 2", second)]
        _show(tracks, pngs, mids, "interpolation", "From one window to another through the latent space",
              ends, len(ends))  # fmt: skip

        names = description.data.genres if description.model.prior == "flower" else []
        samples = [(name, sample(autoencoder, genre, 1, config.seed)[0]) for genre, name in enumerate(names)]
        samples.append(("whole prior", sample(autoencoder, len(description.data.genres), 1, config.seed)[0]))
        _show(tracks, pngs, mids, "samples", "One sample of each Gaussian of the prior, in circle order",
              samples, COLUMNS)  # fmt: skip


def _show(
    tracks: Sequence[str],
    pngs: Path,
    mids: Path,
    name: str,
    title: str,
    panels: list[tuple[str, torch.Tensor]],
    columns: int,
) -> None:
    """The windows as panels of one picture and, one after another, as one MIDI file each and all together."""
    arrays: list[tuple[str, Tokens]] = [(panel, with_all_tracks(window.numpy(), tracks)) for panel, window in panels]
    draw_windows(pngs / f"{name}.png", title, arrays, columns)
    (mids / f"{name}.mid").write_bytes(write(to_song(np.concatenate([window for _, window in arrays], axis=1))))
    (mids / name).mkdir()
    for number, (panel, window) in enumerate(arrays):
        file = f"{number:02d}-{''.join(c if c.isalnum() else '-' for c in panel)}.mid"
        (mids / name / file).write_bytes(write(to_song(window)))


if __name__ == "__main__":
    run(main)
