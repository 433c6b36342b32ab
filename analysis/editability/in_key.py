"""Whether the notes that an edit brings fit the window."""

from collections.abc import Sequence

import torch
from torch import Tensor

from music.metrics import DRUMS, OCTAVE
from music.tokens import PITCHES, TRACKS


def share_in_key(tokens: Tensor, original: Tensor, tracks: Sequence[str]) -> Tensor:
    """Returns the share of new pitched notes whose pitch class occurs among the pitched notes of the original.

    A note is new where the original has none of that pitch at that step of the track. NaN where there is none, and
    where the original has no pitched note. tokens, original: (windows, tracks, steps) -> (windows,).
    """
    pitched = [place for place, track in enumerate(tracks) if track != TRACKS[DRUMS]]
    after, before = (states[:, pitched].long().flatten(1) for states in (tokens, original))
    classes = torch.zeros(len(before), OCTAVE + 1, dtype=torch.bool)  # the last column stands for no note
    classes.scatter_(1, torch.where(before < PITCHES, before % OCTAVE, OCTAVE), True)
    new = (after < PITCHES) & (after != before) & classes[:, :OCTAVE].any(dim=1, keepdim=True)
    known = new & classes.gather(1, after % OCTAVE)
    return known.sum(dim=1).double() / new.sum(dim=1)
