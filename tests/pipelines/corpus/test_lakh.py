"""Lakh's two archives: names, kinds of members, and metadata."""

import gzip
import io
import sys
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from music.errors import InputError
from music.score import Reason
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE, read_archives
from pipelines.corpus.remarks import Remarks
from pipelines.isolation import MEMORY_BYTES
from tests.helpers.archives import MD5, MSD_ID, NAME, archive, hdf5, member

MAX_BYTES = 100_000
TAGGED = hdf5(["jazz", "funk"])
OTHER = "TRBBBBB0123456789B"
HDF5_NAME = f"lmd_matched_h5/A/A/A/{MSD_ID}.h5"


@pytest.fixture
def lakh(tmp_path):
    def build(*members, metadata=TAGGED):
        archive(tmp_path / MIDI_ARCHIVE, *members)
        archive(tmp_path / METADATA_ARCHIVE, member(HDF5_NAME, metadata))
        return tmp_path

    return build


def read(folder: Path) -> tuple[list[dict], list[str]]:
    """The rows, and the remarks as they are printed."""
    remarks = Remarks()
    rows = list(read_archives(str(folder), MAX_BYTES, remarks))
    return rows, [str(remark) for remark in remarks.collected()]


def test_a_file_comes_with_its_songs_metadata(lakh):
    (row,) = read_archives(str(lakh(member(NAME, b"bytes"))), MAX_BYTES, Remarks())
    assert row == {
        "msd_id": MSD_ID,
        "md5": MD5,
        "path": NAME,
        "midi": b"bytes",
        "artist": "Ann",
        "title": "A Song",
        "terms": ["jazz", "funk"],
    }


def test_a_song_without_metadata_or_without_tags_is_read(lakh):
    other = NAME.replace(MSD_ID, OTHER)
    rows = list(read_archives(str(lakh(member(NAME), member(other), metadata=hdf5([]))), MAX_BYTES, Remarks()))
    assert [(row["artist"], row["terms"]) for row in rows] == [("Ann", []), ("", [])]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (member(NAME, kind=tarfile.SYMTYPE), Reason.NOT_A_FILE),
        (member(NAME, kind=tarfile.LNKTYPE), Reason.NOT_A_FILE),
        (member(NAME, kind=tarfile.CHRTYPE), Reason.NOT_A_FILE),
        (member("/" + NAME), Reason.UNEXPECTED_NAME),
        (member("../" + NAME), Reason.UNEXPECTED_NAME),
        (member("lmd_matched/readme.txt"), Reason.UNEXPECTED_NAME),
        (member(NAME, bytes(MAX_BYTES + 1)), Reason.TOO_LARGE),
    ],
)
def test_members_of_the_wrong_kind_are_rows_with_a_reason(lakh, refused, reason):
    rows = list(read_archives(str(lakh(refused, member(NAME))), MAX_BYTES, Remarks()))
    assert [(row["midi"], row.get("reason")) for row in rows] == [(None, str(reason)), (b"MThd", None)]


def test_members_of_one_name_are_a_row_each(lakh):
    rows = list(read_archives(str(lakh(member(NAME, b"one"), member(NAME, b"two"))), MAX_BYTES, Remarks()))
    assert [row["midi"] for row in rows] == [b"one", b"two"]


def test_an_archive_that_is_none_is_named(lakh):
    folder = lakh(member(NAME))
    (folder / MIDI_ARCHIVE).write_bytes(gzip.compress(b"<html>" * 1000))
    with pytest.raises(InputError, match=MIDI_ARCHIVE):
        list(read_archives(str(folder), MAX_BYTES, Remarks()))


def no_array_of_terms() -> bytes:
    """A file whose terms are HDF5's empty dataset."""
    file = io.BytesIO(hdf5(terms=None))
    with h5py.File(file, "r+") as root:
        root["metadata/artist_terms"] = h5py.Empty("S20")
    return file.getvalue()


@pytest.mark.parametrize("metadata", [hdf5(terms=None), hdf5([]), no_array_of_terms()])
def test_a_song_whose_metadata_has_no_terms_has_no_tags_and_is_counted(lakh, metadata):
    rows, remarks = read(lakh(member(NAME), metadata=metadata))
    assert [(row["artist"], row["title"], row["terms"]) for row in rows] == [("Ann", "A Song", [])]
    assert remarks == [f"HDF5 files with no artist_terms, so that their songs have no tags: 1 ({HDF5_NAME})"]


def without_a_song() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.create_dataset("metadata/songs", data=np.zeros(0, dtype=[("artist_name", "S9"), ("title", "S9")]))
    return file.getvalue()


DAMAGED = [b"", TAGGED[: len(TAGGED) // 2], TAGGED.replace(b"TREE", b"BUSH"), without_a_song()]


@pytest.mark.parametrize("metadata", DAMAGED)
def test_damaged_metadata_costs_a_song_its_tags_and_is_counted(lakh, metadata):
    rows, remarks = read(lakh(member(NAME), metadata=metadata))
    assert [(row["midi"], row.get("artist"), row.get("terms")) for row in rows] == [(b"MThd", "", [])]
    (remark,) = remarks
    assert remark.startswith(
        f"HDF5 files that cannot be read, so that their songs have no tags: 1 ({HDF5_NAME}: "
        "not a Million Song Dataset file with /metadata/songs ("
    )


@pytest.mark.skipif(sys.platform != "linux", reason="macOS bounds no address space")
def test_metadata_that_would_take_all_memory_is_counted(lakh):
    file = io.BytesIO()
    with h5py.File(io.BytesIO(TAGGED)) as whole, h5py.File(file, "w") as root:
        whole.copy("metadata", root)
        del root["metadata/artist_terms"]
        root.create_dataset("metadata/artist_terms", shape=(1 << 32,), dtype="S256", chunks=(1024,), compression="gzip")
    rows, (remark,) = read(lakh(member(NAME), metadata=file.getvalue()))
    assert [row["terms"] for row in rows] == [[]]
    assert remark.endswith(f"1 ({HDF5_NAME}: more than {MEMORY_BYTES} bytes)")


def test_every_member_of_the_metadata_is_used_or_counted(lakh):
    folder = lakh(member(NAME), member(NAME.replace(MSD_ID, OTHER)))
    archive(
        folder / METADATA_ARCHIVE,
        member(HDF5_NAME, hdf5(["ska"])),
        member(f"again/{MSD_ID}.h5", TAGGED),
        member(f"damaged/{MSD_ID}.h5", b"HDF"),
        member(f"link/{MSD_ID}.h5", kind=tarfile.SYMTYPE),
        member("readme.txt"),
    )
    rows, remarks = read(folder)
    assert [row["terms"] for row in rows] == [["jazz", "funk"], []]
    damaged, *others = sorted(remarks, key=lambda remark: "damaged" not in remark)
    assert damaged.startswith(f"HDF5 files that cannot be read, so that their songs have no tags: 1 (damaged/{MSD_ID}")
    other = NAME.replace(MSD_ID, OTHER)
    files = "because they are not files .../TR<16>.h5 of at most 16000000 bytes"
    assert sorted(others) == [
        f"HDF5 files of a song that has another, of which the last counts: 1 (again/{MSD_ID}.h5)",
        f"files without tags, because their songs have no HDF5 file in {METADATA_ARCHIVE}: 1 ({other})",
        f"members of {METADATA_ARCHIVE} not read, {files}: 2 (link/{MSD_ID}.h5, readme.txt)",
    ]


def test_what_lies_beside_the_archives_is_counted(lakh):
    folder = lakh(member(NAME))
    (folder / "more").mkdir()
    (folder / "more" / "a.mid").touch()
    (folder / "b.mid").touch()
    assert read(folder)[1] == [f"files and folders not read, because they lie beside {MIDI_ARCHIVE}: 2 (b.mid, more)"]


def test_the_metadata_archive_must_be_there(lakh):
    folder = lakh(member(NAME))
    (folder / METADATA_ARCHIVE).unlink()
    with pytest.raises(InputError, match=rf"{METADATA_ARCHIVE}: no such archive"):
        list(read_archives(str(folder), MAX_BYTES, Remarks()))
