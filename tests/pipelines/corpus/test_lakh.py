"""Lakh's two archives: names, kinds of members, and metadata."""

import gzip
import io
import sys
import tarfile

import h5py
import numpy as np
import pytest

from music.errors import InputError
from music.score import Reason
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE, read_archives
from pipelines.isolation import MEMORY_BYTES
from tests.helpers.archives import MD5, MSD_ID, NAME, archive, hdf5, member

MAX_BYTES = 100_000
TAGGED = hdf5(["jazz", "funk"])


@pytest.fixture
def lakh(tmp_path):
    def build(*members, metadata=TAGGED):
        archive(tmp_path / MIDI_ARCHIVE, *members)
        archive(tmp_path / METADATA_ARCHIVE, member(f"lmd_matched_h5/A/A/A/{MSD_ID}.h5", metadata))
        return tmp_path

    return build


def test_a_file_comes_with_its_songs_metadata(lakh):
    (row,) = read_archives(str(lakh(member(NAME, b"bytes"))), MAX_BYTES)
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
    other = NAME.replace(MSD_ID, "TRBBBBB0123456789B")
    rows = list(read_archives(str(lakh(member(NAME), member(other), metadata=hdf5([]))), MAX_BYTES))
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
    rows = list(read_archives(str(lakh(refused, member(NAME))), MAX_BYTES))
    assert [(row["midi"], row.get("reason")) for row in rows] == [(None, str(reason)), (b"MThd", None)]


def test_members_of_one_name_are_a_row_each(lakh):
    rows = list(read_archives(str(lakh(member(NAME, b"one"), member(NAME, b"two"))), MAX_BYTES))
    assert [row["midi"] for row in rows] == [b"one", b"two"]


def test_an_archive_that_is_none_is_named(lakh):
    folder = lakh(member(NAME))
    (folder / MIDI_ARCHIVE).write_bytes(gzip.compress(b"<html>" * 1000))
    with pytest.raises(InputError, match=MIDI_ARCHIVE):
        list(read_archives(str(folder), MAX_BYTES))


def test_metadata_without_terms_is_named(lakh):
    with pytest.raises(InputError, match=rf"{MSD_ID}\.h5: not a Million Song Dataset file"):
        list(read_archives(str(lakh(member(NAME), metadata=hdf5(terms=None))), MAX_BYTES))


def test_metadata_that_is_no_hdf5_is_named(lakh):
    for data in (b"", TAGGED[: len(TAGGED) // 2], TAGGED.replace(b"TREE", b"BUSH")):
        with pytest.raises(InputError, match=rf"{MSD_ID}\.h5: not a Million Song Dataset file"):
            list(read_archives(str(lakh(member(NAME), metadata=data)), MAX_BYTES))


@pytest.mark.skipif(sys.platform != "linux", reason="macOS bounds no address space")
def test_metadata_that_would_take_all_memory_is_named(lakh):
    file = io.BytesIO()
    with h5py.File(io.BytesIO(TAGGED)) as whole, h5py.File(file, "w") as root:
        whole.copy("metadata", root)
        del root["metadata/artist_terms"]
        root.create_dataset("metadata/artist_terms", shape=(1 << 32,), dtype="S256", chunks=(1024,), compression="gzip")
    with pytest.raises(InputError, match=rf"{MSD_ID}\.h5: more than {MEMORY_BYTES} bytes"):
        list(read_archives(str(lakh(member(NAME), metadata=file.getvalue())), MAX_BYTES))


def test_metadata_without_a_song_is_named(lakh):
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.create_dataset("metadata/songs", data=np.zeros(0, dtype=[("artist_name", "S9"), ("title", "S9")]))
    with pytest.raises(InputError, match=rf"{MSD_ID}\.h5: not a Million Song Dataset file"):
        list(read_archives(str(lakh(member(NAME), metadata=file.getvalue())), MAX_BYTES))


def test_the_metadata_archive_must_be_there(lakh):
    folder = lakh(member(NAME))
    (folder / METADATA_ARCHIVE).unlink()
    with pytest.raises(InputError, match=rf"{METADATA_ARCHIVE}: no such archive"):
        list(read_archives(str(folder), MAX_BYTES))
