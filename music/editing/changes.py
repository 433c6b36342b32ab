"""What becomes of the notes of a file, and how many of them change."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from music.editing.meter import Bars
from music.editing.midi_file import Note


class Kind(StrEnum):
    """What a change does to a note."""

    MOVED = "moved"
    """It has another pitch, and maybe another end."""
    RESIZED = "resized"
    """It ends elsewhere."""
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """What becomes of one note."""

    role: str
    bar: int
    """The bar in which the note starts, counted from 1."""
    handle: int | None
    """The note's handle in the original file; none for a new note."""
    before: Note | None
    after: Note | None
    """None for a note that goes."""

    @property
    def kind(self) -> Kind:
        """What the change does."""
        if self.before is None:
            return Kind.ADDED
        if self.after is None:
            return Kind.REMOVED
        return Kind.RESIZED if self.after.pitch == self.before.pitch else Kind.MOVED


def count_changes(changes: Iterable[Change], bars: Bars | None = None) -> dict[str, Counter[Kind]]:
    """Returns for each role that changes how many notes are moved, resized, added and removed, in a range of bars."""
    counts: dict[str, Counter[Kind]] = {}
    for change in changes:
        if bars is None or bars.first <= change.bar <= bars.last:
            counts.setdefault(change.role, Counter())[change.kind] += 1
    return counts
