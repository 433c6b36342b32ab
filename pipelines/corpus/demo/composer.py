"""Composes the scores of the demo corpus: a style's patterns, varied at random."""

import random
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from music.score import FOUR_FOUR, Instrument, Score
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER
from pipelines.corpus.demo.styles import Style

TICKS_PER_QUARTER = 480
TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER
KICK, SNARE, HAT = 36, 38, 42
BARS_PER_SECTION = 8
SECOND_GUITAR = 26

PartNotes = list[tuple[int, int, int]]
"""Start step, end step (exclusive) and pitch."""


def compose(style: Style, generator: random.Random) -> Score:
    """Composes two sections of eight bars in a random key, played in the order AABA, ABAB or AAB."""
    key = generator.randrange(12)
    sections = {name: _section(style, key, generator) for name in "AB"}
    form = generator.choice(("AABA", "ABAB", "AAB"))
    parts: list[PartNotes] = [[], [], [], []]
    for place, name in enumerate(form):
        offset = place * BARS_PER_SECTION * STEPS_PER_BAR
        for part, notes in zip(parts, sections[name], strict=True):
            part += [(start + offset, end + offset, pitch) for start, end, pitch in notes]
    programs = (0, *style.programs)
    instruments = [_instrument(programs[i], i == 0, part) for i, part in enumerate(parts)]
    if generator.random() < 0.25:  # a second guitar, an octave higher: two arrangements
        octave_higher = [(start, end, pitch + 12) for start, end, pitch in parts[2][::2]]
        instruments.append(_instrument(SECOND_GUITAR, False, octave_higher))
    return Score(TICKS_PER_QUARTER, FOUR_FOUR, tuple(instruments))


def _instrument(program: int, is_drum: bool, notes: PartNotes) -> Instrument:
    steps = np.array(notes, dtype=np.int64).reshape(-1, 3)
    return Instrument(program, is_drum, steps * np.array([TICKS_PER_STEP, TICKS_PER_STEP, 1]))


def _section(style: Style, key: int, generator: random.Random) -> tuple[PartNotes, PartNotes, PartNotes, PartNotes]:
    """Composes eight bars of drums, bass, guitar or piano, and strings, with the style's rhythms varied."""
    parts: tuple[PartNotes, PartNotes, PartNotes, PartNotes] = ([], [], [], [])
    chords = [int(degree) - 1 for degree in style.chords.split()]
    if generator.random() < 0.5:
        chords = chords[2:] + chords[:2]
    rhythms = {part: _varied(getattr(style, part), generator) for part in ("kick", "snare", "hat", "bass", "comp")}
    melody = generator.randrange(7)
    for bar in range(BARS_PER_SECTION):
        chord = chords[bar % len(chords)]
        drums = _drums(rhythms, is_last=bar == BARS_PER_SECTION - 1)
        bass = []
        for start, end in _notes(rhythms["bass"]):
            step = generator.choice((0, 0, 0, 4, 2)) if start else 0
            bass.append((start, end, _pitch(style, key, chord + step, 2)))
        triad = [_pitch(style, key, chord + third, 4) for third in (0, 2, 4)]
        comp = [(start, end, pitch) for start, end in _notes(rhythms["comp"]) for pitch in triad]
        strings = []
        for start, end in _notes(style.strings):
            melody = max(min(melody + generator.choice((-2, -1, 0, 1, 2)), 9), -3)
            strings.append((start, end, _pitch(style, key, melody, 5)))
        first = bar * STEPS_PER_BAR
        for part, notes in zip(parts, (drums, bass, comp, strings), strict=True):
            part += [(first + start, first + end, pitch) for start, end, pitch in notes]
    return parts


def _drums(rhythms: dict[str, str], is_last: bool) -> PartNotes:
    """Returns a bar of drums; in the last bar of a section the snare plays a fill."""
    snare = rhythms["snare"][:12] + "xxxx" if is_last else rhythms["snare"]
    patterns = {KICK: rhythms["kick"], SNARE: snare, HAT: rhythms["hat"]}
    return [(start, start + 1, pitch) for pitch, rhythm in patterns.items() for start, _ in _notes(rhythm)]


def _varied(rhythm: str, generator: random.Random) -> str:
    """Returns the rhythm, half the time with one step added or removed; the first step stays."""
    if generator.random() < 0.5:
        place = generator.randrange(1, STEPS_PER_BAR)
        return rhythm[:place] + ("." if rhythm[place] != "." else "x") + rhythm[place + 1 :]
    return rhythm


def _notes(rhythm: str) -> Iterator[tuple[int, int]]:
    """Yields the (start, end) steps of a rhythm's notes."""
    starts = [step for step, sign in enumerate(rhythm) if sign != "."]
    for start, following in pairwise([*starts, STEPS_PER_BAR]):
        yield start, start + 1 if rhythm[start] == "x" else following


def _pitch(style: Style, key: int, degree: int, octave: int) -> int:
    """Returns the MIDI pitch of a degree of the scale, counted from 0, in a key given in semitones above C."""
    return 12 * (octave + degree // 7) + (key - 5) + style.scale[degree % 7] + 12
