"""How an instrument plays: how far from the grid, how loud, how long. New notes are played the same way."""

from dataclasses import dataclass

import numpy as np

from music.arrays import IntArray
from music.editing.meter import Grid
from music.editing.midi_file import NoteTable
from music.tokens import STEPS_PER_BAR


@dataclass(frozen=True)
class Habits:
    """Medians over the notes of an instrument."""

    offset: IntArray
    """(16,) ticks from each step of a bar to the notes that start there."""
    velocity: IntArray
    """(16,) the velocity of notes that start at each step of a bar."""
    end_offset: int
    """Ticks from the step at which a note ends to its end."""
    length: int
    """In ticks."""


def read_habits(notes: NoteTable, handles: IntArray, grid: Grid) -> Habits:
    """Returns the habits of the instrument with these notes; steps at which it never starts have its overall medians.

    The length of a note, not the step at which it ends, is the habit that matters for drums, which last one step.
    """
    start, end = notes.start[handles], notes.end[handles]
    step, end_step = grid.step_of(start), grid.step_of(end)
    offset = start - _ticks_of(grid, step)
    return Habits(
        _by_place(offset, step % STEPS_PER_BAR),
        _by_place(notes.velocity[handles], step % STEPS_PER_BAR),
        int(np.median(end - _ticks_of(grid, np.maximum(end_step, step + 1)))),
        int(np.median(end - start)),
    )


def _ticks_of(grid: Grid, steps: IntArray) -> IntArray:
    return np.array([grid.tick_of(step) for step in steps.tolist()], dtype=np.int64)


def _by_place(values: IntArray, places: IntArray) -> IntArray:
    """Returns (16,) the median of the values at each place of the bar, or of all values where there is none."""
    medians = np.full(STEPS_PER_BAR, np.median(values))
    for place in np.unique(places).tolist():
        medians[place] = np.median(values[places == place])
    return medians.astype(np.int64)
