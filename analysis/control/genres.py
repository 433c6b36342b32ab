"""Toward genres: the second half of the section on control."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from analysis.control.genre_moves import Moved, Transfer, steps_to_genre, transfer
from analysis.control.pictures import Curve, Way, draw_gains, draw_ways
from analysis.control.setup import ControlConfig, Drawn
from analysis.control.tested_classifier import TestedClassifier, tested_classifier
from analysis.shared.clips import Panels, draw_with_clips
from analysis.shared.context import EvaluationContext
from analysis.shared.correlation import Numbers
from analysis.shared.section import PICTURES, Figure, Section, Table
from music.json_files import write_json

TITLE = "Toward genres"
GENRES_SHOWN = 3
WAYS = {"means": "by the difference of means", "petal": "to the petal"}


def genre_section(
    context: EvaluationContext, drawn: Drawn, config: ControlConfig, generator: torch.Generator, out: Path
) -> Section:
    """Moves the drawn windows toward each genre that a classifier knows, and asks the classifier."""
    classifier = tested_classifier(context, drawn, config, generator)
    trusted = [genre for genre, auc in classifier.aucs.items() if auc >= config.least_auc] if classifier else []
    transfers = (
        [transfer(context, drawn, classifier, genre, config.strengths, generator) for genre in trusted]
        if classifier
        else []
    )
    _write_rows(context, transfers, config, out)
    missing = _missing(context, classifier.aucs if classifier else {}, config)
    if not classifier:
        return Section(TITLE, [], {}, missing=missing)
    auc = {"classifier_auc": float(np.mean(list(classifier.aucs.values())))}
    if not transfers:
        return Section(TITLE, [], {"transfer": auc}, missing=missing)
    best = sorted(trusted, key=lambda genre: -classifier.aucs[genre])[:GENRES_SHOWN]
    return Section(
        TITLE,
        _text(context, drawn, classifier, transfers),
        {"transfer": auc | {way: _headline(transfers, way) for way in transfers[0].moves}},
        [*_pictures(context, classifier, transfers, drawn, config, out), _clips(context, drawn, best, out)],
        [_table(context, classifier, transfers)],
        missing,
    )


def _missing(context: EvaluationContext, aucs: Mapping[int, float], config: ControlConfig) -> list[str]:
    if not context.genres:
        return ["Not moved toward genres: the songs have no tags; give tags."]
    unknown = [name for genre, name in enumerate(context.genres) if genre not in aucs]
    doubtful = [context.genres[genre] for genre, auc in aucs.items() if auc < config.least_auc]
    sentences = []
    if unknown:
        sentences.append(
            f"Not moved toward {', '.join(unknown)}: the classifier takes windows of the genre and others to learn from, "
            f"and {config.least_songs} validation songs of each to be tested on; take more songs."
        )
    if doubtful:
        sentences.append(
            f"Not moved toward {', '.join(doubtful)}: the classifier hardly knows them from others (AUC by song below "
            f"{config.least_auc:g}); take more songs, or let it learn from more windows (classifier_windows)."
        )
    return sentences


def _headline(transfers: Sequence[Transfer], way: str) -> dict[str, float]:
    return {
        "gain": _mean([of.moves[way].gain for of in transfers]),
        "gain_random": _mean([of.controls[way].gain for of in transfers]),
        "kept": _mean([of.moves[way].kept for of in transfers]),
        "kept_random": _mean([of.controls[way].kept for of in transfers]),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _text(
    context: EvaluationContext, drawn: Drawn, classifier: TestedClassifier, transfers: Sequence[Transfer]
) -> list[str]:
    to_petal = (
        "To the petal: to the mean of the genre's Gaussian in the plane of the flower, which is what the prior "
        "promises; the other coordinates, in which all its Gaussians are alike, stay as they are. "
        if "petal" in transfers[0].moves
        else ""
    )
    seen = " It has learnt from other windows of these songs." if context.split_unit == "window" else ""
    return [
        f"Toward a genre, those of {len(drawn.windows)} validation windows are moved whose song is not tagged with it. "
        "By the difference of means: their codes move as the mean code of the genre's windows differs from that of the "
        f"others, in {len(drawn.training)} training windows. {to_petal}Strength 1 is the whole way. A classifier "
        "that knows no codes says whether the music is more of the genre: a logistic regression a genre on what "
        f"stands in {classifier.learnt_from} real training windows (metrics, beats, drum sounds, registers, pitch classes). "
        "It tells validation songs of a genre from others with an AUC of "
        f"{_mean(list(classifier.aucs.values())):.2f}, mean of the {len(classifier.aucs)} genres that it could be tested on; "
        f"0.5 is chance.{seen} Windows were moved "
        f"toward the {len(transfers)} that it knows well enough.",
        f"The classifier's score of the genre is given as percentile among {len(classifier.scores)} real validation windows: 50 "
        "is a window like any other, and real windows of the genre stand at "
        f"{_mean([classifier.standing(of.genre) for of in transfers]):.0f} on average. Gain is its change from the "
        "reconstruction to strength 1. The control of each way moves every code as far, in the direction from one "
        "drawn training code to another: what any change of that size does.",
    ]


def _table(context: EvaluationContext, classifier: TestedClassifier, transfers: Sequence[Transfer]) -> Table:
    header = [
        "genre", "classifier's AUC", "percentile of real windows", "windows moved", "way", "reconstruction", "at strength 1",
        "gain", "gain of control", "risen", "states kept", "states kept by control", "notes kept (F1)",
    ]  # fmt: skip
    return Table(
        "Moves toward genres, percentiles being the classifier's. Risen: share of windows whose percentile is higher than "
        "reconstructed. Kept: what the reconstruction has too, at strength 1.",
        header,
        [
            [
                context.genres[of.genre], classifier.aucs[of.genre], classifier.standing(of.genre), of.windows, WAYS[way],
                float(move.percentile[0].mean()), float(move.percentile[-1].mean()), move.gain, of.controls[way].gain,
                move.risen, move.kept, of.controls[way].kept, None if np.isnan(f1 := move.notes_kept[-1]) else f1,
            ]
            for of in transfers
            for way, move in of.moves.items()
        ],
    )  # fmt: skip


def _write_rows(context: EvaluationContext, transfers: Sequence[Transfer], config: ControlConfig, out: Path) -> None:
    genres = [{"genre": context.genres[of.genre], "percentiles gained": of.moves["means"].gain} for of in transfers]
    strengths = [
        {"strength": strength, "percentile": _mean([of.moves["means"].percentile[place].mean() for of in transfers])}
        for place, strength in enumerate(config.strengths)
        if transfers
    ]
    for name, rows in (("genres", genres), ("strengths", strengths)):
        write_json(out / f"{name}.json", rows)


def _pictures(
    context: EvaluationContext,
    classifier: TestedClassifier,
    transfers: Sequence[Transfer],
    drawn: Drawn,
    config: ControlConfig,
    out: Path,
) -> list[Figure]:
    def curves(measure: Callable[[Moved], Numbers]) -> list[Curve]:
        return [
            Curve(
                WAYS[way],
                np.stack([measure(of.moves[way]) for of in transfers], axis=1),
                np.stack([measure(of.controls[way]) for of in transfers], axis=1),
            )
            for way in transfers[0].moves
        ]

    real = ("real windows of the genre", _mean([classifier.standing(of.genre) for of in transfers]))
    unrelated = None if drawn.unrelated is None else ("two other songs", drawn.unrelated)
    draw_ways(
        out / PICTURES / "transfer.png",
        config.strengths,
        [
            Way(
                "Is it more of the genre?",
                "classifier's percentile",
                100,
                curves(lambda of: of.percentile.mean(axis=1)),
                real,
            ),
            Way(
                "How much of the song stays?",
                "share of states kept",
                1,
                curves(lambda of: of.same_states.mean(axis=1)),
                unrelated,
            ),
            Way("How many of its notes?", "F1 of notes kept", 1, curves(lambda of: of.notes_kept), None),
        ],
    )
    gains = [
        Curve(
            WAYS[way],
            np.array([of.moves[way].gain for of in transfers]),
            np.array([of.controls[way].gain for of in transfers]),
        )
        for way in transfers[0].moves
    ]
    draw_gains(out / PICTURES / "genres.png", [context.genres[of.genre] for of in transfers], gains)
    return [
        Figure(
            f"{PICTURES}/transfer.png",
            "Windows moved toward genres that are not theirs, from the reconstruction (0) to the genre (1): mean and "
            f"middle half of {len(transfers)} genres; dashed, as far in random directions.",
        ),
        Figure(
            f"{PICTURES}/genres.png",
            "What each genre's move gains with the classifier from the reconstruction to strength 1; the marks are what as "
            "large a move in a random direction gains.",
        ),
    ]


def _clips(context: EvaluationContext, drawn: Drawn, genres: Sequence[int], out: Path) -> Figure:
    window = drawn.best_kept
    z = drawn.codes[[window]]
    codes = {"reconstruction": z}
    for genre in genres:
        for way, step in steps_to_genre(context, z, genre, drawn).items():
            codes[f"{context.genres[genre]}, {way}"] = z + step
    tags = [context.genres[genre] for genre in drawn.windows.genres[window].nonzero().flatten().tolist()]
    panels = [
        ("window", drawn.windows.tokens[window]),
        *zip(codes, context.decoded(torch.cat(list(codes.values()))), strict=True),
    ]
    return draw_with_clips(
        out,
        "one-genre",
        "One window toward genres",
        Panels(panels, context.description.model.tracks, columns=-(-len(panels) // 2)),
        f"A validation window, tagged {', '.join(tags) or 'with no genre'}, and what is decoded from its code moved "
        "all the way to the genres that the classifier knows best. It is the drawn window of whose notes most come back, "
        "so that what changes is the move's doing.",
    )
