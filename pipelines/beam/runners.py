"""Runs pipelines: allowed runners, progress, and errors of clusters in one line."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from music.errors import InputError
from music.progress import Progress
from music.settings import Settings, at_least
from pipelines.beam.options import read_options
from pipelines.beam.storage import is_remote
from pipelines.beam.workers import ForkedEnvironment

TESTED = ("FnApiRunner", "PortableRunner", "DataflowRunner")
REFUSED = {
    "DirectRunner": "it downloads another engine where it can; use FnApiRunner, the local runner",
    "DaskRunner": "it gives wrong data without an error",
    "PySparkRunner": "it gives wrong data without an error; reach Spark through PortableRunner",
}
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_BETWEEN_REMOTE_LOOKS = 30
"""Cloud storage answers slowly, and charges for each answer."""


@dataclass(frozen=True)
class BeamConfig(Settings):
    """beam.yaml: where a pipeline runs. It never changes what the pipeline writes."""

    runner: str
    workers: Annotated[int, at_least(0)]
    """Local worker processes; 0 for one per core."""
    storage: str = ""
    """A folder that all workers can reach, for example gs://bucket/musae; empty if they share this machine's disk."""
    options: list[str] = field(default_factory=list)
    """Further options of Beam, for example --job_endpoint=localhost:8099."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.runner not in TESTED:
            why = REFUSED.get(self.runner, "its results have not been compared with the others'")
            raise ValueError(f"runner {self.runner} is refused: {why} (tested: {', '.join(TESTED)})")
        if any(option.partition("=")[0] == "--runner" for option in self.options):
            raise ValueError("options must not have --runner: runner says which it is")
        if self.storage and not (is_remote(self.storage) or Path(self.storage).is_absolute()):
            raise ValueError("storage must be a URI such as gs://bucket/musae, or an absolute path")


def add_to_counters(step: str, counts: Mapping[str, int]) -> None:
    """Adds to a step's counters, which the runner shows; does nothing outside a pipeline."""
    for name, number in counts.items():
        beam.metrics.Metrics.counter(step, name).inc(number)


def run_pipeline(
    build: Callable[[beam.Pipeline], object], config: BeamConfig, what: str, shards: str, total: int
) -> None:
    """Builds and runs the pipeline, and shows how many of its `total` files exist.

    what: the name to show; shards: a pattern that the files match. Raises `InputError` for an option that Beam does not
    know, if a cluster does not answer or refuses the job, or if the job fails there.
    """
    if config.runner == "DataflowRunner" and not is_remote(shards):
        raise InputError(
            f"{shards}: Dataflow's workers cannot reach it; set storage in beam.yaml to a folder that they can reach, "
            "for example gs://bucket/musae"
        )
    with Progress(what, total, "shard") as progress:
        with _ShardWatch(shards, progress), _failures(config, what):
            pipeline = _pipeline(config)
            build(pipeline)
            pipeline.run().wait_until_finish()
        progress.to(total)


@contextmanager
def _failures(config: BeamConfig, what: str) -> Iterator[None]:
    """Turns an error of a cluster into one line; the local runner's errors are the program's own, and pass."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if config.runner == "FnApiRunner":
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        if any(line.startswith("Traceback") for line in lines):
            lines[1:-1] = ["..."]
        reason = " ".join(lines)
        raise InputError(f"{config.runner}: {what} failed: {reason}; see options in beam.yaml, and its log") from error


def _pipeline(config: BeamConfig) -> beam.Pipeline:
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # its errors are also raised
    if config.runner != "FnApiRunner":
        portable = config.runner == "PortableRunner"
        return beam.Pipeline(options=read_options([f"--runner={config.runner}"], config.options, portable))
    workers = config.workers or os.cpu_count() or 1
    options = read_options([f"--direct_num_workers={workers}"], config.options, portable=False)
    return beam.Pipeline(FnApiRunner(default_environment=ForkedEnvironment() if workers > 1 else None), options)


class _ShardWatch:
    """Shows finished shards while the runner blocks."""

    def __init__(self, shards: str, progress: Progress) -> None:
        self._shards, self._progress = shards, progress
        self._pause = SECONDS_BETWEEN_REMOTE_LOOKS if is_remote(shards) else SECONDS_BETWEEN_LOOKS
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ended.wait(self._pause):
            with suppress(Exception):  # progress is no reason for the run to fail
                self._progress.to(len(FileSystems.match([self._shards])[0].metadata_list))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
