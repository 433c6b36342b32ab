"""What a song is before it is tokens: notes in ticks, and the reasons why a file gives no song."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Reason(StrEnum):
    """Why a file gives no song; the name stands in the table of refused files and in the metrics."""

    NOT_A_FILE = "not_a_file"
    UNEXPECTED_NAME = "unexpected_name"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    BAD_DIVISION = "bad_division"
    BAD_TICKS = "bad_ticks"
    NOT_4_4 = "not_4_4"
    NO_NOTES = "no_notes"
    TOO_LONG = "too_long"
    NO_DRUMS = "no_drums"
    NO_BASS = "no_bass"
    NO_GUITAR = "no_guitar"
    CRASHED = "crashed"
    TOO_SLOW = "too_slow"
    TOO_MUCH_MEMORY = "too_much_memory"


class Refused(ValueError):
    """A file that gives no song; a counted row of data, never the end of a run."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Instrument:
    """The notes of one (program, channel, track); program 0-127."""

    program: int
    is_drum: bool
    notes: NDArray[np.int64]
    """(notes, 3): on tick, off tick (later than on), pitch 0-127."""


@dataclass(frozen=True)
class Song:
    """One MIDI file as notes in ticks. The tempo is left out: time is counted in steps of the beat."""

    ticks_per_quarter: int
    time_signatures: frozenset[tuple[int, int]]
    instruments: tuple[Instrument, ...]
