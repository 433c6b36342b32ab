"""Draws a song before and after a change: what stays in grey, what changes in the colours of the roles."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from composer.part import Part
from music.arrays import FloatArray
from music.editing.arrangement import Edit
from music.editing.midi_file import Note
from music.piano_rolls import COLOURS
from music.pictures import picture
from music.tokens import STEPS_PER_BAR

STAYS = "#c8c8c8"
INCHES_A_BAR = 0.35
WIDTHS = 8, 60
"""Inches, the least and the most."""
HEIGHT = 6
BARS_LABELLED = 24
"""The largest number of bars with a number on the axis."""


def draw_change(path: Path, title: str, part: Part, edit: Edit) -> None:
    """Draws a PNG of the four roles' notes in the chosen bars, before above after."""
    stays, before, after = _notes(part, edit)
    bars = part.bars.last - part.bars.first + 1
    with picture(path, float(np.clip(INCHES_A_BAR * bars, *WIDTHS)), HEIGHT) as figure:
        figure.suptitle(title)
        axes = figure.subplots(2, 1, sharex=True, sharey=True)
        for axis, name, changed in zip(axes, ("before", "after"), (before, after), strict=True):
            _draw(axis, stays, STAYS)
            for role, notes in changed.items():
                _draw(axis, notes, COLOURS[role])
            axis.set(title=name, ylabel="MIDI pitch", xlim=(part.bars.first, part.bars.last + 1))
            axis.set_xticks(range(part.bars.first, part.bars.last + 1, -(-bars // BARS_LABELLED)))
            axis.grid(axis="x", linewidth=0.5)
        axes[-1].set_xlabel("bar")
        patches = [Patch(color=STAYS, label="as it was")]
        patches += [Patch(color=COLOURS[role], label=f"{role} changed") for role in part.roles]
        figure.legend(handles=patches, loc="outside lower center", ncols=len(patches))


def _draw(axis: Axes, notes: FloatArray, colour: str) -> None:
    """Draws (notes, 3) of start, end and pitch."""
    start, end, pitch = notes.T
    axis.hlines(pitch, start, end, colors=colour, linewidth=2.5)


def _notes(part: Part, edit: Edit) -> tuple[FloatArray, dict[str, FloatArray], dict[str, FloatArray]]:
    """Returns the notes that stay, and those that change by role, before and after; each (notes, 3), times in bars."""
    file = part.arrangement.file
    changed = {change.handle for change in edit.changes}
    handles = [handle for line in part.arrangement.lines.values() for handle in line.handles.tolist()]
    stays = _rows(part, [file.note(handle) for handle in handles if handle not in changed])
    before = {role: [one.before for one in edit.changes if one.role == role and one.before] for role in part.roles}
    after = {role: [one.after for one in edit.changes if one.role == role and one.after] for role in part.roles}
    return (
        stays,
        {role: _rows(part, notes) for role, notes in before.items()},
        {role: _rows(part, notes) for role, notes in after.items()},
    )


def _rows(part: Part, notes: Sequence[Note]) -> FloatArray:
    """Returns (notes, 3): start and end in bars of the song, and pitch."""
    grid = part.arrangement.grid
    rows = np.array([(note.start, note.end, note.pitch) for note in notes], dtype=np.float64).reshape(-1, 3)
    ticks_a_bar = grid.ticks_per_quarter * STEPS_PER_BAR // 4
    rows[:, :2] = grid.bars.first + (rows[:, :2] - grid.tick) / ticks_a_bar
    return rows
