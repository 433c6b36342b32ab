"""From one song to another: the ends are the songs themselves, note for note."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from composer.editor import BATCH, Editor
from composer.part import Part, Selection, choose
from model import latent
from music.editing.arrangement import Edit
from music.editing.meter import Bars
from music.editing.song import Song
from music.errors import InputError
from music.tokens import Tokens

PULL = 8.0
"""How much more likely each song makes its own states where it is near, in nats; between the songs it is shared."""


@dataclass(frozen=True)
class InterpolateRequest:
    """What is asked of an interpolation."""

    steps: int = 9
    """The number of songs, with both ends."""
    selection: Selection = field(default_factory=Selection)
    """What may change, in both songs."""

    def __post_init__(self) -> None:
        if self.steps < 2:
            raise InputError("an interpolation has 2 steps or more: its ends")


@dataclass(frozen=True)
class StepReply:
    """A song on the way from the first to the second."""

    place: float
    """0 is the first song, 1 the second."""
    file: str
    """The song whose file this is, with its tempo, instruments and upper voices: the nearer one."""
    bars: Bars
    """The bars of that file that are on the way; the others are its own."""
    from_first: float
    """The share of states of the four lines in which it differs from the first song."""
    from_second: float

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield (
            f"at {self.place:.3g}: {self.file}, {self.bars} on the way; "
            f"{self.from_first:.0%} other than the first, {self.from_second:.0%} other than the second"
        )


@dataclass(frozen=True)
class Step:
    """A song on the way, and what was changed in the file of the nearer end."""

    data: bytes
    """The MIDI file."""
    reply: StepReply
    part: Part
    edit: Edit


def interpolate(editor: Editor, first: Song, second: Song, request: InterpolateRequest) -> list[Step]:
    """Returns songs at even distances from the first to the second, both included and the same bytes.

    The songs meet bar by bar, as far as both go. Until halfway a song is the first one's file with changed notes, from
    there on the second one's: tempo, instruments and what no line has are the nearer song's, and nothing is transposed.
    Raises `InputError` as `choose` does.
    """
    parts = [choose(song, request.selection, editor.bars) for song in (first, second)]
    length = min(part.bars.last - part.bars.first for part in parts)
    ends = [replace(part, bars=Bars(part.bars.first, part.bars.first + length)) for part in parts]
    codes = [editor.encode(part.windows) for part in ends]
    path = []
    for place in np.linspace(0, 1, request.steps).tolist():
        nearer = ends[round(place)]
        z = latent.interpolate(codes[0], codes[1], torch.tensor([1 - place]))[:, 0]
        edit = nearer.write(_between(editor, ends, z, place))
        path.append(Step(edit.data, _reply(place, ends, nearer, edit), nearer, edit))
    return path


@torch.no_grad()
def _between(editor: Editor, ends: list[Part], z: Tensor, place: float) -> Tokens:
    """Returns (windows, 4, steps): the likeliest states given the codes between, with a head start for both songs'.

    At the ends it is the song itself.
    """
    if place in (0, 1):
        return ends[round(place)].windows
    windows = []
    first, second = (torch.from_numpy(part.windows) for part in ends)
    for batch, x, y in zip(*(torch.split(tensor, BATCH) for tensor in (z, first, second)), strict=True):
        scores = editor.model.decode(batch, x if place < 0.5 else y).log_softmax(dim=-1)
        for own, share in ((x, 1 - place), (y, place)):
            pull = torch.full_like(own, 1, dtype=scores.dtype)[..., None] * PULL * share
            scores = scores.scatter_add(-1, own.long()[..., None], pull)
        windows.append(scores.argmax(dim=-1).to(torch.uint8))
    whole: Tokens = torch.cat(windows).numpy()
    return np.where(ends[round(place)].mask, whole, ends[round(place)].windows)


def _reply(place: float, ends: list[Part], nearer: Part, edit: Edit) -> StepReply:
    windows = nearer.windows_after(edit)
    distances = [float((windows != part.windows).mean()) for part in ends]
    return StepReply(place, nearer.arrangement.file.name, nearer.bars, *distances)
