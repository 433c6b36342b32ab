"""Edits toward genres: what a move of the codes changes in the music of windows of other genres."""

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

    tokens: (windows, tracks, steps), steps: (moves, windows, latent).
    """
    by_way: dict[str, list[Tensor]] = {way: [] for way in WAYS}
    batches = zip(torch.split(tokens, BATCH), torch.split(steps, BATCH, dim=1), strict=True)
    for batch, moves in ((batch.to(context.device), moves.to(context.device)) for batch, moves in batches):
        codes = context.model.codes(batch)
        with torch.no_grad():
            before = context.model.decode(codes, batch).log_softmax(dim=-1)
            after = [context.model.decode(codes + move, batch).log_softmax(dim=-1) for move in moves]
        differences = [decode_difference(batch, before, log_probabilities) for log_probabilities in after]
        if context.model.autoregressive:
            plain = [context.model.tokens(codes + move) for move in moves]
        else:
            plain = [log_probabilities.argmax(dim=-1).to(torch.uint8) for log_probabilities in after]
        for way, music in (("difference", differences), ("plain", plain)):
            by_way[way].append(torch.stack(music).cpu())
    return {way: torch.cat(batches, dim=1) for way, batches in by_way.items()}


def edit_toward(
    context: EvaluationContext, sample: MovedSample, classifier: ValidatedClassifier, genre: int, steps: Tensor
) -> GenreEdit:
    """Moves the windows that are not tagged with the genre, and lets the classifier score what comes out.

    steps: (strengths, windows, latent), of the sample's first windows; the others are not moved.
    """
    chosen = ~sample.windows.genres[:, genre]
    chosen[steps.shape[1] :] = False
    tokens = sample.windows.tokens[chosen]
    gains, kept = ({way: np.full((len(chosen), len(steps)), np.nan) for way in WAYS} for _ in range(2))
    if len(tokens):
        before = classifier.percentiles(genre, context, tokens)
        for way, music in moved_music(context, tokens, steps[:, chosen[: steps.shape[1]]]).items():
            gains[way][chosen.numpy()] = (classifier.percentiles(genre, context, music) - before).T
            kept[way][chosen.numpy()] = note_f1(music, tokens).numpy().T
    return GenreEdit(genre, len(tokens), gains, kept)
