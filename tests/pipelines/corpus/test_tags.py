"""Tags from tags.csv, each line of which is applied or named, and from the names of folders."""

import re
from pathlib import Path

import pytest

from music.errors import InputError
from pipelines.corpus.folder import read_folder
from pipelines.corpus.remarks import Remarks

MAX_BYTES = 100_000


def read(folder: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The tags of each file, and the examples of each remark."""
    remarks = Remarks()
    tags = {row["path"]: row["terms"] for row in read_folder(folder, MAX_BYTES, remarks)}
    return tags, {remark.what: remark.examples for remark in remarks.collected()}


@pytest.mark.parametrize(
    "path",
    ["rock/live/a.mid", "./rock/live/a.mid", "rock//live/../live/a.mid", "../music/rock/live/a.mid", r"rock\live\a.mid",
     r".\rock\live\a.mid", "{folder}/rock/live/a.mid", "{folder}/../music/rock/live/a.mid"],
)  # fmt: skip
def test_every_spelling_of_a_path_means_the_file(folder, path):
    (folder / "tags.csv").write_text(f"path,tags\n{path.format(folder=folder)},ska|dub\n")
    assert read(folder)[0] == {"rock/live/a.mid": ["ska", "dub"], "jazz/b.MIDI": [], "c.kar": []}


def test_absolute_paths_may_go_round_a_link_to_the_folder(folder):
    (folder.parent / "link").symlink_to(folder)
    (folder / "tags.csv").write_text(f"path,tags\n{folder}/c.kar,ska\n{folder.parent}/link/jazz/b.MIDI,dub\n")
    assert read(folder.parent / "link")[0] == {"rock/live/a.mid": [], "jazz/b.MIDI": ["dub"], "c.kar": ["ska"]}


def test_a_name_with_backslashes_is_found_before_they_are_read_as_slashes(folder):
    (folder / r"rock\live\a.mid").write_bytes(b"")
    (folder / "tags.csv").write_text("path,tags\nrock\\live\\a.mid,ska\n")
    assert read(folder)[0] == {r"rock\\live\\a.mid": ["ska"], "rock/live/a.mid": [], "jazz/b.MIDI": [], "c.kar": []}


def test_quotes_lines_and_a_byte_order_mark_are_read_as_spreadsheets_write_them(folder):
    text = '\ufeff"path", tags ,title,,\r\n"c.kar","ska|""2 tone""","Line\r\nbreak, comma",,\r\n\r\njazz/b.MIDI,,,,\r\n'
    (folder / "tags.csv").write_bytes(text.encode())
    remarks = Remarks()
    rows = {row["path"]: (row["terms"], row["title"]) for row in read_folder(folder, MAX_BYTES, remarks)}
    assert rows == {
        "c.kar": (["ska", '"2 tone"'], "Line\r\nbreak, comma"),
        "jazz/b.MIDI": ([], ""),
        "rock/live/a.mid": ([], ""),
    }


def test_files_and_columns_that_are_not_used_are_named(folder):
    (folder / "tags.csv").write_text("path,Artist,tags,year\nc.kar,Ann,ska,1979\n")
    remarks = read(folder)[1]
    assert remarks["columns of tags.csv that are not read"] == ["Artist", "year"]
    assert remarks["files without tags, because tags.csv does not list them"] == ["jazz/b.MIDI", "rock/live/a.mid"]
    assert not any("names of folders" in what for what in remarks)


LONG = "x" * 140_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path;tags\nc.kar;ska\n", "its first line must name .* with commas between them; it is 'path;tags'"),
        ("path\ttags\nc.kar\tska\n", r"its first line must name .* it is 'path\\ttags'"),
        ("", "its first line must name .* it is ''"),
        ("path,tags,tags\nc.kar,ska,dub\n", "line 1: the column tags stands there twice"),
        ("path,tags\nc.kar,ska,dub\n", "line 2: 3 cells for 2 columns; separate tags by |"),
        ("path,tags,title\nc.kar,ska\n", "line 2: 2 cells for 3 columns"),
        ("path,tags\nc.kar,ska\n./c.kar,dub\n", "line 3: c.kar again, as in line 2; put all its tags into one line"),
        ("path,tags\n\nc.kar,ska\njazz/notes.txt,dub\n", "line 4: no file 'jazz/notes.txt' among the MIDI files"),
        ("path,tags\n../c.kar,ska\n", r"line 2: no file '\.\./c\.kar'"),
        ("path,tags\n/c.kar,ska\n", "line 2: no file '/c.kar'"),
        ("path,tags\njazz,ska\n", "line 2: no file 'jazz'"),
        ("path,tags\n,ska\n", "line 2: no file ''"),
        (f"path,tags\n{LONG[:9999]},ska\n", "line 2: no file 'xxx"),
        ('path,tags\nc.kar,"ska\njazz/b.MIDI,dub\n', "line 2: unexpected end of data; close every quote"),
        ('path,tags\nc.kar,"ska\njazz/b.MIDI,"dub"\n', "line 2: .* expected after .*; close every quote"),
        (f"path,tags\njazz/b.MIDI,dub\nc.kar,{LONG}\n", "line 3: field larger than field limit"),
        ('path,tags,title\nc.kar,ska,"of\nthree\nlines"\nd.kar,dub,\n', "line 5: no file 'd.kar'"),
        ("path,tags\rc.kar,ska\rd.kar,dub\r", "line 3: no file 'd.kar'"),
        ("path,tags\nc.kar,s\0ka\n", "line 2: a NUL character; save it as UTF-8"),
        ("path,tags\nc.kar,caf\udce9\n", "line 2: not UTF-8"),
        ("path,tags\nc.kar,ska\n".encode("utf-16").decode(errors="surrogateescape"), "line 1: not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_applied_is_named(folder, text, message):
    (folder / "tags.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=rf"^{re.escape(str(folder))}/tags\.csv(, |: ){message}") as error:
        read(folder)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_csv_that_cannot_be_opened_is_named(folder):
    (folder / "tags.csv").symlink_to("gone.csv")
    with pytest.raises(InputError, match=r"tags\.csv: No such file or directory; make it readable or take it out"):
        read(folder)


def test_a_csv_without_permission_is_named(folder, as_user):
    (folder / "tags.csv").touch(0)
    with as_user(), pytest.raises(InputError, match=r"tags\.csv: Permission denied"):
        read(folder)


@pytest.mark.parametrize(
    ("path", "tags", "not_taken"),
    [
        ("lmd_matched/A/B/c/TRABCDE128F4210F5B/0123.mid", [], ["A", "B", "TRABCDE128F4210F5B", "c", "lmd_matched"]),
        ("lmd_full/0/0abc.mid", [], ["0", "lmd_full"]),
        ("LMD-aligned/3f/2004/x.mid", [], ["2004", "3f", "LMD-aligned"]),
        ("R&B/80s/x.mid", ["R&B", "80s"], []),
        ("lmd/Oi/摇滚/歌/TRANCE/x.mid", ["Oi", "摇滚", "歌", "TRANCE"], ["lmd"]),
    ],
)
def test_names_of_folders_that_only_sort_files_are_no_tags(tmp_path, path, tags, not_taken):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).touch()
    found, remarks = read(tmp_path)
    assert found == {path: tags}
    assert sorted(remarks.get("names of folders not taken for tags", [])) == not_taken[:3]
    assert sorted(remarks.get("names of folders taken for tags, as there is no tags.csv", [])) == sorted(tags)[:3]
