"""Toward genres: the second half of the section on control."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from analysis.control_pictures import PICTURES, Way, draw_gains, draw_ways, draw_with_clips
from analysis.control_setup import ControlConfig, Drawn, some
from analysis.genre_moves import Moved, Target, move_and_judge, random_steps, step_to_genre
from analysis.judge import auc_by_song, percentiles, train_judge
from analysis.resemblance import best_kept
from analysis.section import Figure, Section, Table
from analysis.subject import Subject
from model.data import WindowSet
from model.priors import FlowerPrior
from music.tokens import Tokens, with_all_tracks

TITLE = "Toward genres"
GENRES_SHOWN = 3


@dataclass(frozen=True)
class Transfer:
    """Windows moved toward one genre."""

    genre: str
    auc: float
    """Of the judge, by song."""
    real: float
    """Mean percentile of real validation windows of the genre."""
    move: Moved
    control: Moved
    """As far, in random directions."""


def genre_section(
    subject: Subject, drawn: Drawn, config: ControlConfig, generator: torch.Generator, out: Path
) -> Section:
    """Moves the drawn windows toward each genre that a judge knows, and asks the judge."""
    training, real = (some(of, config.judge_windows, generator) for of in (subject.training, subject.validation))
    known = [
        genre for genre in range(len(subject.genres)) if _judgeable(training, real, drawn, genre, config.least_songs)
    ]
    aucs: dict[int, float] = {}
    transfers: dict[int, Transfer] = {}
    if known:
        judge = train_judge(_whole(subject, training), training.genres[:, known].numpy())
        scores, tagged = judge.scores(_whole(subject, real)), real.genres[:, known].numpy()
        aucs = dict(zip(known, auc_by_song(scores, tagged, real.songs.numpy()).tolist(), strict=True))
        for place, genre in enumerate(known):
            if aucs[genre] < config.least_auc:
                continue
            others = ~drawn.windows.genres[:, genre]
            z = drawn.codes[others]
            step = step_to_genre(subject, z, genre, drawn)
            among = scores[:, place]
            ways = [
                move_and_judge(subject, judge, Target(place, among), z, of, config.strengths)
                for of in (step, random_steps(step, drawn.training_codes, generator))
            ]
            standing = float(percentiles(among[tagged[:, place]], among).mean())
            transfers[genre] = Transfer(subject.genres[genre], aucs[genre], standing, *ways)
    _write_rows(list(transfers.values()), config, out)
    missing = _missing(subject, aucs, config)
    metrics: dict[str, object] = {"transfer": {"judge_auc": float(np.mean(list(aucs.values())))}} if known else {}
    if not transfers:
        return Section(TITLE, [], metrics, missing=missing)
    of_all = list(transfers.values())
    best = sorted(transfers, key=lambda genre: -aucs[genre])[:GENRES_SHOWN]
    figures = [*_pictures(of_all, drawn, config, out), _clips(subject, drawn, best, out)]
    metrics = {"transfer": {"judge_auc": float(np.mean(list(aucs.values()))), **_headline(of_all)}}
    text = _text(subject, drawn, training, real, len(known), of_all)
    return Section(TITLE, text, metrics, figures, [_table(of_all)], missing)


def _judgeable(training: WindowSet, real: WindowSet, drawn: Drawn, genre: int, least: int) -> bool:
    """Whether there are windows of the genre and others to learn from, songs to test on, and windows to move."""
    tagged, songs = real.genres[:, genre], real.songs
    return (
        _some_not_all(training.genres[:, genre])
        and _some_not_all(drawn.training.genres[:, genre])
        and min(len(songs[tagged].unique()), len(songs[~tagged].unique())) >= least
        and not bool(drawn.windows.genres[:, genre].all())
    )


def _some_not_all(marks: Tensor) -> bool:
    return bool(marks.any()) and not bool(marks.all())


def _whole(subject: Subject, windows: WindowSet) -> Tokens:
    return with_all_tracks(windows.tokens.numpy(), subject.description.model.tracks)


def _missing(subject: Subject, aucs: Mapping[int, float], config: ControlConfig) -> list[str]:
    if not subject.genres:
        return ["Not moved toward genres: the songs have no tags; give tags."]
    unknown = [name for genre, name in enumerate(subject.genres) if genre not in aucs]
    doubtful = [subject.genres[genre] for genre, auc in aucs.items() if auc < config.least_auc]
    sentences = []
    if unknown:
        sentences.append(
            f"Not moved toward {', '.join(unknown)}: the judge takes windows of the genre and others to learn from, "
            f"and {config.least_songs} validation songs of each to be tested on; take more songs."
        )
    if doubtful:
        sentences.append(
            f"Not moved toward {', '.join(doubtful)}: the judge hardly knows them from others (AUC by song below "
            f"{config.least_auc:g}); take more songs, or more of them (judge_windows)."
        )
    return sentences


def _headline(transfers: Sequence[Transfer]) -> dict[str, float]:
    return {
        "gain": float(np.mean([of.move.gain for of in transfers])),
        "gain_random": float(np.mean([of.control.gain for of in transfers])),
        "kept": float(np.mean([of.move.same_states[-1].mean() for of in transfers])),
        "kept_random": float(np.mean([of.control.same_states[-1].mean() for of in transfers])),
    }


def _text(
    subject: Subject, drawn: Drawn, training: WindowSet, real: WindowSet, known: int, transfers: Sequence[Transfer]
) -> list[str]:
    step = (
        "in the plane of the circle of genres to the mean of the genre's Gaussian, all other coordinates staying as "
        "they are"
        if isinstance(subject.model.prior, FlowerPrior)
        else "by the difference of the mean codes of training windows with and without the genre"
    )
    return [
        f"Toward a genre: the codes of those of {len(drawn.windows)} validation windows whose song is not tagged with "
        f"it are moved {step}; strength 1 is the whole way. Whether the music is more of the genre says a judge that "
        f"knows no codes: a logistic regression a genre on what stands in {len(training)} real training windows "
        "(metrics, beats, drum sounds, registers, pitch classes). By song it tells validation songs with a genre from "
        f"others with a mean AUC of {np.mean([of.auc for of in transfers]):.2f} over the {len(transfers)} genres moved "
        f"toward, of {known} that it could be tested on; 0.5 is chance.",
        f"The judge's score of the genre is given as percentile among {len(real)} real validation windows: 50 is a "
        "window like any other, and real windows of the genre stand at "
        f"{np.mean([of.real for of in transfers]):.0f} on average. Gain is the change of it from the reconstruction to "
        "strength 1. The control moves each code as far in the direction from one drawn training code to another: what "
        "any change of that size does.",
    ]


def _table(transfers: Sequence[Transfer]) -> Table:
    header = [
        "genre", "windows", "judge's AUC", "real windows", "reconstruction", "at strength 1", "gain", "risen",
        "gain of control", "states kept", "notes kept (F1)", "states kept by control",
    ]  # fmt: skip
    rows = [
        [
            of.genre, of.move.percentile.shape[1], of.auc, of.real, float(of.move.percentile[0].mean()),
            float(of.move.percentile[-1].mean()), of.move.gain, of.move.risen, of.control.gain,
            float(of.move.same_states[-1].mean()), of.move.notes_kept[-1], float(of.control.same_states[-1].mean()),
        ]
        for of in sorted(transfers, key=lambda of: -of.move.gain)
    ]  # fmt: skip
    return Table(
        "Moves toward genres. Percentiles are the judge's, among real validation windows; risen is the share of "
        "windows whose percentile is higher than their reconstruction's; kept is what the reconstruction has too.",
        header,
        rows,
    )


def _write_rows(transfers: Sequence[Transfer], config: ControlConfig, out: Path) -> None:
    genres = [{"genre": of.genre, "percentiles gained": of.move.gain} for of in transfers]
    strengths = [
        {
            "strength": strength,
            "percentile": float(np.mean([of.move.percentile[place].mean() for of in transfers])),
            "share of states kept": float(np.mean([of.move.same_states[place].mean() for of in transfers])),
        }
        for place, strength in enumerate(config.strengths)
        if transfers
    ]
    for name, rows in (("genres", genres), ("strengths", strengths)):
        (out / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _pictures(transfers: Sequence[Transfer], drawn: Drawn, config: ControlConfig, out: Path) -> list[Figure]:
    real = float(np.mean([of.real for of in transfers]))
    ways = [
        Way(
            "Is it more of the genre?",
            "judge's percentile",
            np.array([of.move.percentile.mean(axis=1) for of in transfers]).T,
            np.array([of.control.percentile.mean(axis=1) for of in transfers]).T,
            ("real windows of the genre", real),
        ),
        Way(
            "How much of the song stays?",
            "share of states kept",
            np.array([of.move.same_states.mean(axis=1) for of in transfers]).T,
            np.array([of.control.same_states.mean(axis=1) for of in transfers]).T,
            None if drawn.unrelated is None else ("two other songs", drawn.unrelated),
        ),
        Way(
            "How many of its notes?",
            "F1 of notes kept",
            np.array([of.move.notes_kept for of in transfers]).T,
            np.array([of.control.notes_kept for of in transfers]).T,
            None,
        ),
    ]
    draw_ways(out / PICTURES / "transfer.png", config.strengths, ways)
    draw_gains(
        out / PICTURES / "genres.png",
        [of.genre for of in transfers],
        np.array([of.move.gain for of in transfers]),
        np.array([of.control.gain for of in transfers]),
    )
    return [
        Figure(
            f"{PICTURES}/transfer.png",
            "Windows moved toward genres that are not theirs, from the reconstruction (0) to the genre (1): mean and "
            f"middle half of {len(transfers)} genres, beside moves as far in random directions.",
        ),
        Figure(
            f"{PICTURES}/genres.png",
            "What each genre's move gains with the judge from the reconstruction to strength 1, beside what as large a "
            "move in a random direction does.",
        ),
    ]


def _clips(subject: Subject, drawn: Drawn, genres: Sequence[int], out: Path) -> Figure:
    window = best_kept(drawn.reconstructions, drawn.windows.tokens)
    z = drawn.codes[[window]]
    toward = torch.cat([z + step_to_genre(subject, z, genre, drawn) for genre in genres])
    names = [f"toward {subject.genres[genre]}" for genre in genres]
    panels = zip(["reconstruction", *names], subject.decoded(torch.cat([z, toward])), strict=True)
    tags = [subject.genres[genre] for genre in drawn.windows.genres[window].nonzero().flatten().tolist()]
    return draw_with_clips(
        out,
        "genre",
        "One window toward genres",
        [("window", drawn.windows.tokens[window]), *panels],
        subject.description.model.tracks,
        f"A validation window, tagged {', '.join(tags) or 'with no genre'}, and what is decoded from its code moved all "
        "the way to the genres that the judge knows best. It is the drawn window whose notes come back best, so that "
        "what changes is the move's doing.",
    )
