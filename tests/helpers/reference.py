"""The rules of the data once more, written to be read and not to be fast: loops over notes, steps and windows.

It turns a score into windows. Compared with `music` in tests/music/test_reference.py.
"""

import math
from fractions import Fraction
from itertools import islice, product

from music.score import Score

HOLD, SILENT = 128, 129

Window = tuple[tuple[int, ...], ...]


def nearest_step(tick: int, ticks_per_quarter: int) -> int:
    return math.floor(Fraction(4 * tick, ticks_per_quarter) + Fraction(1, 2))


def tracks(score: Score) -> tuple[list[list[tuple[int, int, int]]], ...]:
    """Returns drum, bass, guitar/piano and the one strings track, with notes as (start step, end step, pitch)."""
    drums, bass, guitar, strings = [], [], [], [[]]
    for instrument in score.instruments:
        notes = []
        for on, off, pitch in instrument.notes.tolist():
            start = nearest_step(on, score.ticks_per_quarter)
            end = max(nearest_step(off, score.ticks_per_quarter), start + 1)
            notes.append((start, start + 1 if instrument.is_drum else end, pitch))
        if instrument.is_drum:
            drums.append(notes)
        elif instrument.program < 32:
            guitar.append(notes)
        elif instrument.program < 40:
            bass.append(notes)
        else:
            strings[0] += notes
    return drums, bass, guitar, strings


def lowest_pitches(notes: list[tuple[int, int, int]], steps: int) -> list[int | None]:
    return [min((p for start, end, p in notes if start <= step < end), default=None) for step in range(steps)]


def track_window(notes: list[tuple[int, int, int]], lowest: list[int | None], first: int, size: int) -> tuple[int, ...]:
    states = []
    for step in range(first, first + size):
        pitch = lowest[step]
        if pitch is None:
            states.append(SILENT)
        elif step == first or lowest[step - 1] != pitch or any(n[0] == step and n[2] == pitch for n in notes):
            states.append(pitch)
        else:
            states.append(HOLD)
    return tuple(states)


def too_silent(states: tuple[int, ...]) -> bool:
    return any(set(states[i : i + 17]) == {SILENT} for i in range(len(states) - 16))


def windows(score: Score, bars: int, cap: int) -> tuple[int, set[Window]]:
    """Returns how many windows pass the rule of silence, and the set of them."""
    roles = tracks(score)
    last = max(end for role in roles for notes in role for _, end, _ in notes)
    steps = math.ceil(last / 16) * 16
    heard = [[(notes, lowest_pitches(notes, steps)) for notes in role] for role in roles]
    passed, different = 0, set()
    for arrangement in islice(product(*heard), cap):
        for first in range(0, steps - 16 * bars + 1, 16):
            window = tuple(track_window(notes, lowest, first, 16 * bars) for notes, lowest in arrangement)
            if not any(too_silent(states) for states in window):
                passed += 1
                different.add(window)
    return passed, different
