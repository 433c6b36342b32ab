"""A song with an instrument for each role: its tokens, and edited tokens as changes of its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from music.arrays import BoolArray
from music.editing.casting import Casting
from music.editing.changes import Change
from music.editing.comparison import compare
from music.editing.line import Line, read_line, states_of
from music.editing.meter import Bars, Grid
from music.editing.midi_file import MidiFile
from music.editing.overlaps import without_overlaps
from music.editing.patch import write_changes
from music.editing.performance import Performance
from music.errors import InputError
from music.midi.events import LARGEST_TICK
from music.tokens import HOLD, SILENT, STATES, STEPS_PER_BAR, TRACKS, Tokens
from music.windows import first_states


@dataclass(frozen=True)
class Edit:
    """What `Arrangement.with_tokens` returns."""

    data: bytes
    """The file with the changes; the original bytes if there are none."""
    changes: tuple[Change, ...]
    """Every note that moved, ends elsewhere, came or went; `count_changes` counts them."""
    tokens: Tokens
    """(4, steps) the states of the file with the changes, with the same instruments in the same section."""


@dataclass(frozen=True)
class Arrangement:
    """A song with an instrument for each role, as tokens."""

    file: MidiFile
    last_bar: int
    """Of the song."""
    grid: Grid
    castings: dict[str, Casting]
    """By role, in the order of `TRACKS`."""

    @property
    def bars(self) -> Bars:
        """The bars that the tokens cover: the whole song, if all of it is in 4/4."""
        return self.grid.bars

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that an instrument plays; the others are silent."""
        return tuple(role for role, casting in self.castings.items() if casting.instruments)

    @cached_property
    def lines(self) -> dict[str, Line]:
        """The notes of each role that an instrument plays."""
        return {role: read_line(self.file.notes, self.castings[role].instruments, self.grid) for role in self.roles}

    @cached_property
    def tokens(self) -> Tokens:
        """(4, steps) the states of the four roles, in the bars that `bars` says."""
        tokens = np.full((len(TRACKS), self.grid.steps), SILENT, dtype=np.uint8)
        for role, line in self.lines.items():
            tokens[TRACKS.index(role)] = line.states
        return tokens

    def windows(self, bars: Bars, length: int, tokens: Tokens | None = None) -> Tokens:
        """Returns (windows, 4, 16 * length): these bars in windows of `length` bars, one after another.

        The last window is padded with silence. As in `music.windows`, the first state of a window is the pitch that
        sounds, where the tokens hold it. tokens: (4, steps), for example of an `Edit`; by default the song's own.
        """
        tokens = self.tokens if tokens is None else tokens
        steps = self._steps_of(bars)
        size = length * STEPS_PER_BAR
        count = -(-len(steps) // size)
        padded = np.full((len(TRACKS), count * size), SILENT, dtype=np.uint8)
        padded[:, : len(steps)] = tokens[:, steps.start : steps.stop]
        windows = padded.reshape(len(TRACKS), count, size).swapaxes(0, 1).copy()
        windows[:, :, 0] = _sounding(tokens, steps, length)
        return windows

    def with_windows(self, windows: Tokens, bars: Bars) -> Tokens:
        """Returns (4, steps): the tokens with edited windows, which were `windows(bars, length)`, put back in place.

        A first state that is still the pitch which the tokens hold there becomes a hold again.
        """
        steps, length = self._steps_of(bars), windows.shape[-1] // STEPS_PER_BAR
        firsts = self.tokens[:, steps.start : steps.stop : windows.shape[-1]].T
        windows = windows.copy()
        still_held = (firsts == HOLD) & (windows[:, :, 0] == _sounding(self.tokens, steps, length))
        windows[:, :, 0] = np.where(still_held, np.uint8(HOLD), windows[:, :, 0])
        tokens = self.tokens.copy()
        tokens[:, steps.start : steps.stop] = windows.swapaxes(0, 1).reshape(len(TRACKS), -1)[:, : len(steps)]
        return tokens

    def with_tokens(self, tokens: Tokens, bars: Bars | None = None, roles: Sequence[str] | None = None) -> Edit:
        """Changes the notes of these bars and roles, by default of all, so that the file has the edited tokens.

        tokens: (4, steps), of which only these bars and roles count. No event outside of the bars changes: a note that
        starts before them or ends after them stays, and so does its chord; of a note that sounds from before, only the
        end may change. Where states stay, notes stay. `Edit.tokens` says what could be made of the edited tokens.
        Raises `InputError` for bars that the tokens do not cover, and for roles that no instrument plays.
        """
        if tokens.shape != self.tokens.shape or tokens.max() >= STATES:
            raise ValueError(f"the tokens must be states in the shape {self.tokens.shape}, not {tokens.shape}")
        chosen = self._steps_of(bars or self.bars)
        ticks = self._ticks_of(bars or self.bars)
        changes: list[Change] = []
        for role in self.roles if roles is None else self._playing(roles):
            line = self.lines[role]
            wanted = compare(line, tokens[TRACKS.index(role)], chosen, self._fixed(line, ticks))
            instruments = self.castings[role].instruments
            changes += Performance(self.file, self.grid, line, instruments, ticks).play(role, wanted)
        changes = without_overlaps(self.file, changes)
        return Edit(write_changes(self.file, changes), tuple(changes), self._tokens_with(changes))

    def _steps_of(self, bars: Bars) -> range:
        if not self.bars.first <= bars.first <= bars.last <= self.bars.last:
            raise InputError(f"{self.file.name}: {bars} cannot be chosen: the tokens cover {self.bars}")
        return self.grid.steps_of(bars)

    def _playing(self, roles: Sequence[str]) -> list[str]:
        """Returns the roles. Raises `InputError` for one that nobody plays."""
        for role in roles:
            if role not in self.roles:
                raise InputError(f"{self.file.name}: no {role} to edit; there are {', '.join(self.roles)}")
        return list(roles)

    def _ticks_of(self, bars: Bars) -> range:
        """Returns the ticks of bars; the last bar of the song has no end, so that its notes may end late."""
        steps = self.grid.steps_of(bars)
        last = LARGEST_TICK if bars.last == self.last_bar else self.grid.tick_of(steps.stop)
        return range(self.grid.tick_of(steps.start), last)

    def _fixed(self, line: Line, ticks: range) -> BoolArray:
        """Returns (notes,) which notes of a line must stay, whatever the tokens say.

        These are the chords of which a note ends after the chosen ticks, or starts before them but in their first step,
        notes that end before them, and notes during which the program changes.
        """
        notes = self.file.notes
        start, end = notes.start[line.handles], notes.end[line.handles]
        first_step = int(self.grid.step_of(np.array(ticks.start)))
        early = (start < ticks.start) & (line.start >= first_step)
        fixed = line.chords_with(early | (end > ticks.stop)) | (end < ticks.start)
        fixed |= notes.program_at_start[line.handles] != notes.program[line.handles]
        return fixed

    def _tokens_with(self, changes: Sequence[Change]) -> Tokens:
        """Returns (4, steps) the states after the changes."""
        tokens = self.tokens.copy()
        for role, line in self.lines.items():
            mine = [change for change in changes if change.role == role]
            stays = ~np.isin(line.handles, [change.handle for change in mine if change.handle is not None])
            written = [(one.after.start, one.after.end, one.after.pitch) for one in mine if one.after is not None]
            start, end, pitch = np.array(written, dtype=np.int64).reshape(-1, 3).T
            start = self.grid.step_of(start)
            end = start + 1 if line.is_drum else np.maximum(start + 1, self.grid.step_of(end))
            kept = np.stack([line.start, line.end, line.pitch])[:, stays]
            start, end, pitch = np.concatenate([kept, np.stack([start, end, pitch])], axis=1)
            tokens[TRACKS.index(role)] = states_of(start, end, pitch, self.grid.steps)
        return tokens


def _sounding(tokens: Tokens, steps: range, length: int) -> Tokens:
    """Returns (windows, 4) the first states of windows of `length` bars in these steps, in which nothing holds."""
    by_bar = tokens.reshape(-1, STEPS_PER_BAR)
    sounding = first_states(by_bar).reshape(len(TRACKS), -1)
    return sounding[:, steps.start // STEPS_PER_BAR : steps.stop // STEPS_PER_BAR : length].T
