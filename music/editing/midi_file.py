"""A MIDI file with every event at its place in the bytes, and its notes, each known by a handle."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from music.arrays import IntArray
from music.errors import InputError
from music.midi.chunks import read_chunks
from music.midi.events import LARGEST_TICK, META, TICK_BITS, Events, read_events, read_number
from music.midi.notes import find_parts, find_programs, pair_notes
from music.score import Reason, Refused, TimeSignature

TRACK_NAME = 0x03
SET_TEMPO = 0x51
TEMPO = 500_000
"""Microseconds a quarter note where a file says nothing else: 120 a minute."""
WAYS_OUT = {
    Reason.UNREADABLE: "export it again as MIDI from the program that made it",
    Reason.FORMAT_2: "save it as format 0 or 1",
    Reason.BAD_DIVISION: "save it with times in ticks a quarter note, not in frames",
    Reason.BAD_TICKS: "cut the silence before its last notes",
    Reason.TOO_LARGE: "leave out tracks",
}


class Note(NamedTuple):
    """A note with all that the file says of it."""

    track: int
    """The number of the track in the file, from 0."""
    channel: int
    program: int
    """The General MIDI program, 0-127, at the note's end."""
    pitch: int
    velocity: int
    start: int
    """In ticks."""
    end: int
    """In ticks; later than the start."""
    off: tuple[int, int]
    """How the end is written: as `NOTE_OFF` or as a `NOTE_ON` of velocity 0, and with which velocity."""


@dataclass(frozen=True)
class NoteTable:
    """The notes of a file; each array has the shape (notes,). A note's handle is its index."""

    on: IntArray
    """The number of the event that starts the note."""
    off: IntArray
    """The number of the event that ends it; it may end others, too."""
    track: IntArray
    channel: IntArray
    program: IntArray
    """The program at the note's end, to which it belongs."""
    program_at_start: IntArray
    pitch: IntArray
    velocity: IntArray
    start: IntArray
    """In ticks."""
    end: IntArray
    """In ticks."""

    def __len__(self) -> int:
        return len(self.on)


@dataclass(frozen=True)
class MidiFile:
    """The bytes of a file and what they say."""

    data: bytes
    name: str
    """For messages."""
    ticks_per_quarter: int
    tracks: list[bytes]
    events: Events
    time_signatures: list[TimeSignature]
    notes: NoteTable

    @cached_property
    def joined(self) -> bytes:
        """The tracks laid end to end, in which `Events` has the places of events."""
        return b"".join(self.tracks)

    @cached_property
    def tempos(self) -> dict[int, int]:
        """Microseconds a quarter note, by the tick from which they hold; the first tick is 0."""
        events = self.events
        changes = {0: TEMPO}
        for event in np.flatnonzero((events.status == META) & (events.first == SET_TEMPO)).tolist():
            place = int(events.place[event])
            tempo = int.from_bytes(self.joined[place + 3 : place + 6], "big")
            changes[int(events.moment[event]) & LARGEST_TICK] = tempo
        return dict(sorted(changes.items()))

    def note(self, handle: int) -> Note:
        """Returns the note with this handle."""
        off = int(self.notes.off[handle])
        return Note(
            track=int(self.notes.track[handle]),
            channel=int(self.notes.channel[handle]),
            program=int(self.notes.program[handle]),
            pitch=int(self.notes.pitch[handle]),
            velocity=int(self.notes.velocity[handle]),
            start=int(self.notes.start[handle]),
            end=int(self.notes.end[handle]),
            off=(int(self.events.status[off]) & 0xF0, int(self.events.second[off])),
        )

    def track_name(self, track: int) -> str:
        """Returns the name that the file gives to a track, or an empty text."""
        events = self.events
        names = (events.status == META) & (events.first == TRACK_NAME) & (events.moment >> TICK_BITS == track)
        for event in np.flatnonzero(names)[:1].tolist():
            size, place = read_number(self.joined, int(events.place[event]) + 2)
            return self.joined[place : place + size].decode("latin1").strip("\0 ")
        return ""


def read_midi_file(data: bytes, name: str) -> MidiFile:
    """Reads a file of format 0 or 1, or one inside a RIFF file, by the rules of `music.midi`. Raises `InputError`."""
    try:
        chunks = read_chunks(data)
        events, time_signatures = read_events(chunks.tracks)
    except Refused as refusal:
        detail = f"{refusal.detail}; {WAYS_OUT[refusal.reason]}"
        raise InputError(f"{name}: cannot be read as MIDI: {detail}") from refusal
    notes = _find_notes(events)
    if not len(notes):
        raise InputError(f"{name}: there are no notes in it; choose another file")
    return MidiFile(data, name, chunks.ticks_per_quarter, chunks.tracks, events, time_signatures, notes)


def _find_notes(events: Events) -> NoteTable:
    on, off = pair_notes(events)
    parts = find_parts(events, off)
    return NoteTable(
        on=on,
        off=off,
        track=events.moment[on] >> TICK_BITS,
        channel=(events.status[on] & 0xF).astype(np.int64),
        program=find_programs(events, off, parts).astype(np.int64),
        program_at_start=find_programs(events, on, parts).astype(np.int64),
        pitch=events.first[on].astype(np.int64),
        velocity=events.second[on].astype(np.int64),
        start=events.moment[on] & LARGEST_TICK,
        end=events.moment[off] & LARGEST_TICK,
    )
