"""Which instrument plays which of the four tracks, and the token song that comes of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.song import Instrument, Reason, Refused, Song
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER, TRACKS, Notes, Tokens, to_notes, to_steps, tokenise

MAX_BARS = 4096
MAX_TRACKS = 256
"""Of 9,307 real songs the largest has 39."""
BASS_PROGRAMS = range(32, 40)
GUITAR_PROGRAMS = range(32)
FOUR_FOUR = (4, 4)
PROGRAMS = (0, 33, 0, 48)
"""General MIDI programs of the four tracks in a song made of tokens."""
TICKS_PER_STEP = 120


@dataclass(frozen=True)
class TokenSong:
    """A song as tokens: every drum, bass and guitar/piano track apart, the strings merged into one."""

    tokens: Tokens
    """(tracks, steps): the drum tracks, then bass, then guitar/piano, then the strings; whole bars."""
    counts: tuple[int, int, int]
    """How many drum, bass and guitar/piano tracks."""


def tokenise_song(song: Song) -> TokenSong:
    """Assigns the four roles of [P] section 4.1 and tokenises each track. Raises `Refused`."""
    if not song.time_signatures <= {FOUR_FOUR}:
        found = ", ".join(f"{n}/{d}" for n, d in sorted(song.time_signatures))
        raise Refused(Reason.NOT_4_4, f"time signatures {found}")
    if not song.instruments:
        raise Refused(Reason.NO_NOTES)
    instrument, start, end, pitch = _in_steps(song)
    last = int(end.max())
    if last > MAX_BARS * STEPS_PER_BAR:
        raise Refused(Reason.TOO_LONG, f"{-(-last // STEPS_PER_BAR)} bars, at most {MAX_BARS}")
    rows, counts = _assign(song.instruments)
    tracks, steps = sum(counts) + 1, -(-last // STEPS_PER_BAR) * STEPS_PER_BAR
    if tracks > MAX_TRACKS:
        raise Refused(Reason.TOO_LARGE, f"{tracks} tracks, at most {MAX_TRACKS}")
    return TokenSong(tokenise((rows[instrument], start, end, pitch), tracks, steps), counts)


def _assign(instruments: tuple[Instrument, ...]) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """(instruments,) the row of each in `TokenSong.tokens`, and its counts."""
    of_role: dict[str, list[int]] = {track: [] for track in TRACKS}
    for number, instrument in enumerate(instruments):
        of_role[role(instrument)].append(number)
    drums, bass, guitar, _ = of_role.values()
    for numbers, reason in ((drums, Reason.NO_DRUMS), (bass, Reason.NO_BASS), (guitar, Reason.NO_GUITAR)):
        if not numbers:
            raise Refused(reason)
    apart = [*drums, *bass, *guitar]
    rows = np.full(len(instruments), len(apart))
    rows[apart] = np.arange(len(apart))
    return rows, (len(drums), len(bass), len(guitar))


def role(instrument: Instrument) -> str:
    """The track that the instrument plays: one of `TRACKS`."""
    if instrument.is_drum:
        return "drums"
    if instrument.program in GUITAR_PROGRAMS:
        return "guitar"
    if instrument.program in BASS_PROGRAMS:
        return "bass"
    return "strings"


def _in_steps(song: Song) -> Notes:
    """The notes with the number of their instrument; one step long at least, a drum note exactly."""
    sizes = [len(instrument.notes) for instrument in song.instruments]
    on, off, pitch = np.concatenate([instrument.notes for instrument in song.instruments]).T
    is_drum = np.repeat([instrument.is_drum for instrument in song.instruments], sizes)
    start = to_steps(on, song.ticks_per_quarter)
    shortest = start + 1
    end = np.where(is_drum, shortest, np.maximum(shortest, to_steps(off, song.ticks_per_quarter)))
    return np.repeat(np.arange(len(sizes)), sizes), start, end, pitch


def to_song(tokens: Tokens) -> Song:
    """The song of (4, steps) states: a drum kit, electric bass, piano and string ensemble, in 4/4."""
    instruments = []
    for track, program in enumerate(PROGRAMS):
        notes = to_notes(tokens[track]) * np.array([TICKS_PER_STEP, TICKS_PER_STEP, 1])
        if len(notes):
            instruments.append(Instrument(program, TRACKS[track] == "drums", notes))
    return Song(TICKS_PER_STEP * STEPS_PER_QUARTER, frozenset({FOUR_FOUR}), tuple(instruments))
