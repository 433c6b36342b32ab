"""The line of a role: its states, and the notes that each of them comes from."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from music.arrays import BoolArray, IntArray
from music.editing.casting import FileInstrument
from music.editing.meter import Grid
from music.editing.midi_file import NoteTable
from music.tokens import HOLD, SILENT, Tokens, to_notes, tokenise


@dataclass(frozen=True)
class Line:
    """The notes of a role in the steps of a section; arrays have the shape (notes,) unless they say otherwise."""

    is_drum: bool
    steps: int
    handles: IntArray
    """The notes' handles in the file."""
    instrument: IntArray
    """The number of each note's instrument."""
    start: IntArray
    """The first step; negative for a note that starts before the section."""
    end: IntArray
    """The step after the last one: drum notes last one step."""
    pitch: IntArray

    @cached_property
    def states(self) -> Tokens:
        """(steps,) the states: the role's lowest pitch."""
        return states_of(self.start, self.end, self.pitch, self.steps)

    @cached_property
    def lowest(self) -> IntArray:
        """(steps,) the lowest note that sounds, the latest to start if there are several of its pitch; -1 for none."""
        lowest = np.full(self.steps, -1)
        for note in np.lexsort((self.start, -self.pitch)).tolist():
            lowest[max(self.start[note], 0) : max(self.end[note], 0)] = note
        return lowest

    @cached_property
    def _by_start(self) -> dict[int, list[int]]:
        by_start = defaultdict(list)
        for note, start in enumerate(self.start.tolist()):
            by_start[start].append(note)
        return by_start

    def sounding(self, step: int, pitch: int) -> list[int]:
        """Returns the notes of this pitch that started before a step and sound there."""
        return np.flatnonzero((self.pitch == pitch) & (self.start < step) & (self.end > step)).tolist()

    def sources(self, step: int) -> list[int]:
        """Returns the notes of the onset at a step: the lowest pitch in every instrument that plays it."""
        lowest = int(self.lowest[step])
        together = self._by_start[int(self.start[lowest])]
        return [note for note in together if self.pitch[note] == self.pitch[lowest] and self.end[note] > step]

    def chord(self, step: int) -> list[int]:
        """Returns the sources of an onset and their chord mates, which sound with them and started in the same step.

        Mates are of the same instrument. Drums have none, because each hit is a drum of its own.
        """
        sources = self.sources(step)
        if self.is_drum:
            return sources
        instruments = {int(self.instrument[note]) for note in sources}
        together = self._by_start[int(self.start[sources[0]])]
        return [note for note in together if self.instrument[note] in instruments and self.end[note] > step]

    def chords_with(self, notes: BoolArray) -> BoolArray:
        """Returns (notes,) whether a note or one of its chord mates is among those that `notes` is true of."""
        if self.is_drum:
            return notes
        keys = self.instrument << 40 | (self.start - self.start.min(initial=0))
        return np.isin(keys, keys[notes])


def read_line(notes: NoteTable, instruments: Sequence[FileInstrument], grid: Grid) -> Line:
    """Returns the line that the instruments play in a section."""
    handles = np.concatenate([np.zeros(0, np.int64), *(one.handles for one in instruments)])
    numbers = np.repeat([one.number for one in instruments], [len(one.handles) for one in instruments])
    is_drum = any(one.is_drum for one in instruments)
    start = grid.step_of(notes.start[handles])
    end = start + 1 if is_drum else np.maximum(start + 1, grid.step_of(notes.end[handles]))
    inside = (start < grid.steps) & (end > 0)
    order = np.flatnonzero(inside)[np.argsort(handles[inside])]
    handles = handles[order]
    return Line(is_drum, grid.steps, handles, numbers[order].astype(np.int64), start[order], end[order],
                notes.pitch[handles])  # fmt: skip


def states_of(start: IntArray, end: IntArray, pitch: IntArray, steps: int) -> Tokens:
    """Returns (steps,) the states of notes, of which some may begin before the first step or end after the last."""
    start, end = np.maximum(start, 0), np.minimum(end, steps)
    states: Tokens = tokenise((np.zeros_like(start), start, end, pitch), 1, steps)[0]
    return states


def without_stray_holds(states: Tokens, is_drum: bool) -> Tokens:
    """Returns the (steps,) states with silence in place of holds of nothing, and of all holds of drums."""
    if is_drum:
        return np.where(states == HOLD, np.uint8(SILENT), states)
    latest = np.maximum.accumulate(np.where(states != HOLD, np.arange(len(states)), -1))
    stray = (states == HOLD) & ((latest < 0) | (states[latest] == SILENT))
    return np.where(stray, np.uint8(SILENT), states)


def onsets(states: Tokens, is_drum: bool) -> dict[int, tuple[int, int]]:
    """Returns for each step with an onset the step after its end, and its pitch."""
    notes = to_notes(states)
    return {start: (start + 1 if is_drum else end, pitch) for start, end, pitch in notes.tolist()}
