"""What edits of songs reach, keep and cost, on songs that the model has not learnt from.

    OMP_NUM_THREADS=1 python -m benchmarks.edits MODEL WINDOWS CORPUS --songs 24

MODEL is a folder as stage `scales` makes it, WINDOWS the shards that the model was trained on, CORPUS the folder of
Lakh's archives that they come from. The results are in docs/results.md.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.edits import attributes, genres
from benchmarks.edits.songs import TaggedSong, interval, songs_apart
from benchmarks.training import print_table
from composer.edit import EditRequest, edit
from composer.editor import Editor, load_editor
from composer.interpolate import InterpolateRequest, interpolate
from composer.part import Selection
from model.data import read_windows
from music.editing.meter import Bars
from music.editing.song import open_song

STEPS = 9
THREE_MINUTES = 90
"""Bars, at 120 quarters a minute."""


def interpolation_rows(editor: Editor, songs: Sequence[TaggedSong]) -> Iterator[list[str]]:
    """Yields what holds of interpolations from each song to the next."""
    exact, monotone, even = [], [], []
    for first, second in zip(songs, [*songs[1:], songs[0]], strict=True):
        shorter = min((first, second), key=lambda tagged: tagged.song.bars.last)
        path = interpolate(editor, first.song, second.song, InterpolateRequest(STEPS, shorter.selection))
        exact.append(path[0].data == first.song.file.data and path[-1].data == second.song.file.data)
        away, toward = (np.array([getattr(step.reply, key) for step in path]) for key in ("from_first", "from_second"))
        monotone.append(bool((np.diff(away) >= 0).all() and (np.diff(toward) <= 0).all()))
        even.append(np.abs(away / (away + toward) - np.linspace(0, 1, STEPS)).max())
    yield ["ends are the songs' bytes", interval(np.array(exact, dtype=np.float64))]
    yield ["distances rise from the first and fall to the second", interval(np.array(monotone, dtype=np.float64))]
    yield ["largest distance from even steps", interval(np.array(even))]


def time_rows(folder: Path, songs: Sequence[TaggedSong]) -> Iterator[list[str]]:
    """Yields seconds of one core: loading, and edits of songs that are at least three minutes long."""
    began = time.process_time()
    editor = load_editor(folder)
    yield ["loading", f"{time.process_time() - began:.2f}", ""]
    long = [tagged.song.file.data for tagged in songs if tagged.song.bars.last >= THREE_MINUTES]
    selection = Selection(Bars(1, THREE_MINUTES))
    for name in editor.scales.slopes if long else ():
        seconds = [_seconds(editor, data, EditRequest({name: 0.5}, selection=selection)) for data in long]
        yield [f"{name} +0.5, {len(long)} songs", f"{np.median(seconds):.2f}", f"{max(seconds):.2f}"]


def _seconds(editor: Editor, data: bytes, request: EditRequest) -> float:
    """Returns the time of one core that an edit takes, with opening the song."""
    began = time.process_time()
    edit(editor, open_song(data, "song.mid"), request)
    return time.process_time() - began


def main() -> None:
    """Reads the command line and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("windows", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--changes", type=float, nargs="+", default=[-1.0, -0.5, 0.5, 1.0])
    arguments = parser.parse_args()
    editor = load_editor(arguments.model)
    songs = songs_apart(arguments.windows, arguments.corpus, arguments.songs)
    print(f"{len(songs)} songs; mean over songs [95% interval]\n")
    print_table(["seconds", "median", "most"], list(time_rows(arguments.model, songs)))
    print_table(["interpolation", "share"], list(interpolation_rows(editor, songs)))
    if editor.scales.genre_scores:
        real = read_windows(arguments.windows, editor.description.model).validation
        print_table(genres.COLUMNS, list(genres.genre_rows(editor, songs, real)))
    print_table(attributes.COLUMNS, list(attributes.attribute_rows(editor, songs, arguments.changes)))


if __name__ == "__main__":
    main()
