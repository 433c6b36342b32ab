import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data import DroppedWindows, read_provenance, read_windows
from model.training.batches import Batches
from music.errors import InputError
from music.tokens import HOLD, SILENT
from pipelines.shards import shard_name, shard_writers, windows_schema, write_manifest
from tests.helpers.models import GENRES, SMALL, make_windows, seen_by, window_table, windows_of

BARS = 1
DRUMS, BASS = (replace(SMALL, tracks=(track,)) for track in ("drums", "bass"))
CHANGES = replace(SMALL, onsets="changes")


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
    windows = read_windows(folder, SMALL)
    assert np.array_equal(windows.training.tokens.numpy(), tokens[:6])
    assert np.array_equal(windows.validation.tokens.numpy(), tokens[6:])
    assert [[i for i in range(3) if marks[i]] for marks in windows.training.genres.tolist()] == genres[:6]
    assert windows.dropped == DroppedWindows(0, 0, 0)


def test_windows_know_which_are_of_one_song(shards):
    songs = read_windows(shards[0], SMALL).training.songs.tolist()
    assert [songs.index(song) for song in songs] == [0, 1, 1, 3, 0, 3]


def written(folder, training, validation):
    """Shards of windows, each a (song id, shift, pitches of drums, of bass): a whole note of each in every quarter."""
    names = {shard_name(split, 0, 1): windows_schema(BARS) for split in ("train", "validation")}
    with shard_writers(str(folder), names) as writers:
        for writer, rows in zip(writers, (training, validation), strict=True):
            tokens = np.full((len(rows), 4, 16), HOLD, dtype=np.uint8)
            for window, (_, _, *tracks) in zip(tokens, rows, strict=True):
                window[:, 0] = SILENT
                for track, pitches in enumerate(tracks):
                    window[track, ::4] = pitches
            shifts = np.array([shift for _, shift, *_ in rows])
            writer.write(window_table(tokens, shifts, [[]] * len(rows), [song for song, *_ in rows]))
        closed = [writer.close() for writer in writers]
    write_manifest(str(folder), closed, config={"bars": BARS}, genres=GENRES)
    return folder


FOUR, EIGHT = [36, 36, 38, 36], [36, 38, 36, 38]
LOW, HIGH, SAME = [40, 43, 40, 43], [52, 55, 52, 55], [40, 40, 40, 40]


def test_windows_are_unique_again_over_the_models_tracks(tmp_path):
    training = [("c", 0, FOUR, LOW), ("b", 1, FOUR, HIGH), ("b", 2, FOUR, SAME), ("c", 3, EIGHT, LOW)]
    validation = [("z", 0, EIGHT, SAME), ("x", 0, SAME, HIGH), ("w", 5, SAME, LOW), ("w", 0, SAME, SAME)]
    folder = written(tmp_path, training, validation)

    whole = read_windows(folder, SMALL)
    assert (len(whole.training), len(whole.validation), whole.dropped) == (4, 4, DroppedWindows(0, 0, 0))

    drums = read_windows(folder, DRUMS)
    assert drums.training.tokens[:, 0, ::4].tolist() == [FOUR, EIGHT]
    assert drums.training.songs.tolist() == [1, 0]  # of three windows FOUR the first of song b, not of song c
    assert drums.validation.tokens[:, 0, ::4].tolist() == [SAME]
    assert drums.validation.songs.tolist() == [2]  # of song w, not of song x, which comes before
    assert drums.dropped == DroppedWindows(repeated_in_training=2, validation_in_training=1, repeated_in_validation=2)


def test_windows_are_the_same_before_transposition_and_held_out_after_it(tmp_path):
    training = [("a", 0, FOUR, LOW), ("b", 4, EIGHT, LOW), ("c", 2, FOUR, [41, 41, 41, 41])]
    validation = [("d", 3, FOUR, SAME), ("e", 2, FOUR, SAME), ("f", -5, FOUR, HIGH), ("g", 1, FOUR, LOW)]
    bass = read_windows(written(tmp_path, training, validation), BASS)
    assert bass.training.tokens[:, 0, ::4].tolist() == [LOW, [43] * 4]  # b's LOW repeats a's, though moved
    # Of d and e, both SAME, d is kept by its song id; it is then moved to 43 as c is, so c's window stands in both.
    assert bass.validation.tokens[:, 0, ::4].tolist() == [[47, 50, 47, 50]]
    assert bass.dropped == DroppedWindows(repeated_in_training=1, validation_in_training=2, repeated_in_validation=1)


def test_windows_are_unique_again_by_the_models_rule_of_onsets(tmp_path):
    held = [40, HOLD, HOLD, HOLD]
    training = [("a", 0, FOUR, SAME), ("b", 0, FOUR, held)]
    windows = read_windows(written(tmp_path, training, [("c", 0, FOUR, held), ("d", 0, FOUR, LOW)]), CHANGES)
    assert windows.training.songs.tolist() == [0]
    assert windows.training.tokens[0, 1].tolist() == [40, *[HOLD] * 15]
    assert windows.validation.songs.tolist() == [1]
    assert windows.dropped == DroppedWindows(repeated_in_training=1, validation_in_training=1, repeated_in_validation=0)


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
        read_windows(folder, SMALL)
    (folder / manifest["shards"][0]["name"]).unlink()
    with pytest.raises(InputError, match="train-00000-of-00002"):
        read_windows(folder, SMALL)
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"manifest\.json: no such file; write the windows"):
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
    assert np.array_equal(seen_by(windows, guitar).tokens, windows.tokens[:, 2:3])
    assert np.array_equal(seen_by(windows, two).tokens, windows.tokens[:, [0, 3]])


def test_onsets_can_be_changes_of_pitch_alone():
    starts = torch.tensor([60, 60, HOLD, 62, HOLD, 60, SILENT, SILENT, 60, HOLD, 60, SILENT], dtype=torch.uint8)
    changes = [60, HOLD, HOLD, 62, HOLD, 60, SILENT, HOLD, 60, HOLD, HOLD, SILENT]
    windows = windows_of(starts.expand(2, 4, -1))
    assert seen_by(windows, CHANGES).tokens[1, 3].tolist() == changes
    assert seen_by(windows, SMALL).tokens[1, 3].tolist() == starts.tolist()
