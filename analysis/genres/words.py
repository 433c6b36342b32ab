"""What the comparison of genres says in words, rows and tables."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.genres.pairs import Pair
from analysis.genres.separability import CHANCE, Measured, Separability
from analysis.shared.section import Cell, Table

EXTREMES = 10
"""Pairs at either end of the ranking that the table shows."""
MOST_NAMES = 8
"""Genres that a sentence lists."""


def method(windows: int, folds: int, shuffles: int) -> str:
    """How genres are compared."""
    return (
        f"For every two genres up to {windows} windows of each were drawn, of songs tagged with the one and not the "
        "other; songs take turns, so that none gives a second window before all have given one. A linear discriminant "
        f"was fitted to the codes and judged on songs left out, in {folds} folds; its balanced accuracy (the mean of "
        "both genres' shares told right) says how separable the two are: 100% is wholly, 50% not at all. The same with "
        f"the genres dealt to the songs at random, {shuffles} times, says what chance reaches; a pair's chance level "
        f"is what {CHANCE:.0%} of these stay below, and {1 - CHANCE:.0%} of pairs without any difference would surpass."
    )


def in_words(split: str, split_unit: str, measured: Measured, pairs: Sequence[Pair]) -> str:
    """What a split's numbers say."""
    numbers = headline(measured)
    windows = np.mean([len(pair.labels) for pair in pairs if (pair.first, pair.second) in measured])
    songs = np.mean([sum(of.songs) for of in measured.values()])
    seen = {
        "training": "The encoder was trained on these windows, and with the flower prior toward their genres.",
        "validation": "Neither the encoder nor the classifier has seen these songs."
        if split_unit != "window"
        else "The encoder was trained on other windows of these songs.",
    }
    return (
        f"Of {split} songs, {len(measured)} of {len(pairs)} pairs have enough ({windows:.0f} windows of {songs:.0f} "
        f"songs a pair on average). Mean separability is {numbers['separability']:.1%}, of shuffled labels "
        f"{numbers['shuffled']:.1%} (less than half where songs are few: one left out leaves fewer of its own side); "
        f"{numbers['above_chance']:.1%} of the pairs are above chance. {seen[split]}"
    )


def circle(correlation: float, chance: float) -> str:
    """What the circle's order has to do with the codes."""
    return (
        f"Separability and distance on the circle have a rank correlation of {correlation:.2f} (training songs; "
        f"shuffled orders of the genres reach {chance:.2f} or less, {CHANCE:.0%} of the time). Above nought, "
        "neighbours on the circle are harder to tell apart. That alone is no work of the prior's: the circle puts "
        "genres that share songs side by side, and these may sound alike to any model."
    )


def headline(measured: Measured) -> dict[str, float]:
    """The numbers that experiments are compared by."""
    return {
        "separability": float(np.mean([of.accuracy for of in measured.values()])),
        "shuffled": float(np.mean([of.shuffled.mean() for of in measured.values()])),
        "above_chance": float(np.mean([of.above_chance for of in measured.values()])),
    }


def rows(measured: Measured, genres: Sequence[str]) -> list[dict[str, Any]]:
    """The matrix, both halves, in circle order; `value` is what is above guessing."""
    both = {**measured} | {(second, first): of for (first, second), of in measured.items()}
    return [
        {
            "genre": genres[first],
            "other genre": genres[second],
            "balanced accuracy": both[first, second].accuracy,
            "chance level": both[first, second].chance,
            "value": both[first, second].accuracy - 0.5,
        }
        for first, second in sorted(both)
    ]


def tables(measured: Measured, genres: Sequence[str]) -> list[Table]:
    """The ends of the ranking, and every genre's mean."""
    if not measured:
        return []
    ranking = sorted(measured.values(), key=lambda of: -of.accuracy)
    header = ["genres", "songs", "balanced accuracy", "shuffled labels", "chance level", "above chance"]
    ends = {"most": ranking[:EXTREMES], "least": ranking[: -EXTREMES - 1 : -1]}
    of_genre: dict[str, list[Separability]] = {}
    for (first, second), of in measured.items():
        for genre in (first, second):
            of_genre.setdefault(genres[genre], []).append(of)
    means: list[list[Cell]] = [
        [genre, len(ofs), float(np.mean([of.accuracy for of in ofs])), sum(of.above_chance for of in ofs)]
        for genre, ofs in of_genre.items()
    ]
    return [
        *(
            Table(f"The {end} separable pairs, training songs", header, [_row(of, genres) for of in ofs])
            for end, ofs in ends.items()
        ),
        Table(
            "Each genre against all others, training songs",
            ["genre", "others", "mean balanced accuracy", "above chance"],
            sorted(means, key=lambda row: -float(row[2] or 0)),
        ),
    ]


def _row(of: Separability, genres: Sequence[str]) -> list[Cell]:
    return [
        f"{genres[of.first]} / {genres[of.second]}",
        f"{of.songs[0]} / {of.songs[1]}",
        of.accuracy,
        float(of.shuffled.mean()),
        of.chance,
        "yes" if of.above_chance else "no",
    ]


def too_few(split: str, pairs: Sequence[Pair], genres: Sequence[str], songs: int) -> str | None:
    """How many pairs got no number, and whose songs are too few; None where all have one."""
    short = [
        [genre for genre, count in zip((pair.first, pair.second), pair.songs_a_side(), strict=True) if count < songs]
        for pair in pairs
    ]
    lacking = Counter(genres[genre] for of_pair in short for genre in of_pair).most_common()
    if not lacking:
        return None
    named = ", ".join(genre for genre, _ in lacking[:MOST_NAMES])
    more = f" and {len(lacking) - MOST_NAMES} others" if len(lacking) > MOST_NAMES else ""
    return (
        f"{sum(map(bool, short))} of {len(pairs)} pairs have no number for {split} songs: fewer than {songs} songs "
        f"have one tag without the other (of {named}{more}); take more songs."
    )
