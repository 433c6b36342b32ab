"""Songs -> windows: cut, made unique over the whole corpus, split, written; all lengths at once.

Three steps over the shards: every song shard's windows are indexed; what stands in several songs is found; each song
shard becomes one training and one validation shard a length, without what its songs lose.
"""

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsList
from numpy.typing import NDArray

from music.arrangements import Arranged
from music.errors import InputError
from music.tokens import STATES, TRACKS, Tokens
from music.windows import cut, draw_transpositions, first_states
from pipelines.beam.runners import BeamConfig, run
from pipelines.genres import normalise
from pipelines.index import Indexed, find_repeated, index_path, index_songs, partitions, read_index
from pipelines.shards import (
    IDENTITY,
    Shard,
    ShardWriter,
    read_manifest,
    shard_name,
    shard_paths,
    shard_writers,
    windows_folder,
    windows_schema,
    write_manifest,
)
from pipelines.songs import read_songs
from pipelines.split import SPLITS, SplitConfig

ROWS_A_ROW_GROUP = 8192
GENRES = windows_schema(1).field("genres")


@dataclass(frozen=True)
class WindowsConfig:
    """Section `windows` of params.yaml."""

    bars: list[int]
    """The lengths."""
    cap: int
    """How many arrangements of a song are cut, at most."""
    transposition: tuple[int, int]
    """Lowest and highest transposition, in semitones; -5 and 6 in [P]."""
    seed: int
    """Of the transposition."""
    split: SplitConfig

    def __post_init__(self) -> None:
        if not self.bars or len(set(self.bars)) < len(self.bars):
            raise ValueError("bars must be one length or more, each once")
        if not all(1 <= bars <= 64 for bars in self.bars):
            raise ValueError("bars must be from 1 to 64")
        if self.cap < 1:
            raise ValueError("cap must be at least 1")
        if not -64 <= self.transposition[0] <= 0 <= self.transposition[1] <= 63:
            raise ValueError("transposition must be a number from -64 to 0 and one from 0 to 63")
        if self.seed < 0:
            raise ValueError("seed must be 0 or more")


@dataclass(frozen=True)
class Report:
    """What came of one shard of songs, in windows of one length."""

    written: tuple[Shard, Shard]
    """Training and validation windows."""
    states: NDArray[np.int64]
    """(2, 4, 130): how often each state stands in each track, in training and in validation."""


def write_windows(
    songs: str, genres: list[str], out: str, config: WindowsConfig, where: BeamConfig
) -> dict[int, dict[str, int]]:
    """Cuts every song into unique windows and writes training and validation shards, each length in its own folder.

    Returns how many there are of each length and side.
    """
    inputs = shard_paths(songs, "songs")
    parts = [(bars, partition) for bars in config.bars for partition in range(partitions(len(inputs)))]
    provenance = {"songs": read_manifest(songs)["digest"], "genres": genres}

    def build(pipeline: beam.Pipeline) -> None:
        numbered = pipeline | "shards" >> beam.Create(list(enumerate(inputs))) | "one a worker" >> beam.Reshuffle()
        indexed = numbered | "index" >> beam.Map(index_songs, len(inputs), out, config.bars, config.cap, config.split)
        repeated = (
            pipeline
            | "partitions" >> beam.Create(parts)
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
            | beam.Map(_write_manifests, indexed=AsList(indexed), out=out, config=config, provenance=provenance)
        )

    run(build, where, "windows", f"{out}/**.parquet", 3 * len(inputs) * len(config.bars))
    FileSystems.delete([index_path(out, bars, one, len(inputs)) for bars in config.bars for one in range(len(inputs))])
    sizes = {}
    for bars in config.bars:
        manifest = read_manifest(windows_folder(out, bars))
        sizes[bars] = {split: int(manifest[split]) for split in SPLITS}
        if not all(sizes[bars].values()):
            raise InputError(
                f"{sizes[bars]['train']} training and {sizes[bars]['validation']} validation windows of {bars} bars "
                f"from {read_manifest(songs)['kept']} songs; both are needed: take more songs or shorter windows"
            )
    return sizes


def write_window_shard(
    joined: tuple[int, dict[str, Any]], shards: int, genres: list[str], out: str, config: WindowsConfig
) -> dict[int, Report]:
    """Writes the windows of one song shard that its songs keep, in song order, row group by row group.

    joined: the shard's number with its `path` and what is `repeated` of it. Returns a report a length.
    """
    number, of_shard = joined
    (path,) = of_shard["path"]
    vocabulary = {genre: number for number, genre in enumerate(genres)}
    with ExitStack() as files:
        sides = {}
        for bars in config.bars:
            repeated = [part for part in of_shard["repeated"] if part.bars == bars]
            index = read_index(index_path(out, bars, number, shards), repeated)
            names = {shard_name(split, number, shards): windows_schema(bars) for split in SPLITS}
            training, validation = files.enter_context(shard_writers(windows_folder(out, bars), names))
            held_out = index["validation"]
            sides[bars] = (
                _Side(training, index.filter(pc.invert(held_out)), bars, config),
                _Side(validation, index.filter(held_out), bars, config),
            )
        first = 0
        for rows, songs in read_songs(path, [*IDENTITY, "terms"]):
            tagged = [
                sorted(vocabulary[tag] for tag in {normalise(term) for term in terms} & vocabulary.keys())
                for terms in rows["terms"].to_pylist()
            ]
            described = rows.select(IDENTITY).append_column(GENRES, [pa.array(tagged, type=GENRES.type)])
            states = first_states(songs.by_bar)
            for side in chain.from_iterable(sides.values()):
                side.add(described, songs, states, first)
            first += len(rows)
        return {bars: _report(*of_length) for bars, of_length in sides.items()}


class _Side:
    """One side of the windows of one length: cuts them, counts their states, and writes them in row groups."""

    def __init__(self, writer: ShardWriter, index: pa.Table, bars: int, config: WindowsConfig) -> None:
        self._writer, self._bars, self._config = writer, bars, config
        self._index = index
        self._songs = index["song"].to_numpy()
        self._waiting: list[pa.Table] = []
        self.states = np.zeros((len(TRACKS), STATES), dtype=np.int64)

    def add(self, described: pa.Table, songs: Arranged, states: Tokens, first: int) -> None:
        """Takes the windows of some songs, the first of which is row `first` of the shard.

        described: (songs,) the columns that their windows share; states: (bars,) as `first_states` gives them.
        """
        begin, end = np.searchsorted(self._songs, (first, first + len(described)))
        for start in range(begin, end, ROWS_A_ROW_GROUP):
            index = self._index.slice(start, min(ROWS_A_ROW_GROUP, end - start))
            self._waiting.append(self._cut(index, described, songs, states, first))
            if sum(map(len, self._waiting)) >= ROWS_A_ROW_GROUP:
                self._flush()

    def _cut(self, index: pa.Table, described: pa.Table, songs: Arranged, states: Tokens, first: int) -> pa.Table:
        schema = self._writer.schema
        song, arrangement, bar = (index[name].to_numpy().astype(np.int64) for name in ("song", "arrangement", "bar"))
        song -= first
        tokens = cut(songs.by_bar, states, songs.places(song, arrangement) + bar, self._bars)
        shift = draw_transpositions(
            tokens, index["hash_high"].to_numpy(), *self._config.transposition, self._config.seed
        )
        tracks = songs.tracks(song, arrangement).T.astype(np.int16)
        columns = {
            "tokens": pa.Array.from_buffers(schema.field("tokens").type, len(tokens), [None, pa.py_buffer(tokens)]),
            "bar": index["bar"],
            "tracks": pa.FixedSizeListArray.from_arrays(pa.array(tracks.reshape(-1)), 3),
            "shift": pa.array(shift),
        }
        shared = described.take(pa.array(song))
        return pa.table(columns | dict(zip(shared.column_names, shared.columns, strict=True)), schema=schema)

    def _flush(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting).combine_chunks()
            self._writer.write(table)
            tokens = np.frombuffer(table["tokens"].chunk(0).buffers()[1], dtype=np.uint16)
            by_track = tokens.reshape(len(table), len(TRACKS), -1).swapaxes(0, 1).reshape(len(TRACKS), -1)
            self.states += [_count_states(pairs) for pairs in by_track]
        self._waiting = []

    def close(self) -> Shard:
        """Writes what is left."""
        self._flush()
        return self._writer.close()


def _report(*sides: _Side) -> Report:
    training, validation = (side.close() for side in sides)
    return Report((training, validation), np.stack([side.states for side in sides]))


def _count_states(pairs: NDArray[np.uint16]) -> NDArray[np.int64]:
    """(130,) how often each state stands in pairs of states: counting two at a time halves the work."""
    both = np.bincount(pairs, minlength=1 << 16).reshape(256, 256)
    counts: NDArray[np.int64] = (both.sum(axis=0) + both.sum(axis=1))[:STATES]
    return counts


def _write_manifests(
    reports: list[dict[int, Report]],
    indexed: list[dict[int, Indexed]],
    out: str,
    config: WindowsConfig,
    provenance: dict[str, object],
) -> None:
    for bars in config.bars:
        _write_manifest(
            windows_folder(out, bars),
            [of_shard[bars] for of_shard in reports],
            [of_shard[bars] for of_shard in indexed],
            provenance | {"config": asdict(config) | {"bars": bars}},
        )


def _write_manifest(folder: str, reports: list[Report], indexed: list[Indexed], provenance: dict[str, object]) -> None:
    sizes = {split: sum(report.written[side].rows for report in reports) for side, split in enumerate(SPLITS)}
    states = np.sum([report.states for report in reports], axis=0)
    write_manifest(
        folder,
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
