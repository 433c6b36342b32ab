"""No two notes of a pitch overlap on a channel, unless they did before."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from music.editing.changes import Change
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
        self._placed: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._half_step = file.ticks_per_quarter // (2 * STEPS_PER_QUARTER)

    def place(self, change: Change) -> list[Change]:
        """Returns the change as it can be made, or nothing; the notes placed before start no earlier."""
        before, after = change.before, change.after
        assert after is not None
        if before is not None and before.pitch == after.pitch:
            after = after._replace(end=self._end_of_resized(before, after))
        elif self._is_doubled(after):
            return [] if before is None else [replace(change, after=None)]
        else:
            after = after._replace(end=min(after.end, self._next_kept(after), self._next_placed(after)))
        self._placed[after.channel, after.pitch].append(after.start)
        return [] if after == before else [replace(change, after=after)]

    def _end_of_resized(self, before: Note, after: Note) -> int:
        """Returns where a note of the same start and pitch may end: where it did, if nothing else can be."""
        next_placed = self._next_placed(after)
        end = min(after.end, next_placed, self._next_kept(after))
        sounds = self._kept[after.channel, after.pitch].sounds(after.start)
        if sounds or (before.end > end and after.end > before.end):
            return min(before.end, next_placed)
        return end

    def _is_doubled(self, note: Note) -> bool:
        """Returns whether the note's pitch sounds already when it starts, or starts within half a step."""
        kept, placed = self._kept[note.channel, note.pitch], self._placed[note.channel, note.pitch]
        near_placed = bool(placed) and placed[-1] - note.start < max(self._half_step, 1)
        return near_placed or kept.sounds(note.start) or kept.starts_near(note.start, self._half_step)

    def _next_kept(self, note: Note) -> int:
        return self._kept[note.channel, note.pitch].next(note.start)

    def _next_placed(self, note: Note) -> int:
        """Returns the tick at which the next placed note of the pitch starts; the latest placed are the earliest."""
        placed = reversed(self._placed[note.channel, note.pitch])
        return next((start for start in placed if start > note.start), LARGEST_TICK)


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
    ended = set()
    for event in np.flatnonzero((events.status & 0xE0) == NOTE_OFF)[::-1].tolist():
        moment, status, pitch = int(events.moment[event]), int(events.status[event]), int(events.first[event])
        channel, tick = status & 0xF, moment & LARGEST_TICK
        part = moment >> TICK_BITS, channel, pitch
        starts = status >= NOTE_ON and events.second[event] > 0
        if loose[event]:
            yield (channel, pitch), (tick, LARGEST_TICK if starts and part not in ended else tick)
        if not starts:
            ended.add(part)
