"""Functions that fail, for isolated processes."""

import os
import time

from music.score import Reason, Refused
from pipelines.reading import read_midi


def fail(data: bytes) -> bytes:
    """Fails in the way that the bytes name; returns other bytes."""
    match data:
        case b"abort":
            os.abort()
        case b"exit":
            os._exit(7)
        case b"loop":
            while True:
                pass
        case b"sleep":
            time.sleep(1e6)
        case b"allocate":
            kept = []
            while True:
                kept.append(bytes(1 << 26))
        case b"raise":
            raise LookupError("no such thing \udc80")
        case b"refuse":
            raise Refused(Reason.NO_NOTES, "not one")
    return data


def read_or_fail(data: bytes) -> bytes:
    """Calls `reading.read_midi`, or `fail` for bytes that are not MIDI."""
    return read_midi("musae", data) if data.startswith(b"MThd") else fail(data)
