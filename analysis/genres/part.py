"""Genres in the latent space: pictures of pairs, and how well a hyperplane parts them; [P] section 4.4.2, figure 5."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from analysis.genres.pairs import Pair, draw_of_all, draw_pairs
from analysis.genres.pictures import draw_all_pairs, draw_distances, draw_large, draw_matrix, draw_together
from analysis.genres.separability import Measured, circle_correlation, separability
from analysis.genres.words import circle, headline, in_words, method, rows, tables, too_few
from analysis.shared.context import EvaluationContext
from analysis.shared.section import PICTURES, Figure, Section
from music.json_files import write_json

TITLE = "Genres in the latent space"
ROWS = "rows.json"


@dataclass(frozen=True)
class GenresConfig:
    """The settings of this part, in `settings.toml` beside this file."""

    windows: int
    """At most, for each genre of a pair."""
    windows_together: int
    """At most, a genre, in the picture of all genres."""
    pairs: list[list[str]]
    """Those drawn large."""
    songs: int
    """Fewer than these with only one of the two tags, and the pair gets no number."""
    folds: int
    """Of the cross-validation."""
    shrinkage: float
    """Of the classifier's covariance towards a sphere, as a share."""
    shuffles: int
    """Of the labels of each pair, and of the circle's order."""
    seed: int

    def __post_init__(self) -> None:
        for name in ("windows", "windows_together", "songs", "folds"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2")
        if self.shuffles < 1:
            raise ValueError("shuffles must be at least 1")
        if not 0 < self.shrinkage < 1:
            raise ValueError("shrinkage must be between 0 and 1")
        if not all(isinstance(pair, list) and len(pair) == 2 and pair[0] != pair[1] for pair in self.pairs):
            raise ValueError('pairs must be lists of two genres, such as [["rock", "pop"]]')


def analyse_genres(context: EvaluationContext, config: GenresConfig, out: Path) -> Section:
    """Draws pairs of genres, and measures how far they are linearly separable on songs left out."""
    splits = {"training": context.training, "validation": context.validation}
    pairs = {split: draw_pairs(context, windows, config.windows, config.seed) for split, windows in splits.items()}
    if not any(pair.drawable for pair in pairs["training"]):
        reason = (
            "No two genres have training windows tagged with the one and not the other: take more songs, with tags."
        )
        return Section(TITLE, [], {}, missing=[reason])
    (out / PICTURES).mkdir()
    large, not_found = _find(pairs["training"], context.genres, config.pairs)
    with threadpool_limits(1):
        measured = {split: _measure(of_split, config) for split, of_split in pairs.items()}
        figures = [
            _draw_large(context, config, large, measured["training"], out),
            _draw_all_pairs(context, config, pairs["training"], measured["training"], out),
            _draw_together(context, config, out),
            *_draw_measured(context, measured, out),
        ]
    write_json(out / ROWS, rows(measured["training"], context.genres))
    correlation = circle_correlation(
        list(measured["training"].values()), len(context.genres), config.shuffles, config.seed
    )
    return Section(
        TITLE,
        [
            method(config.windows, config.folds, config.shuffles),
            *(
                in_words(split, context.split_unit, of_split, pairs[split])
                for split, of_split in measured.items()
                if of_split
            ),
            *([circle(*correlation)] if correlation else []),
        ],
        {split: headline(of_split) for split, of_split in measured.items() if of_split},
        [figure for figure in figures if figure],
        tables(measured["training"], context.genres),
        [
            *not_found,
            *(line for split, of in pairs.items() if (line := too_few(split, of, context.genres, config.songs))),
        ],
    )


def _measure(pairs: Sequence[Pair], config: GenresConfig) -> Measured:
    return {
        (pair.first, pair.second): separability(pair, config.shuffles, config.folds, config.shrinkage, config.seed)
        for pair in pairs
        if min(pair.songs_a_side()) >= config.songs
    }


def _find(
    pairs: Sequence[Pair], genres: Sequence[str], wanted: Sequence[Sequence[str]]
) -> tuple[list[Pair], list[str]]:
    """The pairs of these names, and a sentence for each that cannot be drawn."""
    drawable = {frozenset((genres[pair.first], genres[pair.second])): pair for pair in pairs if pair.drawable}
    not_found = [
        f"{one} and {other} cannot be drawn large: there are not two training windows of each without the tag of the "
        "other; name other genres in analysis/genres/settings.toml (pairs)."
        for one, other in wanted
        if frozenset((one, other)) not in drawable
    ]
    return [drawable[names] for names in map(frozenset, wanted) if names in drawable], not_found


def _draw_large(
    context: EvaluationContext, config: GenresConfig, large: Sequence[Pair], measured: Measured, out: Path
) -> Figure | None:
    if not large:
        return None
    draw_large(out / PICTURES / "large.png", context.genres, large, config.seed)
    numbers = [
        f" Balanced accuracy of {context.genres[pair.first]} against {context.genres[pair.second]} on songs left out: "
        f"{of.accuracy:.0%}; chance level {of.chance:.0%}."
        for pair in large
        if (of := measured.get((pair.first, pair.second)))
    ]
    return Figure(
        f"{PICTURES}/large.png",
        "Codes of training windows tagged with one genre and not the other: on the plane of their own most variance, "
        f"which knows nothing of genres (left), and by t-SNE (right).{''.join(numbers)}",
    )


def _draw_all_pairs(
    context: EvaluationContext, config: GenresConfig, pairs: Sequence[Pair], measured: Measured, out: Path
) -> Figure:
    draw_all_pairs(out / PICTURES / "pairs.png", context.genres, pairs, measured)
    return Figure(
        f"{PICTURES}/pairs.png",
        f"Every two genres, up to {config.windows} training windows of each, on the plane of the pair's own most "
        "variance; each panel has its own scale. In the corner: the balanced accuracy of a linear classifier on songs "
        "left out (in all dimensions of the codes). Grey: fewer than two windows of a genre without the other's tag.",
    )


def _draw_together(context: EvaluationContext, config: GenresConfig, out: Path) -> Figure | None:
    codes, genre = draw_of_all(context, context.training, config.windows_together, config.seed)
    draw_together(out / PICTURES / "together.png", context.genres, codes, genre, config.seed)
    return Figure(
        f"{PICTURES}/together.png",
        f"Up to {config.windows_together} training windows a genre by t-SNE; a song stands for one of its tags, drawn "
        "as in training. Neighbours on the circle have like colours.",
    )


def _draw_measured(context: EvaluationContext, measured: Mapping[str, Measured], out: Path) -> list[Figure]:
    figures = []
    for split, of_split in measured.items():
        if of_split:
            draw_matrix(out / PICTURES / f"{split}.png", split, context.genres, of_split)
            caption = (
                f"Balanced accuracy of a linear classifier on codes of {split} songs that it was not fitted to, of "
                "every two genres, in circle order. Both halves are alike."
            )
            figures.append(Figure(f"{PICTURES}/{split}.png", caption))
    if measured["training"]:
        draw_distances(out / PICTURES / "distances.png", context.genres, measured["training"])
        caption = "Whether genres far apart on the circle are easier to tell apart than neighbours; training songs."
        figures.append(Figure(f"{PICTURES}/distances.png", caption))
    return figures
