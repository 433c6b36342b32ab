"""Cloud Storage and Dataflow, by stand-ins on this machine."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.portability.api import beam_runner_api_pb2

from music.errors import InputError
from pipelines.corpora import CorpusConfig, write_corpus
from pipelines.demo import DemoConfig, write_demo
from pipelines.genres import GenresConfig, write_genres
from pipelines.runners import BeamConfig
from pipelines.shards import MANIFEST, read_manifest
from pipelines.songs import SongsConfig, write_songs
from pipelines.storage import publish, workplace
from pipelines.windows import SplitConfig, WindowsConfig, write_windows

pytest.importorskip("google.cloud.storage", reason="wants the extra gcp")
from tests import gcp

ROOT = Path(__file__).parents[1]
LOCAL = BeamConfig("FnApiRunner", workers=1)
WINDOWS = WindowsConfig(bars=2, cap=64, shift=(-5, 6), seed=0, split=SplitConfig("song", 0.3, 0))
IMAGE = "europe-docker.pkg.dev/musae-test/musae/worker:1"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Both stand-ins, and an account that they know."""
    account = tmp_path_factory.mktemp("account") / "account.json"
    with pytest.MonkeyPatch.context() as patch, gcp.storage() as address, gcp.Dataflow() as dataflow:
        dataflow.credentials(account)
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        yield dataflow


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A corpus and its shards, made on this machine's disk."""
    folder = tmp_path_factory.mktemp("local")
    for name in ("demo", "corpus", "songs", "genres", "windows"):
        (folder / name).mkdir()
    write_demo(folder / "demo", DemoConfig(songs_a_style=1, seed=0))
    write_corpus(CorpusConfig(str(folder / "demo"), 2, 1_000_000), str(folder / "corpus"))
    make(folder / "corpus", folder, LOCAL)
    return folder


def make(corpus, out, where: BeamConfig) -> None:
    write_songs(str(corpus), f"{out}/songs", SongsConfig("symusic"), where)
    write_genres(f"{out}/songs", f"{out}/genres/genres.json", GenresConfig(8), where)
    write_windows(f"{out}/songs", ["rock", "jazz"], f"{out}/windows", WINDOWS, where)


def contents(folder: str) -> dict[str, bytes]:
    found = {}
    for file in FileSystems.match([f"{folder}/**"])[0].metadata_list:
        with FileSystems.open(file.path) as opened:
            found[file.path.removeprefix(f"{folder}/")] = opened.read()
    return found


def dataflow(service: gcp.Dataflow, *options: str) -> BeamConfig:
    given = [
        f"--project={gcp.PROJECT}",
        f"--region={gcp.REGION}",
        f"--temp_location={gcp.BUCKET}/temp",
        f"--dataflow_endpoint={service.url}",
        *options,
    ]
    return BeamConfig("DataflowRunner", 0, options=given)


def test_dataflow_gives_the_same_bytes(service, local):
    corpus = publish(str(local / "corpus"), f"{gcp.BUCKET}/musae")
    out = f"{gcp.BUCKET}/out"
    make(corpus, out, dataflow(service, f"--sdk_container_image={IMAGE}"))
    made = contents(out)
    for name in ("songs", "genres", "windows"):
        there = {f"{name}/{file}": data for file, data in contents(str(local / name)).items()}
        assert len(there) > 0
        assert {file: data for file, data in made.items() if file.startswith(f"{name}/")} == there
    assert len(service.jobs) == 3
