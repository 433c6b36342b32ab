"""Which instrument plays which of the four tracks, and the token song that comes of it."""

import math
from dataclasses import dataclass
from itertools import islice, pairwise, product

import numpy as np
from numpy.typing import NDArray

from music.song import Instrument, Reason, Refused, Song
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER, TRACKS, Tokens, to_notes, to_steps, tokenise

MAX_BARS = 4096
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

    def arrangements(self, cap: int) -> NDArray[np.intp]:
        """(combinations, 4) rows of `tokens`: the first `cap` of drums x bass x guitar/piano, each with the strings."""
        ends = np.cumsum((0, *self.counts)).tolist()
        roles = [range(first, last) for first, last in pairwise(ends)]
        rows = [(*row, len(self.tokens) - 1) for row in islice(product(*roles), cap)]
        return np.array(rows, dtype=np.intp)

    @property
    def combinations(self) -> int:
        """How many arrangements there are before the cap."""
        return math.prod(self.counts)


def tokenise_song(song: Song) -> TokenSong:
    """Assigns the four roles of [P] section 4.1 and tokenises each track. Raises `Refused`."""
    if not song.time_signatures <= {FOUR_FOUR}:
        found = ", ".join(f"{n}/{d}" for n, d in sorted(song.time_signatures))
        raise Refused(Reason.NOT_4_4, f"time signatures {found}")
    if not song.instruments:
        raise Refused(Reason.NO_NOTES)
    notes = [_in_steps(instrument, song.ticks_per_quarter) for instrument in song.instruments]
    last = max(int(track[:, 1].max()) for track in notes)
    if last > MAX_BARS * STEPS_PER_BAR:
        raise Refused(Reason.TOO_LONG, f"{-(-last // STEPS_PER_BAR)} bars, at most {MAX_BARS}")
    roles: dict[str, list[NDArray[np.int64]]] = {"drums": [], "bass": [], "guitar": [], "strings": []}
    for instrument, track in zip(song.instruments, notes, strict=True):
        roles[role(instrument)].append(track)
    for name, reason in (("drums", Reason.NO_DRUMS), ("bass", Reason.NO_BASS), ("guitar", Reason.NO_GUITAR)):
        if not roles[name]:
            raise Refused(reason)
    strings = np.concatenate([np.empty((0, 3), np.int64), *roles["strings"]])
    steps = -(-last // STEPS_PER_BAR) * STEPS_PER_BAR
    tracks = [*roles["drums"], *roles["bass"], *roles["guitar"], strings]
    tokens = np.stack([tokenise(track[:, 0], track[:, 1], track[:, 2], steps) for track in tracks])
    return TokenSong(tokens, (len(roles["drums"]), len(roles["bass"]), len(roles["guitar"])))


def role(instrument: Instrument) -> str:
    """The track that the instrument plays: one of `TRACKS`."""
    if instrument.is_drum:
        return "drums"
    if instrument.program in GUITAR_PROGRAMS:
        return "guitar"
    if instrument.program in BASS_PROGRAMS:
        return "bass"
    return "strings"


def _in_steps(instrument: Instrument, ticks_per_quarter: int) -> NDArray[np.int64]:
    """(notes, 3) start step, end step, pitch; a note lasts one step at least, a drum note one step exactly."""
    starts = to_steps(instrument.notes[:, 0], ticks_per_quarter)
    ends = starts + 1
    if not instrument.is_drum:
        ends = np.maximum(ends, to_steps(instrument.notes[:, 1], ticks_per_quarter))
    return np.column_stack([starts, ends, instrument.notes[:, 2]])


def to_song(tokens: Tokens) -> Song:
    """The song of (4, steps) states: a drum kit, electric bass, piano and string ensemble, in 4/4."""
    instruments = []
    for track, program in enumerate(PROGRAMS):
        notes = to_notes(tokens[track]) * np.array([TICKS_PER_STEP, TICKS_PER_STEP, 1])
        if len(notes):
            instruments.append(Instrument(program, TRACKS[track] == "drums", notes))
    return Song(TICKS_PER_STEP * STEPS_PER_QUARTER, frozenset({FOUR_FOUR}), tuple(instruments))
