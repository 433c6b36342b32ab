"""The second half of the section on control: moves toward genres."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from analysis.control.config import ControlConfig
from analysis.control.genre_moves import DEVIATIONS, GenreMove, Transfer, mean_over_genres, move_toward, steps_to_genre
from analysis.control.pictures import PathCurve, StrengthPanel, draw_gains, draw_strengths
from analysis.shared.bootstrap import estimate, interval, interval_metrics, table_cell, weighted_means
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import ValidatedClassifier, validated_classifier
from analysis.shared.moves.sample import MovedSample
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Cell, Figure, Section, Table, write_plot_rows
from music.arrays import FloatArray

TITLE = "Toward genres"
GENRES_SHOWN = 3
PATHS = {"means": "by the difference of means", "petal": "to the petal"}
PROSE = Prose(__file__)


@dataclass(frozen=True)
class GenreTransfers:
    """The results of the section: windows moved toward every genre that the classifier knows well enough."""

    context: EvaluationContext
    sample: MovedSample
    classifier: ValidatedClassifier
    transfers: Sequence[Transfer]
    """At least one."""

    @property
    def genres(self) -> list[str]:
        """Names of the genres."""
        return [self.context.genres[transfer.genre] for transfer in self.transfers]

    @property
    def paths(self) -> list[str]:
        """Names of the paths to every genre."""
        return list(self.transfers[0].moves)

    @property
    def real_percentile(self) -> float:
        """Mean over genres of the percentile of real windows of the genre."""
        return float(np.mean([self.classifier.real_percentile(transfer.genre) for transfer in self.transfers]))


def genre_section(
    context: EvaluationContext, sample: MovedSample, config: ControlConfig, generator: torch.Generator, out: Path
) -> Section:
    """Moves the sample's windows toward each genre that a classifier knows, and lets the classifier score them."""
    classifier = validated_classifier(context, sample, config, generator)
    trusted = [genre for genre, auc in classifier.aucs.items() if auc >= config.min_auc] if classifier else []
    transfers = (
        [move_toward(context, sample, classifier, genre, config.strengths, generator) for genre in trusted]
        if classifier
        else []
    )
    _write_plot_rows(context, sample, transfers, config, out)
    missing = _missing(context, classifier.aucs if classifier else {}, config)
    if not classifier:
        return Section(TITLE, [], {}, missing=missing)
    auc = {"classifier_auc": float(np.mean(list(classifier.aucs.values())))}
    if not transfers:
        return Section(TITLE, [], auc, missing=missing)
    result = GenreTransfers(context, sample, classifier, transfers)
    text = [
        PROSE.text("genre_moves", result=result, deviations=DEVIATIONS, auc=auc["classifier_auc"]),
        PROSE.text("genre_measures", result=result),
    ]
    figures = [_strengths(result, config, out), _gains(result, out), _clips(result, out)]
    return Section(TITLE, text, auc | _metrics(result), figures, [_table(result)], missing)


def _missing(context: EvaluationContext, aucs: Mapping[int, float], config: ControlConfig) -> list[str]:
    if not context.genres:
        return [PROSE.text("no_tags")]
    unknown = [name for genre, name in enumerate(context.genres) if genre not in aucs]
    doubtful = [context.genres[genre] for genre, auc in aucs.items() if auc < config.min_auc]
    return [
        *([PROSE.text("untested_genres", names=unknown, min_songs=config.min_songs)] if unknown else []),
        *([PROSE.text("doubtful_genres", names=doubtful, min_auc=config.min_auc)] if doubtful else []),
    ]


def _metrics(result: GenreTransfers) -> dict[str, object]:
    """Returns the metrics of the path by the difference of means and, by name, those of the other paths."""
    by_path = {path: _path_metrics(result, path) for path in result.paths}
    return {**by_path.pop("means"), **by_path}


def _path_metrics(result: GenreTransfers, path: str) -> dict[str, float]:
    weights = result.sample.weights
    statistics: dict[str, Callable[[GenreMove], FloatArray]] = {
        "gain": lambda move: move.gain(weights),
        "risen": lambda move: move.risen(weights),
        "kept": lambda move: move.kept(weights),
        "notes_kept": lambda move: move.notes_kept(weights),
    }
    numbers: dict[str, float] = {}
    for name, statistic in statistics.items():
        numbers |= interval_metrics(name, mean_over_genres(result.transfers, path, statistic))
        numbers |= interval_metrics(f"{name}_random", mean_over_genres(result.transfers, path, statistic, random=True))
    return numbers | interval_metrics("gain_over_random", _gain_over_random(result, result.transfers, path))


def _gain_over_random(result: GenreTransfers, transfers: Sequence[Transfer], path: str) -> FloatArray:
    """Returns the statistic of how much more moves on a path gain than random moves of the same windows."""
    gain, random_gain = (
        mean_over_genres(transfers, path, lambda move: move.gain(result.sample.weights), random=random)
        for random in (False, True)
    )
    return gain - random_gain


def _table(result: GenreTransfers) -> Table:
    header = [
        "genre", "classifier's AUC", "percentile of real windows", "windows moved", "path", "reconstruction",
        "at strength 1", "gain", "gain of random moves", "difference", "risen", "states kept",
        "states kept by random moves", "notes kept (F1)",
    ]  # fmt: skip
    rows = [[*_all_genres(result), PATHS[path], *_cells(result, result.transfers, path)] for path in result.paths]
    for genre, transfer in zip(result.genres, result.transfers, strict=True):
        facts: list[Cell] = [
            genre,
            result.classifier.aucs[transfer.genre],
            result.classifier.real_percentile(transfer.genre),
            transfer.windows,
        ]
        rows += [[*facts, PATHS[path], *_cells(result, [transfer], path)] for path in result.paths]
    return Table(PROSE.text("genre_table"), header, rows)


def _all_genres(result: GenreTransfers) -> list[Cell]:
    auc = float(np.mean([result.classifier.aucs[transfer.genre] for transfer in result.transfers]))
    return ["all genres", auc, result.real_percentile, len(result.sample.windows)]


def _cells(result: GenreTransfers, transfers: Sequence[Transfer], path: str) -> list[Cell]:
    """Returns the cells of one path to one genre, or their means over several genres."""
    weights = result.sample.weights

    def cell(statistic: Callable[[GenreMove], FloatArray], decimals: int, *, random: bool = False) -> str | None:
        return table_cell(mean_over_genres(transfers, path, statistic, random=random), decimals)

    return [
        cell(lambda move: weighted_means(weights, move.percentiles[:, 0]), 1),
        cell(lambda move: weighted_means(weights, move.percentiles[:, -1]), 1),
        cell(lambda move: move.gain(weights), 1),
        cell(lambda move: move.gain(weights), 1, random=True),
        table_cell(_gain_over_random(result, transfers, path), 1),
        cell(lambda move: move.risen(weights), 2),
        cell(lambda move: move.kept(weights), 2),
        cell(lambda move: move.kept(weights), 2, random=True),
        cell(lambda move: move.notes_kept(weights), 2),
    ]


def _write_plot_rows(
    context: EvaluationContext, sample: MovedSample, transfers: Sequence[Transfer], config: ControlConfig, out: Path
) -> None:
    gains = {
        context.genres[transfer.genre]: estimate(transfer.moves["means"].gain(sample.weights)) for transfer in transfers
    }
    write_plot_rows(
        out / "genres.json",
        [
            {"genre": genre, "percentiles gained": gain.value, "low": gain.low, "high": gain.high}
            for genre, gain in gains.items()
        ],
    )
    rows: list[Mapping[str, float]] = []
    if transfers:
        percentiles = mean_over_genres(
            transfers, "means", lambda move: weighted_means(sample.weights, move.percentiles)
        )
        columns = ("strength", "percentile", "low", "high")
        ends = interval(percentiles)
        rows = [
            dict(zip(columns, row, strict=True))
            for row in np.stack([config.strengths, percentiles[0], *ends], axis=1).tolist()
        ]
    write_plot_rows(out / "strengths.json", rows)


def _strengths(result: GenreTransfers, config: ControlConfig, out: Path) -> Figure:
    weights, similarity = result.sample.weights, result.sample.similarity_of_songs
    panels = [
        StrengthPanel(
            "Is it more of the genre?",
            "classifier's percentile",
            100,
            _curves(result, lambda move: weighted_means(weights, move.percentiles)),
            ("real windows of the genre", result.real_percentile),
        ),
        StrengthPanel(
            "How much of the song is kept?",
            "share of states kept",
            1,
            _curves(result, lambda move: weighted_means(weights, move.same_states)),
            None if similarity is None else ("two different songs", similarity),
        ),
        StrengthPanel(
            "How many of its notes?",
            "F1 of notes kept",
            1,
            _curves(result, lambda move: weighted_means(weights, move.note_f1)),
            None,
        ),
    ]
    draw_strengths(out / PICTURES / "transfer.png", config.strengths, panels)
    return Figure(f"{PICTURES}/transfer.png", PROSE.text("strengths", genres=len(result.transfers)))


def _curves(result: GenreTransfers, statistic: Callable[[GenreMove], FloatArray]) -> list[PathCurve]:
    return [
        PathCurve(
            PATHS[path],
            mean_over_genres(result.transfers, path, statistic),
            mean_over_genres(result.transfers, path, statistic, random=True),
        )
        for path in result.paths
    ]


def _gains(result: GenreTransfers, out: Path) -> Figure:
    weights = result.sample.weights
    gains = [
        PathCurve(
            PATHS[path],
            np.stack([transfer.moves[path].gain(weights) for transfer in result.transfers], axis=1),
            np.stack([transfer.controls[path].gain(weights) for transfer in result.transfers], axis=1),
        )
        for path in result.paths
    ]
    draw_gains(out / PICTURES / "genres.png", result.genres, gains)
    return Figure(f"{PICTURES}/genres.png", PROSE.text("gains"))


def _clips(result: GenreTransfers, out: Path) -> Figure:
    """Draws and writes one window moved toward the genres that the classifier knows best."""
    context, sample = result.context, result.sample
    window = sample.best_reconstructed
    z = sample.codes[[window]]
    codes = {"reconstruction": z}
    best = sorted(result.transfers, key=lambda transfer: -result.classifier.aucs[transfer.genre])[:GENRES_SHOWN]
    for genre in (transfer.genre for transfer in best):
        for path, step in steps_to_genre(context, z, genre, sample).items():
            codes[f"{context.genres[genre]}, {path}"] = z + step
    tags = [context.genres[genre] for genre in sample.windows.genres[window].nonzero().flatten().tolist()]
    panels = [
        ("window", sample.windows.tokens[window]),
        *zip(codes, context.decoded(torch.cat(list(codes.values()))), strict=True),
    ]
    return draw_with_clips(
        out,
        "one-genre",
        "One window toward genres",
        Panels(panels, context.description.model.tracks, columns=-(-len(panels) // 2)),
        PROSE.text("genre_clips", tags=tags),
    )
