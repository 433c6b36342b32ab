"""Draws windows as piano rolls."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pypianoroll
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from music.pictures import picture
from music.tokens import PITCHES, STEPS_PER_BAR, STEPS_PER_QUARTER, TRACKS, Tokens, to_notes

COLOURS = dict(zip(TRACKS, ("#4d4d4d", "#1f77b4", "#2ca02c", "#d62728"), strict=True))
PANEL_INCHES = (3.2, 2.6)
INCHES_A_BAR = 0.3
"""The panels of long windows are wider than `PANEL_INCHES`, to give each bar this much."""
BARS_LABELLED = 8
"""The largest number of bars with a number on the axis."""


def draw_windows(path: Path, title: str, panels: Sequence[tuple[str, Tokens]], columns: int) -> None:
    """Draws a PNG with a panel for each window, a pair of name and (4, steps) states, its tracks in four colours."""
    rows = -(-len(panels) // columns)
    bars = panels[0][1].shape[-1] // STEPS_PER_BAR
    width = max(PANEL_INCHES[0], INCHES_A_BAR * bars)
    with picture(path, width * columns, PANEL_INCHES[1] * rows + 0.8) as figure:
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        pitches = np.concatenate([window[window < PITCHES] for _, window in panels])
        lowest, highest = (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, PITCHES - 1)
        for axis, (name, window) in zip(axes, panels, strict=False):
            for track, states in zip(TRACKS, window, strict=True):
                colour = ListedColormap(["none", COLOURS[track]])
                pypianoroll.plot_pianoroll(
                    axis, _pianoroll(states), resolution=STEPS_PER_QUARTER, cmap=colour,
                    xtick="off", yticklabel="number", label="off", grid_axis="off",
                )  # fmt: skip
            axis.set(title=name, ylim=(lowest - 2, highest + 2))
            labelled = np.arange(0, bars, -(-bars // BARS_LABELLED))
            axis.set_xticks(labelled * STEPS_PER_BAR - 0.5, [str(bar + 1) for bar in labelled])
            axis.grid(axis="x", linewidth=0.5)
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        for axis in axes[max(len(panels) - columns, 0) : len(panels)]:
            axis.set_xlabel("bar")
        for axis in axes[::columns]:
            axis.set_ylabel("MIDI pitch")
        figure.suptitle(title)
        handles = [Patch(color=colour, label=track) for track, colour in COLOURS.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(TRACKS))


def _pianoroll(states: Tokens) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Returns (steps, 128): whether each pitch sounds."""
    roll = np.zeros((len(states), PITCHES), dtype=bool)
    for start, end, pitch in to_notes(states).tolist():
        roll[start:end, pitch] = True
    return roll
