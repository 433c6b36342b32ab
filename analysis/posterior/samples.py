"""What is decoded from the prior: what it keeps of its code, and how near it is to the training windows."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from analysis.posterior.pictures import draw_nearest
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.section import PICTURES, Figure, Section, Table
from music.tokens import PITCHES

CHUNK = 8192
"""Training windows that are compared at once."""
DRAWN = 3
"""Samples that are drawn beside their nearest training windows."""
SAMPLES, VALIDATION, RECONSTRUCTED = "samples of the prior", "validation windows", "validation windows, reconstructed"


@dataclass(frozen=True)
class Cycle:
    """What is left of codes that are decoded and encoded again."""

    distance: float
    """From a code to its own second one, as a share of that to another's; every dimension counts in the prior's
    standard deviations. 0 where the code is kept, 1 where nothing is.
    """
    plane: float
    """The same in the first two dimensions alone, where the flower lies."""
    states: float
    """Share of the decoded states that are the same once the second codes are decoded."""


def cycle(context: EvaluationContext, z: Tensor) -> Cycle:
    """Codes in random order, (windows, latent), at least 2."""
    once = context.decoded(z)
    again = context.codes(once)
    deviation = context.model.prior.variance().sqrt()
    before, after = z / deviation, again / deviation
    return Cycle(
        _distance(before, after),
        _distance(before[:, :2], after[:, :2]),
        (context.decoded(again) == once).float().mean().item(),
    )


def _distance(before: Tensor, after: Tensor) -> float:
    own, of_another = ((after - z).norm(dim=-1).mean() for z in (before, before.roll(1, dims=0)))
    return float(own / of_another)


@dataclass(frozen=True)
class Nearest:
    """The training windows nearest to some windows; (windows,) each."""

    distance: Tensor
    """Share of states that differ (Hamming)."""
    number: Tensor
    """Which of the training windows."""

    @property
    def copies(self) -> float:
        """Share of windows that are training windows, state by state."""
        return (self.distance == 0).float().mean().item()

    @property
    def median(self) -> float:
        """Of the distances."""
        return self.distance.median().item()


def nearest(windows: Tensor, training: Tensor, device: torch.device) -> Nearest:
    """Compares with every training window; (windows, tracks, steps) each.

    Memory on the device is that of `CHUNK` windows as floats, and of as many distances a window.
    """
    states = windows.flatten(1).to(device).float()
    least = states.new_full((len(states),), torch.inf)
    number = torch.zeros(len(states), dtype=torch.long, device=device)
    for first in range(0, len(training), CHUNK):
        chunk = training[first : first + CHUNK].flatten(1).to(device).float()
        distance, place = torch.cdist(states, chunk, p=0).min(dim=1)  # p = 0: in how many states they differ
        number = torch.where(distance < least, first + place, number)
        least = torch.minimum(distance, least)
    return Nearest(least.cpu() / states.shape[1], number.cpu())


def cycle_section(context: EvaluationContext, samples: Tensor, codes: Tensor) -> Section:
    """Samples of the prior and codes of windows that are decoded and encoded again; (samples, latent) each."""
    groups = {SAMPLES: cycle(context, samples), VALIDATION: cycle(context, codes)}
    of_prior = groups[SAMPLES]
    return Section(
        "Cycle consistency",
        [
            f"{len(samples)} samples of the prior are decoded and encoded again. They end up {of_prior.distance:.2f} "
            "times as far from where they were as from where another was: 0 would be a perfect cycle, and 1 says that "
            "nothing of the code was kept. Codes of validation windows go through the same."
        ],
        {"cycle": of_prior.distance},
        tables=[
            Table(
                "Decoded and encoded again: distance to the code itself as a share of that to another, over all "
                "dimensions and in the plane of the first two; and the share of states that stay when decoded once "
                "more",
                ["codes", "distance", "distance in the plane", "same states"],
                [[name, *vars(of).values()] for name, of in groups.items()],
            )
        ],
    )


def copies_section(context: EvaluationContext, samples: Tensor, real: Tensor, out: Path) -> Section:
    """How near samples are to training windows, beside validation windows; (samples, tracks, steps) each."""
    kinds = {SAMPLES: samples, VALIDATION: real, RECONSTRUCTED: context.decoded(context.codes(real))}
    groups = {name: nearest(windows, context.training.tokens, context.device) for name, windows in kinds.items()}
    draw_nearest(out / PICTURES / "nearest.png", {name: of.distance for name, of in groups.items()})
    return Section(
        "Copies",
        [
            f"Each of {len(samples)} samples of the prior is compared with all {len(context.training)} training "
            "windows, in the key in which each was trained on: a copy in another key is not found. Most states of any "
            "window are holds and rests, so that unlike music shares many. Validation windows show how near real music "
            "comes to other real music (identical windows of four tracks are kept once, so that hardly any comes all "
            "the way; of a model with fewer tracks some do), and their reconstructions what the decoder makes of that "
            "distance. Samples nearer than these are copies, or plainer than music: then fewer notes start in them."
        ],
        {
            "copies": groups[SAMPLES].copies,
            "nearest": groups[SAMPLES].median,
            "nearest_of_validation": groups[VALIDATION].median,
        },
        [
            Figure(
                f"{PICTURES}/nearest.png",
                "How many states differ from the nearest training window, of samples of the prior, of validation "
                "windows, and of these as the model reconstructs them.",
            ),
            _nearest_drawn(context, samples, groups[SAMPLES], out),
        ],
        [
            Table(
                "Distance to the nearest training window (share of states that differ), and how many notes start in a "
                "window (median)",
                ["windows", "count", "median", "least", "exact copies (share)", "notes"],
                [
                    [name, len(of.distance), of.median, of.distance.min().item(), of.copies, _notes(kinds[name])]
                    for name, of in groups.items()
                ],
            )
        ],
    )


def _notes(windows: Tensor) -> float:
    """Median of how many start in a window: a few samples of noise would outweigh all others in a mean."""
    return (windows < PITCHES).flatten(1).sum(dim=1).median().item()


def _nearest_drawn(context: EvaluationContext, samples: Tensor, of: Nearest, out: Path) -> Figure:
    """The samples nearest to training windows, beside these."""
    closest = of.distance.argsort(stable=True)[:DRAWN]
    panels = []
    for place, number in enumerate(closest.tolist(), 1):
        panels.append((f"sample {place}", samples[number]))
        panels.append((f"nearest to sample {place}", context.training.tokens[of.number[number]]))
    return draw_with_clips(
        out,
        "copies",
        "Samples nearest to training windows",
        Panels(panels, context.description.model.tracks, columns=2),
        "The samples of the prior that come nearest to a training window, each beside it: "
        f"{', '.join(f'{distance:.1%}' for distance in of.distance[closest].tolist())} of their states differ.",
    )
