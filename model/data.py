"""Window shards -> tensors. All windows of a split are decoded once and stay in memory as bytes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from model.config import ModelConfig
from music.errors import InputError
from music.hashing import mix
from music.tokens import HOLD, STEPS_PER_BAR, TRACKS
from music.windows import transpose

SPLITS = ("train", "validation")


@dataclass(frozen=True)
class WindowSet:
    """The windows of one split."""

    tokens: Tensor
    """(windows, 4, steps) uint8 states."""
    genres: Tensor
    """(windows, genres) bool: which genres the window's song is tagged with."""
    songs: Tensor
    """(windows,) int32: which song the window is from, in all its versions; numbers of this set alone."""

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, chosen: Tensor) -> "WindowSet":
        """Some of the windows, by number or as a mask."""
        return WindowSet(self.tokens[chosen], self.genres[chosen], self.songs[chosen])

    def spread(self, most: int) -> "WindowSet":
        """At most so many of the windows, spread evenly over all."""
        return self.take(torch.linspace(0, len(self) - 1, min(most, len(self))).long())

    def seen_by(self, config: ModelConfig) -> "WindowSet":
        """The same windows with the model's tracks alone, (windows, tracks, steps), and with its rule of onsets."""
        tokens = self.tokens
        if config.tracks != TRACKS:
            tokens = tokens[:, [TRACKS.index(track) for track in config.tracks]]
        return replace(self, tokens=_hold_until_changes(tokens) if config.onsets == "changes" else tokens)

    def to(self, device: torch.device) -> "WindowSet":
        """The same windows in the device's memory."""
        return WindowSet(self.tokens.to(device), self.genres.to(device), self.songs.to(device))


@dataclass(frozen=True)
class Provenance:
    """Where the windows come from."""

    bars: int
    genres: list[str]
    """The vocabulary, in circle order."""
    digest: str


def read_provenance(folder: Path) -> Provenance:
    """Length, genre vocabulary and digest of a folder of window shards. Raises `InputError`."""
    manifest = _manifest(folder)
    return Provenance(manifest["config"]["bars"], manifest["genres"], manifest["digest"])


def read_split_unit(folder: Path) -> str:
    """What is whole on one side of the split: "song", "artist" or, as in [P], "window". Raises `InputError`."""
    unit: str = _manifest(folder)["config"]["split"]["unit"]
    return unit


def read_windows(folder: Path, split: str) -> WindowSet:
    """All windows of a split, "train" or "validation". Raises `InputError` for shards that are not whole."""
    manifest = _manifest(folder)
    shards = [shard for shard in manifest["shards"] if shard["name"].startswith(f"{split}-")]
    rows = sum(shard["rows"] for shard in shards)
    tokens = np.empty((rows, len(TRACKS), STEPS_PER_BAR * manifest["config"]["bars"]), dtype=np.uint8)
    genres = np.zeros((rows, len(manifest["genres"])), dtype=bool)
    song_ids: list[pa.ChunkedArray] = []
    first = 0
    for shard in shards:
        for table in _row_groups(folder / shard["name"]):
            last = first + len(table)
            if last > rows:
                raise InputError(f"{folder}: more rows than {manifest['digest'][:8]} has; write the windows again")
            windows = _bytes(table["tokens"]).reshape(-1, *tokens.shape[1:])
            tokens[first:last] = transpose(windows, table["shift"].to_numpy())
            _mark(genres[first:last], table["genres"])
            song_ids.append(table["msd_id"])
            first = last
    if first != rows:
        raise InputError(f"{folder}: {first} rows where the manifest says {rows}; write the windows again")
    return WindowSet(torch.from_numpy(tokens), torch.from_numpy(genres), torch.from_numpy(_numbers(song_ids)))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.exists():
        raise InputError(f"{folder}: no manifest.json, so no whole set of window shards; run dvc repro windows")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _row_groups(path: Path) -> Iterator[pa.Table]:
    try:
        shard = pq.ParquetFile(path, read_dictionary=["msd_id"])
        for group in range(shard.num_row_groups):
            yield shard.read_row_group(group, columns=["tokens", "shift", "genres", "msd_id"])
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: {error}; write the windows again") from error


def _bytes(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    array = column.combine_chunks()
    width = array.type.byte_width
    whole = np.frombuffer(array.buffers()[1], dtype=np.uint8)
    return whole[array.offset * width : (array.offset + len(array)) * width]


def _mark(mask: np.ndarray[Any, np.dtype[np.bool_]], column: pa.ChunkedArray) -> None:
    lists = column.combine_chunks()
    window = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
    mask[window, lists.flatten().to_numpy()] = True


def _numbers(columns: list[pa.ChunkedArray]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """The same number for equal values, of columns read as dictionaries."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    if not chunks:
        return np.empty(0, dtype=np.int32)
    unified = pa.chunked_array(chunks).unify_dictionaries()
    return np.concatenate([chunk.indices.to_numpy() for chunk in unified.chunks])


def _hold_until_changes(tokens: Tensor) -> Tensor:
    """The states as [P]'s code has them: what is as the step before is a hold, be it a note that starts, or silence."""
    held = tokens.clone()
    sounding = tokens[..., 0]
    for step in range(1, tokens.shape[-1]):
        before, now = sounding, tokens[..., step]
        sounding = torch.where(now == HOLD, before, now)
        held[..., step] = torch.where(sounding == before, HOLD, sounding)
    return held


class Batches:
    """Which windows each update takes: every epoch permutes all and leaves out the incomplete batch.

    An update's batch depends on its number and the seed alone, so a run can go on from anywhere.
    """

    def __init__(self, windows: int, size: int, seed: int) -> None:
        self._windows, self._size, self._seed = windows, size, seed
        self._epoch = -1
        self._order = torch.empty(0)

    def __call__(self, update: int) -> Tensor:
        """(size,) numbers of windows."""
        epoch, place = divmod(update, self._windows // self._size)
        if epoch != self._epoch:
            self._epoch = epoch
            generator = torch.Generator().manual_seed(seed_of(self._seed, "epoch", epoch))
            self._order = torch.randperm(self._windows, generator=generator)
        return self._order[place * self._size : (place + 1) * self._size]


STREAMS = ("epoch", "update")


def seed_of(seed: int, stream: str, number: int) -> int:
    """A seed for the random numbers of one epoch or update, unlike that of any other; stream: one of `STREAMS`."""
    of_seed = mix(np.array([STREAMS.index(stream)], dtype=np.uint64), seed)
    return int(mix(of_seed ^ np.uint64(number), 0)[0])
