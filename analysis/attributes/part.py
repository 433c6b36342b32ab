"""Low-level metrics of samples of the prior, beside those of real windows; [P] section 4.4.1 and figure 3."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from analysis.attributes.group_metrics import GroupMetrics, group_metrics, relative_difference, table_cells
from analysis.attributes.pictures import COLOUR_LIMIT, draw_heat_maps
from analysis.attributes.realism import realism_section
from analysis.attributes.smoothness import agreement_section, smoothness_section
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.sampling import random_subset
from analysis.shared.section import PICTURES, Figure, Section, Table, joined, write_plot_rows
from model.latent import sample_windows
from music.metrics import METRICS
from music.settings import Seed, Settings, at_least

TITLE = "Low-level metrics of samples"
PROSE = Prose(__file__)
ROWS = "rows.json"
COLUMNS = 8
"""The number of panels in a row of the picture of samples."""


@dataclass(frozen=True)
class AttributesConfig(Settings):
    """The settings of this part, in `settings.toml` beside this file."""

    samples: Annotated[int, at_least(1)]
    """The number of samples of each of the prior's Gaussians; 256 in [P]."""
    windows: Annotated[int, at_least(1)]
    """The largest number of training windows of each genre."""
    songs: Annotated[int, at_least(1)]
    """Genres with fewer training songs than this are not compared with their Gaussians."""
    compared: Annotated[int, at_least(1)]
    """The largest number of samples that are compared with validation windows."""
    shuffles: Annotated[int, at_least(1)]
    """The number of random orders of the genres from which chance levels come."""
    seed: Seed


def analyse_attributes(context: EvaluationContext, config: AttributesConfig, out: Path) -> Section:
    """Measures samples of each Gaussian of the prior, and training windows of its genre."""
    (out / PICTURES).mkdir()
    if context.description.model.prior == "flower":
        return _compare_around_circle(context, config, out)
    return _compare_one_gaussian(context, config, out)


def _compare_around_circle(context: EvaluationContext, config: AttributesConfig, out: Path) -> Section:
    genres, tracks = context.genres, context.description.model.tracks
    windows = [_sample(context, genre, config.samples, config.seed) for genre in range(len(genres))]
    tagged = _tagged_windows(context, config)
    samples, real = group_metrics(windows, tracks), group_metrics(tagged, tracks)
    too_few_songs = [genre for genre, genre_windows in zip(genres, tagged, strict=True) if not len(genre_windows)]
    method = Section(
        "Method",
        [PROSE.text("circle_method", genres=len(genres), samples=config.samples, windows=config.windows)],
        {},
        missing=[PROSE.text("few_songs", genres=too_few_songs, songs=config.songs)] if too_few_songs else [],
    )
    write_plot_rows(out / ROWS, _plot_rows(samples, genres))
    draw_heat_maps(
        out / PICTURES / "attributes.png",
        {"samples of the genre's Gaussian": samples.relative, "training windows of the genre": real.relative},
        genres,
    )
    heat_maps = Figure(f"{PICTURES}/attributes.png", PROSE.text("heat_maps_caption", limit=COLOUR_LIMIT))
    first = [(genre, genre_windows[0]) for genre, genre_windows in zip(genres, windows, strict=True)]
    first.append(("whole prior", _sample(context, len(genres), 1, config.seed)[0]))
    return joined(
        TITLE,
        [
            method,
            _means_section(samples, real),
            realism_section(context, _shuffled(torch.cat(windows), config.seed), config.compared, config.seed),
            smoothness_section(samples, config.shuffles, config.seed),
            agreement_section(samples, real, config.shuffles, config.seed),
            Section("Pictures", [], {}, [heat_maps, _draw_samples(context, first, "circle_samples_caption", out)]),
        ],
    )


def _compare_one_gaussian(context: EvaluationContext, config: AttributesConfig, out: Path) -> Section:
    tracks = context.description.model.tracks
    windows = _sample(context, context.description.model.genres, config.samples, config.seed)
    real = random_subset(context.training, config.windows, torch.Generator().manual_seed(config.seed)).tokens
    write_plot_rows(out / ROWS, [])
    first = [(f"sample {number}", window) for number, window in enumerate(windows[:COLUMNS], start=1)]
    method = Section(
        "Method",
        [PROSE.text("one_gaussian_method", samples=config.samples, windows=len(real))],
        {},
        [_draw_samples(context, first, "one_gaussian_samples_caption", out)],
        missing=[PROSE.text("no_circle")],
    )
    realism = realism_section(context, windows, config.compared, config.seed)
    means = _means_section(group_metrics([windows], tracks), group_metrics([real], tracks))
    return joined(TITLE, [method, means, realism])


def _sample(context: EvaluationContext, genre: int, count: int, seed: int) -> Tensor:
    """Returns samples of one Gaussian or, for the number after the last genre, of the whole prior.

    Every Gaussian has its own random numbers. Returns (count, tracks, steps), on the CPU.
    """
    gaussians = context.description.model.genres + 1
    return sample_windows(context.model, genre, count, seed * gaussians + genre).cpu()


def _shuffled(windows: Tensor, seed: int) -> Tensor:
    return windows[torch.randperm(len(windows), generator=torch.Generator().manual_seed(seed))]


def _tagged_windows(context: EvaluationContext, config: AttributesConfig) -> list[Tensor]:
    """Returns random training windows of each genre, (windows, tracks, steps); none where it has too few songs."""
    training = context.training
    generator = torch.Generator().manual_seed(config.seed)
    windows = []
    for genre in range(len(context.genres)):
        tagged = training.genres[:, genre].nonzero()[:, 0]
        enough = len(np.unique(training.songs[tagged].numpy())) >= config.songs
        order = torch.randperm(len(tagged), generator=generator)
        windows.append(training.tokens[tagged[order[: config.windows if enough else 0]]])
    return windows


def _means_section(samples: GroupMetrics, real: GroupMetrics) -> Section:
    """Compares the mean of each metric over all samples with that over all real windows."""
    difference = relative_difference(samples.overall, real.overall)
    finite = abs(difference[np.isfinite(difference)])
    median = float(np.median(finite)) if len(finite) else None
    undefined = [name for name, value in zip(METRICS, samples.overall, strict=True) if np.isnan(value)]
    columns = (METRICS, *map(table_cells, (samples.overall, real.overall, difference)), METRICS.values())
    table = Table(
        PROSE.text("means_caption"),
        ["metric", "samples", "training", "difference", "unit", "definition"],
        [[*row, metric.unit, metric.definition] for *row, metric in zip(*columns, strict=True)],
    )
    return Section(
        "Means",
        [PROSE.text("means"), *([] if median is None else [PROSE.text("difference", median=median)])],
        {} if median is None else {"difference": median},
        tables=[table],
        missing=[PROSE.text("nothing_to_measure", metrics=undefined)] if undefined else [],
    )


def _draw_samples(context: EvaluationContext, named: list[tuple[str, Tensor]], caption: str, out: Path) -> Figure:
    """Draws and writes the named samples. caption: the name of a macro."""
    panels = Panels(named, context.description.model.tracks, COLUMNS)
    return draw_with_clips(out, "samples", PROSE.text("samples_title"), panels, PROSE.text(caption))


def _plot_rows(samples: GroupMetrics, genres: Sequence[str]) -> list[dict[str, str | float]]:
    """Returns a row for each genre and metric, for DVC's heat map."""
    return [
        {"genre": genre, "metric": metric, "value": value}
        for metric, values in zip(METRICS, samples.relative.tolist(), strict=True)
        for genre, value in zip(genres, values, strict=True)
        if not math.isnan(value)
    ]
