"""The pictures of the part `editability`: edited windows note by note, and what edits reach and keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.editability.attribute_edits import WAYS, AttributeEdit
from analysis.editability.genre_edits import WAYS as GENRE_WAYS
from analysis.editability.genre_edits import GenreEdit, mean_over_genres
from analysis.editability.genre_paths import GenrePath
from analysis.editability.note_changes import note_changes
from analysis.shared.bootstrap import interval
from music.arrays import FloatArray
from music.metrics import DRUMS
from music.pictures import picture
from music.tokens import PITCHES, STEPS_PER_BAR, Tokens

COLUMNS = 2
PANEL_INCHES = (4.6, 2.6)
INCHES_A_BAR = 0.45
COLOURS = {
    "kept": "#b5b5b5", "added": "#2ca02c", "removed": "#d62728", "other pitch": "#1f77b4", "other length": "#ff7f0e",
}  # fmt: skip
WAY_NAMES = {
    "gradient": "the edit",
    "slope": "along the slope",
    "plain": "the moved codes, decoded plainly",
}


@dataclass(frozen=True)
class EditedWindow:
    """What an edit made of a window."""

    title: str
    tokens: Tokens
    """(4, steps)"""


def draw_edited_windows(path: Path, title: str, before: Tokens, edited: Sequence[EditedWindow]) -> None:
    """Draws the window and what edits made of it as piano rolls, with changed notes in colour; before: (4, steps)."""
    panels = [EditedWindow("the window", before), *edited]
    rows, bars = -(-len(panels) // COLUMNS), before.shape[-1] // STEPS_PER_BAR
    used = np.concatenate([panel.tokens[panel.tokens < PITCHES] for panel in panels])
    lowest, highest = (int(used.min()), int(used.max())) if len(used) else (0, PITCHES - 1)
    width = max(PANEL_INCHES[0], INCHES_A_BAR * bars)
    with picture(path, width * COLUMNS, PANEL_INCHES[1] * rows + 0.8) as figure:
        axes = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
        for axis, panel in zip(axes, panels, strict=False):
            _draw_notes(axis, before, panel.tokens)
            axis.set(title=panel.title, xlim=(0, before.shape[-1]), ylim=(lowest - 2, highest + 2))
            axis.set_xticks(np.arange(bars) * STEPS_PER_BAR, [str(bar + 1) for bar in range(bars)])
            axis.grid(axis="x", linewidth=0.5)
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        for axis in axes[max(len(panels) - COLUMNS, 0) : len(panels)]:
            axis.set_xlabel("bar")
        for axis in axes[::COLUMNS]:
            axis.set_ylabel("MIDI pitch")
        figure.suptitle(title)
        handles = [Patch(color=colour, label=kind) for kind, colour in COLOURS.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(COLOURS))


def _draw_notes(axis: Axes, before: Tokens, after: Tokens) -> None:
    """Draws pitched notes as bars and drum notes as dots."""
    for kind, notes in note_changes(before, after).items():
        track, start, end, pitch = notes.T
        drums = track == DRUMS
        axis.hlines(pitch[~drums], start[~drums], end[~drums] - 0.25, COLOURS[kind], linewidth=3.5)
        axis.scatter(start[drums] + 0.5, pitch[drums], s=14, color=COLOURS[kind], zorder=3)


def draw_attribute_edits(path: Path, edits: Sequence[AttributeEdit], weights: FloatArray) -> None:
    """Draws, for each edit and way, how much of what was asked came and how much of the notes stayed."""
    places = np.arange(len(edits), dtype=np.float64)[::-1]
    with picture(path, 9.6, 1.8 + 0.42 * len(edits)) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        for number, way in enumerate(WAYS):
            heights = places + 0.22 - 0.22 * number
            for axis, measure in ((left, "got"), (right, "note_f1")):
                statistics = np.stack([edit.mean(weights, way, measure) for edit in edits], axis=1)
                _points(axis, statistics, heights, f"C{number}", WAY_NAMES[way])
        most = np.array([edit.mean(weights, "gradient", "most")[0] for edit in edits])
        right.plot(most, places + 0.22, "|", color="black", markersize=9, label="the most that the edit allows")
        left.axvline(1, color="black", linewidth=0.8)
        left.set_yticks(places, [f"{edit.attribute} {edit.change:+g} sd" for edit in edits])
        left.set(title="Got of asked", xlabel="measured change, as a share of what was asked")
        right.set(title="Notes kept by windows that arrived", xlabel="note F1 with the window", xlim=(0, 1.02))
        for axis in (left, right):
            axis.grid(axis="x", linewidth=0.3)
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
        figure.suptitle("Edits by attributes, with 95% intervals over songs")


def _points(axis: Axes, statistics: FloatArray, heights: FloatArray, colour: str, label: str) -> None:
    """Draws the values of (1 + resamples, points) statistics, and their intervals as horizontal lines."""
    low, high = interval(statistics)
    axis.hlines(heights, low, high, color=colour, linewidth=1.2)
    axis.plot(statistics[0], heights, "o", markersize=4, color=colour, label=label)


def draw_genre_edits(
    path: Path,
    edits: Mapping[str, Sequence[GenreEdit]],
    weights: FloatArray,
    paths: Sequence[GenrePath],
    real_gain: float,
) -> None:
    """Draws what edits toward genres gain over what they keep, a point for each strength; means over genres.

    edits: by the name of the path of codes.
    """
    with picture(path, 6.4, 4.4) as figure:
        axis = figure.subplots()
        for number, (moved, way) in enumerate(product(paths, GENRE_WAYS)):
            kept, gains = (
                mean_over_genres(edits[moved.name], weights, measure, way) for measure in ("note_f1", "gains")
            )
            low, high = interval(gains)
            spread = np.stack([gains[0] - low, high - gains[0]]).clip(0)
            name = moved.name if way == "difference" else f"{moved.name}, decoded plainly"
            axis.errorbar(kept[0], gains[0], spread, marker="o", color=f"C{number}", capsize=3, label=name)
            if way == "plain":
                continue  # its points lie beside those of the difference, and have the same numbers
            for x, y, strength in zip(kept[0], gains[0], moved.strengths, strict=True):
                axis.annotate(f"{strength:g}", (x, y), xytext=(5, 5), textcoords="offset points", fontsize="small")
        axis.axhline(real_gain, color="#7f7f7f", linestyle=":", label="real windows of the genre")
        axis.set(
            title="Edits toward genres: means over genres",
            xlabel="note F1 with the window",
            ylabel="percentiles gained (95% intervals)",
            xlim=(0, 1.02),
        )
        axis.grid(linewidth=0.3)
        figure.legend(loc="outside lower center", ncols=2, fontsize="small")
