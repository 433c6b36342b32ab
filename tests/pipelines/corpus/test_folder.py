"""A folder of MIDI files, and its tags."""

import pytest

from music.errors import InputError
from pipelines.corpus.folder import read_folder

MAX_BYTES = 100_000


def test_a_folders_names_are_its_tags(folder):
    rows = list(read_folder(folder, MAX_BYTES))
    assert {row["msd_id"]: row["terms"] for row in rows} == {
        "c.kar": [],
        "jazz/b.MIDI": ["jazz"],
        "rock/live/a.mid": ["rock", "live"],
    }
    assert all(row["midi"] == str(row["path"]).encode() for row in rows)


def test_tags_come_from_the_csv(folder):
    (folder / "tags.csv").write_text("path,tags,artist\nc.kar,Polka | waltz,Ann\n")
    tagged = {row["path"]: (row["terms"], row["artist"]) for row in read_folder(folder, MAX_BYTES)}
    assert tagged == {"c.kar": (["Polka", "waltz"], "Ann"), "jazz/b.MIDI": ([], ""), "rock/live/a.mid": ([], "")}


@pytest.mark.parametrize(
    ("text", "message"),
    [("file,genre\nc.kar,polka\n", "columns path and tags"), ("path,tags\nd.kar,polka\n", r"line 2: no file 'd\.kar'")],
)
def test_a_csv_that_does_not_fit_is_named(folder, text, message):
    (folder / "tags.csv").write_text(text)
    with pytest.raises(InputError, match=rf"tags\.csv.*{message}"):
        list(read_folder(folder, MAX_BYTES))


def test_a_csv_that_is_not_utf8_is_named(folder):
    (folder / "tags.csv").write_bytes(b"path,tags\nc.kar,caf\xe9\n")
    with pytest.raises(InputError, match=r"tags\.csv: not UTF-8"):
        list(read_folder(folder, MAX_BYTES))


def test_large_files_of_a_folder_are_refused(folder):
    rows = read_folder(folder, max_bytes=5)
    assert {row["path"]: row.get("reason") for row in rows} == {
        "c.kar": None,
        "jazz/b.MIDI": "too_large",
        "rock/live/a.mid": "too_large",
    }
