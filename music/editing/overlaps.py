"""No two notes of a pitch overlap on a channel, unless they did before."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from music.editing.changes import Change, Kind
from music.editing.midi_file import MidiFile, Note
from music.midi.events import LARGEST_TICK, TICK_BITS
from music.midi.notes import NOTE_OFF, NOTE_ON
from music.tokens import STEPS_PER_QUARTER

Span = tuple[int, int]
"""The ticks from a note's start to its end; for an event that belongs to no note, twice its own tick."""


def without_overlaps(file: MidiFile, changes: Sequence[Change]) -> list[Change]:
    """Returns the changes with notes trimmed where the next one of their pitch starts on their channel, or left out.

    A new note is not written where its pitch sounds already or starts within half a step, and a note that would move
    there goes: it is heard from the other one. Notes that do not change are never trimmed, and no note-off comes while
    one of them sounds.
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
        changed = {change.handle for change in changes}
        notes = file.notes
        rows = np.stack([notes.channel, notes.pitch, notes.start, notes.end], axis=1).tolist()
        spans: dict[tuple[int, int], list[Span]] = defaultdict(list)
        for handle, (channel, pitch, start, end) in enumerate(rows):
            if handle not in changed:
                spans[channel, pitch].append((start, end))
        for key, span in _loose_events(file):
            spans[key].append(span)
        self._kept = defaultdict(lambda: _Kept([]), {key: _Kept(those) for key, those in spans.items()})
        self._new: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._resized: dict[tuple[int, int], list[Span]] = defaultdict(list)
        self._resized_starts: dict[tuple[int, int], list[int]] = defaultdict(list)
        for change in changes:
            if change.after is not None and change.kind is Kind.RESIZED:
                self._resized_starts[change.after.channel, change.after.pitch].append(change.after.start)
        self._half_step = file.ticks_per_quarter // (2 * STEPS_PER_QUARTER)

    def place(self, change: Change) -> list[Change]:
        """Returns the change as it can be made, or nothing; the notes placed before start no earlier."""
        before, after = change.before, change.after
        assert after is not None
        key = after.channel, after.pitch
        if before is not None and before.pitch == after.pitch:
            after = after._replace(end=self._end_of_resized(before, after))
            self._resized[key].append((after.start, after.end))
            return [] if after == before else [replace(change, after=after)]
        if self._is_doubled(after):
            return [] if before is None else [replace(change, after=None)]
        end = min(after.end, self._kept[key].next(after.start), self._next_new(after), self._next_resized(after)[0])
        self._new[key].append(after.start)
        return [replace(change, after=after._replace(end=end))]

    def _end_of_resized(self, before: Note, after: Note) -> int:
        """Returns where a note of the same start and pitch may end.

        If others of its pitch sounded with it, they all ended at the same note-off, and so they do again.
        """
        kept = self._kept[after.channel, after.pitch]
        next_new = self._next_new(after)
        end = min(after.end, next_new)
        if kept.sounds(after.start) or kept.next(after.start) < min(before.end, end):
            return min(before.end, next_new)
        next_resized, its_end = self._next_resized(after)
        if next_resized < min(before.end, end):
            return its_end
        return min(end, kept.next(after.start), next_resized)

    def _is_doubled(self, note: Note) -> bool:
        """Returns whether the note's pitch sounds already when it starts, or starts within half a step."""
        key = note.channel, note.pitch
        starts = [*self._new[key][-1:], *self._resized_starts[key]]
        if any(abs(start - note.start) < max(self._half_step, 1) for start in starts):
            return True
        return self._kept[key].sounds(note.start) or self._kept[key].starts_near(note.start, self._half_step)

    def _next_new(self, note: Note) -> int:
        """Returns the tick at which the next placed note starts that is new or moved; the latest placed is next."""
        starts = reversed(self._new[note.channel, note.pitch])
        return next((start for start in starts if start > note.start), LARGEST_TICK)

    def _next_resized(self, note: Note) -> Span:
        """Returns the span of the next placed note that keeps its start and pitch."""
        spans = reversed(self._resized[note.channel, note.pitch])
        return next((span for span in spans if span[0] > note.start), (LARGEST_TICK, LARGEST_TICK))


class _Kept:
    """Notes of a pitch on a channel that do not change, and events there that belong to no note."""

    def __init__(self, spans: Sequence[Span]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._ends = list(accumulate((end for _, end in ordered), max))
        self._notes = [start for start, end in ordered if start < end]

    def sounds(self, tick: int) -> bool:
        """Returns whether a note sounds that started at this tick or before."""
        number = bisect_right(self._starts, tick)
        return number > 0 and self._ends[number - 1] > tick

    def next(self, tick: int) -> int:
        """Returns the tick of the first event after a tick that would end a note there."""
        number = bisect_right(self._starts, tick)
        return self._starts[number] if number < len(self._starts) else LARGEST_TICK

    def starts_near(self, tick: int, distance: int) -> bool:
        """Returns whether a note starts less than this distance from a tick."""
        return bisect_left(self._notes, tick + distance) > bisect_right(self._notes, tick - distance)


def _loose_events(file: MidiFile) -> Iterator[tuple[tuple[int, int], Span]]:
    """Yields channel, pitch and span of each note-on and note-off that belongs to no note.

    A note-on that nothing ends sounds until the end of the file.
    """
    events = file.events
    loose = np.ones(len(events.moment), dtype=bool)
    loose[file.notes.on] = loose[file.notes.off] = False
    ended: dict[tuple[int, int, int], int] = {}
    """By track, channel and pitch, the latest tick so far at which a note-on before would end."""
    for event in np.flatnonzero((events.status & 0xE0) == NOTE_OFF)[::-1].tolist():
        moment, status, pitch = int(events.moment[event]), int(events.status[event]), int(events.first[event])
        channel, tick = status & 0xF, moment & LARGEST_TICK
        part = moment >> TICK_BITS, channel, pitch
        starts = status >= NOTE_ON and events.second[event] > 0
        if loose[event]:
            yield (channel, pitch), (tick, LARGEST_TICK if starts and tick > ended.get(part, -1) else tick)
        if not starts:
            # One that ends an earlier note leaves those going on that start at its own tick.
            ended.setdefault(part, tick if loose[event] else tick - 1)
