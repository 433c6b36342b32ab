"""Cloud Storage and Dataflow, by stand-ins on this machine."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from apache_beam.io.filesystems import FileSystems
from apache_beam.portability.api import beam_runner_api_pb2

from pipelines.beam.runners import BeamConfig
from pipelines.beam.storage import publish
from pipelines.shards import MANIFEST, PARTIAL
from stages.shared import command

pytest.importorskip("google.cloud.storage", reason="needs the extra gcp")
from tests.helpers import gcp

ROOT = Path(__file__).parents[3]
LOCAL = BeamConfig("FnApiRunner", workers=1)
FOLDERS = ("songs", "genres", "windows")
IMAGE = "europe-docker.pkg.dev/musae-test/musae/worker:1"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with gcp.cloud(tmp_path_factory.mktemp("account")) as dataflow:
        yield dataflow


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A corpus and all that is made from it, on this machine's disk."""
    work = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        settings(patch, work, LOCAL)
        assert stage(patch, "demo", out="demo") == 0
        assert stage(patch, "corpus", out="corpus") == 0
        assert run_stages(patch, work / "corpus", str(work)) == [0, 0, 0]
    return work


def settings(patch: pytest.MonkeyPatch, work: Path, where: BeamConfig) -> None:
    """Goes to a folder and writes there what the stages read: the project's own parameters, made small."""
    patch.chdir(work)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["demo"]["songs_a_style"] = 1
    params["corpus"] |= {"path": "demo", "shards": 2}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    Path("beam.yaml").write_text(yaml.safe_dump(vars(where)))


def stage(patch: pytest.MonkeyPatch, name: str, **options: object) -> object:
    """Runs the stage as a command, and gives its exit code."""
    arguments = [part for option, value in options.items() for part in (f"--{option}", str(value))]
    patch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as stop:
        command.run(import_module(f"stages.{name}").main)
    return stop.value.code


def read_songs(patch: pytest.MonkeyPatch, corpus: object, out: str) -> object:
    return stage(patch, "songs", corpus=corpus, out=out, metrics="metrics.json")


def run_stages(patch: pytest.MonkeyPatch, corpus: object, out: str) -> list[object]:
    """Runs songs, genres and windows, and gives their exit codes."""
    songs, genres, windows = folders(out)
    return [
        read_songs(patch, corpus, songs),
        stage(patch, "genres", songs=songs, out=genres),
        stage(patch, "windows", songs=songs, genres=genres, out=windows, metrics="metrics.json"),
    ]


def folders(out: object) -> list[str]:
    return [f"{out}/{name}" for name in FOLDERS]


def contents(*folders: str) -> list[dict[str, bytes]]:
    """The files of each folder, and of folders in it, by name, wherever it is."""
    found = []
    for folder in folders:
        paths = [file.path for file in FileSystems.match([f"{folder}/**"])[0].metadata_list]
        assert paths
        found.append({path.removeprefix(f"{folder}/"): read(path) for path in paths})
    return found


def read(path: str) -> bytes:
    with FileSystems.open(path) as file:
        return file.read()


def on_dataflow(service: gcp.Dataflow, *options: str, storage: str = "") -> BeamConfig:
    given = {"project": gcp.PROJECT, "region": gcp.REGION, "temp_location": f"{gcp.BUCKET}/temp"}
    own = [f"--{name}={value}" for name, value in given.items()]
    return BeamConfig("DataflowRunner", 0, storage, [*own, f"--dataflow_endpoint={service.url}", *options])


@pytest.fixture(scope="module")
def submitted(service, local, tmp_path_factory):
    """All stages on Dataflow: its jobs, and the folder that the stages ran in, their output in `data`."""
    options = [f"--sdk_container_image={IMAGE}", "--num_workers=3", "--max_num_workers=20"]
    work = tmp_path_factory.mktemp("work")
    before = len(service.jobs)
    with pytest.MonkeyPatch.context() as patch:
        settings(patch, work, on_dataflow(service, *options, storage=f"{gcp.BUCKET}/storage"))
        assert run_stages(patch, local / "corpus", "data") == [0, 0, 0]
    return service.jobs[before:], work


def test_dataflow_leaves_the_same_bytes_here_as_a_local_run(submitted, local):
    _, work = submitted
    assert contents(*folders(work / "data")) == contents(*folders(local))


def test_only_what_is_published_stays_in_the_storage(submitted, local):
    storage = f"{gcp.BUCKET}/storage/"
    left = {file.path.removeprefix(storage) for file in FileSystems.match([f"{storage}**"])[0].metadata_list}
    published = [json.loads((local / name / MANIFEST).read_text())["digest"] for name in ("corpus", "songs")]
    assert {path.split("/")[0] for path in left} == set(published)


def test_a_job_has_its_steps_its_image_and_its_workers(submitted):
    jobs, _ = submitted
    steps = [{step.unique_name for step in gcp.pipeline_of(job).components.transforms.values()} for job in jobs]
    for job_steps, expected in zip(steps, ["ReadSongs/read", "count", "find repeated"], strict=True):
        assert any(step.startswith(expected) for step in job_steps)
    for job in jobs:
        (pool,) = job["environment"]["workerPools"]
        assert (pool["numWorkers"], pool["autoscalingSettings"]["maxNumWorkers"]) == (3, 20)
        assert "/musae-test/temp/" in job["environment"]["tempStoragePrefix"]
        assert [image["containerImage"] for image in pool["sdkHarnessContainerImages"]] == [IMAGE]
        options = job["environment"]["sdkPipelineOptions"]["options"]
        assert (options["project"], options["region"]) == (gcp.PROJECT, gcp.REGION)


def test_a_wheel_and_its_requirements_are_staged_for_the_workers(service, local, wheel, tmp_path, monkeypatch):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pyarrow==25.0.1\n")
    options = [f"--extra_package={wheel}", f"--requirements_file={requirements}", "--requirements_cache=skip"]
    settings(monkeypatch, tmp_path, on_dataflow(service, *options, storage=f"{gcp.BUCKET}/storage"))
    assert stage(monkeypatch, "genres", songs=local / "songs", out="genres") == 0
    environments = gcp.pipeline_of(service.jobs[-1]).components.environments.values()
    staged = {}
    for dependency in (dependency for environment in environments for dependency in environment.dependencies):
        role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(dependency.role_payload)
        file = beam_runner_api_pb2.ArtifactFilePayload.FromString(dependency.type_payload)
        staged[role.staged_name] = file.path
    assert read(staged[wheel.name]) == wheel.read_bytes()
    assert read(staged["extra_packages.txt"]).decode().split() == [wheel.name]
    assert read(staged["requirements.txt"]) == requirements.read_bytes()


def test_a_job_that_fails_is_one_line(service, local, tmp_path, monkeypatch):
    corpus = publish(str(local / "corpus"), f"{gcp.BUCKET}/damaged")
    (shard, *_) = (name for name in contents(corpus)[0] if name != MANIFEST)
    with FileSystems.create(f"{corpus}/{shard}") as file:
        file.write(b"no Parquet")
    settings(monkeypatch, tmp_path, on_dataflow(service))
    failed = str(read_songs(monkeypatch, corpus, f"{gcp.BUCKET}/failed"))
    assert failed.startswith("error: DataflowRunner: songs failed: ")
    assert "FAILED" in failed
    assert "\n" not in failed
    assert not FileSystems.exists(f"{gcp.BUCKET}/failed/{MANIFEST}")


def test_dataflow_wants_a_storage(service, local, tmp_path, monkeypatch):
    settings(monkeypatch, tmp_path, on_dataflow(service))
    assert "set storage in beam.yaml" in str(read_songs(monkeypatch, local / "corpus", "songs"))


def test_an_option_that_is_missing_is_named(service, local, tmp_path, monkeypatch):
    where = BeamConfig("DataflowRunner", 0, f"{gcp.BUCKET}/storage", [f"--temp_location={gcp.BUCKET}/temp"])
    settings(monkeypatch, tmp_path, where)
    assert "project" in str(stage(monkeypatch, "genres", songs=local / "songs", out="genres"))


@pytest.mark.slow
def test_local_workers_reach_a_storage(service, local, tmp_path, monkeypatch):
    settings(monkeypatch, tmp_path, BeamConfig("FnApiRunner", 2, f"{gcp.BUCKET}/local-workers"))
    assert run_stages(monkeypatch, local / "corpus", "data") == [0, 0, 0]
    assert contents(*folders(tmp_path / "data")) == contents(*folders(local))


def test_stages_read_and_write_a_bucket_and_never_over_what_is_whole(service, local, monkeypatch):
    monkeypatch.chdir(local)
    corpus, out = f"{gcp.BUCKET}/direct/corpus", f"{gcp.BUCKET}/direct"
    with FileSystems.create(f"{out}/songs/songs-00000-of-00002.parquet.broken-off{PARTIAL}") as file:
        file.write(b"half")
    assert stage(monkeypatch, "corpus", out=corpus) == 0
    assert run_stages(monkeypatch, corpus, out) == [0, 0, 0]
    written = contents(*folders(out))
    assert written == contents(*folders(local))
    refusal = stage(monkeypatch, "genres", songs=f"{out}/songs", out=f"{out}/genres")
    assert str(refusal).startswith(f"error: {out}/genres: has a finished output")
    assert contents(*folders(out)) == written
