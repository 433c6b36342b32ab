"""Functions that end badly, for isolated processes."""

import os
import time

from music.song import Reason, Refused


def fail(data: bytes) -> bytes:
    """Does what the bytes say; other bytes come back."""
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
