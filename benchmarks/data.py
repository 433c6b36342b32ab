"""Measures the data half: files and windows per second with Beam and without, memory, and growth with the corpus.

    python -m benchmarks.data CORPUS

CORPUS is a folder that `corpus.path` could name. Every figure comes from a process of its own, on the same files; all
of them take some minutes per thousand files. Results are in docs/performance.md.
"""

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
from typing import Annotated, Any, Final, TypeVar

import psutil
import pyarrow as pa
import symusic
from typer import Argument, Option

from music.score import Refused
from pipelines.beam.runners import BeamConfig
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.genres import GenresConfig, read_genres, write_genres
from pipelines.index import find_repeated, index_songs, partitions, split_limits
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
from stages.shared.command import run

READER: Final = "musae"
COPIES = (2, 4)
"""The corpus is also measured with each file this many times, to see how time and memory grow."""
WINDOWS = WindowsConfig([2, 16], cap=64, transposition=(-5, 6), seed=0, split=SplitConfig("song", 0.2, 0))
SECONDS_BETWEEN_LOOKS = 0.2

Result = TypeVar("Result")


@dataclass(frozen=True)
class RunMeasures:
    """The time, memory and results of a run."""

    seconds: float
    parts: dict[str, float]
    """The seconds of each step."""
    files: int
    """Files kept."""
    windows: int
    """Windows of all lengths that pass the rule of silence."""
    unique: int
    """The unique ones of these."""
    megabytes: float
    """The peak resident size of the largest process."""


def without_beam(corpus: Path, out: Path, isolated: bool) -> RunMeasures:
    """Makes all windows, one shard at a time, with the reader in a process of its own or in this one."""
    read = Isolated("pipelines.reading:read_midi", READER) if isolated else read_here
    songs, windows = str(out / "songs"), str(out / "windows")
    clock = _Clock()
    inputs = shard_paths(str(corpus), "files")
    reports = [write_song_shard(shard, len(inputs), songs, read) for shard in enumerate(inputs)]
    clock.lap("songs")
    paths = [str(Path(songs) / report.written[0].name) for report in reports]
    indexed = [
        index_songs(shard, len(paths), windows, WINDOWS.bars, WINDOWS.cap, WINDOWS.split) for shard in enumerate(paths)
    ]
    passed = sum(report.passed for reports_by_length in indexed for report in reports_by_length.values())
    limits = split_limits(indexed, WINDOWS.split.validation)
    clock.lap("index")
    repeated: dict[int, list[Any]] = {number: [] for number in range(len(paths))}
    for part in product(WINDOWS.bars, range(partitions(len(paths)))):
        for number, rows in find_repeated(part, paths, windows, limits):
            repeated[number].append(rows)
    clock.lap("repeats")
    unique = 0
    for number, path in enumerate(paths):
        joined = number, {"path": [path], "repeated": repeated[number]}
        written = write_window_shard(joined, len(paths), [], windows, WINDOWS, limits)
        unique += sum(shard.rows for report in written.values() for shard in report.written)
    clock.lap("windows")
    return clock.measured(sum(report.written[0].rows for report in reports), passed, unique)


def read_here(batch: list[bytes]) -> list[Answer]:
    """Calls `read_midi` in this process."""
    answers: list[Answer] = []
    for midi in batch:
        try:
            answers.append(read_midi(READER, midi))
        except Refused as refused:
            answers.append(refused)
    return answers


def with_beam(corpus: Path, out: Path, workers: int) -> RunMeasures:
    """Runs the pipelines of the stages songs, genres and windows."""
    clock = _Clock()
    where = BeamConfig("FnApiRunner", workers)
    songs, genres, windows = str(out / "songs"), str(out / "genres.json"), str(out / "windows")
    kept = write_songs(str(corpus), songs, SongsConfig(READER), where)["kept"]
    clock.lap("songs")
    write_genres(songs, genres, GenresConfig(32), where)
    clock.lap("genres")
    write_windows(songs, read_genres(genres), windows, WINDOWS, where)
    clock.lap("windows")
    manifests = [read_manifest(windows_folder(windows, bars)) for bars in WINDOWS.bars]
    passed, unique = (sum(manifest[name] for manifest in manifests) for name in ("passed", "unique"))
    return clock.measured(kept, passed, unique)


class _Clock:
    """Times the steps of a run, and watches the size of its processes."""

    def __init__(self) -> None:
        self._largest = 0
        threading.Thread(target=self._look, daemon=True).start()
        self._began = self._last = time.perf_counter()
        self._parts: dict[str, float] = {}

    def _look(self) -> None:
        parent = psutil.Process()
        while True:
            with suppress(psutil.NoSuchProcess):
                sizes = [process.memory_info().rss for process in (parent, *parent.children(recursive=True))]
                self._largest = max(self._largest, *sizes)
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def lap(self, name: str) -> None:
        """Ends the step of this name."""
        now = time.perf_counter()
        self._parts[name] = now - self._last
        self._last = now

    def measured(self, files: int, windows: int, unique: int) -> RunMeasures:
        """Returns the measures of the run; files, windows, unique: as in `RunMeasures`."""
        return RunMeasures(self._last - self._began, self._parts, files, windows, unique, self._largest / 1e6)


def read_corpus(path: Path, out: Path, shards: int) -> RunMeasures:
    """Does the work of stage `corpus`."""
    clock = _Clock()
    files = write_corpus(CorpusConfig(str(path), shards, max_file_bytes=2_000_000), str(out))
    clock.lap("corpus")
    return clock.measured(files, 0, 0)


def copy_corpus(corpus: Path, out: Path, count: int) -> None:
    """Writes the corpus `count` times over, each time a semitone higher and under other ids."""
    shards = count * len(shard_paths(str(corpus), "files"))
    schemas = {shard_name("files", index, shards): FILES for index in range(shards)}
    files = 0
    with shard_writers(str(out), schemas) as writers:
        for path in shard_paths(str(corpus), "files"):
            rows: list[list[dict[str, Any]]] = [[] for _ in range(shards)]
            for row in (row for group in read_row_groups(path) for row in _copies(group, count)):
                rows[shard_of(row["msd_id"], shards)].append(row)
                files += 1
            for writer, shard_rows in zip(writers, rows, strict=True):
                writer.write(pa.Table.from_pylist(shard_rows, schema=FILES))
        written = [writer.close() for writer in writers]
    write_manifest(str(out), written, files=files)


def _copies(group: pa.Table, count: int) -> Iterator[dict[str, Any]]:
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


def in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Calls the function in a new process, whose memory is not used by anything else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def print_row(name: str, workers: int, measured: RunMeasures) -> None:
    """Prints a row of the table; the rates are those of one worker."""
    counts = measured.files, measured.windows, measured.unique
    files, windows, unique = (count / measured.seconds / workers for count in counts)
    parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in measured.parts.items())
    print(
        f"| {name} | {measured.files} | {measured.seconds:.1f} | {files:.0f} | {windows:.0f} | {unique:.0f} "
        f"| {measured.megabytes:.0f} | {parts} |",
        flush=True,
    )


def main(
    corpus: Annotated[Path, Argument()],
    shards: Annotated[int, Option(help="Of the corpus as it is.")] = 64,
) -> None:
    """Prints a Markdown table."""
    cores = os.cpu_count() or 1
    print(
        "| run | files kept | s | files/s per core | windows/s per core | unique windows/s per core "
        "| largest process, MB | seconds of each step |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = partial(tempfile.mkdtemp, dir=temporary)
        files = Path(folder())
        print_row("archives to rows", 1, in_own_process(read_corpus, corpus, files, shards))
        for isolated in (False, True):
            measured = in_own_process(without_beam, files, Path(folder()), isolated)
            print_row(f"without Beam, the reader {'isolated' if isolated else 'not isolated'}", 1, measured)
        with ThreadPoolExecutor(cores) as together:
            runs = [together.submit(in_own_process, without_beam, files, Path(folder()), True) for _ in range(cores)]
            slowest = max((run.result() for run in runs), key=lambda measured: measured.seconds)
        print_row(f"the same, {cores} at once, the slowest", 1, slowest)
        for workers in sorted({1, cores}):
            print_row(f"Beam, workers: {workers}", workers, in_own_process(with_beam, files, Path(folder()), workers))
        for count in COPIES:
            copies = Path(folder())
            in_own_process(copy_corpus, files, copies, count)
            measured = in_own_process(with_beam, copies, Path(folder()), cores)
            print_row(f"Beam, workers: {cores}, corpus: {count} times", cores, measured)


if __name__ == "__main__":
    run(main)
