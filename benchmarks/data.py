"""The data half: songs and windows a second with Beam and without, memory, and how both grow with the corpus.

    python -m benchmarks.data CORPUS

CORPUS is a folder that `corpus.path` could name. Every figure is of a process of its own, on the same files; it takes
some minutes a thousand songs. What was measured stands in docs/performance.md.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pyarrow as pa
import symusic

from music.score import Refused
from pipelines.beam.runners import BeamConfig
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.genres import GenresConfig, read_genres, write_genres
from pipelines.index import find_repeated, index_songs, partitions
from pipelines.isolation import Answer, Isolated
from pipelines.reading import read_midi
from pipelines.shards import (
    FILES,
    read_manifest,
    read_row_groups,
    shard_name,
    shard_of,
    shard_paths,
    shard_writers,
    windows_folder,
    write_manifest,
)
from pipelines.songs import SongsConfig, write_song_shard, write_songs
from pipelines.split import SplitConfig
from pipelines.windows import WindowsConfig, write_window_shard, write_windows

WINDOWS = WindowsConfig([2, 16], cap=64, transposition=(-5, 6), seed=0, split=SplitConfig("song", 0.2, 0))
BEAM = "FnApiRunner"
SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Measured:
    """What one run took."""

    seconds: float
    parts: dict[str, float]
    """Seconds of each step."""
    songs: int
    windows: int
    """Of all lengths, that pass the rule of silence."""
    unique: int
    """Of those, what is left when each stands once in the corpus."""
    megabytes: float
    """Resident size of the largest process at its peak."""


def without_beam(corpus: Path, out: Path, reader: str, isolated: bool) -> Measured:
    """The work itself, shard after shard; the reader in a process of its own, or in this one."""
    read = Isolated("pipelines.reading:read_midi", reader) if isolated else partial(read_here, reader)
    clock = _Clock()
    songs = out / "songs"
    files = shard_paths(str(corpus), "files")
    reports = [write_song_shard(one, len(files), str(songs), read) for one in enumerate(files)]
    clock.lap("songs")
    paths = [str(songs / report.written[0].name) for report in reports]
    windows = str(out / "windows")
    passed = 0
    for one in enumerate(paths):
        indexed = index_songs(one, len(paths), windows, WINDOWS.bars, WINDOWS.cap, WINDOWS.split)
        passed += sum(of_length.passed for of_length in indexed.values())
    clock.lap("index")
    repeated: dict[int, list[Any]] = {shard: [] for shard in range(len(paths))}
    for part in product(WINDOWS.bars, range(partitions(len(paths)))):
        for shard, rows in find_repeated(part, paths, windows):
            repeated[shard].append(rows)
    clock.lap("repeats")
    unique = 0
    for shard, path in enumerate(paths):
        joined = shard, {"path": [path], "repeated": repeated[shard]}
        written = write_window_shard(joined, len(paths), [], windows, WINDOWS)
        unique += sum(split.rows for report in written.values() for split in report.written)
    clock.lap("windows")
    return clock.measured(sum(report.written[0].rows for report in reports), passed, unique)


def read_here(reader: str, batch: list[bytes]) -> list[Answer]:
    answers: list[Answer] = []
    for midi in batch:
        try:
            answers.append(read_midi(reader, midi))
        except Refused as refused:
            answers.append(refused)
    return answers


def with_beam(corpus: Path, out: Path, reader: str, workers: int) -> Measured:
    """The pipelines of the stages songs, genres and windows, from start to end."""
    clock = _Clock()
    where = BeamConfig(BEAM, workers)
    songs, windows = str(out / "songs"), str(out / "windows")
    write_songs(str(corpus), songs, SongsConfig(reader), where)
    clock.lap("songs")
    write_genres(songs, str(out / "genres.json"), GenresConfig(32), where)
    genres = read_genres(str(out / "genres.json"))
    clock.lap("genres")
    write_windows(songs, genres, windows, WINDOWS, where)
    clock.lap("windows")
    manifests = [read_manifest(windows_folder(windows, bars)) for bars in WINDOWS.bars]
    passed, unique = (sum(manifest[name] for manifest in manifests) for name in ("passed", "unique"))
    return clock.measured(read_manifest(songs)["kept"], passed, unique)


class _Clock:
    """Times the steps of a run, and looks how large its processes grow."""

    def __init__(self) -> None:
        self._largest = 0
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        self._began = self._last = time.perf_counter()
        self._parts: dict[str, float] = {}

    def _look(self) -> None:
        this = psutil.Process()
        while True:
            with suppress(psutil.NoSuchProcess):
                sizes = [process.memory_info().rss for process in (this, *this.children(recursive=True))]
                self._largest = max(self._largest, *sizes)
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._parts[name] = now - self._last
        self._last = now

    def measured(self, songs: int, windows: int, unique: int) -> Measured:
        return Measured(self._last - self._began, self._parts, songs, windows, unique, self._largest / 1e6)


def read_corpus(path: Path, out: Path, shards: int) -> Measured:
    """The stage corpus."""
    clock = _Clock()
    files = write_corpus(CorpusConfig(str(path), shards, max_file_bytes=2_000_000), str(out))
    clock.lap("corpus")
    return clock.measured(files, 0, 0)


def copies(corpus: Path, out: Path, count: int) -> None:
    """The corpus `count` times over, each time a semitone higher and under other ids."""
    shards = count * len(shard_paths(str(corpus), "files"))
    schemas = {shard_name("files", index, shards): FILES for index in range(shards)}
    files = 0
    with shard_writers(str(out), schemas) as writers:
        for path in shard_paths(str(corpus), "files"):
            rows: list[list[dict[str, Any]]] = [[] for _ in range(shards)]
            for row in (row for group in read_row_groups(path) for row in _copied(group, count)):
                rows[shard_of(row["msd_id"], shards)].append(row)
                files += 1
            for writer, its in zip(writers, rows, strict=True):
                writer.write(pa.Table.from_pylist(its, schema=FILES))
        written = [writer.close() for writer in writers]
    write_manifest(str(out), written, files=files)


def _copied(group: pa.Table, count: int) -> Iterator[dict[str, Any]]:
    for row in group.to_pylist():
        for copy in range(count):
            yield row | {"msd_id": f"{row['msd_id']}.{copy}", "midi": _higher(row["midi"], copy)}


def _higher(midi: bytes | None, semitones: int) -> bytes | None:
    if midi is None or not semitones:
        return midi
    try:
        return bytes(symusic.Score.from_midi(midi).shift_pitch(semitones).dumps_midi())
    except (RuntimeError, ValueError):
        return midi


Result = TypeVar("Result")


def in_a_process_of_its_own(function: Callable[..., Result], *arguments: object) -> Result:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def row(name: str, workers: int, measured: Measured) -> None:
    counts = measured.songs, measured.windows, measured.unique
    songs, windows, unique = (count / measured.seconds / workers for count in counts)
    parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in measured.parts.items())
    print(
        f"| {name} | {measured.songs} | {measured.seconds:.1f} | {songs:.0f} | {windows:.0f} | {unique:.0f} "
        f"| {measured.megabytes:.0f} | {parts} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--shards", type=int, default=64, help="of the corpus once")
    parser.add_argument("--copies", type=int, nargs="*", default=[2, 4], help="how often over to measure growth")
    parser.add_argument("--reader", default="symusic")
    arguments = parser.parse_args()
    cores = os.cpu_count() or 1
    print(
        "| run | songs | s | songs/s a core | windows/s a core | of them unique | largest process, MB "
        "| seconds of each step |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:

        def folder() -> Path:
            return Path(tempfile.mkdtemp(dir=temporary))

        corpus = folder()
        row("archives to rows", 1, in_a_process_of_its_own(read_corpus, arguments.corpus, corpus, arguments.shards))
        for isolated in (False, True):
            measured = in_a_process_of_its_own(without_beam, corpus, folder(), arguments.reader, isolated)
            row(f"without Beam, the reader {'isolated' if isolated else 'not isolated'}", 1, measured)
        with ThreadPoolExecutor(cores) as together:
            run = partial(in_a_process_of_its_own, without_beam, corpus)
            each = list(together.map(lambda out: run(out, arguments.reader, True), [folder() for _ in range(cores)]))
        row(f"the same, {cores} at once, the slowest", 1, max(each, key=lambda measured: measured.seconds))
        for workers in sorted({1, cores}):
            measured = in_a_process_of_its_own(with_beam, corpus, folder(), arguments.reader, workers)
            row(f"Beam, workers: {workers}", workers, measured)
        for count in arguments.copies:
            more = folder()
            in_a_process_of_its_own(copies, corpus, more, count)
            measured = in_a_process_of_its_own(with_beam, more, folder(), arguments.reader, cores)
            row(f"Beam, workers: {cores}, corpus: {count} times", cores, measured)


if __name__ == "__main__":
    main()
