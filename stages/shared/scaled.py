"""A trained model as `musae` takes it: a compact checkpoint, and its scales beside it."""

from dataclasses import replace
from pathlib import Path

import torch

from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import score_genres
from analysis.shared.sampling import random_subset
from model.checkpoint import load, save_compact
from model.data import WindowSet
from model.scales import measure_scales, save_scales
from music.errors import InputError
from music.genre_classifier import GenreScores
from music.tokens import with_all_tracks

WINDOWS = 10_000
"""The number of training windows that are encoded and measured, at most; as many teach the genre classifier, and
others as many are scored by it."""
SEED = 0


def write_scaled(context: EvaluationContext, folder: Path) -> EvaluationContext:
    """Writes a compact copy of the model and the scales of that copy into the folder; returns the copy's context."""
    save_compact(folder, context.model, context.description)
    copy = replace(context, model=load(folder)[0].to(context.device))
    drawn = random_subset(context.training, 2 * WINDOWS, torch.Generator().manual_seed(SEED))
    if len(drawn) < 2:
        raise InputError(f"scales need two training windows or more, and there are {len(drawn)}; give more music")
    measured = drawn.take(torch.arange(min(WINDOWS, len(drawn))))
    tracks = context.description.model.tracks
    scores = _score_genres(drawn, tracks) if context.genres else None
    save_scales(folder, measure_scales(measured, copy.codes(measured.tokens), tracks, scores))
    return copy


def _score_genres(windows: WindowSet, tracks: tuple[str, ...]) -> GenreScores:
    """Every other window teaches the classifier, and those between are scored."""
    tokens = with_all_tracks(windows.tokens.numpy(), tracks)
    return score_genres(tokens[::2], windows.genres[::2].numpy(), tokens[1::2])
