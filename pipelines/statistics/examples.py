"""Reads example windows, chosen at random."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from music.tokens import TRACKS, Tokens
from music.windows import SPLITS, transpose
from pipelines.shards import read_manifest, read_row_groups, shard_paths


@dataclass(frozen=True)
class Example:
    """A window as training sees it, and the song that it is from."""

    split: str
    msd_id: str
    artist: str
    title: str
    bar: int
    transposition: int
    """The transposition in semitones."""
    genres: list[str]
    tokens: Tokens
    """(4, steps), transposed."""


def read_examples(folder: str, songs: str, count: int, seed: int) -> list[Example]:
    """Reads random windows of a folder, from training and validation, in the order of the shards."""
    manifest = read_manifest(folder)
    total = manifest["train"] + manifest["validation"]
    chosen_rows = sorted(random.Random(seed).sample(range(total), min(count, total)))
    sizes = {shard["name"]: shard["rows"] for shard in manifest["shards"]}
    shards = [(path, sizes[PurePath(path).name]) for split in SPLITS for path in shard_paths(folder, split)]
    rows = list(_read_rows(shards, chosen_rows))
    known_songs = _read_songs(songs, {row["msd_id"] for row in rows})
    return [
        Example(
            split=SPLITS[number >= manifest["train"]],
            msd_id=row["msd_id"],
            artist=known_songs[row["msd_id"]]["artist"],
            title=known_songs[row["msd_id"]]["title"],
            bar=row["bar"],
            transposition=row["shift"],
            genres=[manifest["genres"][genre] for genre in row["genres"]],
            tokens=_transposed(row),
        )
        for number, row in zip(chosen_rows, rows, strict=True)
    ]


def _read_songs(songs: str, wanted: set[str]) -> dict[str, dict[str, str]]:
    """Returns the artist and title of the songs wanted, by song id."""
    return {
        row["msd_id"]: row
        for path in shard_paths(songs, "songs")
        for group in read_row_groups(path, ["msd_id", "artist", "title"])
        for row in group.to_pylist()
        if row["msd_id"] in wanted
    }


def _transposed(row: dict[str, Any]) -> Tokens:
    tokens = np.frombuffer(row["tokens"], dtype=np.uint8).reshape(1, len(TRACKS), -1)
    moved: Tokens = transpose(tokens, np.array([row["shift"]], dtype=np.int8))[0]
    return moved


def _read_rows(shards: Iterable[tuple[str, int]], wanted: list[int]) -> Iterator[dict[str, Any]]:
    """Yields the rows with these numbers, ascending, which count through all shards, given as (path, rows)."""
    first = 0
    for path, size in shards:
        in_shard = [number - first for number in wanted if first <= number < first + size]
        if in_shard:
            for group in read_row_groups(path):
                chosen = np.array([row for row in in_shard if 0 <= row < len(group)], dtype=np.int64)  # typed if empty
                yield from group.take(chosen).to_pylist()
                in_shard = [row - len(group) for row in in_shard]
        first += size
