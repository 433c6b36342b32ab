"""The README's commands, run in a copy of the project with tiny models."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mido
import pytest
import tomlkit
import yaml

from analysis.parts import PARTS
from analysis.shared.section import read_section
from music.writing import write
from pipelines.shards import read_manifest
from tests.helpers.models import write_brief_settings
from tests.helpers.songs import band

ROOT = Path(__file__).parents[2]
TINY_MODEL = {"hidden_size": 8, "layers": 1, "latent": 4}
TINY_TRAINING = {"updates": 12, "batch": 8, "beta_every": 3, "critic_updates": 1}
ELSEWHERE = {"make repro", "make test", "source .venv/bin/activate"}
"""Commands that these tests themselves are run by."""
AGAIN = "--force windows"
"""Makes a command run songs, genres and windows, though DVC knows what would come of them."""


def commands(page: str = "README.md") -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository of its own, with a folder of music in its home."""
    home = tmp_path_factory.mktemp("home")
    copy = home / "musae"
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for number in range(16):
        path = home / "music" / ("rock" if number % 2 else "jazz") / f"{number}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write(band(bars=20, pitch=50 + number)))
    (home / "music" / "broken.mid").write_bytes(b"MThd")
    recipes = copy / "recipes.toml"
    content = tomlkit.parse(recipes.read_text())
    for recipe in content.values():
        recipe["model"].update(TINY_MODEL)
        recipe["training"].update(TINY_TRAINING)
    recipes.write_text(tomlkit.dumps(content))
    change(copy / "params.yaml", {"demo": {"songs_a_style": 1}, "corpus": {"shards": 2}})
    change(copy / "beam.yaml", {"workers": 2})
    write_brief_settings(copy)
    for arguments in ("init -q", "config user.name A", "config user.email a@b", "add -A", "commit -qm Begin"):
        subprocess.run(["git", *arguments.split()], cwd=copy, check=True)
    return copy


def change(path: Path, values: dict[str, dict[str, object] | object]) -> None:
    content = yaml.safe_load(path.read_text())
    for name, value in values.items():
        content[name] = content[name] | value if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(content))


def sh(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "HOME": str(project.parent), "PYTHONPATH": str(project)}
    return subprocess.run(command, shell=True, cwd=project, env=environment, capture_output=True, text=True)


def output(project: Path, command: str) -> str:
    done = sh(project, command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def reproduced(project):
    told = output(project, "dvc repro 2>&1")
    assert "Warning" not in told
    output(project, "git add -A && git commit -qm Reproduce")
    return project


def test_repro_writes_everything_once(reproduced):
    accuracy = json.loads((reproduced / "results/reconstruction.json").read_text())
    assert set(accuracy) == {"accuracy", "note_f1", "onset_accuracy", "majority", "always_hold"}
    assert 0 < accuracy["accuracy"]["mean"] <= 1
    report = (reproduced / "results/report.html").read_text()
    assert all(read_section(reproduced / "results" / part).title in report for part in PARTS)
    report = json.loads((reproduced / "results/data-report.json").read_text())
    assert report["files"] == report["kept"] + report["refused"]
    assert report["refused"] == 9
    assert all(check["holds"] for check in report["checks"])
    assert (reproduced / "results/data-report.html").stat().st_size > 100_000
    assert (reproduced / "results/data-report/refusals.png").exists()
    samples = sorted((reproduced / "results/attributes/clips").glob("*.mid"))
    assert len(samples) == 32 + 1  # of each Gaussian, and of the whole prior
    assert all(mido.MidiFile(path).length < 4.1 for path in samples)  # two bars at 120 quarters a minute
    before = {path: path.stat().st_mtime_ns for path in (reproduced / "data").rglob("*")}
    assert "up to date" in output(reproduced, "dvc repro")
    assert {path: path.stat().st_mtime_ns for path in (reproduced / "data").rglob("*")} == before


def test_a_folder_of_music_and_what_was_refused(reproduced):
    output(reproduced, next(c for c in commands() if c.endswith("run -S corpus.path=$HOME/music")))
    genres = json.loads((reproduced / "data/genres/genres.json").read_text())
    assert sorted(genres["genres"]) == ["jazz", "rock"]
    refused = output(reproduced, next(c for c in commands() if "refused-" in c))
    assert re.search(r"broken\.mid.*'reason': 'unreadable'", refused)
    shown = output(reproduced, "dvc exp show --only-changed --csv")
    assert "corpus.path" in shown.splitlines()[0]
    assert "accuracy.mean" in shown.splitlines()[0]


def test_a_stage_without_its_input_fails_in_one_line(reproduced):
    for change_, message in {
        "-S corpus.path=nowhere": "nowhere",
        "-S train.recipe=papre": "Parameters 'papre' are missing from 'recipes.toml'",
        "-S recipes.toml:demo.training.batch=0": "recipes.toml: demo: batch must be at least 1",
        "-S train.prior=sphere": "params.yaml: train.prior: Input should be 'gaussian' or 'flower'",
        "-S songs.reader=mido": "params.yaml: songs: reader must be one of symusic, pretty_midi, not mido",
    }.items():
        failed = sh(reproduced, f"dvc exp run {change_}")
        assert failed.returncode != 0
        assert message in failed.stdout + failed.stderr
        assert "Traceback" not in failed.stdout + failed.stderr
        output(reproduced, "git checkout -q . && dvc checkout -q --force")


@pytest.mark.slow
def test_the_other_commands_of_the_readme(reproduced):
    told = {c for c in commands() if c not in ELSEWHERE}
    lakh = {c for c in told if "lakh" in c}
    (portable,) = {c for c in told if "PortableRunner" in c}
    (dataflow,) = {c for c in told if "DataflowRunner" in c}
    folder = {c for c in told if c.endswith("run -S corpus.path=$HOME/music") or "refused-" in c}
    others = told - lakh - {portable, dataflow} - folder
    assert others == {
        "dvc exp run -S train.prior=gaussian",
        "dvc exp run -S train.recipe=paper -S train.bars=16",
        "dvc exp show --only-changed",
        "dvc metrics diff",
        "dvc plots show",
        "python -m model data/windows/2bar trained --recipe gpu_2bar --max-minutes 10 --precision bfloat16",
        "python -m analysis trained data/windows/2bar analysed",
        "python -m stages.report --results analysed --model analysed --windows analysed --page report.html",
        "python -m stages.compare HEAD workspace --page comparison.html --table table1.md",
    }
    for command in [c for c in commands() if c in others]:
        output(reproduced, command.replace("--max-minutes 10 --precision bfloat16", "--max-minutes 0.2"))
    assert {"model.safetensors", "accuracy.json", "curves.csv"} < {p.name for p in (reproduced / "trained").iterdir()}
    assert lakh == {"make lakh", "dvc exp run -S corpus.path=data/lakh -S corpus.shards=64"}
    shutil.copytree(reproduced / "data/demo", reproduced / "data/lakh")  # make lakh: tests/pipelines/test_lakh.py
    output(reproduced, "dvc exp run -S corpus.path=data/lakh -S corpus.shards=64")
    service = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", "-p", "8099"]
    with subprocess.Popen(service, stderr=subprocess.DEVNULL) as server:
        time.sleep(5)
        try:
            output(reproduced, f"{portable} {AGAIN}")
        finally:
            server.terminate()
    assert "PortableRunner" in (reproduced / "beam.yaml").read_text()


@pytest.mark.slow
def test_peers_and_ablations_are_queued_and_compared(reproduced):
    told = commands("docs/experiments.md")[:-4]  # the last are of real music
    assert told[-2:] == ["dvc exp run --run-all", "dvc exp show --only-changed"]
    for command in told[:-1]:
        output(reproduced, command)
    shown = output(reproduced, f"{told[-1]} --csv")
    experiments = {row["Experiment"]: row for row in csv.DictReader(io.StringIO(shown)) if row["Experiment"]}
    assert len(experiments) >= len(told) - 2 + 2  # three seeds are one line
    assert {"flat", "hierarchical"} <= {row["train.decoder"] for row in experiments.values()}
    assert any(row["teacher_forced_accuracy"] for row in experiments.values())


@pytest.mark.slow
def test_dataflow_as_the_readme_tells_it(reproduced, tmp_path):
    pytest.importorskip("google.cloud.storage", reason="wants the extra gcp")
    from tests.helpers import gcp

    (command,) = (c for c in commands() if "DataflowRunner" in c)
    output(reproduced, "git checkout -q . && dvc checkout -q --force")
    before = read_manifest(str(reproduced / "data/windows/2bar"))
    with gcp.cloud(tmp_path) as service:
        command = command.replace("PROJECT", gcp.PROJECT).replace("gs://BUCKET", gcp.BUCKET)
        command = command.replace('"]', f'","--dataflow_endpoint={service.url}"]')
        output(reproduced, f"{command} {AGAIN}")
    assert len(service.jobs) == 3
    assert read_manifest(str(reproduced / "data/windows/2bar")) == before
    assert "up to date" in output(reproduced, "dvc repro windows")
