"""A folder of MIDI files, and its tags."""

from pipelines.corpus.folder import read_folder
from pipelines.corpus.remarks import Remarks

MAX_BYTES = 100_000


def test_a_folders_names_are_its_tags(folder):
    rows = list(read_folder(folder, MAX_BYTES, Remarks()))
    assert {row["msd_id"]: row["terms"] for row in rows} == {
        "c.kar": [],
        "jazz/b.MIDI": ["jazz"],
        "rock/live/a.mid": ["rock", "live"],
    }
    assert all(row["midi"] == str(row["path"]).encode() for row in rows)


def test_tags_come_from_the_csv(folder):
    (folder / "tags.csv").write_text("path,tags,artist\nc.kar,Polka | waltz,Ann\n")
    tagged = {row["path"]: (row["terms"], row["artist"]) for row in read_folder(folder, MAX_BYTES, Remarks())}
    assert tagged == {"c.kar": (["Polka", "waltz"], "Ann"), "jazz/b.MIDI": ([], ""), "rock/live/a.mid": ([], "")}


def test_large_files_of_a_folder_are_refused(folder):
    rows = read_folder(folder, 5, Remarks())
    assert {row["path"]: row.get("reason") for row in rows} == {
        "c.kar": None,
        "jazz/b.MIDI": "too_large",
        "rock/live/a.mid": "too_large",
    }
