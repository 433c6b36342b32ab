"""Links, folders and files that are read, refused or counted."""

import errno
import os
import socket
from pathlib import Path

import pytest

from pipelines.corpus.folder import read_folder
from pipelines.corpus.remarks import Remarks

MAX_BYTES = 100_000
OTHERS = "files not read, because their names do not end in .kar, .mid, .midi, .rmi"
LINKS = "files read through links out of the folder"


def outcomes(folder: Path) -> tuple[dict[str, object], dict[str, int]]:
    """The bytes, or the reason and the detail, of each row by its path; and how often each remark was made."""
    remarks = Remarks()
    rows = list(read_folder(folder, MAX_BYTES, remarks))
    read = {row["path"]: row["midi"] or (row["reason"], row["detail"]) for row in rows}
    assert len(read) == len(rows)
    assert all(row["msd_id"] == row["path"] for row in rows)
    tags = "names of folders"
    return read, {remark.what: remark.count for remark in remarks.collected() if not remark.what.startswith(tags)}


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.fsencode(path.name))
    return path


def test_every_ending_of_a_midi_file_is_read_and_other_files_are_counted(tmp_path):
    music = [".mid", "a.mid", "b.MIDI", "c.Kar", "d.rmi", "deep/h.mid", "e.RMI"]
    for name in (*music, "f.mid.gz", "g", "deep/er/tags.csv"):
        touch(tmp_path / name)
    read, remarks = outcomes(tmp_path)
    assert sorted(read) == music
    assert remarks == {OTHERS: 3}


def test_a_folder_that_is_called_like_a_file_is_read(tmp_path):
    touch(tmp_path / "album.mid" / "a.mid")
    assert outcomes(tmp_path)[0] == {"album.mid/a.mid": b"a.mid"}


def test_a_link_to_a_file_counts_as_a_copy_and_one_out_of_the_folder_is_named(tmp_path):
    folder = tmp_path / "music"
    touch(folder / "all" / "a.mid")
    outside = touch(tmp_path / "cache" / "md5")
    (folder / "rock").mkdir()
    (folder / "rock" / "best.mid").symlink_to("../all/a.mid")
    (folder / "rock" / "cached.mid").symlink_to(outside)
    (folder / "words").symlink_to(outside)
    read, remarks = outcomes(folder)
    assert read == {"all/a.mid": b"a.mid", "rock/best.mid": b"a.mid", "rock/cached.mid": b"md5"}
    assert remarks == {LINKS: 1, OTHERS: 1}


def test_the_folder_itself_may_be_a_link(tmp_path):
    touch(tmp_path / "music" / "a.mid")
    (tmp_path / "music" / "b.mid").symlink_to("a.mid")
    (tmp_path / "link").symlink_to("music")
    assert outcomes(tmp_path / "link") == ({"a.mid": b"a.mid", "b.mid": b"a.mid"}, {})


def test_links_to_folders_are_rows_and_lead_nowhere_twice(tmp_path):
    folder = tmp_path / "music"
    touch(folder / "rock" / "a.mid")
    touch(tmp_path / "elsewhere" / "b.mid")
    for name, target in {"inside": "rock", "outside": "../elsewhere", "up": "..", "rock/round": "."}.items():
        (folder / name).symlink_to(target)
    read, _ = outcomes(folder)
    refused = ("not_a_file", "a link to a folder is not followed; put the folder in its place")
    links = dict.fromkeys(("inside", "outside", "rock/round", "up"), refused)
    assert read == {"rock/a.mid": b"a.mid", **links}


def test_links_that_lead_nowhere_are_rows_whatever_they_are_called(tmp_path):
    (tmp_path / "a.mid").symlink_to("gone.mid")
    (tmp_path / "more music").symlink_to("/gone/music")
    (tmp_path / "self.mid").symlink_to("self.mid")
    gone = ("not_a_file", "a broken link: No such file or directory")
    circle = ("not_a_file", "a broken link: Too many levels of symbolic links")
    assert outcomes(tmp_path)[0] == {"a.mid": gone, "more music": gone, "self.mid": circle}


def test_what_is_no_regular_file_is_a_row_and_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.mid")
    (tmp_path / "zero.mid").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.mid")
        refused = ("not_a_file", "a device, a pipe or a socket")
        assert outcomes(tmp_path)[0] == dict.fromkeys(("pipe.mid", "socket.mid", "zero.mid"), refused)


def test_git_annex_gives_every_file_once_by_the_name_of_its_link(tmp_path):
    touch(tmp_path / ".git" / "annex" / "objects" / "x.mid")
    (tmp_path / "rock").mkdir()
    (tmp_path / "rock" / "a.mid").symlink_to("../.git/annex/objects/x.mid")
    read, _ = outcomes(tmp_path)
    assert read == {".git": ("not_a_file", "a folder of version control"), "rock/a.mid": b"x.mid"}


def test_files_and_folders_without_permission_are_rows(tmp_path, as_user):
    folder = tmp_path / "music"
    for name in ("a.mid", "closed/b.mid", "unlisted/c.mid", "unsearched/d.mid"):
        touch(folder / name)
    touch(folder / "secret.mid").chmod(0)
    (folder / "hidden.mid").symlink_to("closed/b.mid")
    for name, mode in {"closed": 0, "unlisted": 0o311, "unsearched": 0o644}.items():
        (folder / name).chmod(mode)
    try:
        with as_user():
            read, _ = outcomes(folder)
    finally:
        for name in ("closed", "unlisted", "unsearched"):
            (folder / name).chmod(0o755)
    denied = ("unreadable", "Permission denied")
    closed = ("unreadable", "a folder: Permission denied")
    assert read == {
        "a.mid": b"a.mid",
        "closed": closed,
        "hidden.mid": denied,
        "secret.mid": denied,
        "unlisted": closed,
        "unsearched/d.mid": denied,
    }


@pytest.mark.parametrize("method", ["iterdir", "read_bytes"])
def test_a_limit_of_the_machine_is_not_a_fault_of_the_file(folder, monkeypatch, method):
    def full(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Path, method, full)
    with pytest.raises(OSError, match="Too many open files"):
        outcomes(folder)


def test_different_names_are_different_songs(tmp_path):
    for name in (b"a\xff.mid", rb"a\udcff.mid", rb"a\\udcff.mid", b"a\\.mid"):
        touch(tmp_path / os.fsdecode(name))
    assert sorted(outcomes(tmp_path)[0]) == [r"a\\.mid", r"a\\\\udcff.mid", r"a\\udcff.mid", r"a\udcff.mid"]


def test_folders_may_be_nested_deeper_than_python_recurses(tmp_path, monkeypatch):
    depth = 1100
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    touch(Path("a.mid"))
    assert outcomes(tmp_path)[0] == {"d/" * depth + "a.mid": b"a.mid"}
    Path("a.mid").unlink()
    for _ in range(depth):  # pytest's own cleaning recurses
        os.chdir("..")
        Path("d").rmdir()
