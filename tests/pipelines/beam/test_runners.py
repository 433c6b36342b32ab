"""The runners: which are refused, what they may do to a pipeline, and what is said when they fail."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.io.filesystems import FileSystems

from music.errors import InputError
from pipelines.beam import runners
from pipelines.beam.runners import BeamConfig, run_pipeline
from pipelines.beam.storage import workplace
from pipelines.shards import REFUSED, read_row_groups, shard_writers
from tests.helpers.pipelines import LOCAL, contents, make


@pytest.mark.parametrize("runner", ["DirectRunner", "DaskRunner", "SparkRunner"])
def test_untested_runners_are_refused_by_name(runner):
    with pytest.raises(ValueError, match=f"{runner} is refused"):
        BeamConfig(runner, 1)


def test_a_storage_is_found_from_anywhere():
    with pytest.raises(ValueError, match="storage must be a URI"):
        BeamConfig("FnApiRunner", 1, storage="data/shared")


def test_repeated_bundles_give_the_same_bytes(demo, made, tmp_path):
    twice = BeamConfig("FnApiRunner", 1, options=["--direct_runner_bundle_repeat=1"])
    assert contents(make(demo, tmp_path / "out", twice)) == contents(made)


def test_attempts_at_one_shard_do_not_disturb_each_other(tmp_path):
    row = dict.fromkeys(REFUSED.names, "a")
    with workplace(str(tmp_path), storage="") as folder, ExitStack() as attempts:
        (first,), (second,), (third,) = (
            attempts.enter_context(shard_writers(folder, {"shard": REFUSED})) for _ in range(3)
        )
        for writer in (first, second, third):
            writer.write(REFUSED.empty_table().from_pylist([row], schema=REFUSED))
        written = first.close()
        assert second.close() == written
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]  # the third was broken off
    (table,) = read_row_groups(str(tmp_path / "shard"))
    assert table.to_pylist() == [row]


def test_a_look_at_the_shards_that_fails_does_not_stop_the_run(monkeypatch, tmp_path):
    def match(patterns: list[str]) -> None:
        looks.append(patterns)
        raise OSError("the storage does not answer")

    looks: list[list[str]] = []
    monkeypatch.setattr(FileSystems, "match", match)
    monkeypatch.setattr(runners, "SECONDS_BETWEEN_LOOKS", 0.01)
    run_pipeline(
        lambda pipeline: pipeline | beam.Create([0]) | beam.Map(lambda _: time.sleep(0.2)), LOCAL, "nothing", "x*", 1
    )
    assert looks


def test_a_job_server_that_does_not_answer_is_named():
    nowhere = BeamConfig("PortableRunner", 0, options=["--job_endpoint=localhost:1", "--job_server_timeout=1"])
    with pytest.raises(InputError, match=r"PortableRunner: nothing failed: .*see options") as error:
        run_pipeline(lambda pipeline: pipeline | beam.Create([0]), nowhere, "nothing", "x*", 1)
    assert "\n" not in str(error.value)


@pytest.fixture
def pool(tmp_path):
    """A job server and a pool of workers, each a process of its own; gives options and the pool's log."""
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            ports.append(free.getsockname()[1])
    log = tmp_path / "pool.log"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the pool starts "python"
    commands = {
        "tests.helpers.job_server": [str(ports[0])],
        "apache_beam.runners.worker.worker_pool_main": [f"--service_port={ports[1]}"],
    }
    with ExitStack() as processes, log.open("w") as written:
        for module, arguments in commands.items():
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments], stderr=written, env=os.environ | {"PATH": path}
            )
            processes.enter_context(process)
            processes.callback(process.terminate)
        for port in ports:
            wait_for(port)
        endpoint, pool = (f"localhost:{port}" for port in ports)
        yield [f"--job_endpoint={endpoint}", "--environment_type=EXTERNAL", f"--environment_config={pool}"], log


def wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("localhost", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")


def fail(_: int) -> None:
    raise ValueError("no such music")


@pytest.mark.slow
def test_a_job_server_with_two_workers_of_a_pool_gives_the_same_bytes(demo, made, tmp_path, pool):
    options, log = pool
    portable = BeamConfig("PortableRunner", 0, options=options)
    assert contents(make(demo, tmp_path / "out", portable)) == contents(made)
    assert log.read_text().count("Starting worker") == 2 * 3  # two for each of songs, genres, windows
    with pytest.raises(InputError, match=r"PortableRunner: nothing failed: .*no such music"):
        run_pipeline(lambda pipeline: pipeline | beam.Create([0]) | beam.Map(fail), portable, "nothing", "x*", 1)
