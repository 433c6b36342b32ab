"""A song for editing: a user's MIDI file as tokens, and changed tokens as the same file, patched.

With this the bass is silent in bars 9 to 24:

    song = open_song(path.read_bytes(), path.name)
    arrangement = song.arrange()
    edited = arrangement.tokens.copy()
    edited[TRACKS.index("bass")] = SILENT
    edit = arrangement.with_tokens(edited, Bars(9, 24), ["bass"])
    path.with_stem("edited").write_bytes(edit.data)
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from music.editing.arrangement import Arrangement
from music.editing.casting import FileInstrument, cast, find_instruments
from music.editing.meter import Bars, Grid, Section, find_sections, section_in_four_four
from music.editing.midi_file import MidiFile, read_midi_file
from music.errors import InputError
from music.midi.notes import DRUM_CHANNEL
from music.roles import MAX_BARS
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER, to_steps


def open_song(data: bytes, name: str) -> "Song":
    """Opens a MIDI file. Raises `InputError` if it cannot be read, has no notes or is too long.

    name: of the file, for messages.
    """
    file = read_midi_file(data, name)
    notes = file.notes
    start, end = (to_steps(ticks, file.ticks_per_quarter) for ticks in (notes.start, notes.end))
    last = int(np.where(notes.channel == DRUM_CHANNEL, start + 1, np.maximum(start + 1, end)).max())
    if last > MAX_BARS * STEPS_PER_BAR:
        raise InputError(f"{name}: {-(-last // STEPS_PER_BAR)} bars long, at most {MAX_BARS}; cut it into parts")
    end_tick = -(-last * file.ticks_per_quarter // STEPS_PER_QUARTER)
    sections = find_sections(file.time_signatures, file.ticks_per_quarter, end_tick)
    return Song(file, find_instruments(file), tuple(sections))


@dataclass(frozen=True)
class Song:
    """A MIDI file opened for editing."""

    file: MidiFile
    instruments: tuple[FileInstrument, ...]
    sections: tuple[Section, ...]
    """Its bars, by meter. A song in 4/4 has one section."""

    @property
    def bars(self) -> Bars:
        """All bars of the song."""
        return Bars(1, self.sections[-1].bars.last)

    def arrange(self, bars: Bars | None = None, choices: Mapping[str, int] | None = None) -> Arrangement:
        """Chooses who plays the four roles, by the notes in these bars, and returns the tokens of the section in 4/4.

        bars: by default all; choices: an instrument's number for a role, for example {"bass": 3}. Raises `InputError`
        if the bars are not all there and in 4/4, or for a choice that cannot be.
        """
        try:
            section = section_in_four_four(self.sections, bars)
            grid = Grid(section.tick, section.bars, self.file.ticks_per_quarter)
            chosen = bars or section.bars
            steps = grid.steps_of(chosen)
            starts = [grid.step_of(self.file.notes.start[one.handles]) for one in self.instruments]
            counts = [int(((start >= steps.start) & (start < steps.stop)).sum()) for start in starts]
            castings = cast(self.instruments, counts, chosen, choices or {})
        except InputError as error:
            raise InputError(f"{self.file.name}: {error}") from error
        return Arrangement(self.file, self.bars.last, grid, castings)
