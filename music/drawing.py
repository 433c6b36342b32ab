"""Piano rolls as pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pypianoroll
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from music.tokens import PITCHES, STEPS_PER_BAR, STEPS_PER_QUARTER, TRACKS, Tokens, to_notes

COLOURS = dict(zip(TRACKS, ("#4d4d4d", "#1f77b4", "#2ca02c", "#d62728"), strict=True))
PANEL_INCHES = (3.2, 2.6)


def draw_windows(path: Path, title: str, panels: Sequence[tuple[str, Tokens]], columns: int) -> None:
    """A PNG with one panel a window: a (name, (4, steps) states) each, the four tracks in four colours."""
    rows = -(-len(panels) // columns)
    figure = Figure((PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
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
        bars = np.arange(window.shape[-1] // STEPS_PER_BAR)
        axis.set_xticks(bars * STEPS_PER_BAR - 0.5, [str(bar + 1) for bar in bars])
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
    figure.savefig(path, dpi=100, metadata={"Software": None})


def _pianoroll(states: Tokens) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """(steps, 128) whether each pitch sounds."""
    roll = np.zeros((len(states), PITCHES), dtype=bool)
    for start, end, pitch in to_notes(states).tolist():
        roll[start:end, pitch] = True
    return roll
