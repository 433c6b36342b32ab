"""Window shards -> tensors: all windows as a model sees them, read once and kept in memory as bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.config import ModelConfig
from music.arrays import BoolArray, IntArray
from music.errors import InputError
from music.hashing import Hashes, splitmix64, starts_of_runs
from music.json_files import read_json
from music.tokens import HOLD, STEPS_PER_BAR, TRACKS, Tokens
from music.windows import SPLITS, transpose


@dataclass(frozen=True)
class WindowSet:
    """The windows of one split."""

    tokens: Tensor
    """(windows, tracks, steps) uint8 states."""
    genres: Tensor
    """(windows, genres) bool: which genres the window's song is tagged with."""
    songs: Tensor
    """(windows,) int32: the song of each window, one number for all its files; valid only within this set."""

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, chosen: Tensor) -> "WindowSet":
        """Returns the chosen windows; chosen: their numbers, or a mask."""
        return WindowSet(self.tokens[chosen], self.genres[chosen], self.songs[chosen])

    def evenly_spaced(self, most: int) -> "WindowSet":
        """Returns at most `most` of the windows, at even distances from the first to the last."""
        return self.take(torch.linspace(0, len(self) - 1, min(most, len(self))).long())

    def to(self, device: torch.device) -> "WindowSet":
        """Returns the same windows in the device's memory."""
        return WindowSet(self.tokens.to(device), self.genres.to(device), self.songs.to(device))


@dataclass(frozen=True)
class DroppedWindows:
    """How many windows were left out because to the model they are identical to another one."""

    repeated_in_training: int = 0
    """Training windows that repeat another training window."""
    validation_in_training: int = 0
    """Validation windows that are identical to a training window, before or after transposition."""
    repeated_in_validation: int = 0
    """Further validation windows that repeat another validation window."""


@dataclass(frozen=True)
class Dataset:
    """The windows that a model is trained and validated on, as it sees them; no two of them are identical."""

    training: WindowSet
    validation: WindowSet
    dropped: DroppedWindows = DroppedWindows()


@dataclass(frozen=True)
class Provenance:
    """Where the windows come from."""

    bars: int
    genres: list[str]
    """The vocabulary, in circle order."""
    digest: str


def read_provenance(folder: Path) -> Provenance:
    """Reads length, genre vocabulary and digest of a folder of window shards. Raises `InputError`."""
    manifest = _manifest(folder)
    return Provenance(manifest["config"]["bars"], manifest["genres"], manifest["digest"])


def read_split_unit(folder: Path) -> str:
    """Returns what the split keeps on one side: "song", "artist" or, as in [P], "window". Raises `InputError`."""
    unit: str = _manifest(folder)["config"]["split"]["unit"]
    return unit


def read_windows(folder: Path, config: ModelConfig) -> Dataset:
    """Returns the windows of a folder of shards as the model sees them, in the order of the shards.

    The shards hold windows that are unique over all four tracks. To a model of fewer tracks, or with another rule for
    onsets, some of them are identical. Of those one is kept, by their tokens before transposition: training wins over
    validation, then the smallest song id, then the first row. A validation window is also dropped if it is
    identical to a transposed training window. Raises `InputError` for incomplete shards.
    """
    manifest = _manifest(folder)
    training, validation = (_read_split(folder, manifest, split, config) for split in SPLITS)
    if _sees_everything(config):
        return Dataset(training.windows, validation.windows)
    keepers, first_of_validation = _keepers(training, validation), len(training.windows)
    kept, kept_in_validation = np.split(keepers == np.arange(len(keepers)), [first_of_validation])
    in_training = keepers[first_of_validation:] < first_of_validation
    in_training |= np.isin(validation.transposed_hashes, training.transposed_hashes[kept])
    dropped = DroppedWindows(
        repeated_in_training=int((~kept).sum()),
        validation_in_training=int(in_training.sum()),
        repeated_in_validation=int((~kept_in_validation & ~in_training).sum()),
    )
    return Dataset(
        training.windows.take(torch.from_numpy(kept)),
        validation.windows.take(torch.from_numpy(kept_in_validation & ~in_training)),
        dropped,
    )


def _sees_everything(config: ModelConfig) -> bool:
    return config.tracks == TRACKS and config.onsets == "starts"


def as_seen(tokens: Tokens, config: ModelConfig) -> Tokens:
    """Returns the model's tracks, with its rule for onsets; (windows, 4, steps) -> (windows, tracks, steps)."""
    tokens = np.take(tokens, [TRACKS.index(track) for track in config.tracks], axis=1)
    return _hold_until_changes(tokens) if config.onsets == "changes" else tokens


def _hold_until_changes(tokens: Tokens) -> Tokens:
    """Applies the rule of [P]'s code, where only a change is an onset: a repeated note or silence becomes a hold."""
    held = tokens.copy()
    sounding = tokens[..., 0]
    for step in range(1, tokens.shape[-1]):
        before, now = sounding, tokens[..., step]
        sounding = np.where(now == HOLD, before, now)
        held[..., step] = np.where(sounding == before, HOLD, sounding)
    return held


@dataclass(frozen=True)
class _Split:
    """The windows of a split as a model sees them, and what decides which of several identical ones is kept."""

    windows: WindowSet
    hashes: Hashes
    """(2, windows): 128 bits of each window's tokens before transposition."""
    transposed_hashes: NDArray[np.uint64]
    """(windows,): 64 bits of each window's tokens as transposed."""
    song_ranks: IntArray
    """(windows,): the rank of the window's song among the split's song ids in alphabetical order."""


def _keepers(training: _Split, validation: _Split) -> IntArray:
    """Returns, for each window, training first, the number of the window kept of those identical to it; (windows,)."""
    hashes = np.concatenate([training.hashes, validation.hashes], axis=1)
    song_ranks = np.concatenate([training.song_ranks, validation.song_ranks])
    in_validation = np.arange(len(song_ranks)) >= len(training.windows)
    order = np.lexsort((song_ranks, in_validation, *hashes))  # stable: rows of one song stay in order
    first = starts_of_runs(hashes[:, order])
    keepers = np.empty_like(order)
    keepers[order] = order[first][np.cumsum(first) - 1]
    return keepers


def _hash_windows(tokens: Tokens) -> Hashes:
    """Returns (2, windows): 128 bits of each window; tokens: (windows, tracks, steps)."""
    words = tokens.reshape(len(tokens), -1).view("<u8")
    first, second = np.zeros((2, len(tokens)), dtype=np.uint64)
    for word in words.T:
        first, second = splitmix64(first ^ word, 0), splitmix64(second ^ word, 1)
    return np.stack([first, second])


def _read_split(folder: Path, manifest: dict[str, Any], split: str, config: ModelConfig) -> _Split:
    shards = [shard for shard in manifest["shards"] if shard["name"].startswith(f"{split}-")]
    rows = sum(shard["rows"] for shard in shards)
    tokens = np.empty((rows, len(config.tracks), STEPS_PER_BAR * manifest["config"]["bars"]), dtype=np.uint8)
    genres = np.zeros((rows, len(manifest["genres"])), dtype=bool)
    hashes = np.zeros((3, rows), dtype=np.uint64)
    song_ids: list[pa.ChunkedArray] = []
    first = 0
    for shard in shards:
        for table in _row_groups(folder / shard["name"]):
            last = first + len(table)
            if last > rows:
                raise InputError(f"{folder}: more rows than the manifest says; write the windows again")
            whole = _bytes(table["tokens"]).reshape(len(table), len(TRACKS), -1)
            tokens[first:last] = as_seen(transpose(whole, table["shift"].to_numpy()), config)
            if not _sees_everything(config):
                hashes[:2, first:last] = _hash_windows(as_seen(whole, config))
                hashes[2, first:last] = _hash_windows(tokens[first:last])[0]
            _mark(genres[first:last], table["genres"])
            song_ids.append(table["msd_id"])
            first = last
    if first != rows:
        raise InputError(f"{folder}: {first} rows where the manifest says {rows}; write the windows again")
    songs, names = _number_values(song_ids)
    windows = WindowSet(torch.from_numpy(tokens), torch.from_numpy(genres), torch.from_numpy(songs))
    return _Split(windows, hashes[:2], hashes[2], np.argsort(np.argsort(names))[songs])


def _manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = read_json(folder / "manifest.json", "write the windows (dvc repro windows)")
    return manifest


def _row_groups(path: Path) -> Iterator[pa.Table]:
    try:
        shard = pq.ParquetFile(path, read_dictionary=["msd_id"])
        for group in range(shard.num_row_groups):
            yield shard.read_row_group(group, columns=["tokens", "shift", "genres", "msd_id"])
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: {error}; write the windows again") from error


def _bytes(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    array = column.combine_chunks()
    width = array.type.byte_width
    whole = np.frombuffer(array.buffers()[1], dtype=np.uint8)
    return whole[array.offset * width : (array.offset + len(array)) * width]


def _mark(mask: BoolArray, column: pa.ChunkedArray) -> None:
    """Marks the genres in each window's list; mask: (windows, genres)."""
    lists = column.combine_chunks()
    window = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
    mask[window, lists.flatten().to_numpy()] = True


def _number_values(columns: list[pa.ChunkedArray]) -> tuple[NDArray[np.int32], list[str]]:
    """Numbers the values of columns that were read as dictionaries; returns the numbers, and the value of each."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    if not chunks:
        return np.empty(0, dtype=np.int32), []
    unified = pa.chunked_array(chunks).unify_dictionaries()
    numbers = np.concatenate([chunk.indices.to_numpy() for chunk in unified.chunks])
    return numbers, unified.chunk(0).dictionary.to_pylist()
