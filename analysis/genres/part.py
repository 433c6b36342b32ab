"""Genres in the latent space: pictures, and how well a hyperplane separates pairs; [P] section 4.4.2, figure 5."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from threadpoolctl import threadpool_limits

from analysis.genres.code_pictures import draw_all_pairs, draw_large, draw_together
from analysis.genres.pairs import Pair, sample_all_genres, sample_pairs
from analysis.genres.separability import CHANCE, Separabilities, circle_correlation, measure_separability
from analysis.genres.separability_pictures import draw_distances, draw_matrix
from analysis.genres.tables import matrix_rows, mean_separability, separability_tables
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure, Section, write_plot_rows
from music.settings import Seed, Settings, at_least, between

TITLE = "Genres in the latent space"
ROWS = "rows.json"
PROSE = Prose(__file__)


@dataclass(frozen=True)
class SeparabilityConfig(Settings):
    """The settings of this part, in `settings.toml` beside this file."""

    windows: Annotated[int, at_least(2)]
    """The largest number of windows of each genre of a pair."""
    windows_together: Annotated[int, at_least(2)]
    """The largest number of windows of each genre in the picture of all genres."""
    pairs: list[tuple[str, str]]
    """The pairs with a large picture each."""
    songs: Annotated[int, at_least(2)]
    """A pair is measured if each genre has at least this many songs without the other's tag."""
    folds: Annotated[int, at_least(2)]
    """The number of folds of the cross-validation."""
    shrinkage: Annotated[float, between(0, 1)]
    """The share by which the classifier's covariance is shrunk towards a sphere."""
    shuffles: Annotated[int, at_least(1)]
    """The number of times that the labels of each pair, and the order of the circle, are shuffled."""
    seed: Seed

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(len(set(pair)) != 2 for pair in self.pairs):
            raise ValueError('pairs must be lists of two different genres, such as [["rock", "pop"]]')


def analyse_genres(context: EvaluationContext, config: SeparabilityConfig, out: Path) -> Section:
    """Draws pairs of genres, and measures how linearly separable they are on songs left out."""
    splits = {"training": context.training, "validation": context.validation}
    pairs = {split: sample_pairs(context, windows, config.windows, config.seed) for split, windows in splits.items()}
    if not any(pair.drawable for pair in pairs["training"]):
        return Section(TITLE, [], {}, missing=[PROSE.text("no_pairs")])
    (out / PICTURES).mkdir()
    large, missing_large = _find_large(context, config, pairs["training"])
    with threadpool_limits(1):
        measured = {split: _measure(split_pairs, config) for split, split_pairs in pairs.items()}
        figures = _draw(context, config, pairs["training"], large, measured, out)
    write_plot_rows(out / ROWS, matrix_rows(measured["training"], context.genres))
    return Section(
        TITLE,
        [
            PROSE.text("method", windows=config.windows, folds=config.folds, shuffles=config.shuffles, chance=CHANCE),
            *(_describe(context, split, pairs[split], measured[split]) for split in splits if measured[split]),
            *_describe_circle(context, config, measured["training"]),
        ],
        {split: mean_separability(measured[split]) for split in splits if measured[split]},
        figures,
        separability_tables(measured["training"], context.genres),
        [
            *missing_large,
            *(line for split in splits for line in _missing_measures(context, config, split, pairs[split])),
        ],
    )


def _measure(pairs: Sequence[Pair], config: SeparabilityConfig) -> Separabilities:
    """Measures the separability of the pairs that have enough songs."""
    return {
        (pair.first, pair.second): measure_separability(
            pair, config.shuffles, config.folds, config.shrinkage, config.seed
        )
        for pair in pairs
        if min(pair.song_counts()) >= config.songs
    }


def _describe(context: EvaluationContext, split: str, pairs: Sequence[Pair], measured: Separabilities) -> str:
    """Returns the paragraph on the results of a split."""
    return PROSE.text(
        "split",
        split=split,
        split_unit=context.split_unit,
        measured=len(measured),
        pairs=len(pairs),
        windows=np.mean([len(pair.labels) for pair in pairs if (pair.first, pair.second) in measured]),
        songs=np.mean([sum(separability.songs) for separability in measured.values()]),
        means=mean_separability(measured),
    )


def _describe_circle(context: EvaluationContext, config: SeparabilityConfig, measured: Separabilities) -> list[str]:
    """Returns the paragraph on separability and the order of the circle, if that can be measured."""
    result = circle_correlation(list(measured.values()), len(context.genres), config.shuffles, config.seed)
    return [PROSE.text("circle", correlation=result[0], chance_level=result[1], chance=CHANCE)] if result else []


def _find_large(
    context: EvaluationContext, config: SeparabilityConfig, pairs: Sequence[Pair]
) -> tuple[list[Pair], list[str]]:
    """Returns the pairs to be drawn large, and a sentence for each that cannot be."""
    genres = context.genres
    drawable = {frozenset((genres[pair.first], genres[pair.second])): pair for pair in pairs if pair.drawable}
    found = [drawable[names] for names in map(frozenset, config.pairs) if names in drawable]
    missing = [
        PROSE.text("not_drawable", first=first, second=second)
        for first, second in config.pairs
        if frozenset((first, second)) not in drawable
    ]
    return found, missing


def _missing_measures(
    context: EvaluationContext, config: SeparabilityConfig, split: str, pairs: Sequence[Pair]
) -> list[str]:
    """Says how many pairs of a split are not measured, and which genres lack songs; empty if all are measured."""
    lacking = [
        [
            context.genres[genre]
            for genre, songs in zip((pair.first, pair.second), pair.song_counts(), strict=True)
            if songs < config.songs
        ]
        for pair in pairs
    ]
    counts = Counter(genre for genres in lacking for genre in genres)
    if not counts:
        return []
    return [
        PROSE.text(
            "too_few_songs",
            split=split,
            unmeasured=sum(map(bool, lacking)),
            pairs=len(pairs),
            songs=config.songs,
            genres=[genre for genre, _ in counts.most_common()],
        )
    ]


def _draw(
    context: EvaluationContext,
    config: SeparabilityConfig,
    pairs: Sequence[Pair],
    large: Sequence[Pair],
    measured: Mapping[str, Separabilities],
    out: Path,
) -> list[Figure]:
    """Draws all figures; pairs: those of the training windows."""
    genres, training = context.genres, measured["training"]
    together = sample_all_genres(context, context.training, config.windows_together, config.seed)
    return [
        *([draw_large(genres, large, training, config.seed, out)] if large else []),
        draw_all_pairs(genres, pairs, training, config.windows, out),
        draw_together(genres, *together, config.windows_together, config.seed, out),
        *(
            draw_matrix(split, genres, separabilities, out)
            for split, separabilities in measured.items()
            if separabilities
        ),
        *([draw_distances(training, len(genres), out)] if training else []),
    ]
