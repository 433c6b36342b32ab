"""From one window to another through the latent space; [P] figures 2 and 4."""

from dataclasses import dataclass
from pathlib import Path

import torch

from analysis.clips import write_clips
from analysis.section import Figure, Section
from analysis.subject import Subject
from model.latent import interpolate
from music.drawing import draw_windows
from music.tokens import with_all_tracks

PICTURES = "pictures"


@dataclass(frozen=True)
class InterpolationConfig:
    """Section `interpolation` of analysis.toml."""

    points: int
    """Of the interpolation that is drawn, its ends included."""
    seed: int

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError("points must be at least 2")


def analyse_interpolation(subject: Subject, config: InterpolationConfig, out: Path) -> Section:
    """Draws an interpolation of two validation windows, and writes its music."""
    if len(subject.validation) < 2:
        return Section(
            "Interpolation", [], {}, missing=["An interpolation takes two validation windows: take more songs."]
        )
    generator = torch.Generator().manual_seed(config.seed)
    first, second = subject.validation.tokens[torch.randperm(len(subject.validation), generator=generator)[:2]]
    alpha = torch.linspace(1, 0, config.points)
    way = interpolate(
        subject.model, first.to(subject.device), second.to(subject.device), alpha.to(subject.device)
    ).cpu()
    steps = [(f"alpha {a:.2f}", window) for a, window in zip(alpha.tolist(), way, strict=True)]
    panels = [("window 1", first), *steps, ("window 2", second)]
    tracks = subject.description.model.tracks
    (out / PICTURES).mkdir()
    draw_windows(
        out / PICTURES / "interpolation.png",
        "From one window to another through the latent space",
        [(name, with_all_tracks(window.numpy(), tracks)) for name, window in panels],
        len(panels),
    )
    figure = Figure(
        f"{PICTURES}/interpolation.png",
        "Two validation windows (ends), and between them what is decoded on the straight line between their codes.",
        write_clips(out, "interpolation", panels, tracks),
    )
    return Section("Interpolation", [], {}, [figure])
