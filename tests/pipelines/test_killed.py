"""Stages that are killed, or run out of disk: the output folder holds the old result or the new one."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "demo": "--out data/demo",
    "corpus": "--out data/corpus",
    "songs": "--corpus data/corpus --out data/songs --metrics songs.json",
    "genres": "--songs data/songs --out data/genres",
    "windows": "--songs data/songs --genres data/genres --out data/windows --metrics windows.json",
}
MOMENTS = {
    "begun": "",
    "within a shard": "/**/*.parquet.*.partial",
    "after a shard": "/**/*.parquet",
    "at the end": "/**/manifest.json*",
}
"""What is seen of the folder of partial results, after its name."""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A folder in which every stage of the data half has run."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("params.yaml", "beam.yaml"):
        shutil.copy(ROOT / name, folder)
    change(folder / "params.yaml", "demo", songs_a_style=1)
    change(folder / "params.yaml", "corpus", shards=4)
    beam = yaml.safe_load((folder / "beam.yaml").read_text())
    (folder / "beam.yaml").write_text(yaml.safe_dump(beam | {"workers": 1}))
    for stage in COMMANDS:
        with start(folder, stage) as process:
            assert process.wait() == 0
    return folder


def change(path: Path, section: str, **values: object) -> None:
    content = yaml.safe_load(path.read_text())
    content[section] |= values
    path.write_text(yaml.safe_dump(content))


def start(folder: Path, stage: str, **arguments) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"stages.{stage}", *COMMANDS[stage].split()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, **arguments)


def digests(out: Path) -> list[str]:
    """Those of the manifests, one a length of windows, once every shard is as they say."""
    found = []
    for path in sorted(out.rglob("manifest.json")):
        manifest = json.loads(path.read_text())
        shards = {shard["name"]: shard["sha256"] for shard in manifest["shards"]}
        assert {file.name for file in path.parent.iterdir()} == {"manifest.json", *shards}
        for name, sha256 in shards.items():
            assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == sha256
        found.append(manifest["digest"])
    return found


@pytest.fixture
def old(project, request) -> Iterator[list[str]]:
    """The digests of another result, made with other parameters, in the place of the stage's own."""
    stage = request.getfixturevalue("stage")
    out, own = project / "data" / stage, project / "own"
    shutil.copytree(out, own)
    manifests = list(out.rglob("manifest.json"))
    for path in manifests:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"digest": "old"}))
    yield ["old"] * len(manifests)
    shutil.rmtree(out)
    own.rename(out)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stage", ["songs", "windows"])
def test_a_stage_that_is_killed_leaves_the_old_result(project, old, stage, moment):
    out = project / "data" / stage
    with start(project, stage) as process:
        while process.poll() is None and not any(out.parent.glob(f".{stage}.partial{MOMENTS[moment]}")):
            pass
        process.kill()
        process.communicate(timeout=60)  # ends when no child is left that holds the pipe
    assert digests(out) in (old, digests(project / "own"))
    with start(project, stage) as process:
        assert process.wait() == 0
    assert digests(out) == digests(project / "own")
    assert not list(out.parent.glob("*.partial"))


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["corpus", "songs", "windows"])
def test_a_full_disk_leaves_the_old_result(project, old, stage):
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    with start(project, stage, preexec_fn=small_disk) as process:
        _, said = process.communicate()
    assert process.returncode == 1
    assert "error: File too large; raise the limit" in said
    assert "Traceback" not in said
    assert digests(project / "data" / stage) == old
    assert not list((project / "data").glob("*.partial"))
