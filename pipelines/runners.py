"""Where a pipeline runs, and how it shows that it does."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from music.progress import Progress
from pipelines.local import ForkedEnvironment

TESTED = ("FnApiRunner", "PortableRunner")
REFUSED = {
    "DirectRunner": "it downloads another engine where it can; use FnApiRunner, the local runner",
    "DaskRunner": "it gives wrong data without an error",
    "PySparkRunner": "it gives wrong data without an error; reach Spark through PortableRunner",
}
SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class BeamConfig:
    """beam.yaml: where a pipeline runs, which never changes what it writes."""

    runner: str
    workers: int
    """Local worker processes; 0 for one a core."""
    options: list[str] = field(default_factory=list)
    """More of Beam's own options, for example --job_endpoint=localhost:8099."""

    def __post_init__(self) -> None:
        if self.runner not in TESTED:
            why = REFUSED.get(self.runner, "its results have not been compared with the others'")
            raise ValueError(f"runner {self.runner} is refused: {why} (tested: {', '.join(TESTED)})")
        if self.workers < 0:
            raise ValueError("workers must be 0 (one a core) or more")


def run(build: Callable[[beam.Pipeline], object], config: BeamConfig, what: str, shards: str, total: int) -> None:
    """Builds and runs the pipeline, and shows how many of `total` files that match `shards` are there."""
    with Progress(what, total, "shard") as progress, _Watch(shards, progress):
        with _pipeline(config) as pipeline:
            build(pipeline)


def _pipeline(config: BeamConfig) -> beam.Pipeline:
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    if config.runner != "FnApiRunner":
        return beam.Pipeline(options=PipelineOptions([f"--runner={config.runner}", *config.options]))
    workers = config.workers or os.cpu_count() or 1
    options = PipelineOptions([f"--direct_num_workers={workers}", *config.options])
    return beam.Pipeline(FnApiRunner(default_environment=ForkedEnvironment() if workers > 1 else None), options)


class _Watch:
    """Looks for finished shards while the runner blocks."""

    def __init__(self, shards: str, progress: Progress) -> None:
        self._shards, self._progress = shards, progress
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self._count()

    def _count(self) -> None:
        self._progress.to(len(FileSystems.match([self._shards])[0].metadata_list))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._count()
