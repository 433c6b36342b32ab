"""Edits toward genres: how far they bring songs without a genre, beside where real windows of it stand."""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.edits.songs import TaggedSong, interval
from composer.edit import EditRequest, edit
from composer.editor import Editor
from composer.genres import genre_step
from composer.reply import note_f1
from model.data import WindowSet
from music.tokens import Tokens

COLUMNS = ["genre", "songs", "real windows, above the middle", "gain in percentiles", "note F1",
           "decoded plainly: gain", "note F1"]  # fmt: skip
MIDDLE = 50
WINDOWS = 4096
"""Real windows that say where their genres stand."""


def genre_rows(editor: Editor, songs: Sequence[TaggedSong], real: WindowSet) -> Iterator[list[str]]:
    """Yields a row for each genre, and one for all; real: validation windows."""
    every = np.array([_gains(editor, songs, genre) for genre in editor.genres])
    real = real.evenly_spaced(WINDOWS)
    stand = _percentiles(editor, real.tokens.numpy()) - MIDDLE
    tagged = real.genres.numpy()
    above = np.array([stand[tagged[:, genre], genre].mean() for genre in range(len(editor.genres))])
    yield ["all", str(len(songs)), f"{np.nanmean(above):+.1f}", *_cells(np.nanmean(every, axis=0))]
    for genre, gains, stands in zip(editor.genres, every, above.tolist(), strict=True):
        yield [genre, str(int((~np.isnan(gains[:, 0])).sum())), f"{stands:+.1f}", *_cells(gains)]


def _cells(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[str]:
    """Returns the cells of (songs, 4) gains and F1, by both ways."""
    return [interval(column, places) for column, places in zip(values.T, (1, 3, 1, 3), strict=True)]


def _gains(editor: Editor, songs: Sequence[TaggedSong], genre: str) -> list[list[float]]:
    """Returns the gain and F1 of the edit and of plain decoding for each song, NaN for songs with the genre."""
    return [[float("nan")] * 4 if genre in song.genres else _gain(editor, song, genre) for song in songs]


def _gain(editor: Editor, tagged: TaggedSong, genre: str) -> list[float]:
    edited = edit(editor, tagged.song, EditRequest(genres={genre: 1.0}, selection=tagged.selection))
    (reply,) = edited.reply.genres
    windows = edited.part.windows
    plain = editor.decode(editor.encode(windows) + genre_step(editor, {genre: 1.0}))
    after = float(_percentiles(editor, plain)[:, editor.genre(genre)].mean())
    return [reply.after - reply.before, edited.reply.change.note_f1, after - reply.before, note_f1(windows, plain)]


def _percentiles(editor: Editor, windows: Tokens) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Returns (windows, genres); the model has a classifier of genres."""
    assert editor.scales.genre_scores is not None
    return editor.scales.genre_scores.percentiles(windows)
