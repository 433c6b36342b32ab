"""The states that may come into a song: pitches near those that a role plays, in the keys of the song; its own drums.

A model's code can be moved to where it gives more notes, or higher ones, by notes that nobody would write. What may
come is therefore what fits the song.
"""

import numpy as np

from music.arrays import BoolArray, IntArray
from music.editing.arrangement import Arrangement
from music.editing.meter import Bars
from music.metrics import OCTAVE
from music.midi.notes import DRUM_CHANNEL
from music.tokens import HOLD, SILENT, STATES, STEPS_PER_BAR, TRACKS

MARGIN = 5
"""How far beyond a role's own pitches new ones may lie, in semitones."""
NEIGHBOURS = 4
"""The bars before and after a window whose pitch classes belong to it."""
RARE = 0.02
"""Pitch classes with a smaller share of the notes around do not belong there: they are passing."""


def allowed_states(arrangement: Arrangement, bars: Bars, length: int) -> BoolArray:
    """Returns (windows, 4, 1, 130): which states may come in each window of `length` bars of these bars."""
    classes = _pitch_classes(arrangement, bars, length)
    allowed = np.zeros((len(classes), len(TRACKS), STATES), dtype=bool)
    allowed[..., [HOLD, SILENT]] = True
    pitches = np.arange(HOLD)
    for role, line in arrangement.lines.items():
        played = line.pitch
        if not len(played):
            continue
        if line.is_drum:
            allowed[:, TRACKS.index(role), played] = True
        else:
            near = (pitches >= played.min() - MARGIN) & (pitches <= played.max() + MARGIN)
            allowed[:, TRACKS.index(role), :HOLD] = near & classes[:, pitches % OCTAVE]
    return allowed[:, :, None]


def _pitch_classes(arrangement: Arrangement, bars: Bars, length: int) -> BoolArray:
    """Returns (windows, 12): the pitch classes of all pitched instruments around each window."""
    notes, grid = arrangement.file.notes, arrangement.grid
    pitched = notes.channel != DRUM_CHANNEL
    bar = grid.step_of(notes.start[pitched]) // STEPS_PER_BAR + grid.bars.first
    classes: IntArray = notes.pitch[pitched] % OCTAVE
    found = []
    for first in range(bars.first, bars.last + 1, length):
        around = (bar >= first - NEIGHBOURS) & (bar < first + length + NEIGHBOURS)
        counts = np.bincount(classes[around], minlength=OCTAVE)
        found.append(counts > RARE * counts.sum() if counts.any() else np.ones(OCTAVE, dtype=bool))
    return np.array(found)
