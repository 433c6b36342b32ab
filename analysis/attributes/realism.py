"""How samples of the prior differ from real windows: in the notes of each track, and to a classifier."""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from torch import Tensor

from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.sampling import random_subset
from analysis.shared.section import Cell, Section, Table
from music.arrays import FloatArray, IntArray
from music.genre_features import features
from music.tokens import PITCHES, Tokens, with_all_tracks

TITLE = "Samples beside real windows"
PROSE = Prose(__file__)
FOLDS = 3
TREES = 80


def told_apart(real: Tokens, other: Tokens, songs: IntArray) -> float:
    """Returns how well boosted trees tell other windows from real ones: the AUC on songs left out; 0.5 is chance.

    real, other: (windows, 4, steps), songs: (real windows + other windows,), of at least `FOLDS` songs.
    """
    is_other = np.repeat([False, True], [len(real), len(other)])
    both = np.nan_to_num(features(np.concatenate([real, other])))
    trees = HistGradientBoostingClassifier(max_iter=TREES, random_state=0)
    folds = GroupKFold(FOLDS)
    chances = cross_val_predict(trees, both, is_other, groups=songs, cv=folds, method="predict_proba")
    return float(roc_auc_score(is_other, chances[:, 1]))


def notes_by_track(tokens: Tensor) -> FloatArray:
    """Returns the mean number of notes of each track; (windows, tracks, steps) -> (tracks,)."""
    return np.asarray((tokens < PITCHES).sum(dim=-1).double().mean(dim=0))


def realism_section(context: EvaluationContext, samples: Tensor, most: int, seed: int) -> Section:
    """Compares samples, (samples, tracks, steps) in random order, with at most `most` validation windows.

    Beside them stand reconstructions of as many other validation windows.
    """
    count = min(most, len(context.validation) // 2, len(samples))
    chosen = random_subset(context.validation, 2 * count, torch.Generator().manual_seed(seed))
    if len(np.unique(chosen.songs)) < FOLDS:
        return Section(TITLE, [], {}, missing=[PROSE.text("few_songs_to_compare", folds=FOLDS)])
    real, others = chosen.take(torch.arange(count)), chosen.take(torch.arange(count, 2 * count))
    kinds = {
        "real windows": real.tokens,
        "real windows, reconstructed": context.decoded(context.codes(others.tokens)),
        "samples": samples[:count],
    }
    no_songs = int(chosen.songs.max()) + 1 + np.arange(count)
    tracks = context.description.model.tracks
    genuine, reconstructed, sampled = (with_all_tracks(tokens.numpy(), tracks) for tokens in kinds.values())
    auc_reconstructed = told_apart(genuine, reconstructed, np.concatenate([real.songs, others.songs]))
    auc = told_apart(genuine, sampled, np.concatenate([real.songs, no_songs]))
    notes = [notes_by_track(tokens) for tokens in kinds.values()]
    off = np.max(abs(notes[-1] - notes[0]) / notes[0].clip(1 / count))
    rows: list[Sequence[Cell]] = [
        [kind, *track_notes.tolist(), told]
        for kind, track_notes, told in zip(kinds, notes, (None, auc_reconstructed, auc), strict=True)
    ]
    header = ["windows", *(f"{track}: notes" for track in tracks), "told from real (AUC)"]
    return Section(
        TITLE,
        [PROSE.text("realism", windows=count, flow=context.model.flow is not None, auc=auc, notes_off=off)],
        {"samples": {"auc": auc, "auc_reconstructed": auc_reconstructed, "notes_off": float(off)}},
        tables=[Table(PROSE.text("realism_table"), header, rows)],
    )
