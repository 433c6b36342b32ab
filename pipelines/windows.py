"""Songs -> windows: cut, made unique over the whole corpus, split and written, for all lengths in one run.

There are three steps. The windows of every song shard are indexed; windows that several files have are found; and each
song shard becomes one training and one validation shard of each length, without the windows that its files lose.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Annotated, Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsList, AsSingleton
from numpy.typing import NDArray

from music.arrangements import ScoreBatch
from music.arrays import IntArray
from music.errors import InputError
from music.settings import Seed, Settings, at_least
from music.tokens import STATES, TRACKS, Tokens
from music.windows import SPLITS, cut_windows, first_states, random_transpositions
from pipelines.beam.runners import BeamConfig, add_to_counters, run_pipeline
from pipelines.genres import normalise
from pipelines.index import IndexReport, find_repeated, index_path, index_songs, partitions, read_index, split_limits
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
from pipelines.split import SplitConfig

ROWS_PER_ROW_GROUP = 8192
HELD_OUT_BELOW = "held_out_below"
"""The name, in the manifest, of a `split_limit` that is not the share for validation."""
GENRES = windows_schema(1).field("genres")


@dataclass(frozen=True)
class WindowsConfig(Settings):
    """Section `windows` of params.yaml."""

    bars: list[int]
    """The lengths of windows."""
    cap: Annotated[int, at_least(1)]
    """The largest number of arrangements of a file that are cut into windows."""
    transposition: tuple[int, int]
    """Lowest and highest transposition, in semitones; -5 and 6 in [P]."""
    seed: Seed
    """The seed of the transpositions."""
    split: SplitConfig

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.bars or len(set(self.bars)) < len(self.bars):
            raise ValueError("bars must be one length or more, each once")
        if not all(1 <= bars <= 64 for bars in self.bars):
            raise ValueError("bars must be from 1 to 64")
        if not -64 <= self.transposition[0] <= 0 <= self.transposition[1] <= 63:
            raise ValueError("transposition must be a number from -64 to 0 and one from 0 to 63")


@dataclass(frozen=True)
class WindowsReport:
    """The windows of one length that were written for a song shard."""

    written: tuple[Shard, Shard]
    """Training and validation windows."""
    states: IntArray
    """(2, 4, 130): how often each state occurs in each track, in training and in validation."""


def write_windows(
    songs: str, genres: list[str], out: str, config: WindowsConfig, where: BeamConfig
) -> dict[int, dict[str, int]]:
    """Cuts every file kept into unique windows, and writes training and validation shards, a folder for each length.

    Returns how many windows there are, by length and split. Raises `InputError` if a length has none in a split.
    """
    inputs = shard_paths(songs, "songs")
    parts = [(bars, partition) for bars in config.bars for partition in range(partitions(len(inputs)))]
    provenance = {"songs": read_manifest(songs)["digest"], "genres": genres}

    def build(pipeline: beam.Pipeline) -> None:
        numbered = pipeline | "shards" >> beam.Create(list(enumerate(inputs))) | "one per worker" >> beam.Reshuffle()
        indexed = numbered | "index" >> beam.Map(index_songs, len(inputs), out, config.bars, config.cap, config.split)
        all_indexed = indexed | "all of the index" >> beam.combiners.ToList()
        limits = AsSingleton(all_indexed | "split" >> beam.Map(split_limits, config.split.validation))
        repeated = (
            pipeline
            | "partitions" >> beam.Create(parts)
            | "one partition per worker" >> beam.Reshuffle()
            | "find repeated" >> beam.FlatMap(find_repeated, inputs, out, limits)
        )
        reports = (
            {"path": numbered, "repeated": repeated}
            | "with repeated" >> beam.CoGroupByKey()
            | "write" >> beam.Map(write_window_shard, len(inputs), genres, out, config, limits)
        )
        _ = (
            reports
            | beam.combiners.ToList()
            | beam.Map(_write_manifests, AsList(indexed), limits, out, config, provenance)
        )

    run_pipeline(build, where, "windows", f"{out}/**.parquet", 3 * len(inputs) * len(config.bars))
    shards = range(len(inputs))
    FileSystems.delete([index_path(out, bars, shard, len(inputs)) for bars in config.bars for shard in shards])
    sizes = {bars: _read_sizes(out, bars) for bars in config.bars}
    _check_sizes(sizes, config.split.unit, read_manifest(songs)["songs"])
    return sizes


def _read_sizes(out: str, bars: int) -> dict[str, int]:
    manifest = read_manifest(windows_folder(out, bars))
    return {split: int(manifest[split]) for split in SPLITS}


def _check_sizes(sizes: dict[int, dict[str, int]], unit: str, songs: int) -> None:
    """Raises `InputError` for the first length that has no windows in a split."""
    usable = [bars for bars, sides in sizes.items() if all(sides.values())]
    remedy = (
        f"set windows.bars to {usable}" if usable else "use more or longer songs, or shorter windows (windows.bars)"
    )
    if unit == "artist":
        remedy += ", or windows.split.unit to song"
    for bars, sides in sizes.items():
        if bars not in usable:
            raise InputError(
                f"{sides['train']} training and {sides['validation']} validation windows of {bars} bars "
                f"from {songs} songs; both are needed: {remedy}"
            )


@dataclass(frozen=True)
class _FileBatch:
    """Some files of a song shard, with what all windows of a file share."""

    first: int
    """The first file's row in the shard."""
    scores: ScoreBatch
    first_states: Tokens
    """(bars,), as `music.windows.first_states` returns them."""
    shared: pa.Table
    """The columns that all windows of a file share, with a row for each file."""


def _read_batches(path: str, genres: list[str]) -> Iterator[_FileBatch]:
    vocabulary = {genre: number for number, genre in enumerate(genres)}
    first = 0
    for rows, scores in read_songs(path, [*IDENTITY, "terms"]):
        tagged = [
            sorted(vocabulary[tag] for tag in {normalise(term) for term in terms} & vocabulary.keys())
            for terms in rows["terms"].to_pylist()
        ]
        shared = rows.select(IDENTITY).append_column(GENRES, [pa.array(tagged, type=GENRES.type)])
        yield _FileBatch(first, scores, first_states(scores.by_bar), shared)
        first += len(rows)


def write_window_shard(
    joined: tuple[int, dict[str, Any]],
    shards: int,
    genres: list[str],
    out: str,
    config: WindowsConfig,
    limits: dict[int, float],
) -> dict[int, WindowsReport]:
    """Writes the windows that the files of a song shard keep, in order of file; returns a report for each length.

    joined: the number of the shard, with its `path` and the windows that it loses, as `repeated`; limits: as
    `split_limits` returns them.
    """
    number, shard = joined
    (path,) = shard["path"]
    with ExitStack() as files:
        by_length = {}
        for bars in config.bars:
            repeated = [part for part in shard["repeated"] if part.bars == bars]
            index = read_index(index_path(out, bars, number, shards), repeated)
            names = {shard_name(split, number, shards): windows_schema(bars) for split in SPLITS}
            training, validation = files.enter_context(shard_writers(windows_folder(out, bars), names))
            held_out = pc.less(index["place"], limits[bars])
            by_length[bars] = (
                _WindowWriter(training, index.filter(pc.invert(held_out)), bars, config),
                _WindowWriter(validation, index.filter(held_out), bars, config),
            )
        for batch in _read_batches(path, genres):
            for writer in chain.from_iterable(by_length.values()):
                writer.add(batch)
        return {bars: _report(bars, writers) for bars, writers in by_length.items()}


class _WindowWriter:
    """Writes one side of the split of the windows of one length: cuts them, counts their states, groups them."""

    def __init__(self, writer: ShardWriter, index: pa.Table, bars: int, config: WindowsConfig) -> None:
        self._writer, self._bars, self._config = writer, bars, config
        self._index = index
        self._files = index["file"].to_numpy()
        self._waiting: list[pa.Table] = []
        self.states = np.zeros((len(TRACKS), STATES), dtype=np.int64)

    def add(self, batch: _FileBatch) -> None:
        """Adds the windows of a batch of files; the batches must come in order."""
        begin, end = np.searchsorted(self._files, (batch.first, batch.first + len(batch.shared)))
        for start in range(begin, end, ROWS_PER_ROW_GROUP):
            self._waiting.append(self._cut(self._index.slice(start, min(ROWS_PER_ROW_GROUP, end - start)), batch))
            if sum(map(len, self._waiting)) >= ROWS_PER_ROW_GROUP:
                self._flush()

    def _cut(self, index: pa.Table, batch: _FileBatch) -> pa.Table:
        schema = self._writer.schema
        file, arrangement, bar = (index[name].to_numpy().astype(np.int64) for name in ("file", "arrangement", "bar"))
        file -= batch.first
        places = batch.scores.places(file, arrangement) + bar
        tokens = cut_windows(batch.scores.by_bar, batch.first_states, places, self._bars)
        transpositions = random_transpositions(
            tokens, index["hash_high"].to_numpy(), *self._config.transposition, self._config.seed
        )
        tracks = batch.scores.tracks(file, arrangement).T.astype(np.int16)
        columns = {
            "tokens": pa.Array.from_buffers(schema.field("tokens").type, len(tokens), [None, pa.py_buffer(tokens)]),
            "bar": index["bar"],
            "tracks": pa.FixedSizeListArray.from_arrays(pa.array(tracks.reshape(-1)), 3),
            "shift": pa.array(transpositions),
        }
        by_file = batch.shared.take(pa.array(file))
        return pa.table(columns | dict(zip(by_file.column_names, by_file.columns, strict=True)), schema=schema)

    def _flush(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting).combine_chunks()
            self._writer.write(table)
            tokens = np.frombuffer(table["tokens"].chunk(0).buffers()[1], dtype=np.uint16)
            by_track = tokens.reshape(len(table), len(TRACKS), -1).swapaxes(0, 1).reshape(len(TRACKS), -1)
            self.states += [_count_states(pairs) for pairs in by_track]
        self._waiting = []

    def close(self) -> Shard:
        """Writes the windows that still wait, and ends the shard."""
        self._flush()
        return self._writer.close()


def _report(bars: int, writers: Sequence[_WindowWriter]) -> WindowsReport:
    training, validation = (writer.close() for writer in writers)
    add_to_counters("windows", {f"train_{bars}bar": training.rows, f"validation_{bars}bar": validation.rows})
    return WindowsReport((training, validation), np.stack([writer.states for writer in writers]))


def _count_states(pairs: NDArray[np.uint16]) -> IntArray:
    """Returns (130,): how often each state occurs, from states in pairs; counting two at a time halves the work."""
    pair_counts = np.bincount(pairs, minlength=1 << 16).reshape(256, 256)
    counts: IntArray = (pair_counts.sum(axis=0) + pair_counts.sum(axis=1))[:STATES]
    return counts


def _write_manifests(
    reports: list[dict[int, WindowsReport]],
    indexed: list[dict[int, IndexReport]],
    limits: dict[int, float],
    out: str,
    config: WindowsConfig,
    provenance: dict[str, object],
) -> None:
    for bars in config.bars:
        moved = {} if limits[bars] == config.split.validation else {HELD_OUT_BELOW: limits[bars]}
        _write_manifest(
            windows_folder(out, bars),
            [by_length[bars] for by_length in reports],
            [by_length[bars] for by_length in indexed],
            provenance | {"config": asdict(config) | {"bars": bars}} | moved,
        )


def _write_manifest(
    folder: str, reports: list[WindowsReport], indexed: list[IndexReport], provenance: dict[str, object]
) -> None:
    sizes = {split: sum(report.written[side].rows for report in reports) for side, split in enumerate(SPLITS)}
    states = np.sum([report.states for report in reports], axis=0)
    write_manifest(
        folder,
        [shard for report in reports for shard in report.written],
        **provenance,
        **sizes,
        passed=sum(report.passed for report in indexed),
        unique_in_file=sum(report.unique_in_file for report in indexed),
        unique=sum(sizes.values()),
        arrangements=sum(report.arrangements for report in indexed),
        arrangements_cut=sum(report.arrangements_cut for report in indexed),
        states={split: states[side].tolist() for side, split in enumerate(SPLITS)},
    )
