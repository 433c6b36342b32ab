"""Writes changes of notes into the file's own bytes. Every other event keeps its tick and its bytes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from music.arrays import IntArray
from music.editing.changes import Change
from music.editing.midi_file import MidiFile, Note
from music.midi.chunks import replace_tracks
from music.midi.events import LARGEST_TICK, META, SYSEX, TICK_BITS, Events, read_number
from music.midi.notes import NOTE_ON

END_OF_TRACK = 0x2F
ENDS, OLD, STARTS, LAST = range(4)
"""The order of events at a tick: new ends of notes, the file's own events, new starts, and the end of the track."""


class _Event(NamedTuple):
    tick: int
    order: int
    number: int
    """The event's number in the file; of new ones, in their order."""
    status: int
    before: bytes
    """The delta time as the file has it."""
    event: bytes
    """The event as the file has it, or a new one with its status byte."""


def write_changes(file: MidiFile, changes: Sequence[Change]) -> bytes:
    """Returns the file with the changes. Tracks without any keep their bytes.

    The end-of-track event of a track moves only if a new note ends after it. An event that relied on the status byte of
    one that goes (running status) gets one of its own.
    """
    removed = _removed_events(file, [change.handle for change in changes if change.handle is not None])
    added: dict[int, list[Note]] = defaultdict(list)
    for change in changes:
        if change.after is not None:
            added[change.after.track].append(change.after)
    tracks = file.events.moment >> TICK_BITS
    events = {}
    for track in sorted({*added, *tracks[sorted(removed)].tolist()}):
        first, stop = np.searchsorted(tracks, [track, track + 1]).tolist()
        kept = [event for event in _old_events(file, first, stop) if event.number not in removed]
        events[track] = _serialise([*kept, *_new_events(added[track])])
    return replace_tracks(file.data, events)


def _removed_events(file: MidiFile, handles: Sequence[int]) -> set[int]:
    """Returns the events of these notes, but for ends that other notes need.

    An end also stays if a note-on of no note stands at its tick, which would sound on without it.
    """
    notes, events = file.notes, file.events
    starts = (events.status >= NOTE_ON) & (events.status < NOTE_ON + 16) & (events.second > 0)
    starts[notes.on] = False
    loose = set(zip(*_keys(events, np.flatnonzero(starts)), strict=True))
    offs = notes.off[handles]
    shared = Counter(notes.off.tolist())
    going = Counter(offs.tolist())
    ends = zip(offs.tolist(), zip(*_keys(events, offs), strict=True), strict=True)
    return {*notes.on[handles].tolist(), *(off for off, key in ends if going[off] == shared[off] and key not in loose)}


def _keys(events: Events, which: IntArray) -> tuple[list[int], list[int], list[int]]:
    """Returns the moment, the channel and the pitch of these note-ons and note-offs."""
    return events.moment[which].tolist(), (events.status[which] & 0xF).tolist(), events.first[which].tolist()


def _old_events(file: MidiFile, first: int, stop: int) -> Iterator[_Event]:
    """Yields the events of a track, which have these numbers."""
    data, events = file.joined, file.events
    ends = np.append(events.begin, len(data))[first + 1 : stop + 1].tolist()
    for number, end in zip(range(first, stop), ends, strict=True):
        begin, place, status = int(events.begin[number]), int(events.place[number]), int(events.status[number])
        tick = int(events.moment[number]) & LARGEST_TICK
        is_last = number == stop - 1 and status == META and events.first[number] == END_OF_TRACK
        yield _Event(tick, LAST if is_last else OLD, number, status, data[begin:place], data[place:end])


def _new_events(notes: Iterable[Note]) -> Iterator[_Event]:
    """Yields the starts and ends of notes."""
    for number, note in enumerate(sorted(notes, key=lambda note: (note.start, note.pitch, note.end))):
        status = NOTE_ON | note.channel
        yield _Event(note.start, STARTS, number, status, b"", bytes([status, note.pitch, note.velocity]))
        kind, velocity = note.off
        status = kind | note.channel
        yield _Event(note.end, ENDS, number, status, b"", bytes([status, note.pitch, velocity]))


def _serialise(events: Iterable[_Event]) -> bytes:
    """Returns the bytes of a track."""
    written = bytearray()
    tick = running = 0
    for event in sorted(events, key=lambda event: (event.order == LAST, event.tick, event.order, event.number)):
        wait = max(event.tick - tick, 0)
        tick += wait
        written += event.before if event.before and read_number(event.before, 0)[0] == wait else _number(wait)
        if event.event[0] < 0x80 and running != event.status:
            written.append(event.status)
        written += event.event
        if event.status != META:
            running = event.status if event.status < SYSEX else 0
    return bytes(written)


def _number(value: int) -> bytes:
    """Returns a variable-length number."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))
