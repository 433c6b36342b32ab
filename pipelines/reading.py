"""Reads a MIDI file into tokens, as bytes. The isolated process imports only this module and its dependencies."""

import struct

from music.midi.readers import READERS
from music.roles import tokenise_score
from music.score import MeterNotation

HEADER = struct.Struct("<4I")
"""The counts of drum, bass and guitar/piano tracks, and the place of the meter notation in `METER_NOTATIONS`."""
METER_NOTATIONS = tuple(MeterNotation)


def read_midi(reader: str, midi: bytes) -> bytes:
    """Returns a `HEADER`, then the (tracks, steps) tokens. Raises `Refused`."""
    score = READERS[reader](midi)
    tokens = tokenise_score(score)
    return HEADER.pack(*tokens.counts, METER_NOTATIONS.index(score.meter_notation)) + tokens.tokens.tobytes()
