"""Edits: more notes or fewer, longer ones, higher ones; nearer to jazz."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from composer.editor import BATCH, Editor
from composer.moves import move
from composer.part import Part, Selection, choose
from composer.reply import ChangeReply, describe_change
from model.editing.difference import FAITHFULNESS
from model.editing.edit import edit as edit_windows
from model.editing.measured import measured_attributes
from model.editing.request import EditSettings, Request
from music.editing.arrangement import Edit
from music.editing.song import Song
from music.metrics import METRICS
from music.tokens import TRACKS, Tokens

FULL_GENRE = 5.0
"""How far a strength of 1 moves codes toward a genre, in their standard deviations.

It brings windows about where real windows of the genre stand with a classifier (docs/results.md).
"""
ROUNDS = 3
"""How often windows are edited, with other amounts, until the whole part has changed by what was asked."""
TOLERANCE = 0.1
"""How near the change of the whole part has to come, as a share of what was asked."""


@dataclass(frozen=True)
class EditRequest:
    """What is asked of an edit."""

    attributes: Mapping[str, float] = field(default_factory=dict)
    """Changes in standard deviations of real music by attribute, for example {"notes": 1}; 0 holds an attribute."""
    genres: Mapping[str, float] = field(default_factory=dict)
    """How far to go toward genres, for example {"jazz": 0.7}; less than 0 is away from them."""
    selection: Selection = Selection()
    faithfulness: float = FAITHFULNESS
    """How much the music resists: .5 is bold, 2 shy."""


@dataclass(frozen=True)
class AttributeReply:
    """What came of a change of an attribute."""

    name: str
    asked: float
    """In standard deviations of real music."""
    got: float
    """The same, measured on the changed file; NaN where the music has nothing to measure."""
    before: float
    """The attribute of the part: the mean over its windows, in its unit."""
    after: float
    unit: str
    arrived: bool
    """Whether what came out is within a tenth of what was asked."""

    def text(self) -> str:
        """Says it: "notes: asked +1, got +0.97 (41.2 to 55.9 notes)"."""
        if np.isnan(self.got):
            return f"{self.name}: asked {self.asked:+g}, but there is nothing to measure"
        short = "" if self.arrived else ", as far as it goes"
        return (
            f"{self.name}: asked {self.asked:+g}, got {self.got:+.2f}{short} "
            f"({self.before:.3g} to {self.after:.3g} {self.unit})"
        )


@dataclass(frozen=True)
class GenreReply:
    """What came of a move toward a genre."""

    name: str
    asked: float
    before: float
    """How many percent of real windows are less like the genre, by a classifier of the music; NaN if it has none."""
    after: float

    def text(self) -> str:
        """Says it: "jazz: asked 0.7; more like it than 45% of real music before, 63% after"."""
        if np.isnan(self.after):
            return f"{self.name}: asked {self.asked:+g}; the model has no classifier of this genre to measure it"
        return (
            f"{self.name}: asked {self.asked:+g}; more like it than {self.before:.0f}% of real music before, "
            f"than {self.after:.0f}% after"
        )


@dataclass(frozen=True)
class EditReply:
    """What an edit was asked for and what it did."""

    attributes: tuple[AttributeReply, ...]
    genres: tuple[GenreReply, ...]
    change: ChangeReply

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield from (one.text() for one in (*self.attributes, *self.genres))
        yield from self.change.lines()


@dataclass(frozen=True)
class Edited:
    """An edited song."""

    data: bytes
    """The MIDI file."""
    reply: EditReply
    part: Part
    edit: Edit
    """Each note's change, and the new tokens."""


def edit(editor: Editor, song: Song, request: EditRequest) -> Edited:
    """Changes a song by what is asked for.

    A genre's step comes first; then the attributes are edited until the whole part has changed by what was asked,
    measured on the file that comes out, or as far as it goes. Raises `InputError` as `choose` and
    `model.editing.request.Request` do, and for unknown genres.
    """
    part = choose(song, request.selection, editor.bars)
    step = _genre_step(editor, request.genres)
    start = part.windows if not step.any() else move(editor, part, step, request.faithfulness)
    written = _Loop(editor, part, request).run(start)
    windows = part.windows_after(written)
    attributes = tuple(
        _attribute_reply(editor, name, asked, part, windows) for name, asked in request.attributes.items()
    )
    genres = tuple(_genre_reply(editor, name, asked, part, windows) for name, asked in request.genres.items())
    reply = EditReply(attributes, genres, describe_change(part, written, editor.name))
    return Edited(written.data, reply, part, written)


def _genre_step(editor: Editor, genres: Mapping[str, float]) -> Tensor:
    """Returns the sum of the steps toward genres, (latent,)."""
    step = torch.zeros_like(editor.scales.codes)
    for name, strength in genres.items():
        step += strength * FULL_GENRE * editor.scales.genre_steps[editor.genre(name)]
    return step


class _Loop:
    """Edits the windows of a part, measures the file that comes out, and asks for more or less."""

    def __init__(self, editor: Editor, part: Part, request: EditRequest) -> None:
        self._editor, self._part = editor, part
        self._asked = {name: change for name, change in request.attributes.items() if change}
        self._held = tuple(name for name, change in request.attributes.items() if not change)
        self._settings = EditSettings(faithfulness=request.faithfulness)
        Request(self._asked, self._held).check(editor.scales.spread)

    def run(self, start: Tokens) -> Edit:
        """Returns the edit that comes nearest to what was asked, from windows that a genre may have changed already."""
        best = self._part.write(start)
        if not self._asked:
            return best
        got, nearest = self._got(best), np.inf
        amounts = dict.fromkeys(self._asked, 0.0)
        for _ in range(ROUNDS):
            amounts = {name: amounts[name] + self._asked[name] - got[name] for name in amounts}
            written = self._part.write(self._edited(start, amounts))
            got = self._got(written)
            missed = max(abs(got[name] / asked - 1) for name, asked in self._asked.items())
            if missed < nearest:
                best, nearest = written, missed
            if missed <= TOLERANCE:
                break
        return best

    def _edited(self, windows: Tokens, amounts: Mapping[str, float]) -> Tokens:
        """Edits windows, each on its own; those that repeat are edited once, so that they change alike."""
        changes = {name: amount for name, amount in amounts.items() if amount}
        arrays = (windows, self._part.mask, self._part.allowed)
        rows = np.concatenate([array.reshape(len(windows), -1) for array in arrays], axis=1)
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        edited = []
        for numbers in np.array_split(first, -(-len(first) // BATCH)):
            tokens, mask, allowed = (torch.from_numpy(array[numbers]) for array in arrays)
            request = Request(changes, self._held, mask, allowed)
            edited.append(edit_windows(self._editor.model, tokens, request, self._editor.scales.spread, self._settings))
        result: Tokens = np.concatenate([one.tokens.numpy() for one in edited])[inverse.reshape(-1)]
        return result

    def _got(self, written: Edit) -> dict[str, float]:
        """Returns the change of each attribute of the part, in standard deviations."""
        windows = self._part.windows_after(written)
        return {name: _change(self._editor, name, self._part.windows, windows)[2] for name in self._asked}


def _change(editor: Editor, name: str, before: Tokens, after: Tokens) -> tuple[float, float, float]:
    """Returns an attribute before and after, as means over the windows where both are defined, and by how many
    standard deviations it changed.
    """
    values = [measured_attributes(torch.from_numpy(windows), TRACKS, [name])[name] for windows in (before, after)]
    both = ~np.isnan(values[0]) & ~np.isnan(values[1])
    if not both.any():
        return float("nan"), float("nan"), float("nan")
    old, new = (float(column[both].mean()) for column in values)
    return old, new, (new - old) / editor.scales.attributes[name].deviation


def _attribute_reply(editor: Editor, name: str, asked: float, part: Part, windows: Tokens) -> AttributeReply:
    before, after, got = _change(editor, name, part.windows, windows)
    arrived = abs(got - asked) <= TOLERANCE * (abs(asked) or 1)
    return AttributeReply(name, asked, got, before, after, METRICS[name].unit, bool(arrived))


def _genre_reply(editor: Editor, name: str, asked: float, part: Part, windows: Tokens) -> GenreReply:
    scores = editor.scales.genre_scores
    if scores is None:
        return GenreReply(name, asked, float("nan"), float("nan"))
    before, after = (scores.percentiles(tokens)[:, editor.genre(name)].mean() for tokens in (part.windows, windows))
    return GenreReply(name, asked, float(before), float(after))
