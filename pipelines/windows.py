"""Songs -> windows: cut, made unique over the whole corpus, split, transposed, written.

Three steps over the shards: every song shard's windows are indexed; what stands in several songs is found; each song
shard becomes one training and one validation shard, without what its songs lose.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsList
from numpy.typing import NDArray

from music.errors import InputError
from music.tokens import STATES, TRACKS, Tokens
from music.windows import cut, shifts, transpose
from pipelines.genres import normalise
from pipelines.index import Indexed, find_repeated, index_path, index_songs, partitions, read_index
from pipelines.runners import BeamConfig, run
from pipelines.shards import (
    Shard,
    ShardWriter,
    read_manifest,
    shard_name,
    shard_paths,
    shard_writers,
    windows_schema,
    write_manifest,
)
from pipelines.songs import Row, read_songs
from pipelines.split import SPLITS, SplitConfig

ROWS_A_ROW_GROUP = 8192


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
class Report:
    """What came of one shard of songs."""

    written: tuple[Shard, Shard]
    """Training and validation windows."""
    states: NDArray[np.int64]
    """(2, 4, 130): how often each state stands in each track, in training and in validation."""


def write_windows(songs: str, genres: list[str], out: str, config: WindowsConfig, where: BeamConfig) -> dict[str, int]:
    """Cuts every song into unique windows and writes training and validation shards; returns how many of each."""
    inputs = shard_paths(songs, "songs")
    provenance = {"songs": read_manifest(songs)["digest"], "genres": genres, "config": asdict(config)}

    def build(pipeline: beam.Pipeline) -> None:
        numbered = pipeline | "shards" >> beam.Create(list(enumerate(inputs))) | "one a worker" >> beam.Reshuffle()
        indexed = numbered | "index" >> beam.Map(index_songs, len(inputs), out, config.bars, config.cap, config.split)
        repeated = (
            pipeline
            | "partitions" >> beam.Create(range(partitions(len(inputs))))
            | "a partition a worker" >> beam.Reshuffle()
            | "find repeated" >> beam.FlatMap(lambda part, _: find_repeated(part, inputs, out), AsList(indexed))
        )
        reports = (
            {"path": numbered, "repeated": repeated}
            | "with repeated" >> beam.CoGroupByKey()
            | "write" >> beam.Map(write_window_shard, len(inputs), genres, out, config)
        )
        _ = (
            reports
            | beam.combiners.ToList()
            | beam.Map(_write_windows_manifest, indexed=AsList(indexed), out=out, provenance=provenance)
        )

    run(build, where, f"{config.bars}-bar windows", f"{out}/*.parquet", 3 * len(inputs))
    FileSystems.delete([index_path(out, shard, len(inputs)) for shard in range(len(inputs))])
    manifest = read_manifest(out)
    sizes = {split: int(manifest[split]) for split in SPLITS}
    if not all(sizes.values()):
        raise InputError(
            f"{sizes['train']} training and {sizes['validation']} validation windows of {config.bars} bars from "
            f"{read_manifest(songs)['kept']} songs; both are needed: take more songs or shorter windows"
        )
    return sizes


def write_window_shard(
    joined: tuple[int, dict[str, Any]], shards: int, genres: list[str], out: str, config: WindowsConfig
) -> Report:
    """Writes the windows of one song shard that its songs keep, in song order, row group by row group.

    joined: the shard's number with its `path` and what is `repeated` of it.
    """
    number, of_shard = joined
    (path,) = of_shard["path"]
    index = read_index(index_path(out, number, shards), of_shard["repeated"])
    song_numbers, arrangement, bar, validation = (
        index[name].to_numpy() for name in ("song", "arrangement", "bar", "validation")
    )
    hashes = np.stack([index[name].to_numpy() for name in ("hash_high", "hash_low")])
    vocabulary = {genre: number for number, genre in enumerate(genres)}
    names = {shard_name(split, number, shards): windows_schema(config.bars) for split in SPLITS}
    with shard_writers(out, names) as writers:
        splits = [_Split(writer) for writer in writers]
        for song_number, (row, song) in enumerate(read_songs(path, ["msd_id", "md5", "terms"])):
            tags = sorted(vocabulary[tag] for tag in {normalise(term) for term in row["terms"]} & vocabulary.keys())
            first, last = np.searchsorted(song_numbers, (song_number, song_number + 1))
            for start in range(first, last, ROWS_A_ROW_GROUP):
                its = slice(start, min(start + ROWS_A_ROW_GROUP, last))
                rows = song.arrangements(config.cap)[arrangement[its]]
                tokens = cut(song, rows, bar[its], config.bars)
                shift = shifts(tokens, hashes[:, its], *config.shift, config.seed)
                moved = transpose(tokens, shift)
                tracks = (rows - song.first_rows)[:, :3].astype(np.int16)
                for split, held_out in zip(splits, (False, True), strict=True):
                    chosen = np.flatnonzero(validation[its] == held_out)
                    if len(chosen):
                        split.add(_Piece(row, tags, moved[chosen], bar[its][chosen], tracks[chosen], shift[chosen]))
        written = splits[0].close(), splits[1].close()
    return Report(written, np.stack([split.states for split in splits]))


class _Piece(NamedTuple):
    """Windows of one song."""

    song: Row
    genres: list[int]
    tokens: Tokens
    bar: NDArray[np.int32]
    tracks: NDArray[np.int16]
    shift: NDArray[np.int8]


class _Split:
    """Gathers the windows of one split into row groups, and counts their states."""

    def __init__(self, writer: ShardWriter) -> None:
        self._writer = writer
        self._pieces: list[_Piece] = []
        self.states = np.zeros((len(TRACKS), STATES), dtype=np.int64)

    def add(self, piece: _Piece) -> None:
        self._pieces.append(piece)
        if sum(len(gathered.bar) for gathered in self._pieces) >= ROWS_A_ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._pieces:
            tokens = np.concatenate([piece.tokens for piece in self._pieces])
            self._writer.write(_table(self._pieces, tokens, self._writer.schema))
            self.states += _count_states(tokens)
        self._pieces = []

    def close(self) -> Shard:
        self._flush()
        return self._writer.close()


def _table(pieces: Sequence[_Piece], tokens: Tokens, schema: pa.Schema) -> pa.Table:
    """The rows of all the pieces, their tokens one after another."""
    songs, genres, _, *arrays = zip(*pieces, strict=True)
    bar, tracks, shift = map(np.concatenate, arrays)
    of_piece = pa.array(np.repeat(np.arange(len(pieces)), [len(piece.bar) for piece in pieces]))
    columns = {
        "tokens": pa.Array.from_buffers(schema.field("tokens").type, len(tokens), [None, pa.py_buffer(tokens)]),
        "msd_id": pa.array([song["msd_id"] for song in songs]).take(of_piece),
        "md5": pa.array([song["md5"] for song in songs]).take(of_piece),
        "bar": pa.array(bar),
        "tracks": pa.FixedSizeListArray.from_arrays(pa.array(tracks.reshape(-1)), 3),
        "shift": pa.array(shift),
        "genres": pa.array(genres, type=schema.field("genres").type).take(of_piece),
    }
    return pa.table(columns, schema=schema)


def _count_states(tokens: Tokens) -> NDArray[np.int64]:
    """(4, 130) how often each state stands in each track; counted two at a time, which halves the work."""
    pairs = tokens.view(np.uint16)
    of_pairs = [np.bincount(pairs[:, track].reshape(-1), minlength=1 << 16) for track in range(len(TRACKS))]
    both = np.stack(of_pairs).reshape(len(TRACKS), 256, 256)
    counts: NDArray[np.int64] = (both.sum(axis=1) + both.sum(axis=2))[:, :STATES]
    return counts


def _write_windows_manifest(
    reports: list[Report], indexed: list[Indexed], out: str, provenance: dict[str, object]
) -> None:
    sizes = {split: sum(report.written[side].rows for report in reports) for side, split in enumerate(SPLITS)}
    states = np.sum([report.states for report in reports], axis=0)
    write_manifest(
        out,
        [shard for report in reports for shard in report.written],
        **provenance,
        **sizes,
        passed=sum(of_shard.passed for of_shard in indexed),
        unique_in_song=sum(of_shard.unique_in_song for of_shard in indexed),
        unique=sum(sizes.values()),
        arrangements=sum(of_shard.arrangements for of_shard in indexed),
        arrangements_cut=sum(of_shard.arrangements_cut for of_shard in indexed),
        states={split: states[side].tolist() for side, split in enumerate(SPLITS)},
    )
