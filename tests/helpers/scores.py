"""Small scores that several tests build on."""

import io

import mido
import numpy as np

from music.arrangements import ScoreBatch
from music.roles import TokenScore
from music.score import FOUR_FOUR, Instrument, Score
from music.tokens import Tokens
from music.windows import Windows, cut_windows, find_windows, first_states

STEP = 120
"""Ticks, at 480 a quarter note."""


def instrument(program: int, *notes: tuple[int, int, int], drum: bool = False) -> Instrument:
    """Notes as (start step, end step, pitch)."""
    return Instrument(program, drum, np.array(notes, dtype=np.int64).reshape(-1, 3) * [STEP, STEP, 1])


def repeated(pitch: int, bars: int, every: int = 4, length: int = 2) -> list[tuple[int, int, int]]:
    return [(step, step + length, pitch) for step in range(0, 16 * bars, every)]


def band(bars: int = 4, pitch: int = 60) -> Score:
    """Drums, bass, piano and strings that play throughout."""
    return Score(
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


def batch_of(*scores: TokenScore) -> ScoreBatch:
    return ScoreBatch(
        np.concatenate([score.tokens.reshape(-1, 16) for score in scores]),
        np.array([score.tokens.shape[1] // 16 for score in scores]),
        np.array([score.counts for score in scores]),
    )


def unique_windows(score: TokenScore, bars: int, cap: int) -> Windows:
    (found,) = find_windows(batch_of(score), [bars], cap)
    return found


def cut_all(score: TokenScore, bars: int, cap: int) -> tuple[Windows, Tokens]:
    """Returns the windows of a score, and their tokens."""
    batch, found = batch_of(score), unique_windows(score, bars, cap)
    if not len(found):
        return found, np.empty((0, 4, 16 * bars), np.uint8)
    places = batch.places(found.scores, found.arrangements) + found.bars
    return found, cut_windows(batch.by_bar, first_states(batch.by_bar), places, bars)
