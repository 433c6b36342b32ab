"""The score of a MIDI file, before it is tokens, and the reasons why a file is refused."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from music.arrays import IntArray


class Reason(StrEnum):
    """Why a file is refused; the value appears in the table of refused files and in the metrics."""

    NOT_A_FILE = "not_a_file"
    UNEXPECTED_NAME = "unexpected_name"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    FORMAT_2 = "format_2"
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
    """Raised for a file that is refused; the file becomes a row of data, and the run goes on."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class MeterNotation(StrEnum):
    """How a file that is in 4/4 throughout says so. [P] keeps only files with exactly one time signature event."""

    NONE = "none"
    """It has no time signature event; MIDI's default is 4/4."""
    ONE = "one"
    """It has one event, at tick 0."""
    SEVERAL = "several"
    """It has several equal events, the first of them at tick 0."""
    LATE = "late"
    """Its first event, of one or more, comes after tick 0."""


class TimeSignature(NamedTuple):
    """A time signature event."""

    tick: int
    numerator: int
    denominator: int

    @property
    def is_four_four(self) -> bool:
        """Whether it is 4/4; 2/2 and 8/8 are not."""
        return (self.numerator, self.denominator) == (4, 4)


FOUR_FOUR = (TimeSignature(0, 4, 4),)


@dataclass(frozen=True)
class Instrument:
    """The notes of one (program, channel, track)."""

    program: int
    """The General MIDI program, 0-127."""
    is_drum: bool
    notes: IntArray
    """(notes, 3): on tick, off tick (later than on), pitch 0-127."""


@dataclass(frozen=True)
class Score:
    """The music of one MIDI file, in ticks. The tempo is left out, because steps count beats, not seconds."""

    ticks_per_quarter: int
    time_signatures: tuple[TimeSignature, ...]
    """Every event of every track of the file, in ascending order."""
    instruments: tuple[Instrument, ...]

    @property
    def meter_notation(self) -> MeterNotation:
        """How the file says that it is in 4/4, if it is."""
        if not self.time_signatures:
            return MeterNotation.NONE
        if self.time_signatures[0].tick > 0:
            return MeterNotation.LATE
        return MeterNotation.ONE if len(self.time_signatures) == 1 else MeterNotation.SEVERAL
