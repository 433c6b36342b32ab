"""The songs in memory: uploads, and what operations made of them."""

import hashlib
from collections import OrderedDict

from music.editing.song import Song, open_song

LARGEST_UPLOAD = 2_000_000
"""Bytes of a MIDI file."""
OPEN = 12
"""How many songs stay open, which takes a hundred times the memory of their bytes."""
KEPT_BYTES = 128 << 20
"""All files in memory; beyond that, the ones that were not used for the longest time go."""
LONGEST_NAME = 100


class UnknownSongError(LookupError):
    """A song that is not in memory, or no longer."""


class Songs:
    """MIDI files by an id, which is a digest of their name and bytes."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._open: OrderedDict[str, Song] = OrderedDict()

    def add(self, data: bytes, name: str) -> str:
        """Keeps a file and returns its id."""
        key = hashlib.sha256(name.encode() + b"\0" + data).hexdigest()[:32]
        self._files[key] = name, data
        self._files.move_to_end(key)
        while sum(len(data) for _, data in self._files.values()) > KEPT_BYTES:
            gone, _ = self._files.popitem(last=False)
            self._open.pop(gone, None)
        return key

    def file(self, key: str) -> tuple[str, bytes]:
        """Returns the name and the bytes of a file. Raises `UnknownSongError`."""
        if key not in self._files:
            raise UnknownSongError("this song is no longer in memory; open the file again")
        self._files.move_to_end(key)
        return self._files[key]

    def song(self, key: str) -> Song:
        """Returns the song in a file. Raises `UnknownSongError`."""
        name, data = self.file(key)
        self._open[key] = self._open.pop(key) if key in self._open else open_song(data, name)
        while len(self._open) > OPEN:
            self._open.popitem(last=False)
        return self._open[key]


def plain_name(name: str) -> str:
    """Returns the last part of a file's name without signs that no name has, for messages and downloads."""
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(sign for sign in last if sign.isprintable()).strip(". ")
    stem = printable.removesuffix(".midi").removesuffix(".mid")[:LONGEST_NAME]
    return f"{stem or 'song'}.mid"
