"""Files -> songs: every MIDI file of a corpus is kept, as tokens, or refused with a reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from music.arrangements import ScoreBatch
from music.errors import InputError
from music.score import MeterNotation, Refused
from music.settings import Settings
from music.tokens import STEPS_PER_BAR, TRACKS
from pipelines.beam.runners import BeamConfig, add_to_counters, run_pipeline
from pipelines.isolation import BATCH, Answer, Isolated
from pipelines.reading import HEADER, METER_NOTATIONS
from pipelines.shards import (
    IDENTITY,
    REFUSED,
    SONGS,
    Row,
    Shard,
    read_manifest,
    read_row_groups,
    shard_name,
    shard_paths,
    shard_writers,
    write_manifest,
)

Read = Callable[[list[bytes]], list[Answer]]
"""`reading.read_midi` for several files."""

FILES_PER_ROW_GROUP = 64
"""The number is small, so that a shard can be read in small pieces."""
BARS_PER_BATCH = 1 << 14
"""The bars of all tracks of about 20 files: enough that numpy's overhead is small, and memory is bounded."""


@dataclass(frozen=True)
class SongsConfig(Settings):
    """Section `songs` of params.yaml."""

    reader: Literal["musae", "pretty_midi"]


@dataclass(frozen=True)
class SongsReport:
    """The files kept and refused of one shard of the corpus."""

    written: tuple[Shard, Shard]
    """The files kept, and the files refused."""
    songs: int
    """The number of songs that the files kept belong to. All files of a song are in the same shard."""
    meter_notation: Counter[str]
    """The number of files kept, by their `MeterNotation`."""
    refused: Counter[str]
    """The number of files refused, by reason."""


def write_songs(corpus: str, out: str, config: SongsConfig, where: BeamConfig) -> dict[str, Any]:
    """Reads every file of the corpus into shards of songs and of refused files; returns their manifest.

    Raises `InputError` if no file is kept.
    """
    inputs = shard_paths(corpus, "files")
    provenance = {"corpus": read_manifest(corpus)["digest"], "config": asdict(config)}

    def build(pipeline: beam.Pipeline) -> None:
        reports = pipeline | ReadSongs(inputs, out, config)
        _ = reports | beam.combiners.ToList() | beam.Map(_write_manifest, out, provenance)

    run_pipeline(build, where, "songs", f"{out}/songs-*.parquet", len(inputs))
    manifest = read_manifest(out)
    files = read_manifest(corpus)["files"]
    if manifest["files"] != files:
        raise RuntimeError(f"{manifest['files']} files kept or refused of {files}: some were lost")
    if not manifest["kept"]:
        reasons = ", ".join(f"{reason} {files}" for reason, files in manifest["refused"].items())
        raise InputError(
            f"none of {manifest['files']} files was kept ({reasons}); "
            "songs need drums, bass and guitar or piano in 4/4: set corpus.path to other music"
        )
    return manifest


class ReadSongs(beam.PTransform):  # type: ignore[misc]
    """Reads the shards of the corpus, writes the files kept and the files refused; returns a `SongsReport` for each."""

    def __init__(self, inputs: list[str], out: str, config: SongsConfig) -> None:
        super().__init__()
        self._inputs, self._out, self._reader = inputs, out, config.reader

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[SongsReport]:
        return (
            pipeline
            | "shards of files" >> beam.Create(list(enumerate(self._inputs)))
            | "one per worker" >> beam.Reshuffle()
            | "read" >> beam.ParDo(_ReadShard(len(self._inputs), self._out, self._reader))
        )


class _ReadShard(beam.DoFn):  # type: ignore[misc]
    """Calls `write_song_shard`; one isolated process reads all its shards."""

    def __init__(self, shards: int, out: str, reader: str) -> None:
        self._shards, self._out, self._reader = shards, out, reader

    def setup(self) -> None:
        self._read = Isolated("pipelines.reading:read_midi", self._reader)

    def process(self, numbered: tuple[int, str]) -> Iterator[SongsReport]:
        report = write_song_shard(numbered, self._shards, self._out, self._read)
        add_to_counters("songs", {"files_kept": report.written[0].rows, "songs_kept": report.songs, **report.refused})
        yield report

    def teardown(self) -> None:
        self._read.close()


def _write_manifest(reports: list[SongsReport], out: str, provenance: dict[str, object]) -> None:
    refused = sum((report.refused for report in reports), Counter[str]())
    notations = sum((report.meter_notation for report in reports), Counter[str]())
    kept = sum(report.written[0].rows for report in reports)
    write_manifest(
        out,
        [shard for report in reports for shard in report.written],
        **provenance,
        files=kept + refused.total(),
        kept=kept,
        songs=sum(report.songs for report in reports),
        meter_notation={notation: notations[notation] for notation in MeterNotation},
        refused=dict(sorted(refused.items())),
    )


def write_song_shard(numbered: tuple[int, str], shards: int, out: str, read: Read) -> SongsReport:
    """Reads a shard of the corpus, given as (number, path); writes its files kept and refused, sorted by identity."""
    index, path = numbered
    kept: list[Row] = []
    refused: list[Row] = []
    for group in read_row_groups(path):
        for row in read_files(group.to_pylist(), read):
            (refused if "reason" in row else kept).append(row)
    for rows in (kept, refused):
        rows.sort(key=lambda row: (row["msd_id"], row["md5"]))
    names = {shard_name("songs", index, shards): SONGS, shard_name("refused", index, shards): REFUSED}
    with shard_writers(out, names) as (song_writer, refused_writer):
        for first in range(0, len(kept), FILES_PER_ROW_GROUP):
            song_writer.write(pa.Table.from_pylist(kept[first : first + FILES_PER_ROW_GROUP], schema=SONGS))
        refused_writer.write(pa.Table.from_pylist(refused, schema=REFUSED))
        written = song_writer.close(), refused_writer.close()
    return SongsReport(
        written,
        len({row["msd_id"] for row in kept}),
        Counter(row["meter_notation"] for row in kept),
        Counter(row["reason"] for row in refused),
    )


def read_files(files: list[Row], read: Read) -> Iterator[Row]:
    """Turns each row of `FILES` into a row of `SONGS`, or one of `REFUSED`, which has a reason."""
    for first in range(0, len(files), BATCH):
        batch = files[first : first + BATCH]
        unread = [file["midi"] for file in batch if not file["reason"]]
        answers = iter(read(unread) if unread else [])
        for file in batch:
            yield {key: file[key] for key in REFUSED.names} if file["reason"] else _row(file, next(answers))


def _row(file: Row, answer: Answer) -> Row:
    identity = {key: file[key] for key in IDENTITY}
    if isinstance(answer, Refused):
        return {**identity, "path": file["path"], "reason": str(answer.reason), "detail": answer.detail}
    *counts, notation = HEADER.unpack_from(answer)
    tokens = answer[HEADER.size :]
    return {
        **identity,
        **{key: file[key] for key in ("artist", "title", "terms")},
        "meter_notation": str(METER_NOTATIONS[notation]),
        "steps": len(tokens) // (sum(counts) + 1),
        "counts": counts,
        "tokens": tokens,
    }


def read_songs(path: str, columns: list[str]) -> Iterator[tuple[pa.Table, ScoreBatch]]:
    """Yields a song shard in batches of files: the columns asked for, and the token scores."""
    for group in read_row_groups(path, [*columns, "steps", "counts", "tokens"]):
        bars = pc.binary_length(group["tokens"]).to_numpy() // STEPS_PER_BAR
        firsts = np.flatnonzero(np.diff(np.cumsum(bars) // BARS_PER_BATCH, prepend=-1))
        for first, end in pairwise([*firsts.tolist(), len(group)]):
            rows = group.slice(first, end - first)
            yield rows.select(columns), _score_batch(rows)


def _score_batch(rows: pa.Table) -> ScoreBatch:
    tokens, steps, counts = (rows[name].combine_chunks() for name in ("tokens", "steps", "counts"))
    _, offsets, values = tokens.buffers()
    first, last = np.frombuffer(offsets, dtype=np.int32)[[tokens.offset, tokens.offset + len(tokens)]]
    return ScoreBatch(
        np.frombuffer(values, dtype=np.uint8)[first:last].reshape(-1, STEPS_PER_BAR),
        steps.to_numpy().astype(np.int64) // STEPS_PER_BAR,
        counts.flatten().to_numpy().reshape(-1, len(TRACKS) - 1).astype(np.int64),
    )
