"""Low-level metrics of samples of the prior, beside those of real windows; [P] section 4.4.1 and figure 3."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from analysis.attributes.group_metrics import Measured, cells, measured, relative
from analysis.attributes.smoothness import add_agreement, add_smoothness
from analysis.shared.clips import draw_with_clips
from analysis.shared.context import EvaluationContext, some
from analysis.shared.heat_map import CLIP, draw_heat_maps
from analysis.shared.section import PICTURES, Figure, Section, Table
from model.latent import sample
from music.json_files import write_json
from music.metrics import METRICS

ROWS = "rows.json"
SAMPLES = "Samples of the prior"
COLUMNS = 8
"""Of the picture of samples."""


@dataclass(frozen=True)
class AttributesConfig:
    """The settings of this part, in `settings.toml` beside this file."""

    samples: int
    """Drawn from each of the prior's Gaussians; 256 in [P]."""
    windows: int
    """Training windows drawn of each genre, at most."""
    songs: int
    """Genres of fewer training songs are not compared with their Gaussians."""
    shuffles: int
    """Orders of the genres that stand for chance."""
    seed: int

    def __post_init__(self) -> None:
        for name in ("samples", "windows", "songs", "shuffles"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


def analyse_attributes(context: EvaluationContext, config: AttributesConfig, out: Path) -> Section:
    """Draws and measures windows of each Gaussian of the prior, and training windows of its genre."""
    section = Section("Low-level metrics of samples", [], {})
    (out / PICTURES).mkdir()
    if context.description.model.prior == "flower":
        _around_the_circle(section, context, config, out)
    else:
        _of_one_gaussian(section, context, config, out)
    return section


def _around_the_circle(section: Section, context: EvaluationContext, config: AttributesConfig, out: Path) -> None:
    genres, tracks = context.genres, context.description.model.tracks
    drawn = [_sample(context, genre, config.samples, config.seed) for genre in range(len(genres))]
    tagged = _tagged_windows(context, config)
    samples, real = measured(drawn, tracks), measured(tagged, tracks)
    section.text.append(
        f"From each of the prior's {len(genres)} Gaussians {config.samples} codes were drawn and decoded. Beside them "
        f"stand training windows whose songs are tagged with the genre, {config.windows} a genre at most, drawn at "
        "random; a song may have several tags, so neighbouring genres share some of their windows."
    )
    few = [genre for genre, windows in zip(genres, tagged, strict=True) if not len(windows)]
    if few:
        section.missing.append(
            f"Genres of fewer than {config.songs} training songs are not compared with their Gaussians: "
            f"{', '.join(few)}; take more songs of theirs."
        )
    _compare_means(section, samples, real)
    section.figures.append(_heat_maps(samples, real, genres, out))
    add_smoothness(section, samples, config.shuffles, config.seed)
    add_agreement(section, samples, real, config.shuffles, config.seed)
    write_json(out / ROWS, _rows(samples, genres))
    first = [(genre, windows[0]) for genre, windows in zip(genres, drawn, strict=True)]
    first.append(("whole prior", _sample(context, len(genres), 1, config.seed)[0]))
    caption = "The first sample of each Gaussian, in circle order, and one of the whole prior."
    section.figures.append(draw_with_clips(out, "samples", SAMPLES, first, COLUMNS, tracks, caption))


def _of_one_gaussian(section: Section, context: EvaluationContext, config: AttributesConfig, out: Path) -> None:
    tracks = context.description.model.tracks
    drawn = _sample(context, context.description.model.genres, config.samples, config.seed)
    real = some(context.training, config.windows, torch.Generator().manual_seed(config.seed)).tokens
    section.text.append(
        f"From the prior, one Gaussian, {config.samples} codes were drawn and decoded. Beside them stand {len(real)} "
        "training windows, drawn at random."
    )
    section.missing.append(
        "The prior is one Gaussian for all genres, so there is no circle of Gaussians to go around: train with the "
        "flower prior."
    )
    _compare_means(section, measured([drawn], tracks), measured([real], tracks))
    write_json(out / ROWS, [])
    first = [(f"sample {number + 1}", window) for number, window in enumerate(drawn[:COLUMNS])]
    caption = "The first samples of the prior."
    section.figures.append(draw_with_clips(out, "samples", SAMPLES, first, COLUMNS, tracks, caption))


def _sample(context: EvaluationContext, genre: int, count: int, seed: int) -> Tensor:
    """Samples of one Gaussian, or of the whole prior; each Gaussian has random numbers of its own."""
    gaussians = context.description.model.genres + 1
    return sample(context.model, genre, count, seed * gaussians + genre).cpu()


def _tagged_windows(context: EvaluationContext, config: AttributesConfig) -> list[Tensor]:
    """(windows, tracks, steps) of each genre: none where it has too few songs."""
    training = context.training
    generator = torch.Generator().manual_seed(config.seed)
    windows = []
    for genre in range(len(context.genres)):
        tagged = training.genres[:, genre].nonzero()[:, 0]
        enough = len(np.unique(training.songs[tagged].numpy())) >= config.songs
        order = torch.randperm(len(tagged), generator=generator)
        windows.append(training.tokens[tagged[order[: config.windows if enough else 0]]])
    return windows


def _compare_means(section: Section, samples: Measured, real: Measured) -> None:
    """The mean of each metric over all samples, and over all real windows."""
    difference = relative(samples.whole, real.whole)
    known = abs(difference[np.isfinite(difference)])
    section.text.append("A mean leaves out the windows in which there is nothing to measure.")
    if len(known):
        section.metrics["difference"] = float(np.median(known))
        section.text.append(
            f"Over all samples, half of the metrics' means are further than {np.median(known):.0%} from those over the "
            "training windows drawn."
        )
    undefined = [name for name, value in zip(METRICS, samples.whole, strict=True) if np.isnan(value)]
    if undefined:
        section.missing.append(
            f"No sample has anything to measure of {', '.join(undefined)}: the model lacks the tracks, or writes no "
            "notes there; train it on more tracks, or for longer."
        )
    columns = (METRICS, cells(samples.whole), cells(real.whole), cells(difference), METRICS.values())
    section.tables.append(
        Table(
            "Means over all samples and over the training windows drawn. Difference: (samples - training) / training.",
            ["metric", "samples", "training", "difference", "unit", "definition"],
            [[*row, metric.unit, metric.definition] for *row, metric in zip(*columns, strict=True)],
        )
    )


def _heat_maps(samples: Measured, real: Measured, genres: Sequence[str], out: Path) -> Figure:
    draw_heat_maps(
        out / PICTURES / "attributes.png",
        "Low-level metrics of each genre, relative to all",
        [("samples of the genre's Gaussian", samples.relative), ("training windows of the genre", real.relative)],
        list(METRICS),
        genres,
        "genre, in circle order: the last neighbours the first",
        "(mean of the genre - mean of all) / mean of all",
    )
    return Figure(
        f"{PICTURES}/attributes.png",
        "How far the mean of each metric over the windows of a genre is from its mean over all: red is more, blue is "
        "less, white is the same; grey has nothing to measure, or a mean over all of 0. Colours stop at "
        f"{CLIP:+.0%} and {-CLIP:+.0%}. Above, samples of the genre's Gaussian; below, training windows tagged with "
        "it. The last genre neighbours the first. Where the two maps are alike, the Gaussians have what their genres "
        "have.",
    )


def _rows(samples: Measured, genres: Sequence[str]) -> list[dict[str, str | float]]:
    """For DVC's heat map: a row a genre and metric."""
    return [
        {"genre": genre, "metric": metric, "value": value}
        for metric, values in zip(METRICS, samples.relative.tolist(), strict=True)
        for genre, value in zip(genres, values, strict=True)
        if not math.isnan(value)
    ]
