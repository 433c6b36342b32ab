"""Edits toward genres: what a move by the difference of means changes in the music of windows of other genres."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.shared.bootstrap import mean_statistic, weighted_means
from analysis.shared.context import BATCH, EvaluationContext
from analysis.shared.moves.genre_classifier import ValidatedClassifier
from analysis.shared.moves.sample import MovedSample
from model.editing.difference import decode_difference
from model.similarity import note_f1
from music.arrays import FloatArray

WAYS = ("difference", "plain")
"""The difference that the move makes, applied to the window; and the moved code, decoded as it is."""


@dataclass(frozen=True)
class GenreEdit:
    """Windows moved toward one genre that their songs are not tagged with."""

    genre: int
    windows: int
    """The number of windows that are moved."""
    gains: Mapping[str, FloatArray]
    """By way, (windows, strengths): the change of the classifier's percentile; NaN where a window is not moved."""
    note_f1: Mapping[str, FloatArray]
    """By way, (windows, strengths): F1 of the notes with the window's; NaN as well where neither has any."""


def mean_over_genres(edits: Sequence[GenreEdit], weights: FloatArray, measure: str, way: str) -> FloatArray:
    """Returns the mean over windows and genres of "gains" or "note_f1", (1 + resamples, strengths)."""
    return mean_statistic([weighted_means(weights, getattr(edit, measure)[way]) for edit in edits])


def moved_music(context: EvaluationContext, tokens: Tensor, steps: Tensor) -> dict[str, Tensor]:
    """Moves the codes of windows, and returns what comes out by each of `WAYS`, (moves, windows, tracks, steps).

    tokens: (windows, tracks, steps), steps: (moves, latent).
    """
    by_way: dict[str, list[Tensor]] = {way: [] for way in WAYS}
    steps = steps.to(context.device)
    for batch in torch.split(tokens.to(context.device), BATCH):
        codes = context.model.codes(batch)
        with torch.no_grad():
            before = context.model.decode(codes, batch).log_softmax(dim=-1)
            after = [context.model.decode(codes + step, batch).log_softmax(dim=-1) for step in steps]
        differences = [decode_difference(batch, before, log_probabilities) for log_probabilities in after]
        if context.model.autoregressive:
            plain = [context.model.tokens(codes + step) for step in steps]
        else:
            plain = [log_probabilities.argmax(dim=-1).to(torch.uint8) for log_probabilities in after]
        for way, music in (("difference", differences), ("plain", plain)):
            by_way[way].append(torch.stack(music).cpu())
    return {way: torch.cat(batches, dim=1) for way, batches in by_way.items()}


def edit_toward(
    context: EvaluationContext,
    sample: MovedSample,
    classifier: ValidatedClassifier,
    genre: int,
    strengths: Sequence[float],
) -> GenreEdit:
    """Moves the windows that are not tagged with the genre along the difference of mean codes."""
    chosen = ~sample.windows.genres[:, genre]
    tokens = sample.windows.tokens[chosen]
    step = sample.step_toward(genre)
    before = classifier.percentiles(genre, context, tokens)
    gains, kept = {}, {}
    for way, music in moved_music(context, tokens, torch.tensor(strengths)[:, None] * step).items():
        gains[way], kept[way] = (np.full((len(chosen), len(strengths)), np.nan) for _ in range(2))
        gains[way][chosen.numpy()] = (classifier.percentiles(genre, context, music) - before).T
        kept[way][chosen.numpy()] = note_f1(music, tokens).numpy().T
    return GenreEdit(genre, len(tokens), gains, kept)
