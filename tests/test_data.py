import json

import numpy as np
import pyarrow as pa
import pytest

from model.data import read_provenance, read_windows
from music.errors import InputError
from pipelines.shards import shard_name, shard_writers, windows_schema, write_manifest

BARS = 1
GENRES = ["jazz", "rock", "pop"]


def table(tokens: np.ndarray, shifts: np.ndarray, genres: list[list[int]]) -> pa.Table:
    count = len(tokens)
    columns = {
        "tokens": [window.tobytes() for window in tokens],
        "msd_id": ["T"] * count,
        "md5": ["m"] * count,
        "bar": range(count),
        "tracks": [[0, 0, 0]] * count,
        "shift": shifts.tolist(),
        "genres": genres,
    }
    return pa.table({name: list(values) for name, values in columns.items()}, schema=windows_schema(BARS))


@pytest.fixture
def shards(tmp_path):
    generator = np.random.default_rng(0)
    tokens = generator.choice([*range(5, 122), 128, 129], (7, 4, 16)).astype(np.uint8)
    shifts = np.array([-5, 6, 0, 3, -1, 0, 2])
    moved = np.where((tokens < 128) & (np.arange(4) > 0)[:, None], tokens + shifts[:, None, None], tokens)
    genres = [[0], [], [1, 2], [0, 1, 2], [], [2], [1]]
    names = {shard_name(split, i, 2): windows_schema(BARS) for split in ("train", "validation") for i in range(2)}
    with shard_writers(str(tmp_path), names) as (first, second, third, fourth):
        first.write(table(tokens[:2], shifts[:2], genres[:2]))
        first.write(table(tokens[2:3], shifts[2:3], genres[2:3]))
        second.write(table(tokens[3:6], shifts[3:6], genres[3:6]))
        third.write(table(tokens[6:], shifts[6:], genres[6:]))
        written = [writer.close() for writer in (first, second, third, fourth)]
    write_manifest(str(tmp_path), written, config={"bars": BARS}, genres=GENRES)
    return tmp_path, moved, genres


def test_windows_come_back_transposed_in_the_order_of_the_shards(shards):
    folder, tokens, genres = shards
    training, validation = read_windows(folder, "train"), read_windows(folder, "validation")
    assert np.array_equal(training.tokens.numpy(), tokens[:6])
    assert np.array_equal(validation.tokens.numpy(), tokens[6:])
    assert [[i for i in range(3) if marks[i]] for marks in training.genres.tolist()] == genres[:6]


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
