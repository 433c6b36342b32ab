"""The chunks of a MIDI file: its header and its tracks.

Sources: Standard MIDI Files 1.0 (MIDI Association, RP-001), and RP-029 for MIDI inside a RIFF file (.rmi).
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from music.score import Reason, Refused

MAX_TRACKS = 2**15 - 1
"""mido reads their number as signed. The largest of 9,526 real files has fewer than a hundred."""
_CHUNK = struct.Struct(">4sI")
_SIZE = struct.Struct(">I")
_RIFF_SIZE = struct.Struct("<I")
_HEADER = struct.Struct(">HHh")
_RIFF_CHUNK = struct.Struct("<4sI")
_RIFF_NAME_BYTES = 12


class Chunks(NamedTuple):
    """What a MIDI file holds."""

    ticks_per_quarter: int
    tracks: list[bytes]
    """The events of each track, each after its delta time."""
    places: list[int]
    """Where in the file the events of each track begin."""


def read_chunks(data: bytes) -> Chunks:
    """Splits a MIDI file, or the one inside a RIFF file, into its tracks. Raises `Refused`.

    A header may be longer than 6 bytes, and chunks of other kinds are skipped, as the standard says. Tracks beyond the
    number that the header gives are read if they follow at once; what else follows the last track is ignored, because
    it is a remnant of other files in 200 of 9,526 real ones.
    """
    begin, end = _bounds(data)
    data = data[begin:end]
    if not data.startswith(b"MThd") or len(data) < _CHUNK.size + _HEADER.size:
        raise Refused(Reason.UNREADABLE, "not a MIDI file: no header (MThd) at its beginning")
    _, size = _CHUNK.unpack_from(data)
    kind, count, ticks_per_quarter = _HEADER.unpack_from(data, _CHUNK.size)
    if size < _HEADER.size or kind > 2:
        raise Refused(Reason.UNREADABLE, f"a header of {size} bytes for format {kind}, which is not defined")
    if kind == 2:
        raise Refused(Reason.FORMAT_2, "its tracks are pieces to be played one after another")
    if ticks_per_quarter <= 0:
        raise Refused(Reason.BAD_DIVISION, f"{ticks_per_quarter} ticks a quarter note")
    tracks = _find_tracks(data, _CHUNK.size + size, count)
    return Chunks(ticks_per_quarter, [data[track] for track in tracks], [begin + track.start for track in tracks])


def _find_tracks(data: bytes, place: int, count: int) -> list[slice]:
    """Returns where the events of at least `count` tracks are, from the chunks that begin at `place`."""
    tracks: list[slice] = []
    while len(tracks) < count or data[place : place + 4] == b"MTrk":
        if place + _CHUNK.size > len(data):
            raise Refused(Reason.UNREADABLE, f"cut short: {len(tracks)} of {count} tracks")
        name, size = _CHUNK.unpack_from(data, place)
        place += _CHUNK.size
        if place + size > len(data):
            raise Refused(Reason.UNREADABLE, f"cut short: a chunk of {size} bytes, of which it has {len(data) - place}")
        if len(tracks) == MAX_TRACKS:
            raise Refused(Reason.TOO_LARGE, f"more than {MAX_TRACKS} tracks")
        if name == b"MTrk":
            tracks.append(slice(place, place + size))
        place += size
    return tracks


def _bounds(data: bytes) -> tuple[int, int]:
    """Returns where the MIDI file begins and ends: chunk "data" of a RIFF file of MIDI, and all of any other file."""
    if _is_riff(data):
        place = _RIFF_NAME_BYTES
        while place + _RIFF_CHUNK.size <= len(data):
            name, size = _RIFF_CHUNK.unpack_from(data, place)
            place += _RIFF_CHUNK.size
            if name == b"data":
                return place, min(place + size, len(data))
            place += size + size % 2
    return 0, len(data)


def _is_riff(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:_RIFF_NAME_BYTES] == b"RMID"


def join_chunks(chunks: Chunks) -> bytes:
    """Returns a MIDI file of format 1 with these tracks."""
    header = _HEADER.pack(1, len(chunks.tracks), chunks.ticks_per_quarter)
    named = [(b"MThd", header), *((b"MTrk", track) for track in chunks.tracks)]
    return b"".join(_CHUNK.pack(name, len(contents)) + contents for name, contents in named)


def replace_tracks(data: bytes, events: Mapping[int, bytes]) -> bytes:
    """Returns the file with other events in the tracks of these numbers. All else stays, but for sizes of chunks."""
    chunks = read_chunks(data)
    parts = []
    copied = 0
    for number in sorted(events):
        place = chunks.places[number]
        parts += [data[copied : place - _SIZE.size], _SIZE.pack(len(events[number])), events[number]]
        copied = place + len(chunks.tracks[number])
    replaced = b"".join([*parts, data[copied:]])
    return _with_riff_sizes(data, replaced) if _is_riff(data) and events else replaced


def _with_riff_sizes(data: bytes, replaced: bytes) -> bytes:
    """Returns the RIFF file `replaced` with the sizes and the padding of the MIDI file in it, which was in `data`."""
    begin, end = _bounds(data)
    midi = replaced[begin : len(replaced) - (len(data) - end)]
    after = data[end + (end - begin) % 2 :]
    chunk = _RIFF_SIZE.pack(len(midi)) + midi + bytes(len(midi) % 2)
    riff = data[_RIFF_CHUNK.size : begin - _RIFF_SIZE.size] + chunk + after
    return data[:4] + _RIFF_SIZE.pack(len(riff)) + riff
