"""Samples beside real windows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.attributes.realism import notes_by_track, realism_section, told_apart
from model.data import WindowSet
from music.tokens import HOLD, SILENT
from tests.helpers.models import make_context, make_windows, windows_of


def beats(windows: int, every: int, generator: np.random.Generator) -> np.ndarray:
    """Windows of a bar in which a note of some pitch starts on every n-th step of each track."""
    tokens = np.full((windows, 4, 16), SILENT, dtype=np.uint8)
    tokens[:, :, ::every] = generator.integers(40, 80, (windows, 4, 16 // every))
    return tokens


def test_windows_with_another_beat_are_told_apart_and_those_with_the_same_are_not():
    generator = np.random.default_rng(0)
    songs = np.arange(400) // 2
    real, alike, other = beats(200, 4, generator), beats(200, 4, generator), beats(200, 2, generator)
    assert told_apart(real, other, songs) > 0.99
    assert told_apart(real, alike, songs) == pytest.approx(0.5, abs=0.08)


def test_trees_are_judged_on_songs_that_they_do_not_know():
    """A song's windows are all real or all not, and equal: known, they would be told apart at once."""
    generator = np.random.default_rng(0)
    song = beats(60, 4, generator).repeat(10, axis=0)
    assert told_apart(song[:300], song[300:], np.arange(600) // 10) == pytest.approx(0.5, abs=0.2)
    assert told_apart(song[:300], song[300:], np.arange(600)) > 0.95


def test_notes_are_counted_by_track():
    tokens = torch.full((2, 2, 16), SILENT, dtype=torch.uint8)
    tokens[0, 0, :4] = torch.tensor([60, HOLD, 0, 127])
    tokens[1, 1, 3] = 40
    assert notes_by_track(tokens).tolist() == [1.5, 0.5]


def few_notes(count: int) -> torch.Tensor:
    tokens = torch.full((count, 4, 16), SILENT, dtype=torch.uint8)
    tokens[:, :, 0] = 60
    return tokens


def test_samples_stand_beside_real_windows():
    real = torch.full((40, 4, 16), SILENT, dtype=torch.uint8)
    real[:, :, ::4] = 50
    context = make_context(validation=windows_of(real))
    samples = few_notes(30)
    samples[:, 1, ::4] = 50
    section = realism_section(context, samples, most=15, seed=0)
    (table,) = section.tables
    first, _, last = table.rows
    assert first == ["real windows", 4, 4, 4, 4, None]
    assert last[1:5] == [1, 4, 1, 1]
    assert section.metrics["samples"]["notes_off"] == 0.75
    assert section.metrics["samples"]["auc"] == last[5]
    assert "15 samples" in section.text[0]


def test_reconstructions_are_of_other_windows(monkeypatch):
    windows = make_windows(30)
    windows = replace(windows, songs=torch.arange(30, dtype=torch.int32))
    context = make_context(validation=windows)
    monkeypatch.setattr(type(context), "codes", lambda self, tokens: tokens)
    monkeypatch.setattr(type(context), "decoded", lambda self, z: z)
    asked = []

    def told(real, other, songs):
        asked.append((real, other, songs))
        return 0.5

    monkeypatch.setattr("analysis.attributes.realism.told_apart", told)
    realism_section(context, few_notes(30), most=10, seed=0)
    (real, reconstructed, songs), (same_real, _, with_samples) = asked
    assert (real == same_real).all()
    assert len({window.tobytes() for window in (*real, *reconstructed)}) == 20
    numbers = {window.numpy().tobytes(): song for song, window in enumerate(windows.tokens)}
    assert [numbers[window.tobytes()] for window in (*real, *reconstructed)] == songs.tolist()
    assert len(set(with_samples[10:].tolist()) - set(range(30))) == 10  # a sample is of no song


def test_too_few_songs_are_named():
    windows = make_windows(8)
    two = WindowSet(windows.tokens, windows.genres, torch.arange(8, dtype=torch.int32) % 2)
    section = realism_section(make_context(validation=two), few_notes(8), most=4, seed=0)
    assert section.metrics == {}
    assert "more songs" in section.missing[0]
