"""Cloud Storage and Dataflow, by stand-ins on this machine."""

import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.portability.api import beam_runner_api_pb2

from music.errors import InputError
from pipelines.corpora import CorpusConfig, write_corpus
from pipelines.demo import DemoConfig, write_demo
from pipelines.genres import GenresConfig, read_genres, write_genres
from pipelines.runners import BeamConfig
from pipelines.shards import MANIFEST, PARTIAL
from pipelines.songs import SongsConfig, write_songs
from pipelines.storage import publish
from pipelines.windows import SplitConfig, WindowsConfig, write_windows
from stages import command

pytest.importorskip("google.cloud.storage", reason="wants the extra gcp")
from tests import gcp

LOCAL = BeamConfig("FnApiRunner", workers=1)
GENRES = GenresConfig(8)
WINDOWS = WindowsConfig(bars=2, cap=64, shift=(-5, 6), seed=0, split=SplitConfig("song", 0.3, 0))
FOLDERS = ("songs", "genres", "windows")
IMAGE = "europe-docker.pkg.dev/musae-test/musae/worker:1"
PARAMS = """
songs: {reader: symusic}
genres: {count: 8}
windows: {bars: [2], cap: 64, shift: [-5, 6], seed: 0, split: {unit: song, validation: 0.3, seed: 0}}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with gcp.cloud(tmp_path_factory.mktemp("account")) as dataflow:
        yield dataflow


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A corpus and what comes of it, on this machine's disk."""
    folder = tmp_path_factory.mktemp("local")
    for name in ("demo", "corpus", *FOLDERS):
        (folder / name).mkdir()
    write_demo(folder / "demo", DemoConfig(songs_a_style=1, seed=0))
    write_corpus(CorpusConfig(str(folder / "demo"), 2, 1_000_000), str(folder / "corpus"))
    write_songs(str(folder / "corpus"), str(folder / "songs"), SongsConfig("symusic"), LOCAL)
    write_genres(str(folder / "songs"), str(folder / "genres" / "genres.json"), GENRES, LOCAL)
    genres = read_genres(str(folder / "genres" / "genres.json"))
    write_windows(str(folder / "songs"), genres, str(folder / "windows"), WINDOWS, LOCAL)
    return folder


def contents(*folders: str) -> list[dict[str, bytes]]:
    """The files of each folder by name, wherever it is."""
    found = []
    for folder in folders:
        paths = [file.path for file in FileSystems.match([f"{folder}/*"])[0].metadata_list]
        assert paths
        found.append({path.rsplit("/", 1)[1]: read(path) for path in paths})
    return found


def read(path: str) -> bytes:
    with FileSystems.open(path) as file:
        return file.read()


def on_dataflow(service: gcp.Dataflow, *options: str) -> BeamConfig:
    given = {"project": gcp.PROJECT, "region": gcp.REGION, "temp_location": f"{gcp.BUCKET}/temp"}
    own = [f"--{name}={value}" for name, value in given.items()]
    return BeamConfig("DataflowRunner", 0, options=[*own, f"--dataflow_endpoint={service.url}", *options])


def stage(patch: pytest.MonkeyPatch, name: str, **options: object) -> object:
    """Runs the stage as a command, and gives its exit code."""
    arguments = [part for option, value in options.items() for part in (f"--{option}", str(value))]
    patch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as stop:
        command.run(import_module(f"stages.{name}").main)
    return stop.value.code


def run_stages(patch: pytest.MonkeyPatch, work: Path, where: BeamConfig, corpus: str, out: str) -> list[object]:
    """Runs the stages in the folder `work`, with its settings, and gives their exit codes."""
    patch.chdir(work)
    Path("params.yaml").write_text(PARAMS)
    Path("beam.yaml").write_text(json.dumps(vars(where)))
    songs, genres, windows = (f"{out}/{name}" for name in FOLDERS)
    return [
        stage(patch, "songs", corpus=corpus, out=songs, metrics="metrics.json", refusals="refusals.json"),
        stage(patch, "genres", songs=songs, out=genres),
        stage(patch, "windows", bars=2, songs=songs, genres=genres, out=windows, metrics="metrics.json"),
    ]


@pytest.fixture(scope="module")
def submitted(service, local, tmp_path_factory):
    """All stages on Dataflow: its jobs, and the folder that the stages ran in, their output in `data`."""
    options = [f"--sdk_container_image={IMAGE}", "--num_workers=3", "--max_num_workers=20"]
    where = replace(on_dataflow(service, *options), storage=f"{gcp.BUCKET}/storage")
    work = tmp_path_factory.mktemp("work")
    before = len(service.jobs)
    with pytest.MonkeyPatch.context() as patch:
        assert run_stages(patch, work, where, str(local / "corpus"), "data") == [0, 0, 0]
    return service.jobs[before:], work


def folders(out: object) -> list[str]:
    return [f"{out}/{name}" for name in FOLDERS]


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
    for job_steps, expected in zip(steps, ["ReadSongs/read", "WriteGenres/tags", "FindRepeated/hash"], strict=True):
        assert any(step.startswith(expected) for step in job_steps)
    for job in jobs:
        (pool,) = job["environment"]["workerPools"]
        assert (pool["numWorkers"], pool["autoscalingSettings"]["maxNumWorkers"]) == (3, 20)
        assert "/musae-test/temp/" in job["environment"]["tempStoragePrefix"]
        assert [image["containerImage"] for image in pool["sdkHarnessContainerImages"]] == [IMAGE]
        options = job["environment"]["sdkPipelineOptions"]["options"]
        assert (options["project"], options["region"]) == (gcp.PROJECT, gcp.REGION)


def test_a_wheel_and_its_requirements_are_staged_for_the_workers(service, local, wheel, tmp_path):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pyarrow==25.0.1\n")
    options = [f"--extra_package={wheel}", f"--requirements_file={requirements}", "--requirements_cache=skip"]
    where = on_dataflow(service, *options)
    write_genres(
        publish(str(local / "songs"), f"{gcp.BUCKET}/musae"), f"{gcp.BUCKET}/staged/genres.json", GENRES, where
    )
    environments = gcp.pipeline_of(service.jobs[-1]).components.environments.values()
    staged = {}
    for dependency in (dependency for environment in environments for dependency in environment.dependencies):
        role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(dependency.role_payload)
        file = beam_runner_api_pb2.ArtifactFilePayload.FromString(dependency.type_payload)
        staged[role.staged_name] = file.path
    assert read(staged[wheel.name]) == wheel.read_bytes()
    assert read(staged["extra_packages.txt"]).decode().split() == [wheel.name]
    assert read(staged["requirements.txt"]) == requirements.read_bytes()


def test_a_job_that_fails_is_one_line(service, local):
    corpus = publish(str(local / "corpus"), f"{gcp.BUCKET}/damaged")
    (shard, *_) = (name for name in contents(corpus)[0] if name != MANIFEST)
    with FileSystems.create(f"{corpus}/{shard}") as file:
        file.write(b"no Parquet")
    with pytest.raises(InputError, match=r"DataflowRunner: songs failed: .*FAILED") as error:
        write_songs(corpus, f"{gcp.BUCKET}/failed", SongsConfig("symusic"), on_dataflow(service))
    assert "\n" not in str(error.value)


def test_dataflow_wants_a_storage(service, local, tmp_path):
    with pytest.raises(InputError, match=r"set storage in beam\.yaml"):
        write_songs(str(local / "corpus"), str(tmp_path), SongsConfig("symusic"), on_dataflow(service))


def test_an_option_that_is_missing_is_named(service, local):
    songs = publish(str(local / "songs"), f"{gcp.BUCKET}/musae")
    where = BeamConfig("DataflowRunner", 0, options=["--region=europe-west1", f"--temp_location={gcp.BUCKET}/temp"])
    with pytest.raises(InputError, match="project"):
        write_genres(songs, f"{gcp.BUCKET}/unwritten/genres.json", GENRES, where)


@pytest.mark.slow
def test_local_workers_reach_a_storage(service, local, tmp_path, monkeypatch):
    where = BeamConfig("FnApiRunner", 2, f"{gcp.BUCKET}/local-workers")
    assert run_stages(monkeypatch, tmp_path, where, str(local / "corpus"), "data") == [0, 0, 0]
    assert contents(*folders(tmp_path / "data")) == contents(*folders(local))


def test_stages_read_and_write_a_bucket_and_never_over_what_is_whole(service, local, tmp_path, monkeypatch):
    corpus, out = publish(str(local / "corpus"), f"{gcp.BUCKET}/musae"), f"{gcp.BUCKET}/direct"
    with FileSystems.create(f"{out}/songs/songs-00000-of-00002.parquet.broken-off{PARTIAL}") as file:
        file.write(b"half")
    assert run_stages(monkeypatch, tmp_path, LOCAL, corpus, out) == [0, 0, 0]
    written = contents(*folders(out))
    assert written == contents(*folders(local))
    refusal = stage(monkeypatch, "genres", songs=f"{out}/songs", out=f"{out}/genres")
    assert str(refusal).startswith(f"error: {out}/genres: has a finished output")
    assert contents(*folders(out)) == written
