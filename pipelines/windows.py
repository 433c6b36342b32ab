"""Songs -> windows: cut, made unique over the whole corpus, split, transposed, written.

Two passes over the song shards. In the first, only hashes travel through Beam, to find the windows that stand in
several songs; in the second, each song shard becomes one training and one validation shard, without those.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from music.errors import InputError
from music.roles import TokenSong
from music.windows import Hashes, Windows, mix, shifts, transpose, windows
from pipelines.genres import normalise
from pipelines.runners import BeamConfig, run
from pipelines.shards import (
    Shard,
    ShardWriter,
    read_manifest,
    read_row_groups,
    shard_name,
    shard_paths,
    shard_writers,
    windows_schema,
    write_manifest,
)

PARTITIONS = 8
ROWS_A_ROW_GROUP = 8192
SPLIT_UNITS = ("song", "artist", "window")


@dataclass(frozen=True)
class SplitConfig:
    """Which windows are held out for validation."""

    unit: str
    """What stays on one side: a song, an artist, or (the paper's protocol) only a window."""
    validation: float
    """Share held out; 0.2 in [P]."""
    seed: int

    def __post_init__(self) -> None:
        if self.unit not in SPLIT_UNITS:
            raise ValueError(f"unit must be one of {', '.join(SPLIT_UNITS)}, not {self.unit}")
        if not 0 < self.validation < 1:
            raise ValueError("validation must be between 0 and 1")


@dataclass(frozen=True)
class WindowsConfig:
    """Section `windows` of params.yaml, for one of its lengths."""

    bars: int
    cap: int
    """How many arrangements of a song are cut, at most."""
    shift: tuple[int, int]
    """Lowest and highest transposition, in semitones; -5 and 6 in [P]."""
    seed: int
    """Of the transposition."""
    split: SplitConfig

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= 64:
            raise ValueError("bars must be from 1 to 64")
        if self.cap < 1:
            raise ValueError("cap must be at least 1")
        if not -64 <= self.shift[0] <= 0 <= self.shift[1] <= 63:
            raise ValueError("shift must be a number from -64 to 0 and one from 0 to 63")
        if self.seed < 0:
            raise ValueError("seed must be 0 or more")


@dataclass(frozen=True)
class Found:
    """The windows of one shard whose hashes fall into one partition; arrays of one length, but for `songs`."""

    shard: int
    songs: list[tuple[str, str]]
    """(msd_id, md5) of each song of the shard."""
    song: NDArray[np.int32]
    window: NDArray[np.int32]
    validation: NDArray[np.bool_]
    hashes: Hashes


@dataclass(frozen=True)
class Repeated:
    """Windows of one shard that another song keeps: window number `window` of song number `song`."""

    song: NDArray[np.int32]
    window: NDArray[np.int32]


@dataclass(frozen=True)
class Report:
    """What came of one shard of songs."""

    written: tuple[Shard, Shard]
    passed: int
    unique_in_song: int
    arrangements: int
    arrangements_cut: int


def write_windows(songs: str, genres: list[str], out: str, config: WindowsConfig, where: BeamConfig) -> dict[str, int]:
    """Cuts every song into unique windows and writes training and validation shards; returns how many of each."""
    inputs = shard_paths(songs, "songs")
    provenance = {"songs": read_manifest(songs)["digest"], "genres": genres, "config": asdict(config)}

    def build(pipeline: beam.Pipeline) -> None:
        paths = pipeline | "songs" >> beam.Create(list(enumerate(inputs))) | "one a worker" >> beam.Reshuffle()
        repeated = paths | FindRepeated(config)
        reports = (
            {"path": paths, "repeated": repeated}
            | "with repeated" >> beam.CoGroupByKey()
            | "write" >> beam.Map(write_window_shard, len(inputs), genres, out, config)
        )
        _ = reports | beam.combiners.ToList() | beam.Map(_write_windows_manifest, out, provenance)

    run(build, where, f"{config.bars}-bar windows", f"{out}/train-*.parquet", len(inputs))
    manifest = read_manifest(out)
    sizes = {split: int(manifest[split]) for split in ("train", "validation")}
    if not all(sizes.values()):
        raise InputError(
            f"{sizes['train']} training and {sizes['validation']} validation windows of {config.bars} bars from "
            f"{read_manifest(songs)['kept']} songs; both are needed: take more songs or shorter windows"
        )
    return sizes


class FindRepeated(beam.PTransform):  # type: ignore[misc]
    """(shard number, path) of song shards -> (shard number, `Repeated`): each window keeps one song.

    Training wins over validation, then the smallest song id wins.
    """

    def __init__(self, config: WindowsConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, paths: beam.PCollection[tuple[int, str]]) -> beam.PCollection[tuple[int, Repeated]]:
        return (
            paths
            | "hash" >> beam.FlatMap(hash_song_shard, self._config)
            | "by hash" >> beam.GroupByKey()
            | "find repeated" >> beam.FlatMap(find_repeated)
        )


def hash_song_shard(numbered: tuple[int, str], config: WindowsConfig) -> Iterator[tuple[int, Found]]:
    """One (number, path) of the song shards -> the hashes of its windows, by partition."""
    shard, path = numbered
    songs, found = [], []
    for number, (row, _, cut) in enumerate(_cut_songs(path, config)):
        songs.append((row["msd_id"], row["md5"]))
        validation = in_validation(row, cut.hashes, config.split)
        found.append((np.full(len(cut), number), np.arange(len(cut)), validation, cut.hashes))
    if not songs:
        return
    song, window, validation, hashes = (np.concatenate(column) for column in zip(*found, strict=True))
    partition = hashes[:, 0] % np.uint64(PARTITIONS)
    for chosen in range(PARTITIONS):
        here = np.flatnonzero(partition == chosen)
        yield (
            chosen,
            Found(
                shard, songs, song[here].astype(np.int32), window[here].astype(np.int32), validation[here], hashes[here]
            ),
        )


def find_repeated(partition: tuple[int, Iterable[Found]]) -> Iterator[tuple[int, Repeated]]:
    """All windows of one partition -> by shard, those that another song keeps."""
    parts = sorted(partition[1], key=lambda part: part.shard)
    rank = {song: number for number, song in enumerate(sorted({song for part in parts for song in part.songs}))}
    hashes = np.concatenate([part.hashes for part in parts])
    validation = np.concatenate([part.validation for part in parts])
    song_rank = np.concatenate([np.array([rank[song] for song in part.songs])[part.song] for part in parts])
    order = np.lexsort((song_rank, validation, hashes[:, 1], hashes[:, 0]))
    loses = np.zeros(len(order), dtype=bool)
    loses[order[1:]] = (hashes[order[1:]] == hashes[order[:-1]]).all(axis=1)
    ends = np.cumsum([len(part.song) for part in parts])
    for part, lost in zip(parts, np.split(loses, ends[:-1]), strict=True):
        if lost.any():
            yield part.shard, Repeated(part.song[lost], part.window[lost])


def in_validation(song: dict[str, Any], hashes: Hashes, split: SplitConfig) -> NDArray[np.bool_]:
    """(windows,) whether each window of the song is held out, by a hash of what the split keeps together."""
    if split.unit == "window":
        drawn = mix(hashes[:, 1], split.seed)
    else:
        identity = (song["artist"] if split.unit == "artist" else "") or song["msd_id"]
        digest = hashlib.blake2b(f"{split.seed} {identity}".encode(), digest_size=8).digest()
        drawn = np.full(len(hashes), int.from_bytes(digest, "big"), dtype=np.uint64)
    return drawn.astype(np.float64) / 2.0**64 < split.validation


def _cut_songs(path: str, config: WindowsConfig) -> Iterator[tuple[dict[str, Any], TokenSong, Windows]]:
    """Each row of a song shard, the song in it, and its windows."""
    for group in read_row_groups(path):
        for row in group.to_pylist():
            drums, bass, guitar = row["counts"]
            tokens = np.frombuffer(row["tokens"], dtype=np.uint8).reshape(-1, row["steps"])
            song = TokenSong(tokens, (drums, bass, guitar))
            yield row, song, windows(song, config.bars, config.cap)


def write_window_shard(
    joined: tuple[int, dict[str, Any]], shards: int, genres: list[str], out: str, config: WindowsConfig
) -> Report:
    """Writes the windows of one song shard that its songs keep, in song order, row group by row group.

    joined: the shard's number with its `path` and what is `repeated` of it.
    """
    index, of_shard = joined
    (path,) = of_shard["path"]
    repeated = _by_song(of_shard["repeated"])
    vocabulary = {genre: number for number, genre in enumerate(genres)}
    schema = windows_schema(config.bars)
    names = {shard_name(split, index, shards): schema for split in ("train", "validation")}
    passed = unique = arrangements = arrangements_cut = 0
    with shard_writers(out, names) as writers:
        rows = [_Rows(writer) for writer in writers]
        for number, (row, song, cut) in enumerate(_cut_songs(path, config)):
            keeps = np.ones(len(cut), dtype=bool)
            keeps[repeated.get(number, [])] = False
            held_out = in_validation(row, cut.hashes, config.split)
            tags = sorted(vocabulary[tag] for tag in {normalise(term) for term in row["terms"]} & set(vocabulary))
            for split, side in zip(rows, (keeps & ~held_out, keeps & held_out), strict=True):
                split.add(row, cut, np.flatnonzero(side), tags, config)
            passed += cut.passed
            unique += len(cut)
            arrangements += song.combinations
            arrangements_cut += max(song.combinations - config.cap, 0)
        written = rows[0].close(), rows[1].close()
    return Report(written, passed, unique, arrangements, arrangements_cut)


def _by_song(repeated: Iterable[Repeated]) -> dict[int, NDArray[np.int32]]:
    parts = list(repeated)
    if not parts:
        return {}
    song = np.concatenate([part.song for part in parts])
    window = np.concatenate([part.window for part in parts])
    return {int(number): window[song == number] for number in np.unique(song)}


class _Rows:
    """Gathers windows into row groups."""

    def __init__(self, writer: ShardWriter) -> None:
        self._writer = writer
        self._tables: list[pa.Table] = []

    def add(
        self, song: dict[str, Any], cut: Windows, chosen: NDArray[np.intp], genres: list[int], config: WindowsConfig
    ) -> None:
        if not len(chosen):
            return
        tokens = cut.tokens(chosen)
        shift = shifts(tokens, cut.hashes[chosen], *config.shift, config.seed)
        moved = np.ascontiguousarray(transpose(tokens, shift))
        schema = self._writer.schema
        columns = {
            "tokens": pa.Array.from_buffers(schema.field("tokens").type, len(chosen), [None, pa.py_buffer(moved)]),
            "msd_id": pa.repeat(song["msd_id"], len(chosen)),
            "md5": pa.repeat(song["md5"], len(chosen)),
            "bar": pa.array(cut.bars[chosen]),
            "tracks": pa.FixedSizeListArray.from_arrays(pa.array(cut.tracks[chosen].reshape(-1)), 3),
            "shift": pa.array(shift),
            "genres": pa.array([genres] * len(chosen), type=schema.field("genres").type),
        }
        self._tables.append(pa.table(columns, schema=schema))
        if sum(map(len, self._tables)) >= ROWS_A_ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._tables:
            self._writer.write(pa.concat_tables(self._tables))
        self._tables = []

    def close(self) -> Shard:
        self._flush()
        return self._writer.close()


def _write_windows_manifest(reports: list[Report], out: str, provenance: dict[str, object]) -> None:
    train, validation = (sum(report.written[side].rows for report in reports) for side in (0, 1))
    write_manifest(
        out,
        [shard for report in reports for shard in report.written],
        **provenance,
        train=train,
        validation=validation,
        passed=sum(report.passed for report in reports),
        unique_in_song=sum(report.unique_in_song for report in reports),
        unique=train + validation,
        arrangements=sum(report.arrangements for report in reports),
        arrangements_cut=sum(report.arrangements_cut for report in reports),
    )
