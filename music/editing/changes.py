"""Changes of notes, in ticks: how notes that move, end elsewhere or come new are played."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from music.editing.casting import FileInstrument
from music.editing.comparison import LineChanges
from music.editing.habits import Habits, read_habits
from music.editing.line import Line
from music.editing.meter import Bars, Grid
from music.editing.midi_file import MidiFile, Note
from music.editing.programs import Programs


class Kind(StrEnum):
    """What a change does to a note."""

    MOVED = "moved"
    """It has another pitch, and maybe another end."""
    RESIZED = "resized"
    """It ends elsewhere."""
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """What becomes of one note."""

    role: str
    bar: int
    """The bar in which the note starts, counted from 1."""
    handle: int | None
    """The note's handle in the original file; none for a new note."""
    before: Note | None
    after: Note | None
    """None for a note that goes."""

    @property
    def kind(self) -> Kind:
        """What the change does."""
        if self.before is None:
            return Kind.ADDED
        if self.after is None:
            return Kind.REMOVED
        return Kind.RESIZED if self.after.pitch == self.before.pitch else Kind.MOVED


def count_changes(changes: Iterable[Change], bars: Bars | None = None) -> dict[str, Counter[Kind]]:
    """Returns for each role that changes how many notes are moved, resized, added and removed, in a range of bars."""
    counts: dict[str, Counter[Kind]] = {}
    for change in changes:
        if bars is None or bars.first <= change.bar <= bars.last:
            counts.setdefault(change.role, Counter())[change.kind] += 1
    return counts


class Performance:
    """Turns the changes of a line from steps into ticks."""

    def __init__(self, file: MidiFile, grid: Grid, line: Line, instruments: Sequence[FileInstrument]) -> None:
        self._file, self._grid, self._line = file, grid, line
        self._instruments = {one.number: one for one in instruments}
        self._habits: dict[int, Habits] = {}
        self._programs = Programs(file.events)

    def changes(self, role: str, changes: LineChanges, ticks: range) -> list[Change]:
        """Returns the changes of the line's notes; no end is outside the chosen ticks."""
        done = []
        for note in sorted({*changes.pitch, *changes.end} - changes.removed):
            before = self._file.note(int(self._line.handles[note]))
            after = before._replace(pitch=changes.pitch.get(note, before.pitch))
            end = changes.end.get(note)
            if end is not None and end != self._line.end[note]:
                after = after._replace(end=self._within(after, self._new_end(note, end), ticks))
            done.append(self._change(role, note, before, after))
        for note in sorted(changes.removed):
            done.append(self._change(role, note, self._file.note(int(self._line.handles[note])), None))
        for start, end, pitch in changes.added:
            if (new := self._new_note(start, end, pitch, ticks)) is not None:
                done.append(Change(role, self._grid.bar_of(start), None, None, new))
        return done

    def _change(self, role: str, note: int, before: Note, after: Note | None) -> Change:
        bar = self._grid.bar_of(int(self._line.start[note]))
        return Change(role, bar, int(self._line.handles[note]), before, after)

    def _new_end(self, note: int, step: int) -> int:
        """Returns the tick at which a note ends in a step, as far from the grid as its end was before."""
        offset = int(self._file.notes.end[self._line.handles[note]]) - self._grid.tick_of(int(self._line.end[note]))
        start = int(self._file.notes.start[self._line.handles[note]])
        return self._end_tick(start, int(self._line.start[note]), step, offset)

    def _end_tick(self, start: int, start_step: int, end_step: int, offset: int) -> int:
        """Returns the tick nearest to an offset from a step that is read as an end there, later than the start.

        A note of one step may end at any tick up to there.
        """
        first = self._grid.first_tick(end_step) if end_step > start_step + 1 else start + 1
        last = self._grid.first_tick(end_step + 1) - 1
        return max(min(max(self._grid.tick_of(end_step) + offset, first), last), start + 1)

    def _within(self, note: Note, end: int, ticks: range) -> int:
        """Returns the end of a note, moved inside the chosen ticks and to before the program changes."""
        program_ends = self._programs.until(note.track, note.channel, note.start)
        return max(min(end, ticks.stop, program_ends), ticks.start, note.start + 1)

    def _new_note(self, step: int, end_step: int, pitch: int, ticks: range) -> Note | None:
        """Returns a new note, played as its instrument's others are, or None if none can play it there."""
        nearest = self._grid.tick_of(step)
        instrument = self._instrument_at(step, nearest)
        if instrument is None:
            return None
        habits = self._habits_of(instrument)
        place = step % len(habits.offset)
        start = min(max(nearest + int(habits.offset[place]), ticks.start), ticks.stop - 1)
        if self._grid.step_of(np.array(start)) != step or not self._has_its_program(instrument, start):
            return None
        end = start + habits.length
        if not self._line.is_drum:
            end = self._end_tick(start, step, end_step, habits.end_offset)
        like = self._file.note(int(instrument.handles[0]))
        velocity = int(habits.velocity[place])
        new = like._replace(pitch=pitch, velocity=velocity, start=start)
        return new._replace(end=self._within(new, end, ticks))

    def _habits_of(self, instrument: FileInstrument) -> Habits:
        if instrument.number not in self._habits:
            self._habits[instrument.number] = read_habits(self._file.notes, instrument.handles, self._grid)
        return self._habits[instrument.number]

    def _instrument_at(self, step: int, tick: int) -> FileInstrument | None:
        """Returns the instrument that played the line before a step, or another whose program is set there."""
        sounding = np.flatnonzero(self._line.lowest >= 0)
        before = max(int(np.searchsorted(sounding, step)) - 1, 0)
        preferred = 0
        if len(sounding):
            preferred = int(self._line.instrument[self._line.lowest[sounding[before]]])
        candidates = sorted(self._instruments.values(), key=lambda one: (one.number != preferred, -len(one.handles)))
        for one in candidates:
            if self._has_its_program(one, tick):
                return one
        return None

    def _has_its_program(self, instrument: FileInstrument, tick: int) -> bool:
        return self._programs.at(instrument.track - 1, instrument.channel - 1, tick) == instrument.program
