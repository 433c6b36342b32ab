"""The commands of README.md and docs/, run in a copy of the project with tiny models."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import mido
import pytest
import tomlkit
import yaml

from analysis.parts import PARTS
from analysis.shared.section import read_section
from model.checkpoint import load
from model.scales import load_scales
from music.midi.writer import to_midi
from pipelines.shards import read_manifest
from tests.helpers.models import write_brief_settings
from tests.helpers.scores import band

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
TINY_MODEL = {"hidden_size": 8, "layers": 1, "latent": 64}
TINY_TRAINING = {"updates": 12, "batch": 8, "beta_every": 3, "critic_updates": 1}
NOT_RUN = {
    r"musae .*": "tests/composer/test_docs.py runs them",
    r"make (repro|test)|source .venv/bin/activate": "these tests run in the environment that it sets up",
    r"make studio|musae studio .*": "serves the page until it is ended; tests/studio has the page",
    r"python -m benchmarks.studio": "needs Chromium",
    r"make lakh": "needs a network; tests/pipelines/corpus/test_download.py has a stand-in for it",
    r"pip install .*": "needs a package index",
    r"gcloud .*": "needs Google Cloud",
    r"docker .*": "needs Docker",
    r"pytest -m slow .*": "is one of the slow tests itself",
    r".* -m apache_beam.runners.worker.worker_pool_main .*": "never ends; the fixture `services` runs it",
}
"""Commands that these tests leave out, as patterns, and why."""
SMALLER = {
    r"--max-minutes [\d.]+": "--max-minutes 0.2",
    r"train.max_minutes=\d+": "train.max_minutes=0.2",
    r"--updates (18000|5000|2500|1500)": "--updates 12",
    r"(benchmarks.trade_off WINDOWS OUT) --updates 800": r"\1 --updates 12 --seeds 0",
    r" --precision bfloat16": "",  # not every processor has it
    r"benchmarks.data CORPUS": "benchmarks.data data/demo --shards 2",
    r"benchmarks.edits SCALED WINDOWS CORPUS --songs \d+( --changes -1 1)?": "benchmarks.edits models/composer "
    "data/windows/2bar data/demo --songs 2 --changes 1",
    r"benchmarks.table1 BY_SONG BY_WINDOW OUT --minutes 1 2": "benchmarks.table1 data/windows data/windows OUT "
    "--minutes 0.001 0.001 --seeds 0",
    r"benchmarks.gpu BY_SONG BY_WINDOW": "benchmarks.gpu data/windows data/windows --minutes 0.2 --recipe demo",
    r"--seen 16000 --batch 32 128": "--seen 64 --batch 8 16",
    r"--batch 256": "--hidden-size 8 --layers 1 --latent 4 --batch 8",
    r"--hidden-size \d+ --layers \d --latent \d+": "--hidden-size 8 --layers 1 --latent 4",
    r"--batch 32( 128 512)?": "--batch 8",
    r"--warm-up 2 --updates \d( --repetitions \d)?": "--warm-up 1 --updates 1 --repetitions 1 --profiled 1",
    r"pip wheel \.": "pip wheel . --no-build-isolation",
    r"WINDOWS_(\d+)": r"data/windows/\1bar",
    r"\bMODEL\b": "models/musae",
    r"\bWINDOWS\b": "data/windows/2bar",
    r"\bOTHER\b": "workspace",
    r"/mnt/shared": "$HOME/shared",
    r"JOBSERVER": "localhost",
    r"gs://BUCKET": "gs://musae-test",  # tests/helpers/gcp.py
    r"\bPROJECT\b": "musae-test",
}
"""Patterns in the commands, and what makes them run here in seconds."""


def commands(page: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.startswith("#")]


def is_run(command: str) -> bool:
    return not any(re.fullmatch(pattern, command.partition("  #")[0].strip()) for pattern in NOT_RUN)


def smaller(command: str) -> str:
    for pattern, replacement in SMALLER.items():
        command = re.sub(pattern, replacement, command)
    return command


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
        path.write_bytes(to_midi(band(bars=20, pitch=50 + number)))
    (home / "music" / "broken.mid").write_bytes(b"MThd")
    (home / "shared").mkdir()
    (copy / ".venv").mkdir()
    (copy / ".venv/stages").touch()  # make takes it that everything is installed
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
    return subprocess.run(command, shell=True, cwd=project, env=environment(project), capture_output=True, text=True)


def environment(project: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "HOME": str(project.parent), "PYTHONPATH": str(project)}


def output(project: Path, command: str) -> str:
    done = sh(project, command)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def clean(project: Path) -> None:
    """Sets the project back to what was committed."""
    output(project, "git checkout -q . && dvc checkout -q --force")


@pytest.fixture(scope="module")
def reproduced(project):
    said = output(project, "dvc repro 2>&1")
    assert "Warning" not in said
    output(project, "git add -A && git commit -qm Reproduce")
    return project


def test_every_reason_to_leave_a_command_out_is_needed():
    all_commands = [command.partition("  #")[0].strip() for page in PAGES for command in commands(page)]
    assert all(any(re.fullmatch(pattern, command) for command in all_commands) for pattern in NOT_RUN)
    assert all(any(re.search(pattern, command) for command in all_commands) for pattern in SMALLER)


def test_links_between_the_pages_lead_somewhere():
    for page in ["CONTRIBUTING.md", *PAGES]:
        text = (ROOT / page).read_text()
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            name, _, heading = target.partition("#")
            linked = (ROOT / page).parent / name if name else ROOT / page
            assert linked.exists(), f"{page}: {target}"
            headings = re.findall(r"^#+ (.*)", linked.read_text(), re.MULTILINE) if heading else []
            slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings]
            assert not heading or heading in slugs, f"{page}: {target}"


def test_repro_writes_everything_once(reproduced):
    accuracy = json.loads((reproduced / "results/reconstruction.json").read_text())
    assert {"accuracy", "note_f1", "onset_accuracy", "majority", "always_hold"} <= set(accuracy)
    assert 0 < accuracy["accuracy"]["mean"] <= 1
    report = (reproduced / "results/report.html").read_text()
    assert all(read_section(reproduced / "results" / part).title in report for part in PARTS)
    report = json.loads((reproduced / "results/data-report.json").read_text())
    assert report["files"] == report["kept"] + report["refused"]
    assert report["refused"] == 9
    assert all(check["holds"] for check in report["checks"])
    assert (reproduced / "results/data-report.html").stat().st_size > 100_000
    assert (reproduced / "results/data-report/refusals.png").exists()
    _, description = load(reproduced / "models/composer")
    assert load_scales(reproduced / "models/composer", description).spread.attributes["notes"] > 0
    samples = sorted((reproduced / "results/attributes/clips").glob("*.mid"))
    assert len(samples) == 32 + 1  # of each Gaussian, and of the whole prior
    assert all(mido.MidiFile(path).length < 4.1 for path in samples)  # two bars at 120 quarters a minute
    before = {path: path.stat().st_mtime_ns for path in (reproduced / "data").rglob("*")}
    assert "up to date" in output(reproduced, "dvc repro")
    assert {path: path.stat().st_mtime_ns for path in (reproduced / "data").rglob("*")} == before


def test_a_folder_of_music_and_what_was_refused(reproduced):
    readme = commands("README.md")
    output(reproduced, next(c for c in readme if c.endswith("run -S corpus.path=$HOME/music")))
    genres = json.loads((reproduced / "data/genres/genres.json").read_text())
    assert sorted(genres["genres"]) == ["jazz", "rock"]
    refused = output(reproduced, next(c for c in readme if "refused-" in c))
    assert re.search(r"broken\.mid.*'reason': 'unreadable'", refused)
    columns = output(reproduced, "dvc exp show --only-changed --csv").splitlines()[0].split(",")
    assert {"corpus.path", "accuracy", "note_f1"} <= set(columns)


def test_a_stage_without_its_input_fails_in_one_line(reproduced):
    for change_, message in {
        "-S corpus.path=nowhere": "nowhere: no such folder; set corpus.path",
        "-S train.bars=4": "train.bars is 4, but windows.bars is [2, 16]",
        "-S train.recipe=papre": "Parameters 'papre' are missing from 'recipes.toml'",
        "-S recipes.toml:demo.training.batch=0": "recipes.toml: demo: batch must be at least 1",
        "-S train.prior=sphere": "params.yaml: train: prior must be one of gaussian, flower, not sphere",
        "-S songs.reader=mido": "params.yaml: songs: reader must be one of musae, pretty_midi, not mido",
    }.items():
        failed = sh(reproduced, f"dvc exp run {change_}")
        assert failed.returncode != 0
        assert message in failed.stdout + failed.stderr
        assert "Traceback" not in failed.stdout + failed.stderr
        clean(reproduced)


@pytest.fixture(scope="module")
def services(tmp_path_factory, project):
    """What the pages name of other machines: a job server, a pool of workers, and stand-ins of Google Cloud."""
    pytest.importorskip("google.cloud.storage", reason="needs the extra gcp")
    from tests.helpers import gcp

    servers = [
        "apache_beam.runners.portability.local_job_service_main -p 8099",
        "apache_beam.runners.worker.worker_pool_main --service_port=50000",
    ]
    with ExitStack() as stack:
        for server in servers:
            process = subprocess.Popen(
                [sys.executable, "-m", *server.split()], env=environment(project), stderr=subprocess.DEVNULL
            )
            stack.enter_context(process)
            stack.callback(process.terminate)
        time.sleep(5)
        yield stack.enter_context(gcp.cloud(tmp_path_factory.mktemp("account")))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs(page, reproduced, services):
    clean(reproduced)
    shutil.copytree(reproduced / "data/demo", reproduced / "data/lakh", dirs_exist_ok=True)  # in place of make lakh
    for command in filter(is_run, commands(page)):
        if "beam.yaml:runner" in command:
            run_pipelines_elsewhere(reproduced, smaller(command), services)
        else:
            output(reproduced, smaller(command))
    CHECKS.get(page, lambda _: None)(reproduced)


def run_pipelines_elsewhere(project, command, dataflow):
    """Runs songs, genres and windows, though DVC knows what they write, and compares that with what was there."""
    output(project, "git checkout -q beam.yaml")
    before, jobs = read_manifest(str(project / "data/windows/2bar")), len(dataflow.jobs)
    if "DataflowRunner" in command:
        command = command.replace('"]', f'","--dataflow_endpoint={dataflow.url}"]')
    output(project, f"{command} --force windows")
    assert read_manifest(str(project / "data/windows/2bar")) == before
    assert len(dataflow.jobs) == jobs + (3 if "DataflowRunner" in command else 0)


def check_readme(project):
    assert {"model.safetensors", "accuracy.json", "curves.csv"} < {p.name for p in (project / "trained").iterdir()}
    assert (project / "report.html").exists()
    assert "PortableRunner" in (project / "beam.yaml").read_text()


def check_experiments(project):
    queued = sum("--queue" in command for command in commands("docs/experiments.md"))
    shown = csv.DictReader(io.StringIO(output(project, "dvc exp show --only-changed --csv")))
    experiments = {row["Experiment"]: row for row in shown if row["Experiment"]}
    assert len(experiments) >= queued + 2  # three seeds are one line
    assert {"flat", "hierarchical"} <= {row["train.network"] for row in experiments.values()}
    assert all(row["accuracy"] for row in experiments.values())
    flat = next(name for name, row in experiments.items() if row["train.network"] == "flat")
    output(project, f"python -m stages.compare {flat} workspace --page comparison.html --table table1.md")
    assert "teacher_forced_accuracy" in json.loads((project / "table1.json").read_text())[flat]["measures"]


CHECKS = {"README.md": check_readme, "docs/experiments.md": check_experiments}
