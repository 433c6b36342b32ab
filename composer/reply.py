"""What operations say of their changes: values that `dataclasses.asdict` turns into JSON, and the same as text."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from composer.part import Part
from music.editing.arrangement import Edit
from music.editing.changes import Kind, count_changes
from music.editing.meter import Bars
from music.tokens import PITCHES, TRACKS, Tokens

PHRASE = 8
"""Changes are counted in ranges of this many bars."""


@dataclass(frozen=True)
class NoteChanges:
    """How many notes of a role changed in a range of bars."""

    bars: Bars
    role: str
    moved: int
    """To another pitch."""
    resized: int
    """That end elsewhere."""
    added: int
    removed: int
    kept: int
    """Notes that start in these bars, upper voices too, and are as they were."""

    def text(self) -> str:
        """Says it: "bass 31 moved, 4 added, 20 kept"."""
        named = {"moved": self.moved, "longer or shorter": self.resized, "added": self.added, "removed": self.removed}
        counts = [f"{count} {name}" for name, count in named.items() if count]
        return f"{self.role} {', '.join(counts)}, {self.kept} kept"


@dataclass(frozen=True)
class ChangeReply:
    """What an operation changed in a song."""

    file: str
    model: str
    bars: Bars
    """The bars that could change."""
    roles: tuple[str, ...]
    """The roles that could change."""
    kept: tuple[str, ...]
    """The other roles that somebody plays."""
    silent: tuple[str, ...]
    """The roles that nobody plays."""
    note_f1: float
    """F1 of the notes of the four lines with the original, in these bars: 1 if none changed."""
    changes: tuple[NoteChanges, ...]
    """By range of bars and role; those without changes are left out."""

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield f"{self.file}, {self.bars}, {', '.join(self.roles)} (model {self.model}):"
        if not self.changes:
            yield "  no note changes"
        for bars, changes in groupby(self.changes, key=lambda change: change.bars):
            yield f"  {bars}: notes: {'; '.join(change.text() for change in changes)}"
        kept = f"{', '.join(self.kept)} and all else" if self.kept else "all else"
        silent = f"; nobody plays {' or '.join(self.silent)}" if self.silent else ""
        yield f"  note F1 with the original {self.note_f1:.2f}; {kept} as it was{silent}"


def describe_change(part: Part, edit: Edit, model: str) -> ChangeReply:
    """Returns what an edit changed in a part of a song; model: its name."""
    return ChangeReply(
        part.arrangement.file.name,
        model,
        part.bars,
        part.roles,
        part.kept,
        tuple(role for role in TRACKS if role not in part.arrangement.roles),
        note_f1(part.windows, part.windows_after(edit)),
        tuple(_count(part, edit)),
    )


def note_f1(states: Tokens, edited: Tokens) -> float:
    """Returns the F1 of the notes by pitch and first step, of states in the same shape; 1 if there are none."""
    notes = int((states < PITCHES).sum() + (edited < PITCHES).sum())
    shared = int(((states == edited) & (states < PITCHES)).sum())
    return 2 * shared / notes if notes else 1.0


def _count(part: Part, edit: Edit) -> Iterator[NoteChanges]:
    """Yields the changes of each range of bars and role that has any.

    A note that sounds from before the bars, of which only the end changes, counts in the first range.
    """
    for first in range(part.bars.first, part.bars.last + 1, PHRASE):
        bars = Bars(first, min(first + PHRASE - 1, part.bars.last))
        counted = Bars(1, bars.last) if first == part.bars.first else bars
        changes = count_changes(edit.changes, counted)
        inside = count_changes((change for change in edit.changes if change.handle is not None), bars)
        for role in sorted(changes, key=TRACKS.index):
            kept = _notes_in(part, role, bars) - sum(inside.get(role, {}).values())
            yield NoteChanges(bars, role, kept=kept, **{kind.value: changes[role][kind] for kind in Kind})


def _notes_in(part: Part, role: str, bars: Bars) -> int:
    """Returns how many notes of a role start in these bars."""
    steps = part.arrangement.grid.steps_of(bars)
    start = part.arrangement.lines[role].start
    return int(((start >= steps.start) & (start < steps.stop)).sum())
