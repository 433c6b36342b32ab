"""How changed notes are played: the changes of a role's line, turned from steps into ticks."""

from collections.abc import Iterator, Sequence

import numpy as np

from music.editing.casting import FileInstrument
from music.editing.changes import Change
from music.editing.comparison import LineChanges
from music.editing.habits import Habits, read_habits
from music.editing.line import Line
from music.editing.meter import Grid
from music.editing.midi_file import MidiFile, Note
from music.editing.programs import Programs
from music.tokens import STEPS_PER_QUARTER


class Performance:
    """The instruments of a role, in bars of which these are the ticks."""

    def __init__(
        self, file: MidiFile, grid: Grid, line: Line, instruments: Sequence[FileInstrument], ticks: range
    ) -> None:
        self._file, self._grid, self._line, self._ticks = file, grid, line, ticks
        self._instruments = {one.number: one for one in instruments}
        self._habits: dict[int, Habits] = {}
        self._programs = Programs(file.events)

    def play(self, role: str, changes: LineChanges) -> list[Change]:
        """Returns the changes of the line's notes; no new start or end is outside the ticks."""
        played = [*self._changed(role, changes), *self._removed(role, changes), *self._added(role, changes)]
        return [*played, *self._shortened_hits(role, played)] if self._line.is_drum else played

    def _changed(self, role: str, changes: LineChanges) -> Iterator[Change]:
        for note in sorted({*changes.pitch, *changes.end} - changes.removed):
            before = self._file.note(int(self._line.handles[note]))
            after = before._replace(pitch=changes.pitch.get(note, before.pitch))
            end = changes.end.get(note)
            if end is not None and end != self._line.end[note]:
                after = after._replace(end=self._within(after, self._new_end(note, end)))
            if after != before:
                yield self._change(role, note, before, after)

    def _removed(self, role: str, changes: LineChanges) -> Iterator[Change]:
        for note in sorted(changes.removed):
            yield self._change(role, note, self._file.note(int(self._line.handles[note])), None)

    def _added(self, role: str, changes: LineChanges) -> Iterator[Change]:
        for start, end, pitch in changes.added:
            if (new := self._new_note(start, end, pitch)) is not None:
                yield Change(role, self._grid.bar_of(start), None, None, new)

    def _shortened_hits(self, role: str, played: Sequence[Change]) -> Iterator[Change]:
        """Yields earlier hits which would still sound when a new or moved one of their pitch starts; they end there."""
        notes, handles = self._file.notes, self._line.handles
        starts, ends = notes.start[handles], notes.end[handles]
        half_step = self._grid.ticks_per_quarter // (2 * STEPS_PER_QUARTER)
        free = (ends <= self._ticks.stop) & (notes.program_at_start[handles] == notes.program[handles])
        free &= ~np.isin(handles, [change.handle for change in played if change.handle is not None])
        coming = [change.after for change in played if change.after is not None]
        for new in sorted(coming, key=lambda note: note.start):
            sounding = free & (self._line.pitch == new.pitch) & (starts <= new.start - half_step) & (ends > new.start)
            for note in np.flatnonzero(sounding & (starts < new.start)).tolist():
                before = self._file.note(int(handles[note]))
                yield self._change(role, note, before, before._replace(end=new.start))
            free &= ~sounding

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

    def _within(self, note: Note, end: int) -> int:
        """Returns the end of a note, moved inside the chosen ticks and to before the program changes."""
        program_ends = self._programs.until(note.track, note.channel, note.start)
        return max(min(end, self._ticks.stop, program_ends), self._ticks.start, note.start + 1)

    def _new_note(self, step: int, end_step: int, pitch: int) -> Note | None:
        """Returns a new note, played as its instrument's others are, or None if none can play it there."""
        nearest = self._grid.tick_of(step)
        instrument = self._instrument_at(step, nearest)
        if instrument is None:
            return None
        habits = self._habits_of(instrument)
        place = step % len(habits.offset)
        start = min(max(nearest + int(habits.offset[place]), self._ticks.start), self._ticks.stop - 1)
        if self._grid.step_of(np.array(start)) != step or not self._has_its_program(instrument, start):
            return None
        end = start + habits.length
        if not self._line.is_drum:
            end = self._end_tick(start, step, end_step, habits.end_offset)
        like = self._file.note(int(instrument.handles[0]))
        velocity = int(habits.velocity[place])
        new = like._replace(pitch=pitch, velocity=velocity, start=start)
        return new._replace(end=self._within(new, end))

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
