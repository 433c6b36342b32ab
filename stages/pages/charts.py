"""The charts of the data report, as PNG files."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator, PercentFormatter

from music.arrays import FloatArray, IntArray
from music.piano_rolls import COLOURS
from music.pictures import heat_map, label_circle, picture, short
from music.tokens import PITCHES, TRACKS

BAR_COLOUR = "#1f77b4"
SPLIT_COLOURS = {"train": "#1f77b4", "validation": "#ff7f0e"}
REPEAT_COLOURS = {"repeats within a file": "#bdbdbd", "repeats across files": "#737373"}
STATE_COLOURS = {"onset": "#1f77b4", "hold": "#9ecae1", "silent": "#e6e6e6"}
CIRCLE_LIMIT = 1.85
"""How far the axes of the unit circle reach, so that there is room for its labels."""
MIDDLE_C = 60
OCTAVE = 12


def draw_refusals(path: Path, refusals: Mapping[str, int], files: int) -> None:
    """Draws a bar for each reason to refuse a file."""
    with picture(path, 8, 1.2 + 0.35 * max(len(refusals), 1)) as figure:
        axis = figure.subplots()
        bars = axis.barh(list(refusals), list(refusals.values()), color=BAR_COLOUR)
        axis.bar_label(bars, [f"{count:,}" for count in refusals.values()], padding=3)
        axis.invert_yaxis()
        axis.margins(x=0.12)
        axis.set(title=f"{sum(refusals.values()):,} of {files:,} files refused, by reason", xlabel="files")
        _whole_numbers(axis.xaxis)
        if not refusals:
            axis.text(0.5, 0.5, "no file was refused", ha="center", va="center", transform=axis.transAxes)
            axis.set(xticks=[], yticks=[])


def _whole_numbers(axis: Axis) -> None:
    axis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def draw_songs(path: Path, by_bars: Mapping[int, int], bars_a_bin: int, by_tracks: Mapping[int, int]) -> None:
    """Draws two histograms of the files kept: their length in bars and their number of tracks.

    by_bars: files by the lowest number of bars of a bin. by_tracks: files by the number of tracks.
    """
    with picture(path, 10, 3.4) as figure:
        left, right = figure.subplots(1, 2)
        left.bar(
            list(by_bars), list(by_bars.values()), width=bars_a_bin, align="edge", color=BAR_COLOUR, edgecolor="white"
        )
        left.set_xlim(left=0)
        left.set(title="Length of the files kept", xlabel=f"bars ({bars_a_bin} in each column)", ylabel="files")
        right.bar(list(by_tracks), list(by_tracks.values()), color=BAR_COLOUR)
        right.set(title="Tracks of the files kept (all strings count as one)", xlabel="tracks", ylabel="files")
        for axis in (left.yaxis, right.yaxis, right.xaxis):
            _whole_numbers(axis)


def draw_windows_flow(path: Path, lengths: Mapping[str, Mapping[str, int]]) -> None:
    """Draws a stacked bar for each length: which windows without a long silence were kept, as shares.

    lengths: how many windows went where, by the label of a length and by a name in the legend.
    """
    colours = SPLIT_COLOURS | REPEAT_COLOURS
    with picture(path, 8, 1.6 + 0.5 * len(lengths)) as figure:
        axis = figure.subplots()
        left = np.zeros(len(lengths))
        for name, colour in colours.items():
            shares = np.array([parts[name] / sum(parts.values()) for parts in lengths.values()])
            axis.barh(list(lengths), shares, left=left, color=colour, label=name)
            left += shares
        axis.invert_yaxis()
        axis.set(title="Windows without a long silence in any track", xlabel="share of these windows", xlim=(0, 1))
        axis.xaxis.set_major_formatter(PercentFormatter(1))
        figure.legend(loc="outside lower center", ncols=len(colours))


def draw_states(path: Path, title: str, counts: Mapping[str, IntArray]) -> None:
    """Draws the shares of onset, hold and silence, and a histogram of onset pitches, for each track and split.

    counts: (4, 130) for each split, how often each track is in each state.
    """
    with picture(path, 11, 6.4) as figure:
        grid = figure.add_gridspec(len(TRACKS), 2, width_ratios=(2, 3))
        _draw_shares(figure.add_subplot(grid[:, 0]), counts)
        first = None
        for row, track in enumerate(TRACKS):
            axis = figure.add_subplot(grid[row, 1], sharex=first)
            first = first or axis
            for split, colour in SPLIT_COLOURS.items():
                onsets = counts[split][row, :PITCHES]
                axis.stairs(onsets / max(onsets.sum(), 1), np.arange(PITCHES + 1) - 0.5, color=colour, label=split)
            axis.set_title(track, loc="left", fontsize=10, color=COLOURS[track])
            axis.set(xlim=(-1, PITCHES), xticks=range(0, PITCHES, OCTAVE))
            axis.yaxis.set_major_formatter(PercentFormatter(1))
            axis.yaxis.set_major_locator(MaxNLocator(3))
            axis.tick_params(labelbottom=row == len(TRACKS) - 1)
            axis.grid(axis="x", linewidth=0.5)
        axis.set_xlabel(f"MIDI pitch of the onsets ({MIDDLE_C} is middle C)")
        figure.suptitle(title)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower right", ncols=2)


def _draw_shares(axis: Axes, counts: Mapping[str, IntArray]) -> None:
    rows = [(track, split) for track in range(len(TRACKS)) for split in SPLIT_COLOURS]
    places = [track + (0.2 if split == "validation" else -0.2) for track, split in rows]
    parts = {"onset": slice(PITCHES), "hold": slice(PITCHES, PITCHES + 1), "silent": slice(PITCHES + 1, None)}
    left = np.zeros(len(rows))
    for state, part in parts.items():
        shares = np.array([counts[split][track, part].sum() / counts[split][track].sum() for track, split in rows])
        axis.barh(places, shares, height=0.36, left=left, color=STATE_COLOURS[state], label=state)
        left += shares
    axis.set_yticks(places, [f"{TRACKS[track]}\n{split}" for track, split in rows], fontsize=8)
    axis.set(xlabel="share of steps", xlim=(0, 1))
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(parts), frameon=False)


def draw_similarity(path: Path, genres: Sequence[str], similarities: FloatArray) -> None:
    """Draws a heat map of the similarity of genres, (genres, genres), in circle order."""
    inches = 0.24 * max(len(genres), 8)
    with picture(path, inches + 2.6, inches + 2.0) as figure:
        axis = figure.subplots()
        axis.set_title("Genres by the songs they share,\nin circle order")
        others = np.where(np.eye(len(genres), dtype=bool), np.nan, similarities)
        image = heat_map(axis, others, genres, genres, cmap="viridis", vmin=0, vmax=1)
        axis.tick_params(labelsize=8)
        figure.colorbar(image, label="cosine similarity", shrink=0.6)


def draw_circle(path: Path, genres: Sequence[str], songs: Sequence[int], similarities: FloatArray) -> None:
    """Draws the circle of genres that the flower prior takes: more songs are larger dots, similarity darker lines."""
    with picture(path, 10, 10.4) as figure:
        axis = figure.subplots()
        axis.set_title("The genre circle: similarity of neighbours (thick) and of all other pairs")
        axis.set(aspect="equal", xlim=(-CIRCLE_LIMIT, CIRCLE_LIMIT), ylim=(-CIRCLE_LIMIT, CIRCLE_LIMIT))
        axis.set_axis_off()
        angles = 2 * np.pi * np.arange(len(genres)) / len(genres)
        points = np.column_stack([np.cos(angles), np.sin(angles)])
        neighbours = [(number, (number + 1) % len(genres)) for number in range(len(genres))]
        axis.add_collection(_lines(points, list(combinations(range(len(genres)), 2)), similarities, width=1))
        ring = axis.add_collection(_lines(points, neighbours, similarities, width=5))
        axis.scatter(points[:, 0], points[:, 1], 200 * np.array(songs) / max(songs), color=BAR_COLOUR, zorder=9)
        labels = [f"{short(genre)} ({count:,})" for genre, count in zip(genres, songs, strict=True)]
        label_circle(axis, labels, radius=1.07, fontsize=float(np.clip(300 / len(genres), 3, 9)))
        label = "cosine similarity: shared songs / √(songs × songs)"
        figure.colorbar(ring, label=label, shrink=0.5, orientation="horizontal")


def _lines(
    points: FloatArray, pairs: Sequence[tuple[int, int]], similarities: FloatArray, width: float
) -> LineCollection:
    """Returns a line for each pair of points; the more similar the pair, the darker its line, the darkest on top."""
    ordered = sorted(pairs, key=lambda pair: similarities[pair])
    lines = LineCollection([points[list(pair)] for pair in ordered], linewidths=width, cmap="Greys", zorder=width)
    lines.set_array(np.array([similarities[pair] for pair in ordered]))
    lines.set_clim(0, 1)
    return lines
