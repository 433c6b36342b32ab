"""No two notes of a pitch overlap on a channel, unless they did before."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from music.editing.changes import Change
from music.editing.midi_file import MidiFile, Note
from music.midi.events import LARGEST_TICK, TICK_BITS
from music.midi.notes import NOTE_OFF, NOTE_ON

Span = tuple[int, int]
"""The ticks from a note's start to its end; for an event that belongs to no note, twice its own tick."""


def without_overlaps(file: MidiFile, changes: Sequence[Change]) -> list[Change]:
    """Returns the changes with notes trimmed where the next one of their pitch starts on their channel, or left out.

    A new note is not written where its pitch sounds already, and a note that would move there goes: it is heard from
    the other one. Notes that do not change are never trimmed, and no note-off comes while one of them sounds.
    """
    channels = _Channels(file, changes)
    placed = [change for change in changes if change.after is None]
    written = [(change.after.start, number) for number, change in enumerate(changes) if change.after is not None]
    for _, number in sorted(written, reverse=True):  # the latest first, so that each is trimmed where the next starts
        placed += channels.place(changes[number])
    return placed


class _Channels:
    """What sounds on each channel, by pitch: notes that do not change, and those that do, once they are placed."""

    def __init__(self, file: MidiFile, changes: Sequence[Change]) -> None:
        self._kept: dict[tuple[int, int], list[Span]] = defaultdict(list)
        self._placed: dict[tuple[int, int], list[Span]] = defaultdict(list)
        changed = {change.handle for change in changes}
        notes = file.notes
        rows = np.stack([notes.channel, notes.pitch, notes.start, notes.end], axis=1).tolist()
        for handle, (channel, pitch, start, end) in enumerate(rows):
            if handle not in changed:
                self._kept[channel, pitch].append((start, end))
        self._add_loose_events(file)

    def _add_loose_events(self, file: MidiFile) -> None:
        """Adds the note-ons and note-offs of no note. A note-on that nothing ends sounds until the end of the file."""
        events = file.events
        loose = np.ones(len(events.moment), dtype=bool)
        loose[file.notes.on] = loose[file.notes.off] = False
        ended = set()
        for event in np.flatnonzero((events.status & 0xE0) == NOTE_OFF)[::-1].tolist():
            moment, status, pitch = int(events.moment[event]), int(events.status[event]), int(events.first[event])
            part = moment >> TICK_BITS, status & 0xF, pitch
            tick = moment & LARGEST_TICK
            starts = status >= NOTE_ON and events.second[event] > 0
            if loose[event]:
                self._kept[status & 0xF, pitch].append((tick, LARGEST_TICK if starts and part not in ended else tick))
            if not starts:
                ended.add(part)

    def place(self, change: Change) -> list[Change]:
        """Returns the change as it can be made, or nothing. What it makes of the note is in the way of those before."""
        before, after = change.before, change.after
        assert after is not None
        if before is not None and before.pitch == after.pitch:
            after = after._replace(end=self._end_of_resized(before, after))
        elif self._sounds(self._kept, after) or self._sounds(self._placed, after):
            return [] if before is None else [replace(change, after=None)]
        else:
            after = after._replace(end=min(after.end, self._next(self._kept, after), self._next(self._placed, after)))
        self._placed[after.channel, after.pitch].append((after.start, after.end))
        return [] if after == before else [replace(change, after=after)]

    def _end_of_resized(self, before: Note, after: Note) -> int:
        """Returns where a note of the same start and pitch may end: where it did, if nothing else can be."""
        next_placed = self._next(self._placed, after)
        end = min(after.end, next_placed, self._next(self._kept, after))
        if self._sounds(self._kept, after) or (before.end > end and after.end > before.end):
            return min(before.end, next_placed)
        return end

    def _sounds(self, spans: dict[tuple[int, int], list[Span]], note: Note) -> bool:
        """Returns whether the note's pitch sounds when it starts."""
        return any(start <= note.start < end for start, end in spans[note.channel, note.pitch])

    def _next(self, spans: dict[tuple[int, int], list[Span]], note: Note) -> int:
        """Returns the tick at which the note's pitch starts next."""
        return min((start for start, _ in spans[note.channel, note.pitch] if start > note.start), default=LARGEST_TICK)
