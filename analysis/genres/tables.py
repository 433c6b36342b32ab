"""The separability of genres as metrics, as rows for DVC's plots, and as tables of the report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.genres.separability import Separabilities, Separability
from analysis.shared.section import Cell, Table

EXTREMES = 10
"""The number of pairs that the tables show from each end of the ranking."""


def mean_separability(separabilities: Separabilities) -> dict[str, float]:
    """Returns the metrics of a split: means over its pairs."""
    return {
        "separability": float(np.mean([pair.accuracy for pair in separabilities.values()])),
        "shuffled": float(np.mean([pair.shuffled.mean() for pair in separabilities.values()])),
        "above_chance": float(np.mean([pair.above_chance for pair in separabilities.values()])),
    }


def matrix_rows(separabilities: Separabilities, genres: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the cells of the symmetric matrix, in circle order; `value` is the accuracy above guessing."""
    cells = {**separabilities} | {(second, first): pair for (first, second), pair in separabilities.items()}
    return [
        {
            "genre": genres[row],
            "other genre": genres[column],
            "balanced accuracy": pair.accuracy,
            "chance level": pair.chance,
            "value": pair.accuracy - 0.5,
        }
        for (row, column), pair in sorted(cells.items())
    ]


def separability_tables(separabilities: Separabilities, genres: Sequence[str]) -> list[Table]:
    """Makes tables of both ends of the ranking of pairs, and of the means of every genre."""
    if not separabilities:
        return []
    ranking = sorted(separabilities.values(), key=lambda pair: -pair.accuracy)
    header = ["genres", "songs", "balanced accuracy", "shuffled labels", "chance level", "above chance"]
    ends = {"most": ranking[:EXTREMES], "least": ranking[: -EXTREMES - 1 : -1]}
    return [
        *(
            Table(f"The {end} separable pairs, training songs", header, [_pair_row(pair, genres) for pair in pairs])
            for end, pairs in ends.items()
        ),
        Table(
            "Each genre against all others, training songs",
            ["genre", "others", "mean balanced accuracy", "above chance"],
            _genre_rows(separabilities, genres),
        ),
    ]


def _pair_row(pair: Separability, genres: Sequence[str]) -> list[Cell]:
    return [
        f"{genres[pair.first]} / {genres[pair.second]}",
        f"{pair.songs[0]} / {pair.songs[1]}",
        pair.accuracy,
        float(pair.shuffled.mean()),
        pair.chance,
        "yes" if pair.above_chance else "no",
    ]


def _genre_rows(separabilities: Separabilities, genres: Sequence[str]) -> list[list[Cell]]:
    """Returns a row for each genre that is in a pair, the most separable first."""
    by_genre: dict[str, list[Separability]] = {}
    for pair_genres, pair in separabilities.items():
        for genre in pair_genres:
            by_genre.setdefault(genres[genre], []).append(pair)
    rows: list[list[Cell]] = [
        [genre, len(pairs), float(np.mean([pair.accuracy for pair in pairs])), sum(pair.above_chance for pair in pairs)]
        for genre, pairs in by_genre.items()
    ]
    return sorted(rows, key=lambda row: -float(row[2] or 0))
