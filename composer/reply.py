"""What operations say about their work: values that `dataclasses.asdict` turns into JSON, and the same as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from composer.part import Part
from music.arrays import FloatArray
from music.editing.arrangement import Edit
from music.editing.changes import Kind, count_changes
from music.editing.meter import Bars
from music.tokens import PITCHES, Tokens

PHRASE = 8
"""Changes are counted in ranges of this many bars."""
VERBS = {Kind.MOVED: "moved", Kind.RESIZED: "made longer or shorter", Kind.ADDED: "added", Kind.REMOVED: "removed"}


@dataclass(frozen=True)
class NoteChanges:
    """How many notes of a role changed in a range of bars."""

    role: str
    bars: Bars
    moved: int
    """To another pitch."""
    resized: int
    """That end elsewhere."""
    added: int
    removed: int
    kept: int
    """Notes of these bars, upper voices too, that are as they were."""

    def text(self) -> str:
        """Says it: "bars 9-16, bass: 31 notes moved, 4 added; 20 kept"."""
        counts = [f"{getattr(self, kind)} {verb}" for kind, verb in VERBS.items() if getattr(self, kind)]
        return f"{self.bars}, {self.role}: notes: {', '.join(counts) or 'none changed'}; {self.kept} kept"


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
    note_f1: float
    """F1 of the notes of the four lines with the original, in these bars: 1 if none changed."""
    changes: tuple[NoteChanges, ...]
    """By range of bars and role; ranges and roles without changes are left out."""

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        yield f"{self.file}, {self.bars}, {', '.join(self.roles)} (model {self.model})"
        if not self.changes:
            yield "  no note changes"
        for change in self.changes:
            yield f"  {change.text()}"
        others = f"; {', '.join(self.kept)} and all else as it was" if self.kept else "; all else as it was"
        yield f"  note F1 with the original {self.note_f1:.2f}{others}"


def describe_change(part: Part, edit: Edit, model: str) -> ChangeReply:
    """Returns what an edit changed in a part of a song; model: its name."""
    return ChangeReply(
        part.arrangement.file.name,
        model,
        part.bars,
        part.roles,
        part.kept,
        note_f1(part.windows, part.windows_after(edit)),
        tuple(_count(part, edit)),
    )


def note_f1(windows: Tokens, edited: Tokens) -> float:
    """Returns the F1 of the notes of all windows, by pitch and first step; 1 if there are none."""
    notes = int((windows < PITCHES).sum() + (edited < PITCHES).sum())
    shared = int(((windows == edited) & (windows < PITCHES)).sum())
    return 2 * shared / notes if notes else 1.0


def _count(part: Part, edit: Edit) -> Iterator[NoteChanges]:
    """Yields the changes of each range of bars and role that has any."""
    for first in range(part.bars.first, part.bars.last + 1, PHRASE):
        bars = Bars(first, min(first + PHRASE - 1, part.bars.last))
        for role, kinds in count_changes(edit.changes, bars).items():
            counts = {kind.value: kinds[kind] for kind in Kind}
            kept = _notes_in(part, role, bars) - sum(counts.values()) + kinds[Kind.ADDED]
            yield NoteChanges(role, bars, kept=kept, **counts)


def _notes_in(part: Part, role: str, bars: Bars) -> int:
    """Returns how many notes of a role start in these bars."""
    steps = part.arrangement.grid.steps_of(bars)
    start = part.arrangement.lines[role].start
    return int(((start >= steps.start) & (start < steps.stop)).sum())


def mean_change(before: FloatArray, after: FloatArray) -> tuple[float, float]:
    """Returns the means of an attribute before and after, over the windows in which both are defined; NaN if none."""
    both = ~np.isnan(before) & ~np.isnan(after)
    if not both.any():
        return float("nan"), float("nan")
    return float(before[both].mean()), float(after[both].mean())


def number(value: float, decimals: int = 2) -> str:
    """Returns a change as text, with its sign."""
    return f"{value:+.{decimals}f}"


def join(texts: Sequence[str]) -> str:
    """Returns lines as one text."""
    return "\n".join(texts)
