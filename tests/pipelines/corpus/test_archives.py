"""Archives that are damaged or malicious."""

import gzip
import io
import os
import tarfile

import pytest

from music.errors import InputError
from pipelines.corpus import archives
from pipelines.corpus.archives import read_members
from pipelines.corpus.lakh import MIDI_ARCHIVE
from tests.helpers.archives import NAME, archive, member

MAX_BYTES = 100_000


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
