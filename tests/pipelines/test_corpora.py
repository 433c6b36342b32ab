import gzip
import io
import os
import sys
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from music.errors import InputError
from music.song import Reason
from music.writing import write
from pipelines.corpus import archives
from pipelines.corpus.archives import read_members
from pipelines.corpus.write import (
    METADATA_ARCHIVE,
    MIDI_ARCHIVE,
    CorpusConfig,
    read_archives,
    read_folder,
    write_corpus,
)
from pipelines.isolation import MEMORY_BYTES
from pipelines.shards import MANIFEST, read_manifest, read_row_groups, shard_paths
from tests.helpers.songs import band

TRACK = "TRAAAAA0123456789A"
MD5 = "0123456789abcdef0123456789abcdef"
NAME = f"lmd_matched/A/A/A/{TRACK}/{MD5}.mid"
MAX_BYTES = 100_000


def member(name: str, data: bytes = b"MThd", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
    info.linkname = "/etc/passwd"
    return info, data


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))


def hdf5(terms: list[str] | None = None) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        song = np.array([(b"Ann", b"A Song")], dtype=[("artist_name", "S9"), ("title", "S9")])
        root.create_dataset("metadata/songs", data=song)
        if terms is not None:
            root.create_dataset("metadata/artist_terms", data=np.array([t.encode() for t in terms], dtype="S20"))
            root.create_dataset("metadata/artist_terms_weight", data=np.linspace(1, 0.5, len(terms)))
    return file.getvalue()


TAGGED = hdf5(["jazz", "funk"])


@pytest.fixture
def lakh(tmp_path):
    def build(*members, metadata=TAGGED):
        archive(tmp_path / MIDI_ARCHIVE, *members)
        archive(tmp_path / METADATA_ARCHIVE, member(f"lmd_matched_h5/A/A/A/{TRACK}.h5", metadata))
        return tmp_path

    return build


def test_a_file_comes_with_its_songs_metadata(lakh):
    (row,) = read_archives(str(lakh(member(NAME, b"bytes"))), MAX_BYTES)
    assert row == {
        "msd_id": TRACK,
        "md5": MD5,
        "path": NAME,
        "midi": b"bytes",
        "artist": "Ann",
        "title": "A Song",
        "terms": ["jazz", "funk"],
        "weights": [1.0, 0.5],
    }


def test_a_song_without_metadata_or_without_tags_is_read(lakh):
    other = NAME.replace(TRACK, "TRBBBBB0123456789B")
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


def test_an_archive_cut_short_anywhere_is_named(tmp_path):
    path = tmp_path / MIDI_ARCHIVE
    archive(path, *(member(NAME, bytes(range(i, i + 200))) for i in range(3)))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=rf"{MIDI_ARCHIVE}: cut short or damaged .* get it again"):
            list(read_members(str(path), MAX_BYTES))


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as writer:
        for info, data in (member(NAME), member(NAME)):
            writer.addfile(info, io.BytesIO(data))
    damaged = bytearray(tar.getvalue())
    damaged[1024] ^= 1  # the second header's first byte: its checksum is wrong
    (tmp_path / MIDI_ARCHIVE).write_bytes(gzip.compress(damaged))
    with pytest.raises(InputError, match="cut short or damaged"):
        list(read_members(str(tmp_path / MIDI_ARCHIVE), MAX_BYTES))


def sized(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header that says so, with nothing behind it."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [
        (1 << 40, tarfile.REGTYPE, f"at '{NAME}': {(1 << 40) - 1} bytes to its end"),
        (-1024, tarfile.REGTYPE, f"at '{NAME}': -1025 bytes to its end"),
        (1 << 33, tarfile.GNUTYPE_LONGNAME, f"at '': a header of {1 << 33} bytes"),
        (1 << 33, tarfile.XHDTYPE, f"at '': a header of {1 << 33} bytes"),
        (-1024, tarfile.XGLTYPE, "at '': a header of -1024 bytes"),
    ],
)
def test_absurd_sizes_are_named(tmp_path, size, kind, message):
    path = tmp_path / MIDI_ARCHIVE
    path.write_bytes(gzip.compress(sized(NAME, size, kind) + bytes(4096)))
    with pytest.raises(InputError, match=f"{MIDI_ARCHIVE}: {message}.* take that out"):
        list(read_members(str(path), MAX_BYTES))


def test_a_compression_bomb_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BURST", 1_000_000)
    path = tmp_path / MIDI_ARCHIVE
    archive(path, member(NAME, os.urandom(50_000)), member(NAME + "2", bytes(5_000_000)))
    seen = []
    with pytest.raises(InputError, match=f"{MIDI_ARCHIVE}: at '{NAME}2': a compression bomb"):
        seen.extend(found.name for found, _ in read_members(str(path), MAX_BYTES))
    assert seen == [NAME, NAME + "2"]


def test_members_of_one_name_are_a_row_each(lakh):
    rows = list(read_archives(str(lakh(member(NAME, b"one"), member(NAME, b"two"))), MAX_BYTES))
    assert [row["midi"] for row in rows] == [b"one", b"two"]


def test_a_damaged_archive_leaves_nothing(lakh, tmp_path):
    folder = lakh(*(member(NAME, write(band(pitch=50 + i))) for i in range(20)))
    damaged = bytearray((folder / MIDI_ARCHIVE).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / MIDI_ARCHIVE).write_bytes(damaged)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError, match="cut short or damaged"):
        write_corpus(CorpusConfig(str(folder), 2, MAX_BYTES), str(out))
    assert list(out.iterdir()) == []


def test_an_archive_that_is_none_is_named(lakh):
    folder = lakh(member(NAME))
    (folder / MIDI_ARCHIVE).write_bytes(gzip.compress(b"<html>" * 1000))
    with pytest.raises(InputError, match=MIDI_ARCHIVE):
        list(read_archives(str(folder), MAX_BYTES))


def test_metadata_without_terms_is_named(lakh):
    with pytest.raises(InputError, match=rf"{TRACK}\.h5: not a Million Song Dataset file"):
        list(read_archives(str(lakh(member(NAME), metadata=hdf5(terms=None))), MAX_BYTES))


def test_metadata_that_is_no_hdf5_is_named(lakh):
    for data in (b"", TAGGED[: len(TAGGED) // 2], TAGGED.replace(b"TREE", b"BUSH")):
        with pytest.raises(InputError, match=rf"{TRACK}\.h5: not a Million Song Dataset file"):
            list(read_archives(str(lakh(member(NAME), metadata=data)), MAX_BYTES))


@pytest.mark.skipif(sys.platform != "linux", reason="macOS bounds no address space")
def test_metadata_that_would_take_all_memory_is_named(lakh):
    file = io.BytesIO()
    with h5py.File(io.BytesIO(TAGGED)) as whole, h5py.File(file, "w") as root:
        whole.copy("metadata", root)
        del root["metadata/artist_terms"]
        root.create_dataset("metadata/artist_terms", shape=(1 << 32,), dtype="S256", chunks=(1024,), compression="gzip")
    with pytest.raises(InputError, match=rf"{TRACK}\.h5: more than {MEMORY_BYTES} bytes"):
        list(read_archives(str(lakh(member(NAME), metadata=file.getvalue())), MAX_BYTES))


def test_metadata_without_a_song_is_named(lakh):
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.create_dataset("metadata/songs", data=np.zeros(0, dtype=[("artist_name", "S9"), ("title", "S9")]))
    with pytest.raises(InputError, match=rf"{TRACK}\.h5: not a Million Song Dataset file"):
        list(read_archives(str(lakh(member(NAME), metadata=file.getvalue())), MAX_BYTES))


def test_names_that_are_no_text_are_written_out(folder, tmp_path):
    (folder / os.fsdecode(b"caf\xe9.mid")).write_bytes(b"MThd")
    out = tmp_path / "out"
    out.mkdir()
    assert write_corpus(CorpusConfig(str(folder), 1, MAX_BYTES), str(out)) == 4
    (path,) = shard_paths(str(out), "files")
    assert "caf\\udce9.mid" in {row["path"] for group in read_row_groups(path) for row in group.to_pylist()}


def test_the_metadata_archive_must_be_there(lakh):
    folder = lakh(member(NAME))
    (folder / METADATA_ARCHIVE).unlink()
    with pytest.raises(InputError, match=rf"{METADATA_ARCHIVE}: no such archive"):
        list(read_archives(str(folder), MAX_BYTES))


@pytest.mark.parametrize("made", [True, False])
def test_a_path_without_a_corpus_is_named(tmp_path, made):
    folder = tmp_path / "nowhere"
    if made:
        folder.mkdir()
    with pytest.raises(InputError, match=r"nowhere: .* set corpus\.path"):
        write_corpus(CorpusConfig(str(folder), 2, MAX_BYTES), str(tmp_path))
    assert not (tmp_path / MANIFEST).exists()


def test_an_address_that_beam_does_not_know_is_named(tmp_path):
    with pytest.raises(InputError, match="none://bucket/music: "):
        write_corpus(CorpusConfig("none://bucket/music", 2, MAX_BYTES), str(tmp_path))


@pytest.fixture
def folder(tmp_path):
    for name in ("rock/live/a.mid", "jazz/b.MIDI", "c.kar", "jazz/notes.txt"):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "music"


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


def test_every_file_is_in_the_shard_of_its_song(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert write_corpus(CorpusConfig(str(folder), 3, MAX_BYTES), str(out)) == 3
    rows = [
        row for path in shard_paths(str(out), "files") for group in read_row_groups(path) for row in group.to_pylist()
    ]
    assert sorted(row["path"] for row in rows) == ["c.kar", "jazz/b.MIDI", "rock/live/a.mid"]
    assert sum(shard["rows"] for shard in read_manifest(str(out))["shards"]) == 3
