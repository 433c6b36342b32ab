"""The part of a song that an operation may change: some bars and some roles, cut into windows of a model's length."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from composer.vocabulary import allowed_states
from music.arrays import BoolArray
from music.editing.arrangement import Arrangement, Edit
from music.editing.meter import Bars
from music.editing.song import Song
from music.errors import InputError
from music.tokens import STEPS_PER_BAR, TRACKS, Tokens


@dataclass(frozen=True)
class Selection:
    """What a user chooses of a song: by default all bars, and all roles that an instrument plays."""

    bars: Bars | None = None
    tracks: tuple[str, ...] = ()
    """The roles that may change, of `TRACKS`."""
    keep: tuple[str, ...] = ()
    """Roles that may not."""
    instruments: Mapping[str, int] = field(default_factory=dict)
    """Numbers of instruments by role, where the user chooses who plays it: {"bass": 3}."""


@dataclass(frozen=True)
class Part:
    """The chosen bars and roles of a song."""

    arrangement: Arrangement
    bars: Bars
    roles: tuple[str, ...]
    """The roles that may change."""
    length: int
    """Bars of a window."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The roles that somebody plays and that may not change."""
        return tuple(role for role in self.arrangement.roles if role not in self.roles)

    @property
    def steps(self) -> slice:
        """The steps of the bars in the tokens of the arrangement."""
        steps = self.arrangement.grid.steps_of(self.bars)
        return slice(steps.start, steps.stop)

    @cached_property
    def windows(self) -> Tokens:
        """(windows, 4, steps) the bars in windows, one after another; the last one is padded with silence."""
        return self.arrangement.windows(self.bars, self.length)

    @cached_property
    def mask(self) -> BoolArray:
        """(windows, 4, steps) which states of the windows may change."""
        mask = np.zeros_like(self.windows, dtype=bool)
        mask[:, [TRACKS.index(role) for role in self.roles]] = True
        bars_in_last = (self.bars.last - self.bars.first) % self.length + 1
        mask[-1, :, bars_in_last * STEPS_PER_BAR :] = False
        return mask

    @cached_property
    def allowed(self) -> BoolArray:
        """(windows, 4, 1, 130) which states may come in each window, beside its own."""
        return allowed_states(self.arrangement, self.bars, self.length)

    def write(self, windows: Tokens) -> Edit:
        """Returns the song with these windows in place of its own."""
        return self.arrangement.with_tokens(self.arrangement.with_windows(windows, self.bars), self.bars, self.roles)

    def windows_after(self, edit: Edit) -> Tokens:
        """Returns (windows, 4, steps): what an edit made of the windows."""
        return self.arrangement.windows(self.bars, self.length, edit.tokens)


def choose(song: Song, selection: Selection, length: int) -> Part:
    """Returns the chosen part of a song in windows of `length` bars.

    Raises `InputError` for bars that are not there or not in 4/4, for roles that nobody plays, and if nothing is left.
    """
    arrangement = song.arrange(selection.bars, selection.instruments)
    for role in (*selection.tracks, *selection.keep):
        if role not in TRACKS:
            raise InputError(f"{role} is no role; there are {', '.join(TRACKS)}")
    for role in selection.tracks:
        if role not in arrangement.roles:
            playing = ", ".join(arrangement.roles)
            raise InputError(f"{song.file.name}: nobody plays {role}; the roles played are {playing}")
    chosen = selection.tracks or arrangement.roles
    roles = tuple(role for role in TRACKS if role in chosen and role not in selection.keep)
    if not roles:
        raise InputError(f"{song.file.name}: all tracks are kept; leave one of {', '.join(chosen)} to change")
    return Part(arrangement, selection.bars or arrangement.bars, roles, length)
