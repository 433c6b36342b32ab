"""What the checks say of a corpus that DVC cannot read, and of windows that nobody makes."""

import os
from pathlib import Path

import pytest
import yaml

from music.errors import InputError
from stages import check_corpus, check_training
from stages.shared.settings import PARAMS
from tests.helpers.projects import copy_project, error


def put(folder: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - a name that is no text
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"MThd")


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    put(folder, b"a/whole.mid")
    (folder / "b").mkdir()
    (folder / "b/link.mid").symlink_to(folder / "a/whole.mid")
    (folder / "linked").symlink_to(folder / "a")
    return folder


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, path: object) -> None:
    monkeypatch.chdir(folder)
    Path(PARAMS).write_text(yaml.safe_dump({"corpus": {"path": str(path)}}))
    check_corpus.main(folder / "checked/corpus")


@pytest.mark.parametrize("path", ["music", "data/demo", "gs://bucket/lakh"])
def test_a_corpus_that_dvc_can_read_is_checked(music, monkeypatch, path):
    check(music.parent, monkeypatch, path)
    assert (music.parent / "checked/corpus").exists()


def test_each_file_that_dvc_cannot_read_is_named(music):
    put(music, b"caf\xe9/one.mid")
    put(music, b"caf\xe9.mid")
    put(music, b".dvcignore")
    os.mkfifo(music / "pipe.mid")
    (music / "gone.mid").symlink_to(music / "nothing.mid")
    (music / "loop.mid").symlink_to("loop.mid")
    assert list(check_corpus.find_faults(music)) == [
        f"{music}/.dvcignore: DVC reads no folder that has such a file; remove it",
        rf"{music}/caf\udce9.mid: its path is not UTF-8, which DVC cannot read; rename it",
        f"{music}/gone.mid: a link to a file that is not there, which DVC cannot read; remove it",
        f"{music}/loop.mid: a link to a file that is not there, which DVC cannot read; remove it",
        f"{music}/pipe.mid: not a regular file, so DVC cannot read it; remove it",
        rf"{music}/caf\udce9/one.mid: its path is not UTF-8, which DVC cannot read; rename it",
    ]


def test_a_file_without_permission_is_named(music, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "link.mid")
    (fault,) = check_corpus.find_faults(music)
    assert fault == f"{music}/b/link.mid: DVC has no permission to read it; give it, or remove the file"


def test_the_message_names_one_file_and_counts_the_others(music, monkeypatch):
    for name in ("gone.mid", "lost.mid", "past.mid"):
        (music / name).symlink_to(music / "nothing.mid")
    with pytest.raises(InputError, match=r"gone\.mid: .*remove it \(and 2 more files that it cannot read\)$"):
        check(music.parent, monkeypatch, music)
    with pytest.raises(InputError, match=r"^nowhere: no such folder; set corpus\.path"):
        check(music.parent, monkeypatch, "nowhere")
    assert not (music.parent / "checked/corpus").exists()


@pytest.mark.parametrize("bars", [2, 16])
def test_windows_of_a_length_that_is_made_can_be_trained_on(tmp_path, monkeypatch, bars):
    monkeypatch.chdir(tmp_path)
    Path(PARAMS).write_text(yaml.safe_dump({"train": {"bars": bars}, "windows": {"bars": [2, 16]}}))
    check_training.main(tmp_path / "checked/training")
    assert (tmp_path / "checked/training").exists()


def test_a_length_that_is_not_made_is_named_with_the_parameter_that_lists_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(PARAMS).write_text(yaml.safe_dump({"train": {"bars": 4}, "windows": {"bars": [2, 16]}}))
    with pytest.raises(InputError, match=r"train\.bars is 4, .* set windows\.bars to \[2, 16, 4\], or train\.bars to"):
        check_training.main(tmp_path / "checked/training")
    assert not (tmp_path / "checked/training").exists()


def test_dvc_runs_the_check_before_it_reads_the_corpus(tmp_path, music):
    put(music, b"caf\xe9.mid")
    project = copy_project(tmp_path / "project")
    said = error(project, f"dvc exp run corpus -S corpus.path={music}")
    assert rf"error: {music}/caf\udce9.mid: its path is not UTF-8" in said
    assert "failed to reproduce 'check_corpus'" in said
