"""All of the analysis in one command, on a machine that has neither DVC nor Beam, for every kind of model."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from analysis.parts import PARTS
from analysis.shared.section import Section, read_section
from model.checkpoint import Description, save
from model.data import read_provenance
from model.training.first_weights import untrained
from music.midi.readers import read_pretty_midi
from tests.helpers.models import BRIEF, SMALL, make_windows, write_brief_settings, write_window_shards
from tests.project.test_imports import ELSEWHERE

ROOT = Path(__file__).parents[2]
FOLDERS = ("music", "pipelines", "model", "analysis", "stages")
HERE = {"jinja2", "matplotlib", "mido", "pretty_midi", "pypianoroll"}
ALONE = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({sorted(ELSEWHERE - HERE)!r}))
runpy.run_module("analysis", run_name="__main__", alter_sys=True)
"""


def run(machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(machine)}
    return subprocess.run([sys.executable, *arguments], cwd=machine, env=environment, capture_output=True, text=True)


def analyse(machine: Path, **changes: object) -> dict[str, Section]:
    """Analyses an untrained model, in a folder as on a machine that has just trained it."""
    for folder in ("trained", "shards"):
        (machine / folder).mkdir()
    write_window_shards(machine / "shards", make_windows(60), make_windows(24))
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, machine / folder, ignore=shutil.ignore_patterns("__pycache__"))
    write_brief_settings(machine)
    torch.manual_seed(0)
    config = replace(SMALL, **changes)
    save(
        machine / "trained",
        untrained(config),
        Description(config, BRIEF, read_provenance(machine / "shards"), {"validation_loss": 9.5}, {"torch": "2"}),
    )
    done = run(machine, "-c", ALONE, "trained", "shards", "out", "--cpu-threads", "1")
    assert done.returncode == 0, done.stderr
    return {name: read_section(machine / "out" / name) for name in PARTS}


def check(machine: Path, sections: dict[str, Section]) -> None:
    for name, section in sections.items():
        folder = machine / "out" / name
        assert (machine / "out" / f"{name}.json").exists()
        assert {str(path.relative_to(folder)) for path in (folder / "pictures").glob("*")} == {
            figure.picture for figure in section.figures
        }
        for clip in (clip for figure in section.figures for clip in figure.clips):
            read_pretty_midi((folder / clip.midi).read_bytes())
    page = run(
        machine,
        *["-m", "stages.report", "--results", "out", "--model", "out", "--windows", "out", "--page", "report.html"],
    )
    assert page.returncode == 0, page.stderr
    text = (machine / "report.html").read_text()
    assert all(section.title in text for section in sections.values())


def test_a_machine_without_dvc_analyses_what_it_trained(tmp_path):
    sections = analyse(tmp_path)
    check(tmp_path, sections)
    assert all(section.metrics for section in sections.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"prior": "gaussian"},
        {"prior": "gaussian", "network": "flat", "regulariser": "kl"},
        {"prior": "gaussian", "network": "hierarchical", "regulariser": "kl"},
        {"tracks": ("drums",), "regulariser": "none"},
        {"tracks": ("guitar",), "onsets": "changes"},
    ],
    ids=["gaussian", "flat", "hierarchical", "drums", "guitar"],
)
def test_every_kind_of_model_is_analysed(tmp_path, changes):
    check(tmp_path, analyse(tmp_path, **changes))
