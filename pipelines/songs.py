"""Files -> songs: every MIDI file of a corpus shard is read, and kept as tokens or refused with a reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from music.arrangements import Arranged
from music.errors import InputError
from music.midi import READERS
from music.song import Refused
from music.tokens import STEPS_PER_BAR, TRACKS
from pipelines.beam.runners import BeamConfig, run
from pipelines.isolation import BATCH, Answer, Isolated
from pipelines.reading import COUNTS
from pipelines.shards import (
    IDENTITY,
    REFUSED,
    SONGS,
    Shard,
    read_manifest,
    read_row_groups,
    shard_name,
    shard_paths,
    shard_writers,
    write_manifest,
)

Row = dict[str, Any]
Read = Callable[[list[bytes]], list[Answer]]
"""`reading.read_midi` on several files."""

SONGS_A_ROW_GROUP = 64
"""Few enough that a shard of songs can be read piece by piece."""
BARS_AT_ONCE = 1 << 14
"""Of all tracks, about 20 songs: enough that numpy's calls cost little; a bound of memory whatever the songs are."""


@dataclass(frozen=True)
class SongsConfig:
    """Section `songs` of params.yaml."""

    reader: str

    def __post_init__(self) -> None:
        if self.reader not in READERS:
            raise ValueError(f"reader must be one of {', '.join(READERS)}, not {self.reader}")


@dataclass(frozen=True)
class Report:
    """What came of one shard of files."""

    written: tuple[Shard, Shard]
    refused: Counter[str]
    """How many files, by reason."""


def write_songs(corpus: str, out: str, config: SongsConfig, where: BeamConfig) -> tuple[int, dict[str, int]]:
    """Reads every file of the corpus shards into song shards; returns how many were kept, and refused by reason.

    Raises `InputError` where no file gives a song.
    """
    inputs = shard_paths(corpus, "files")

    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | ReadSongs(inputs, out, config) | WriteManifest(out, read_manifest(corpus)["digest"], config)

    run(build, where, "songs", f"{out}/songs-*.parquet", len(inputs))
    manifest = read_manifest(out)
    given = read_manifest(corpus)["files"]
    if manifest["files"] != given:
        raise RuntimeError(f"{manifest['files']} files kept or refused of {given}: some were lost")
    if not manifest["kept"]:
        raise InputError(
            f"none of {manifest['files']} files gives a song ({_listed(manifest['refused'])}); "
            "songs need drums, bass and guitar or piano in 4/4: set corpus.path to other music"
        )
    return manifest["kept"], manifest["refused"]


def _listed(refused: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in refused.items())


class ReadSongs(beam.PTransform):  # type: ignore[misc]
    """The paths of the corpus shards -> a `Report` each, the songs and the refused files written."""

    def __init__(self, inputs: list[str], out: str, config: SongsConfig) -> None:
        super().__init__()
        self._inputs, self._out, self._reader = inputs, out, config.reader

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[Report]:
        return (
            pipeline
            | "shards of files" >> beam.Create(list(enumerate(self._inputs)))
            | "one a worker" >> beam.Reshuffle()
            | "read" >> beam.ParDo(_ReadShard(len(self._inputs), self._out, self._reader))
        )


class _ReadShard(beam.DoFn):  # type: ignore[misc]
    """`write_song_shard`, counted for the runner's page; all its shards are read by one isolated process."""

    def __init__(self, shards: int, out: str, reader: str) -> None:
        self._shards, self._out, self._reader = shards, out, reader

    def setup(self) -> None:
        self._read = Isolated("pipelines.reading:read_midi", self._reader)

    def process(self, numbered: tuple[int, str]) -> Iterator[Report]:
        report = write_song_shard(numbered, self._shards, self._out, self._read)
        for name, files in {"kept": report.written[0].rows, **report.refused}.items():
            beam.metrics.Metrics.counter("songs", name).inc(files)
        yield report

    def teardown(self) -> None:
        self._read.close()


class WriteManifest(beam.PTransform):  # type: ignore[misc]
    """The reports of all shards -> the manifest, which ends the folder."""

    def __init__(self, out: str, corpus_digest: str, config: SongsConfig) -> None:
        super().__init__()
        self._out, self._provenance = out, {"corpus": corpus_digest, "config": asdict(config)}

    def expand(self, reports: beam.PCollection[Report]) -> beam.PCollection[None]:
        return (
            reports
            | beam.combiners.ToList()
            | beam.Map(_write_songs_manifest, self._out, self._provenance)
        )  # fmt: skip


def _write_songs_manifest(reports: list[Report], out: str, provenance: dict[str, object]) -> None:
    refused = sum((report.refused for report in reports), Counter[str]())
    kept = sum(report.written[0].rows for report in reports)
    write_manifest(
        out,
        [shard for report in reports for shard in report.written],
        **provenance,
        files=kept + refused.total(),
        kept=kept,
        refused=dict(sorted(refused.items())),
    )


def write_song_shard(numbered: tuple[int, str], shards: int, out: str, read: Read) -> Report:
    """Reads one (number, path) of the files' shards; writes its songs, sorted by id, and its refused files."""
    index, path = numbered
    songs: list[Row] = []
    refused: list[Row] = []
    for group in read_row_groups(path):
        for row in read_files(group.to_pylist(), read):
            (refused if "reason" in row else songs).append(row)
    for rows in (songs, refused):
        rows.sort(key=lambda row: (row["msd_id"], row["md5"]))
    names = {shard_name("songs", index, shards): SONGS, shard_name("refused", index, shards): REFUSED}
    with shard_writers(out, names) as (song_writer, refused_writer):
        for first in range(0, len(songs), SONGS_A_ROW_GROUP):
            song_writer.write(pa.Table.from_pylist(songs[first : first + SONGS_A_ROW_GROUP], schema=SONGS))
        refused_writer.write(pa.Table.from_pylist(refused, schema=REFUSED))
        written = song_writer.close(), refused_writer.close()
    return Report(written, Counter(row["reason"] for row in refused))


def read_files(files: list[Row], read: Read) -> Iterator[Row]:
    """Rows of `FILES` -> a row of `SONGS` each, or of `REFUSED`, which has a reason."""
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
    counts, tokens = COUNTS.unpack_from(answer), answer[COUNTS.size :]
    return {
        **identity,
        **{key: file[key] for key in ("artist", "title", "terms", "weights")},
        "steps": len(tokens) // (sum(counts) + 1),
        "counts": counts,
        "tokens": tokens,
    }


def read_songs(path: str, columns: list[str]) -> Iterator[tuple[pa.Table, Arranged]]:
    """A song shard by some rows at a time: these columns, and the songs."""
    for group in read_row_groups(path, [*columns, "steps", "counts", "tokens"]):
        bars = pc.binary_length(group["tokens"]).to_numpy() // STEPS_PER_BAR
        firsts = np.flatnonzero(np.diff(np.cumsum(bars) // BARS_AT_ONCE, prepend=-1))
        for first, end in pairwise([*firsts.tolist(), len(group)]):
            rows = group.slice(first, end - first)
            yield rows.select(columns), _arranged(rows)


def _arranged(rows: pa.Table) -> Arranged:
    tokens, steps, counts = (rows[name].combine_chunks() for name in ("tokens", "steps", "counts"))
    _, offsets, values = tokens.buffers()
    first, last = np.frombuffer(offsets, dtype=np.int32)[[tokens.offset, tokens.offset + len(tokens)]]
    return Arranged(
        np.frombuffer(values, dtype=np.uint8)[first:last].reshape(-1, STEPS_PER_BAR),
        steps.to_numpy().astype(np.int64) // STEPS_PER_BAR,
        counts.flatten().to_numpy().reshape(-1, len(TRACKS) - 1).astype(np.int64),
    )
