"""MIDI files written byte by byte, also such as no library would write."""

import struct

END = b"\x00\xff\x2f\x00"


def number(value: int, width: int = 1) -> bytes:
    """A variable-length number of MIDI, of any size, with leading zeros up to the width."""
    digits = [value & 0x7F]
    while (value := value >> 7) or len(digits) < width:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def chunk(name: bytes, contents: bytes) -> bytes:
    return name + struct.pack(">I", len(contents)) + contents


def header(tracks: int, kind: int = 1, division: int = 480, more: bytes = b"") -> bytes:
    return chunk(b"MThd", struct.pack(">HHH", kind, tracks, division) + more)


def file(*tracks: bytes, division: int = 480) -> bytes:
    return header(len(tracks) & 0xFFFF, division=division) + b"".join(chunk(b"MTrk", track) for track in tracks)


def riff(midi: bytes, size: int | None = None) -> bytes:
    """A RIFF file (.rmi) with a MIDI file in it, after a chunk of odd length."""
    size = len(midi) if size is None else size
    chunks = b"DISP\x03\x00\x00\x00abc\x00" + b"data" + struct.pack("<I", size) + midi
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"RMID" + chunks


def meta(kind: int, contents: bytes, wait: int = 0) -> bytes:
    return number(wait) + bytes([0xFF, kind]) + number(len(contents)) + contents


def sysex(contents: bytes, wait: int = 0, status: int = 0xF0) -> bytes:
    """A system exclusive event, or with status 0xF7 a further packet of it."""
    return number(wait) + bytes([status]) + number(len(contents)) + contents


def on(wait: int, pitch: int = 60, channel: int = 0, velocity: int = 90) -> bytes:
    return number(wait) + bytes([0x90 | channel, pitch, velocity])


def off(wait: int, pitch: int = 60, channel: int = 0) -> bytes:
    return number(wait) + bytes([0x80 | channel, pitch, 0])


def note(channel: int, pitch: int, wait: int, lasts: int) -> bytes:
    return on(wait, pitch, channel) + off(lasts, pitch, channel)


def program(channel: int, program: int, wait: int = 0) -> bytes:
    return number(wait) + bytes([0xC0 | channel, program])
