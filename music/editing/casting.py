"""Casting: which instrument of a file plays which of the four roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from music.arrays import IntArray
from music.editing.meter import Bars
from music.editing.midi_file import MidiFile
from music.errors import InputError
from music.midi.notes import DRUM_CHANNEL
from music.roles import role
from music.tokens import TRACKS


@dataclass(frozen=True)
class FileInstrument:
    """The notes of a program on a channel of a track."""

    number: int
    """Counted from 1, in the order of track, channel and program; a choice by hand names it."""
    track: int
    """The number of the track in the file, counted from 1."""
    track_name: str
    channel: int
    """Counted from 1, as musicians do: 10 is drums."""
    program: int
    """The General MIDI program, 0-127."""
    handles: IntArray
    """(notes,) the handles of its notes, ascending."""

    @property
    def is_drum(self) -> bool:
        """Whether it plays drums."""
        return self.channel == DRUM_CHANNEL + 1

    @property
    def role(self) -> str:
        """The role that its program belongs to: one of `TRACKS`."""
        return role(self.program, self.is_drum)

    def __str__(self) -> str:
        name = f' "{self.track_name}"' if self.track_name else ""
        sound = "drums" if self.is_drum else f"program {self.program}"
        return f"instrument {self.number} (track {self.track}{name}, channel {self.channel}, {sound})"


@dataclass(frozen=True)
class Casting:
    """Who plays a role."""

    instruments: tuple[FileInstrument, ...]
    """One, or for the strings any number; none if the role is missing, and then it is silent."""
    candidates: tuple[FileInstrument, ...]
    """All that could have been chosen, the chosen ones included."""
    why: str
    """A sentence for the musician."""


def find_instruments(file: MidiFile) -> tuple[FileInstrument, ...]:
    """Returns the instruments of a file."""
    notes = file.notes
    keys = notes.track << 11 | notes.channel << 7 | notes.program
    found = []
    for number, key in enumerate(np.unique(keys).tolist(), 1):
        track, channel, program = key >> 11, key >> 7 & 0xF, key & 0x7F
        handles = np.flatnonzero(keys == key)
        found.append(FileInstrument(number, track + 1, file.track_name(track), channel + 1, program, handles))
    return tuple(found)


def cast(
    instruments: Sequence[FileInstrument], counts: Sequence[int], bars: Bars, choices: Mapping[str, int]
) -> dict[str, Casting]:
    """Returns who plays each role: by choice the instrument of that number, else the one with most notes in the bars.

    The strings are all instruments of their programs together, as in the data that models learn from. counts: how many
    notes each instrument has in the bars. Raises `InputError` for a choice that cannot be.
    """
    chosen = {name: _choose(name, number, instruments) for name, number in choices.items()}
    if len({one.number for one in chosen.values()}) < len(chosen):
        raise InputError(f"an instrument can play only one role: {', '.join(f'{k} {v}' for k, v in choices.items())}")
    notes = {one.number: count for one, count in zip(instruments, counts, strict=True)}
    castings = {}
    for name in TRACKS:
        elsewhere = {one.number for other, one in chosen.items() if other != name}
        candidates = [one for one in instruments if one.role == name and one.number not in elsewhere]
        if name in chosen:
            castings[name] = Casting((chosen[name],), tuple(candidates), f"{name}: {chosen[name]}, as chosen")
        else:
            castings[name] = _cast_by_notes(name, candidates, notes, bars)
    return castings


def _choose(name: str, number: int, instruments: Sequence[FileInstrument]) -> FileInstrument:
    if name not in TRACKS:
        raise InputError(f"{name} is no role; there are {', '.join(TRACKS)}")
    if not 1 <= number <= len(instruments):
        raise InputError(f"{name} {number}: the instruments have numbers 1 to {len(instruments)}")
    one = instruments[number - 1]
    if one.is_drum != (name == "drums"):
        raise InputError(f"{name} {number}: {one} {'plays drums' if one.is_drum else 'plays no drums'}; choose another")
    return one


def _cast_by_notes(name: str, candidates: Sequence[FileInstrument], notes: Mapping[int, int], bars: Bars) -> Casting:
    if not candidates:
        return Casting((), (), f"{name}: silent, because no instrument has a program of this role")
    most = max(candidates, key=lambda one: (notes[one.number], len(one.handles)))
    if name == TRACKS[-1]:
        total = sum(notes[one.number] for one in candidates)
        together = " together" if len(candidates) > 1 else ""
        why = f"{name}: {', '.join(map(str, candidates))}{together}, {total} notes in {bars}"
        return Casting(tuple(candidates), tuple(candidates), why)
    others = f", the most of {len(candidates)}" if len(candidates) > 1 else ""
    return Casting((most,), tuple(candidates), f"{name}: {most}, {notes[most.number]} notes in {bars}{others}")
