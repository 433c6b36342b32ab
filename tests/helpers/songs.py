"""Small songs that several tests build on."""

import io

import mido
import numpy as np

from music.arrangements import Arranged
from music.roles import TokenSong
from music.song import Instrument, Song
from music.tokens import Tokens
from music.windows import Windows, cut, first_states, windows

FOUR_FOUR = frozenset({(4, 4)})
STEP = 120
"""Ticks, at 480 a quarter note."""


def instrument(program: int, *notes: tuple[int, int, int], drum: bool = False) -> Instrument:
    """Notes as (start step, end step, pitch)."""
    return Instrument(program, drum, np.array(notes, dtype=np.int64).reshape(-1, 3) * [STEP, STEP, 1])


def repeated(pitch: int, bars: int, every: int = 4, length: int = 2) -> list[tuple[int, int, int]]:
    return [(step, step + length, pitch) for step in range(0, 16 * bars, every)]


def band(bars: int = 4, pitch: int = 60) -> Song:
    """Drums, bass, piano and strings that play throughout."""
    return Song(
        480,
        FOUR_FOUR,
        (
            instrument(0, *repeated(36, bars, length=1), drum=True),
            instrument(33, *repeated(pitch - 24, bars)),
            instrument(0, *repeated(pitch, bars)),
            instrument(48, *repeated(pitch + 12, bars, every=8, length=8)),
        ),
    )


def midi_file(*tracks: list[mido.Message | mido.MetaMessage], division: int = 480) -> bytes:
    file = mido.MidiFile(ticks_per_beat=division)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def arranged(*songs: TokenSong) -> Arranged:
    return Arranged(
        np.concatenate([song.tokens.reshape(-1, 16) for song in songs]),
        np.array([song.tokens.shape[1] // 16 for song in songs]),
        np.array([song.counts for song in songs]),
    )


def windows_of(song: TokenSong, bars: int, cap: int) -> Windows:
    (found,) = windows(arranged(song), [bars], cap)
    return found


def cut_all(song: TokenSong, bars: int, cap: int) -> tuple[Windows, Tokens]:
    """The windows of a song, and their tokens."""
    songs, found = arranged(song), windows_of(song, bars, cap)
    if not len(found):
        return found, np.empty((0, 4, 16 * bars), np.uint8)
    places = songs.places(found.songs, found.arrangements) + found.bars
    return found, cut(songs.by_bar, first_states(songs.by_bar), places, bars)
