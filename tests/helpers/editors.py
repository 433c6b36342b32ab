"""A tiny model to edit with: what it changes has no sense, but has to be written well."""

from dataclasses import replace
from pathlib import Path

import torch

from analysis.shared.moves.genre_classifier import score_genres
from model.checkpoint import Description, save
from model.data import Provenance
from model.scales import measure_scales, save_scales
from model.training.first_weights import untrained
from music.tokens import TRACKS
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows


def save_tiny_editor(folder: Path) -> None:
    """Writes an untrained model of 2 bars and its scales."""
    torch.manual_seed(0)
    config = replace(SMALL, bars=2, latent=64)
    model = untrained(config).eval()
    save(folder, model, Description(config, BRIEF, Provenance(2, GENRES, "abc"), {}, {}))
    windows = make_windows(40, bars=2)
    scores = score_genres(windows.tokens[:20].numpy(), windows.genres[:20].numpy(), windows.tokens[20:].numpy())
    save_scales(folder, measure_scales(windows, model.codes(windows.tokens), TRACKS, scores))
