"""MIDI -> tokens as bytes, as the isolated process reads it: this and what it imports is all that the process needs."""

import struct

from music.midi import READERS
from music.roles import tokenise_song

COUNTS = struct.Struct("<3I")


def read_midi(reader: str, midi: bytes) -> bytes:
    """How many drum, bass and guitar/piano tracks, as `COUNTS`, then the (tracks, steps) tokens. Raises `Refused`."""
    song = tokenise_song(READERS[reader](midi))
    return COUNTS.pack(*song.counts) + song.tokens.tobytes()
