"""What the model knows of a song: its code, decoded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from composer.band import band_of, play
from composer.editor import Editor
from composer.part import Selection, choose
from composer.reply import note_f1
from music.editing.meter import Bars
from music.editing.song import Song
from music.tokens import TRACKS, Tokens


@dataclass(frozen=True)
class ReconstructReply:
    """How much of a song comes back from its codes."""

    file: str
    model: str
    bars: Bars
    states: Mapping[str, float]
    """By role, the share of its states that come back."""
    note_f1: Mapping[str, float]
    """By role, F1 of the notes by pitch and first step; 1 where there are none."""

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield f"{self.file}, {self.bars}: what model {self.model} makes of its four lines"
        for role, share in self.states.items():
            yield f"  {role}: {share:.1%} of the states, note F1 {self.note_f1[role]:.3f}"


@dataclass(frozen=True)
class Reconstruction:
    """The four lines of a song, from their codes."""

    data: bytes
    """A new MIDI file of the four lines, with the song's tempo, programs, names and velocities."""
    reply: ReconstructReply
    before: Tokens
    """(4, steps) the lines of the song in the chosen bars."""
    after: Tokens
    """(4, steps) what came back."""


def reconstruct(editor: Editor, song: Song, selection: Selection) -> Reconstruction:
    """Encodes the chosen bars of a song and decodes them. Raises `InputError` as `choose` does."""
    part = choose(song, selection, editor.bars)
    decoded = np.where(part.mask, editor.decode(editor.encode(part.windows)), part.windows)
    steps = part.steps
    before, after = part.arrangement.tokens[:, steps], part.arrangement.with_windows(decoded, part.bars)[:, steps]
    lines = {role: (before[number], after[number]) for number, role in enumerate(TRACKS) if role in part.roles}
    reply = ReconstructReply(
        song.file.name,
        editor.name,
        part.bars,
        {role: float((old == new).mean()) for role, (old, new) in lines.items()},
        {role: note_f1(old, new) for role, (old, new) in lines.items()},
    )
    return Reconstruction(play(after, band_of(part.arrangement)), reply, before, after)
