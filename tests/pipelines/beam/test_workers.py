import os

import apache_beam as beam
import pytest

from pipelines.beam.runners import BeamConfig, run_pipeline

TWO_WORKERS = BeamConfig("FnApiRunner", workers=2)


# gRPC's reading threads end with the worker that they read from.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_ends_the_run(tmp_path):
    def build(pipeline):
        return pipeline | beam.Create(range(4)) | beam.Reshuffle() | beam.Map(lambda _: os._exit(9))

    with pytest.raises(RuntimeError, match="a worker process ended with exit code 9"):
        run_pipeline(build, TWO_WORKERS, "dying", f"{tmp_path}/*", 1)


def test_workers_are_other_processes(tmp_path):
    def write(number):
        (tmp_path / f"{number}-{os.getpid()}").touch()

    def build(pipeline):
        return pipeline | beam.Create(range(4)) | beam.Reshuffle() | beam.Map(write)

    run_pipeline(build, TWO_WORKERS, "working", f"{tmp_path}/*", 4)
    processes = {path.name.split("-")[1] for path in tmp_path.iterdir()}
    assert str(os.getpid()) not in processes
    assert len(list(tmp_path.iterdir())) == 4
