"""Assigns instruments to the four tracks, which turns a score into tokens, and back."""

from dataclasses import dataclass

import numpy as np

from music.arrays import IntArray
from music.score import FOUR_FOUR, Instrument, Reason, Refused, Score
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER, TRACKS, Notes, Tokens, to_notes, to_steps, tokenise

MAX_BARS = 4096
MAX_TRACKS = 256
"""The largest of 9,307 real files has 39."""
BASS_PROGRAMS = range(32, 40)
GUITAR_PROGRAMS = range(32)
PROGRAMS = (0, 33, 0, 48)
"""General MIDI programs of the four tracks in a score made from tokens."""
TICKS_PER_STEP = 120


@dataclass(frozen=True)
class TokenScore:
    """The score of one MIDI file as tokens, with all strings merged into one track."""

    tokens: Tokens
    """(tracks, steps): the drum tracks, then bass, then guitar/piano, then the strings; whole bars."""
    counts: tuple[int, int, int]
    """How many drum, bass and guitar/piano tracks there are."""


def tokenise_score(score: Score) -> TokenScore:
    """Assigns the four roles of [P] section 4.1 and tokenises each track. Raises `Refused`."""
    if not all(signature.is_four_four for signature in score.time_signatures):
        signatures = ", ".join(f"{n}/{d}" for n, d in sorted({signature[1:] for signature in score.time_signatures}))
        raise Refused(Reason.NOT_4_4, f"time signatures {signatures}")
    if not score.instruments:
        raise Refused(Reason.NO_NOTES)
    instrument, start, end, pitch = _in_steps(score)
    last = int(end.max())
    if last > MAX_BARS * STEPS_PER_BAR:
        raise Refused(Reason.TOO_LONG, f"{-(-last // STEPS_PER_BAR)} bars, at most {MAX_BARS}")
    rows, counts = _assign(score.instruments)
    tracks, steps = sum(counts) + 1, -(-last // STEPS_PER_BAR) * STEPS_PER_BAR
    if tracks > MAX_TRACKS:
        raise Refused(Reason.TOO_LARGE, f"{tracks} tracks, at most {MAX_TRACKS}")
    return TokenScore(tokenise((rows[instrument], start, end, pitch), tracks, steps), counts)


def _assign(instruments: tuple[Instrument, ...]) -> tuple[IntArray, tuple[int, int, int]]:
    """Returns (instruments,) the row of each instrument in `TokenScore.tokens`, and `TokenScore.counts`."""
    numbers_by_role: dict[str, list[int]] = {track: [] for track in TRACKS}
    for number, instrument in enumerate(instruments):
        numbers_by_role[role(instrument.program, instrument.is_drum)].append(number)
    drums, bass, guitar, _ = numbers_by_role.values()
    for numbers, reason in ((drums, Reason.NO_DRUMS), (bass, Reason.NO_BASS), (guitar, Reason.NO_GUITAR)):
        if not numbers:
            raise Refused(reason)
    apart = [*drums, *bass, *guitar]
    rows = np.full(len(instruments), len(apart))
    rows[apart] = np.arange(len(apart))
    return rows, (len(drums), len(bass), len(guitar))


def role(program: int, is_drum: bool) -> str:
    """Returns the track that an instrument plays: one of `TRACKS`."""
    if is_drum:
        return "drums"
    if program in GUITAR_PROGRAMS:
        return "guitar"
    if program in BASS_PROGRAMS:
        return "bass"
    return "strings"


def _in_steps(score: Score) -> Notes:
    """Returns the notes, with the instrument's number as track. Notes last one step or more, drum notes exactly one."""
    sizes = [len(instrument.notes) for instrument in score.instruments]
    on, off, pitch = np.concatenate([instrument.notes for instrument in score.instruments]).T
    is_drum = np.repeat([instrument.is_drum for instrument in score.instruments], sizes)
    start = to_steps(on, score.ticks_per_quarter)
    shortest = start + 1
    end = np.where(is_drum, shortest, np.maximum(shortest, to_steps(off, score.ticks_per_quarter)))
    return np.repeat(np.arange(len(sizes)), sizes), start, end, pitch


def to_score(tokens: Tokens) -> Score:
    """Returns the score of (4, steps) states: a drum kit, electric bass, piano and string ensemble, in 4/4."""
    instruments = []
    for track, program in enumerate(PROGRAMS):
        notes = to_notes(tokens[track]) * np.array([TICKS_PER_STEP, TICKS_PER_STEP, 1])
        if len(notes):
            instruments.append(Instrument(program, TRACKS[track] == "drums", notes))
    return Score(TICKS_PER_STEP * STEPS_PER_QUARTER, FOUR_FOUR, tuple(instruments))
