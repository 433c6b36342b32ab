"""From one song to another: the ends are the songs themselves, note for note."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from composer.editor import BATCH, Editor
from composer.part import Part, Selection, choose
from model import latent
from music.editing.arrangement import Edit
from music.editing.meter import Bars
from music.editing.song import Song
from music.errors import InputError
from music.tokens import Tokens

PULL = 1.0
"""The head start of the songs' own states, in nats, which both share by how near they are."""
GRID = 33
"""The number of places between the codes at which it is measured how much of the music has changed."""
HALF = 0.5


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
    way = _Way(editor, ends)
    path = []
    for place in np.linspace(0, 1, request.steps).tolist():
        nearer = ends[round(place)]
        windows = nearer.windows if place in (0, 1) else way.at(place)
        edit = nearer.write(np.where(nearer.mask, windows, nearer.windows))
        path.append(Step(edit.data, _reply(place, ends, nearer, edit), nearer, edit))
    return path


class _Way:
    """The windows between two songs.

    Codes are joined by straight lines. Music changes little near their ends and fast in the middle, so that places on
    the way are shares of what there is to change in the music, not of the distance between the codes.
    """

    def __init__(self, editor: Editor, ends: Sequence[Part]) -> None:
        self._editor = editor
        self._windows = [torch.from_numpy(part.windows) for part in ends]
        self._codes = [editor.encode(part.windows) for part in ends]
        self._alphas = np.linspace(0, 1, GRID)
        self._shares = np.maximum.accumulate([self._share(alpha) for alpha in self._alphas.tolist()])

    def at(self, place: float) -> Tokens:
        """Returns (windows, 4, steps) at a place from 0, the first song, to 1, the second."""
        return self._between(float(np.interp(place, self._shares, self._alphas)))

    def _share(self, alpha: float) -> float:
        """Returns how much of what there is to change has changed where codes have come this share of their way."""
        windows = self._between(alpha)
        from_first, from_second = ((windows != own.numpy()).mean() for own in self._windows)
        return float(from_first / (from_first + from_second)) if from_first + from_second else alpha

    @torch.no_grad()
    def _between(self, alpha: float) -> Tokens:
        """Returns the likeliest states given the codes between, with a head start for both songs' own states."""
        first_codes, second_codes = self._codes
        z = latent.interpolate(first_codes, second_codes, torch.tensor([1 - alpha]))[:, 0]
        between = []
        for codes, first, second in zip(*(torch.split(each, BATCH) for each in (z, *self._windows)), strict=True):
            scores = self._editor.model.decode(codes, first if alpha < HALF else second).log_softmax(dim=-1)
            for own, share in ((first, 1 - alpha), (second, alpha)):
                pull = torch.full((*own.shape, 1), PULL * share)
                scores = scores.scatter_add(-1, own.long()[..., None], pull)
            between.append(scores.argmax(dim=-1).to(torch.uint8))
        windows: Tokens = torch.cat(between).numpy()
        return windows


def _reply(place: float, ends: Sequence[Part], nearer: Part, edit: Edit) -> StepReply:
    windows = nearer.windows_after(edit)
    from_first, from_second = (float((windows != part.windows).mean()) for part in ends)
    return StepReply(place, nearer.arrangement.file.name, nearer.bars, from_first, from_second)
