from dataclasses import replace

import pytest
import torch

from analysis.shared.moves.genre_classifier import score_genres
from composer.editor import load_editor
from model.checkpoint import Description, save
from model.data import Provenance
from model.scales import measure_scales, save_scales
from model.training.first_weights import untrained
from music.editing.song import open_song
from music.tokens import TRACKS
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows
from tests.helpers.songs import song


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A tiny untrained model of 2 bars with its scales: what it changes has no sense, but has to be written well."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = replace(SMALL, bars=2, latent=64)
    model = untrained(config).eval()
    save(folder, model, Description(config, BRIEF, Provenance(2, GENRES, "abc"), {}, {}))
    windows = make_windows(40, bars=2)
    scores = score_genres(windows.tokens[:20].numpy(), windows.genres[:20].numpy(), windows.tokens[20:].numpy())
    save_scales(folder, measure_scales(windows, model.codes(windows.tokens), TRACKS, scores))
    return folder


@pytest.fixture(scope="session")
def editor(folder):
    return load_editor(folder)


@pytest.fixture(scope="session")
def data():
    return song()


@pytest.fixture(scope="session")
def opened(data):
    return open_song(data, "song.mid")
