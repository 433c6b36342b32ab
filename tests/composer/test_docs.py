"""The commands and the Python of README.md and docs/composer.md, and the examples of the help texts, run."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from composer import command
from tests.helpers.songs import song

ROOT = Path(__file__).parents[2]
PAGES = "README.md", "docs/composer.md"


def blocks(language: str) -> list[str]:
    return [
        block
        for page in PAGES
        for block in re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    ]


def commands() -> list[str]:
    in_pages = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("musae ")]
    in_help = re.findall(r"Example: (musae .*)", (ROOT / "composer/command.py").read_text())
    return list(dict.fromkeys([*in_pages, *in_help]))


@pytest.fixture
def desk(tmp_path, monkeypatch, folder):
    """A folder with the songs that the pages name, and the tiny model in place of those that come with the project."""
    for number, name in enumerate(("song.mid", "other.mid", "a.mid", "b.mid")):
        (tmp_path / name).write_bytes(song(32, seed=number))
    (tmp_path / "composer/models").mkdir(parents=True)
    (tmp_path / "composer/models/16bar").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("composer.editor.DEFAULT", folder)
    return tmp_path


def test_there_are_examples_of_every_command():
    named = {line.split()[1] for line in commands()}
    assert named == {"describe", "edit", "vary", "interpolate", "sample", "reconstruct"}
    assert len(blocks("python")) == 2


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_pages_runs(desk, monkeypatch, capsys, line):
    if "--wav" in line:
        pytest.importorskip("tinysoundfont")
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_pages_runs(desk, monkeypatch, code):
    from composer.editor import load_editor

    monkeypatch.setattr("composer.editor.load_editor", lambda: load_editor(desk / "composer/models/16bar"))
    exec(code, {})
    assert len(list(desk.glob("*.mid"))) == 5
