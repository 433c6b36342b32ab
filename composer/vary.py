"""Variations: the same song, a little different, in as many directions as are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from composer.editor import Editor
from composer.moves import move
from composer.part import Part, Selection, choose
from composer.reply import ChangeReply, describe_change
from model.editing.difference import FAITHFULNESS
from music.editing.arrangement import Edit
from music.editing.song import Song
from music.errors import InputError

RADIUS = 1.5
"""The default distance from the song."""


@dataclass(frozen=True)
class VaryRequest:
    """What is asked of variations."""

    count: int = 4
    radius: float = RADIUS
    """How far each dimension of the codes moves on average, in standard deviations of real music's codes."""
    seed: int = 0
    """That of the first variation; the next ones have the numbers after it."""
    selection: Selection = field(default_factory=Selection)
    faithfulness: float = FAITHFULNESS
    """How much the music resists: .5 is bold, 2 shy."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.radius < 0:
            raise InputError("give a count of 1 or more, and a radius of 0 or more")


@dataclass(frozen=True)
class VariationReply:
    """What a variation changed."""

    seed: int
    """With this seed and a count of 1 the variation comes again."""
    radius: float
    change: ChangeReply

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield f"variation with seed {self.seed}, radius {self.radius:g}"
        yield from self.change.lines()


@dataclass(frozen=True)
class Variation:
    """A varied song."""

    data: bytes
    """The MIDI file."""
    reply: VariationReply
    part: Part
    edit: Edit


def vary(editor: Editor, song: Song, request: VaryRequest) -> list[Variation]:
    """Returns variations of a song.

    All windows move by the same random step, so that what repeats in the song repeats in the variation. Raises
    `InputError` as `choose` does.
    """
    part = choose(song, request.selection, editor.bars)
    variations = []
    for seed in range(request.seed, request.seed + request.count):
        noise = torch.randn(len(editor.scales.codes), generator=torch.Generator().manual_seed(seed))
        written = part.write(move(editor, part, request.radius * noise * editor.scales.codes, request.faithfulness))
        reply = VariationReply(seed, request.radius, describe_change(part, written, editor.name))
        variations.append(Variation(written.data, reply, part, written))
    return variations
