"""How close windows decoded from the prior come to the training windows, and whether any is a copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from analysis.posterior.codes import SAMPLES, VALIDATION
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Cell, Figure, Section, Table
from music.pictures import picture
from music.tokens import PITCHES

PROSE = Prose(__file__)
CHUNK = 8192
"""The number of training windows that are compared at once."""
DRAWN = 3
"""The number of samples shown beside their nearest training windows."""
BINS = 40
RECONSTRUCTED = "validation windows, reconstructed"


@dataclass(frozen=True)
class NearestWindows:
    """The training window that is nearest to each of some windows; (windows,) each."""

    distance: Tensor
    """The share of states that differ (Hamming distance)."""
    number: Tensor
    """The number of the training window."""

    @property
    def copied_share(self) -> float:
        """The share of windows that equal a training window in every state."""
        return (self.distance == 0).float().mean().item()

    @property
    def median_distance(self) -> float:
        """The median of the distances."""
        return self.distance.median().item()


def nearest(windows: Tensor, training: Tensor, device: torch.device) -> NearestWindows:
    """Compares the windows with every training window; (windows, tracks, steps) each.

    The device needs memory for `CHUNK` training windows as floats, and for as many distances of each window.
    """
    states = windows.flatten(1).to(device).float()
    least = states.new_full((len(states),), torch.inf)
    number = torch.zeros(len(states), dtype=torch.long, device=device)
    for first in range(0, len(training), CHUNK):
        chunk = training[first : first + CHUNK].flatten(1).to(device).float()
        distance, place = torch.cdist(states, chunk, p=0).min(dim=1)  # p = 0 counts the states that differ
        number = torch.where(distance < least, first + place, number)
        least = torch.minimum(distance, least)
    return NearestWindows(least.cpu() / states.shape[1], number.cpu())


def copies_section(context: EvaluationContext, samples: Tensor, real: Tensor, out: Path) -> Section:
    """Compares samples, and validation windows beside them, with the training windows.

    samples, real: (windows, tracks, steps) each.
    """
    kinds = {SAMPLES: samples, VALIDATION: real, RECONSTRUCTED: context.decoded(context.codes(real))}
    training = context.training.tokens
    neighbours = {name: nearest(windows, training, context.device) for name, windows in kinds.items()}
    header = ["windows", "count", "median", "least", "exact copies (share)", "notes"]
    rows: list[list[Cell]] = [
        [
            name, len(found.distance), found.median_distance, found.distance.min().item(), found.copied_share,
            _median_notes(kinds[name]),
        ]
        for name, found in neighbours.items()
    ]  # fmt: skip
    return Section(
        "Copies",
        [PROSE.text("copies", samples=len(samples), training=len(training))],
        {
            "copies": neighbours[SAMPLES].copied_share,
            "nearest": neighbours[SAMPLES].median_distance,
            "nearest_of_validation": neighbours[VALIDATION].median_distance,
        },
        [
            _draw_distances({name: found.distance for name, found in neighbours.items()}, out),
            _draw_nearest_samples(context, samples, neighbours[SAMPLES], out),
        ],
        [Table(PROSE.text("copies_table"), header, rows)],
    )


def _median_notes(windows: Tensor) -> float:
    """Returns the median number of notes that start in a window: a few samples of noise would dominate a mean."""
    return (windows < PITCHES).flatten(1).sum(dim=1).median().item()


def _draw_distances(distances: Mapping[str, Tensor], out: Path) -> Figure:
    """Draws a histogram of each kind of windows' distances; (windows,) shares of states each."""
    furthest = max(distance.max().item() for distance in distances.values())
    bins = np.linspace(0, max(furthest, 0.05), BINS + 1)
    with picture(out / PICTURES / "nearest.png", 8, 2 * len(distances) + 1) as figure:
        figure.suptitle("Distance to the nearest training window")
        axes = figure.subplots(len(distances), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (name, distance) in zip(axes, distances.items(), strict=True):
            axis.hist(distance.numpy(), bins, color="#1f77b4")
            median = distance.median().item()
            axis.axvline(median, color="#d62728", label=f"median {median:.3f}")
            axis.set(title=f"{len(distance)} {name}", ylabel="windows")
            axis.yaxis.set_major_locator(MaxNLocator(integer=True))
            axis.legend()
        axes[-1].set_xlabel("share of states that differ")
    return Figure(f"{PICTURES}/nearest.png", PROSE.text("distances_caption"))


def _draw_nearest_samples(context: EvaluationContext, samples: Tensor, neighbours: NearestWindows, out: Path) -> Figure:
    """Draws the samples that are nearest to a training window, each beside that window."""
    closest = neighbours.distance.argsort(stable=True)[:DRAWN]
    panels = []
    for place, number in enumerate(closest.tolist(), 1):
        panels.append((f"sample {place}", samples[number]))
        panels.append((f"nearest to sample {place}", context.training.tokens[neighbours.number[number]]))
    return draw_with_clips(
        out,
        "copies",
        "Samples nearest to training windows",
        Panels(panels, context.description.model.tracks, columns=2),
        PROSE.text("nearest_samples_caption", distances=neighbours.distance[closest].tolist()),
    )
