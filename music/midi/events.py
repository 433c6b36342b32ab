"""The events of a MIDI file's tracks, as arrays.

Where an event begins is known only when the one before it is understood, so a loop has to find them one after another.
To make it fast, numpy first computes for every byte how long a channel event would be that began there. The loop jumps
from event to event by these lengths, four events at once where it can, and parses only the others itself: meta events,
system exclusive events, channel events with one data byte, and those after them until there is a status byte again.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from music.arrays import IntArray
from music.score import Reason, Refused, TimeSignature

Bytes = NDArray[np.uint8]

TICK_BITS = 28
LARGEST_TICK = 2**TICK_BITS - 1
MAX_NUMBER_BYTES = 4
"""The longest form of a variable-length number."""
PADDING = bytes(16)
"""It follows the last track, so that a look beyond the end finds something."""
SYSEX, ESCAPE, META = 0xF0, 0xF7, 0xFF
TIME_SIGNATURE = 0x58
SINGLE, LEAP = 1, 4
"""The numbers of events that the loop passes at once; they also mark the places where it does."""


class Events(NamedTuple):
    """The events of a file in the order of its bytes; each array has the shape (events,)."""

    moment: IntArray
    """The number of the track, shifted left by `TICK_BITS`, and the tick; ascending."""
    status: Bytes
    """A channel event's kind (upper four bits) and channel (lower four); 0xF0 or more for other events."""
    first: Bytes
    """The first byte after the status: a note's pitch, a program."""
    second: Bytes
    """The second byte after the status: a note's velocity."""
    begin: IntArray
    """Where the event's delta time begins, in the tracks laid end to end."""
    place: IntArray
    """Where the event begins, after its delta time."""


def read_events(tracks: list[bytes]) -> tuple[Events, list[TimeSignature]]:
    """Returns the events and the time signatures of all tracks. Raises `Refused` for what the standard rules out.

    A track is read to the end of its chunk, even beyond an end-of-track event. Running status lasts across meta events,
    which some real files need, but not across system exclusive events.
    """
    data = b"".join([*tracks, PADDING])
    values = np.frombuffer(data, np.uint8)
    ends = np.cumsum([0, *map(len, tracks)])
    places = _find_events(data, values, ends)
    firsts = np.searchsorted(places, ends)
    delta, after = _read_deltas(values, places)
    events = Events(_moments(delta, firsts), *_read_channel_events(values, after), places, after)
    _check_data_bytes(events)
    return events, _read_time_signatures(data, events)


def _find_events(data: bytes, values: Bytes, ends: IntArray) -> IntArray:
    """Returns the place of each event's delta time. ends: (tracks + 1,), where each track begins and the last ends."""
    size = _sizes(values, ends)
    leap = _twice(_twice(size))
    sizes = size.tobytes(), leap.tobytes()  # faster than arrays for single values
    marks = bytearray(len(data))
    for number, (place, end) in enumerate(pairwise(ends.tolist())):
        try:
            _walk(data, place, end, sizes, marks)
        except Refused as refusal:
            raise Refused(refusal.reason, f"track {number}: {refusal.detail}") from None
    marked = np.frombuffer(marks, np.uint8)
    begins = marked > 0
    places = np.flatnonzero(marked == LEAP)
    for _ in range(LEAP - 1):
        places = places + size[places]
        begins[places] = True
    return np.flatnonzero(begins)


def _sizes(values: Bytes, ends: IntArray) -> Bytes:
    """Returns (bytes,) the size, delta time included, of a channel event with two data bytes that begins at each place.

    Without a status byte it has two data bytes by running status. The size of any other event is 0.
    """
    high = (values >= 0x80).view(np.uint8)
    with_status = high * (values < SYSEX) * ((values & 0xE0) != 0xC0)
    after_delta = 2 * (1 - high) + 3 * with_status
    size = short_delta = (1 - high) * _a_byte_longer(after_delta)
    for _ in range(MAX_NUMBER_BYTES - 1):
        size = short_delta + high * _a_byte_longer(size)
    size[ends] = size[ends[-1] :] = 0  # no leap goes beyond the end of a track
    return size


def _a_byte_longer(size: Bytes) -> Bytes:
    """Returns the sizes of the events one byte further on, plus that byte; 0 stays 0."""
    following = np.append(size[1:], np.uint8(0))
    return following + (following > 0)


def _twice(size: Bytes) -> Bytes:
    """Returns the size of two successive events from the size of one, or 0 where either is not known."""
    following = size[np.arange(len(size)) + size]
    both: Bytes = (size + following) * (following > 0)
    return both


def _walk(data: bytes, place: int, end: int, sizes: tuple[bytes, bytes], marks: bytearray) -> None:
    """Marks the places from `place` to `end` at which the events of a track begin. Raises `Refused`.

    sizes: of one event and of a leap at each place, where these are known.
    """
    size, leap = sizes
    running = 0
    while place < end:
        marks[place] = SINGLE
        place, running = _parse(data, place, running)
        if running == 2 and place < end:
            while step := leap[place]:
                marks[place] = LEAP
                place += step
            while step := size[place]:
                marks[place] = SINGLE
                place += step
    if place > end:
        raise Refused(Reason.UNREADABLE, "cut short: its last event goes beyond its end")


def _parse(data: bytes, place: int, running: int) -> tuple[int, int]:
    """Returns where the event at `place` ends, and then the number of data bytes of an event without a status byte.

    running: this number before the event; 0 if there is no running status.
    """
    _, place = read_number(data, place)
    status = data[place]
    if status < 0x80:
        if not running:
            raise Refused(Reason.UNREADABLE, "a data byte where a status byte is needed")
        return place + running, running
    if status < SYSEX:
        running = 1 if status & 0xE0 == 0xC0 else 2
        return place + 1 + running, running
    if status not in (SYSEX, ESCAPE, META):
        raise Refused(Reason.UNREADABLE, f"status byte {status:#x}, which no MIDI file may hold")
    size, place = read_number(data, place + (2 if status == META else 1))
    return place + size, running if status == META else 0


def read_number(data: bytes, place: int) -> tuple[int, int]:
    """Returns the variable-length number at `place`, and the place after it. Raises `Refused`."""
    number = 0
    for last in range(place, place + MAX_NUMBER_BYTES):
        number = number << 7 | data[last] & 0x7F
        if data[last] < 0x80:
            return number, last + 1
    raise Refused(Reason.UNREADABLE, f"a number of more than {MAX_NUMBER_BYTES} bytes")


def _read_deltas(values: Bytes, places: IntArray) -> tuple[IntArray, IntArray]:
    """Returns (events,) the delta time of each event, and (events,) the place after it."""
    delta = (values[places] & 0x7F).astype(np.int64)
    longer = np.flatnonzero(values[places] >= 0x80)
    after = places + 1
    while len(longer):
        digits = values[after[longer]]
        delta[longer] = delta[longer] << 7 | digits & 0x7F
        after[longer] += 1
        longer = longer[digits >= 0x80]
    return delta, after


def _moments(delta: IntArray, firsts: IntArray) -> IntArray:
    """Returns (events,) the moment of each event. Raises `Refused`.

    delta: (events,); firsts: (tracks + 1,), the number of each track's first event, and of all events.
    """
    ticks = np.cumsum(delta)
    before = np.append(0, ticks)[firsts]
    if (latest := np.diff(before).max(initial=0)) > LARGEST_TICK:
        raise Refused(Reason.BAD_TICKS, f"an event at tick {latest}, at most {LARGEST_TICK}")
    moments: IntArray = ticks + np.repeat((np.arange(len(firsts) - 1) << TICK_BITS) - before[:-1], np.diff(firsts))
    return moments


def _read_channel_events(values: Bytes, places: IntArray) -> tuple[Bytes, Bytes, Bytes]:
    """Returns (events,) the status, first and second byte of each event. places: (events,), after the delta times."""
    begins = values[places]
    explicit = begins >= 0x80
    latest = np.maximum.accumulate((explicit & (begins < SYSEX)) * np.arange(len(places)))
    status = begins[latest]
    others = np.flatnonzero(begins >= SYSEX)
    status[others] = begins[others]
    places = places + explicit
    return status, values[places], values[places + 1]


def _check_data_bytes(events: Events) -> None:
    """Raises `Refused` if a status byte stands in place of a channel event's data byte."""
    has_second = (events.status & 0xE0) != 0xC0
    wrong = (events.status < SYSEX) & ((events.first >= 0x80) | ((events.second >= 0x80) & has_second))
    if wrong.any():
        track = events.moment[wrong.argmax()] >> TICK_BITS
        raise Refused(Reason.UNREADABLE, f"track {track}: a status byte where a data byte is needed")


def _read_time_signatures(data: bytes, events: Events) -> list[TimeSignature]:
    """Returns the time signatures, ascending. Raises `Refused`."""
    signatures = []
    for event in np.flatnonzero((events.status == META) & (events.first == TIME_SIGNATURE)).tolist():
        size, place = read_number(data, int(events.place[event]) + 2)
        if size < 2:
            track = events.moment[event] >> TICK_BITS
            raise Refused(Reason.UNREADABLE, f"track {track}: a time signature of {size} bytes")
        tick = int(events.moment[event]) & LARGEST_TICK
        signatures.append(TimeSignature(tick, data[place], 2 ** data[place + 1]))
    return sorted(signatures)
