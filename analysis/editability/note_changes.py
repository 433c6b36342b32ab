"""What an edit does to each note of a window."""

import numpy as np

from music.arrays import IntArray
from music.metrics import DRUMS
from music.tokens import Tokens, to_notes

KINDS = ("kept", "added", "removed", "other pitch", "other length")
"""A note that is none of the others is kept: it has the same track, first step, pitch and length in both windows."""


def note_changes(before: Tokens, after: Tokens) -> dict[str, IntArray]:
    """Returns the notes of each of `KINDS`, (notes, 4): track, start step, end step (exclusive) and pitch.

    A note is added if its track started none at its step, and removed if its track starts none there any more;
    otherwise it is the same note, perhaps with another pitch or another length. Removed notes are as they were, all
    others as they are. A drum note has no length to change. before, after: (4, steps).
    """
    kinds: dict[str, list[list[int]]] = {kind: [] for kind in KINDS}
    for track, (old_states, new_states) in enumerate(zip(before, after, strict=True)):
        old, new = ({start: (end, pitch) for start, end, pitch in to_notes(states).tolist()}
                    for states in (old_states, new_states))  # fmt: skip
        for start in sorted(old.keys() | new.keys()):
            end, pitch = new.get(start) or old[start]
            kinds[_kind(old.get(start), new.get(start), track)].append([track, start, end, pitch])
    return {kind: np.array(notes, dtype=np.int64).reshape(-1, 4) for kind, notes in kinds.items()}


def _kind(old: tuple[int, int] | None, new: tuple[int, int] | None, track: int) -> str:
    """Returns which of `KINDS` a note is; old, new: its end step and pitch, None where it does not exist."""
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if old[1] != new[1]:
        return "other pitch"
    return "other length" if old[0] != new[0] and track != DRUMS else "kept"
