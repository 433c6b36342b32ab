"""Edits: more notes or fewer, longer ones, higher ones; nearer to jazz."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from composer.attributes import AttributeReply, ClosedLoop, attribute_reply
from composer.editor import Editor
from composer.genres import GenreReply, genre_reply, genre_step
from composer.moves import move
from composer.part import Part, Selection, choose
from composer.reply import ChangeReply, describe_change
from model.editing.difference import FAITHFULNESS
from music.editing.arrangement import Edit
from music.editing.song import Song
from music.errors import InputError

LARGEST = 10.0
"""The largest change that may be asked for; no real music is so far from other."""


@dataclass(frozen=True)
class EditRequest:
    """What is asked of an edit."""

    attributes: Mapping[str, float] = field(default_factory=dict)
    """Changes in standard deviations of real music by attribute, for example {"notes": 1}; 0 holds an attribute."""
    genres: Mapping[str, float] = field(default_factory=dict)
    """How far to go toward genres, for example {"jazz": 0.7}; less than 0 is away from them."""
    selection: Selection = field(default_factory=Selection)
    faithfulness: float = FAITHFULNESS
    """How much the music resists: .5 is bold, 2 shy."""

    def __post_init__(self) -> None:
        for name, amount in {**self.attributes, **self.genres}.items():
            if not abs(amount) <= LARGEST:
                raise InputError(f"{name} {amount:g}: give a number from -{LARGEST:g} to {LARGEST:g}")


@dataclass(frozen=True)
class EditReply:
    """What an edit was asked for and what it did."""

    attributes: tuple[AttributeReply, ...]
    genres: tuple[GenreReply, ...]
    change: ChangeReply

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield from (one.text() for one in self.attributes)
        yield from (one.text() for one in self.genres)
        yield from self.change.lines()


@dataclass(frozen=True)
class Edited:
    """An edited song."""

    data: bytes
    """The MIDI file."""
    reply: EditReply
    part: Part
    """What could change."""
    edit: Edit
    """What changed: each note, and the new tokens."""


def edit(editor: Editor, song: Song, request: EditRequest) -> Edited:
    """Changes a song by what is asked for; if that is nothing, its bytes are the same.

    The steps toward genres come first. Then the attributes change until the whole part has changed by what was asked
    for, compared with the song as it was and measured on the file that comes out, or as near to it as they come. Raises
    `InputError` for what cannot be chosen, and for attributes and genres that the model does not know.
    """
    part = choose(song, request.selection, editor.bars)
    step = genre_step(editor, request.genres)
    start = move(editor, part, step, request.faithfulness) if step.any() else part.windows
    written = ClosedLoop(editor, part, request.attributes, request.faithfulness).run(start)
    reply = EditReply(
        tuple(attribute_reply(editor, part, written, *asked) for asked in request.attributes.items()),
        tuple(genre_reply(editor, part, written, *asked) for asked in request.genres.items()),
        describe_change(part, written, editor.name),
    )
    return Edited(written.data, reply, part, written)
