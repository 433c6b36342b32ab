import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data import Batches, read_provenance, read_windows
from music.errors import InputError
from music.tokens import HOLD, SILENT
from pipelines.shards import shard_name, shard_writers, windows_schema, write_manifest
from tests.helpers.models import GENRES, SMALL, make_windows, window_table, windows_of

BARS = 1


@pytest.fixture
def shards(tmp_path):
    generator = np.random.default_rng(0)
    tokens = generator.choice([*range(5, 122), 128, 129], (7, 4, 16)).astype(np.uint8)
    shifts = np.array([-5, 6, 0, 3, -1, 0, 2])
    moved = np.where((tokens < 128) & (np.arange(4) > 0)[:, None], tokens + shifts[:, None, None], tokens)
    genres = [[0], [], [1, 2], [0, 1, 2], [], [2], [1]]
    names = {shard_name(split, i, 2): windows_schema(BARS) for split in ("train", "validation") for i in range(2)}
    with shard_writers(str(tmp_path), names) as (first, second, third, fourth):
        first.write(window_table(tokens[:2], shifts[:2], genres[:2], ["a", "b"]))
        first.write(window_table(tokens[2:3], shifts[2:3], genres[2:3], ["b"]))
        second.write(window_table(tokens[3:6], shifts[3:6], genres[3:6], ["c", "a", "c"]))
        third.write(window_table(tokens[6:], shifts[6:], genres[6:], ["a"]))
        written = [writer.close() for writer in (first, second, third, fourth)]
    write_manifest(str(tmp_path), written, config={"bars": BARS}, genres=GENRES)
    return tmp_path, moved, genres


def test_windows_come_back_transposed_in_the_order_of_the_shards(shards):
    folder, tokens, genres = shards
    training, validation = read_windows(folder, "train"), read_windows(folder, "validation")
    assert np.array_equal(training.tokens.numpy(), tokens[:6])
    assert np.array_equal(validation.tokens.numpy(), tokens[6:])
    assert [[i for i in range(3) if marks[i]] for marks in training.genres.tolist()] == genres[:6]


def test_windows_know_which_are_of_one_song(shards):
    songs = read_windows(shards[0], "train").songs.tolist()
    assert [songs.index(song) for song in songs] == [0, 1, 1, 3, 0, 3]


def test_provenance_is_the_manifests(shards):
    provenance = read_provenance(shards[0])
    assert (provenance.bars, provenance.genres) == (BARS, GENRES)
    assert len(provenance.digest) == 64


def test_shards_that_are_not_whole_are_named(shards, tmp_path):
    folder = shards[0]
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["rows"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="6 rows where the manifest says 7"):
        read_windows(folder, "train")
    (folder / manifest["shards"][0]["name"]).unlink()
    with pytest.raises(InputError, match="train-00000-of-00002"):
        read_windows(folder, "train")
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"no manifest\.json"):
        read_provenance(folder)


def test_an_epoch_sees_every_window_once():
    batches = Batches(20, 5, seed=0)
    epochs = [[batches(4 * epoch + place).tolist() for place in range(4)] for epoch in range(2)]
    for epoch in epochs:
        assert sorted(number for batch in epoch for number in batch) == list(range(20))
    assert epochs[0] != epochs[1]
    assert Batches(20, 5, seed=1)(0).tolist() != epochs[0][0]


def test_a_batch_depends_on_its_number_alone():
    batches = Batches(23, 5, seed=3)
    assert [batches(update).tolist() for update in (9, 2)] == [Batches(23, 5, seed=3)(u).tolist() for u in (9, 2)]


def test_some_of_the_tracks_can_be_taken_alone():
    windows = make_windows()
    guitar, two = (replace(SMALL, tracks=tracks) for tracks in (("guitar",), ("drums", "strings")))
    assert np.array_equal(windows.seen_by(guitar).tokens, windows.tokens[:, 2:3])
    assert np.array_equal(windows.seen_by(two).tokens, windows.tokens[:, [0, 3]])


def test_onsets_can_be_changes_of_pitch_alone():
    starts = torch.tensor([60, 60, HOLD, 62, HOLD, 60, SILENT, SILENT, 60, HOLD, 60, SILENT], dtype=torch.uint8)
    changes = [60, HOLD, HOLD, 62, HOLD, 60, SILENT, HOLD, 60, HOLD, HOLD, SILENT]
    windows = windows_of(starts.expand(2, 4, -1))
    assert windows.seen_by(replace(SMALL, onsets="changes")).tokens[1, 3].tolist() == changes
    assert windows.seen_by(SMALL).tokens[1, 3].tolist() == starts.tolist()
