"""The runners: which are refused, what they may do to a pipeline, and what is said when they fail."""

import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import apache_beam as beam
import grpc
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PortableOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from music.errors import InputError
from pipelines.beam import options, runners
from pipelines.beam.options import read_options
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
    assert "--job_endpoint=localhost:1;" in str(error.value)


@pytest.mark.parametrize("limit", [[], ["--job_server_timeout=3600"]])
def test_another_server_at_the_endpoint_is_not_waited_for_without_end(monkeypatch, limit):
    monkeypatch.setattr(options, "SECONDS_TO_ANSWER", 0.5)
    with socket.socket() as silent:
        silent.bind(("localhost", 0))
        silent.listen()
        endpoint = f"localhost:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"--job_endpoint={endpoint}"):
            read_options([], [f"--job_endpoint={endpoint}", *limit], portable=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--nonsense=3"], "beam.yaml: options: --nonsense: no such option; the runner would ignore it"),
        (["--direct_num_worker=2"], "--direct_num_worker: no such option; did you mean --direct_num_workers?"),
        (["direct_num_workers=2"], "direct_num_workers: no such option; did you mean --direct_num_workers?"),
        (["--direct_num_workers=two"], "argument --direct_num_workers: invalid int value: 'two'"),
    ],
)
def test_options_that_beam_does_not_take_are_named(given, message, capsys):
    where = BeamConfig("FnApiRunner", 1, options=given)
    with pytest.raises(InputError, match=re.escape(message)):
        run_pipeline(lambda pipeline: pipeline | beam.Create([0]), where, "nothing", "x*", 1)
    assert "usage" not in capsys.readouterr().err


@pytest.fixture
def job_server():
    """The endpoint of a job server that has one option of its own."""

    class Server(beam_job_api_pb2_grpc.JobServiceServicer):
        def DescribePipelineOptions(self, request, context):  # noqa: N802 - gRPC's name
            option = beam_job_api_pb2.PipelineOptionDescriptor(name="object_reuse")
            return beam_job_api_pb2.DescribePipelineOptionsResponse(options=[option])

    server = grpc.server(ThreadPoolExecutor(1))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(Server(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


def test_options_of_the_job_server_are_taken_and_only_those(job_server):
    given = [f"--job_endpoint={job_server}", "--object_reuse=true", "--parallelism=4"]
    assert read_options([], given, portable=True).view_as(PortableOptions).job_endpoint == job_server
    with pytest.raises(InputError, match=r"--object_reuses: no such option; did you mean --object_reuse\?"):
        read_options([], [*given, "--object_reuses=true"], portable=True)


def test_a_portable_runner_needs_an_endpoint():
    with pytest.raises(InputError, match=r"beam\.yaml: options: PortableRunner needs --job_endpoint"):
        run_pipeline(lambda pipeline: pipeline | beam.Create([0]), BeamConfig("PortableRunner", 0), "nothing", "x*", 1)


def test_options_cannot_name_another_runner():
    with pytest.raises(ValueError, match="options must not have --runner"):
        BeamConfig("PortableRunner", 0, options=["--runner=SparkRunner"])


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
