"""Attributes of a part of a song, changed until what comes out is what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from composer.editor import BATCH, Editor
from composer.part import Part
from model.editing.edit import edit as edit_windows
from model.editing.measured import measured_attributes
from model.editing.request import EditSettings, Request
from music.editing.arrangement import Edit
from music.metrics import METRICS
from music.tokens import TRACKS, Tokens

ROUNDS = 3
"""How often windows are edited, each time by other amounts, until the whole part has changed by what was asked for."""
ATTEMPTS = 20
"""How often each window is decoded and measured in a round, at most."""
TOLERANCE = 0.1
"""How near the change of the whole part has to come, as a share of what was asked for."""


@dataclass(frozen=True)
class AttributeReply:
    """What came of a change of an attribute."""

    name: str
    asked: float
    """In standard deviations of real music; 0 holds the attribute."""
    got: float
    """The same, measured on the file that came out; NaN where the music has nothing to measure."""
    before: float
    """The attribute of the part: the mean over its windows, in its unit."""
    after: float
    unit: str
    arrived: bool
    """Whether what came out is within a tenth of what was asked for; of a held one, of a standard deviation."""

    def text(self) -> str:
        """Says it: "notes: asked +1, got +0.97 (41.2 to 55.9 notes)"."""
        if np.isnan(self.got):
            return f"{self.name}: asked {self.asked:+g}, but there is nothing to measure"
        asked = f"asked {self.asked:+g}" if self.asked else "held"
        short = "" if self.arrived else ", the nearest it comes"
        return f"{self.name}: {asked}, got {self.got:+.2f}{short} ({self.before:.3g} to {self.after:.3g} {self.unit})"


def attribute_reply(editor: Editor, part: Part, edit: Edit, name: str, asked: float) -> AttributeReply:
    """Returns what an edit made of an attribute of a part."""
    values = [
        measured_attributes(torch.from_numpy(windows), TRACKS, [name])[name]
        for windows in (part.windows, part.windows_after(edit))
    ]
    both = ~np.isnan(values).any(axis=0)
    before, after = (float(column[both].mean()) if both.any() else float("nan") for column in values)
    got = (after - before) / editor.scales.spread.attributes[name]
    return AttributeReply(name, asked, got, before, after, METRICS[name].unit, missed(asked, got) <= TOLERANCE)


def missed(asked: float, got: float) -> float:
    """Returns how much of what was asked for is missing, as a share; of a held attribute, how far it moved."""
    return float(np.nan_to_num(abs(got - asked) / (abs(asked) or 1), nan=np.inf))


class ClosedLoop:
    """Edits the windows of a part, measures the file that comes out, and asks for more or less."""

    def __init__(self, editor: Editor, part: Part, changes: Mapping[str, float], faithfulness: float) -> None:
        """Takes changes in standard deviations by attribute, 0 for those that are held. Raises `InputError`."""
        self._editor, self._part, self._asked = editor, part, changes
        self._settings = EditSettings(attempts=ATTEMPTS, faithfulness=faithfulness)
        Request({}, tuple(changes)).check(editor.scales.spread)

    def run(self, start: Tokens) -> Edit:
        """Returns the edit that comes nearest to what was asked for.

        start: (windows, 4, steps), the part's windows or what a genre made of them. What came out is always compared
        with the song. Attributes that the song does not have are left out.
        """
        best = self._part.write(start)
        got = self._got(best)
        self._asked = {name: change for name, change in self._asked.items() if not np.isnan(got[name])}
        nearest, amounts = self._missed(got), dict.fromkeys(self._asked, 0.0)
        for _ in range(ROUNDS):
            if nearest <= TOLERANCE:
                break
            amounts = {name: amount + np.nan_to_num(self._asked[name] - got[name]) for name, amount in amounts.items()}
            written = self._part.write(self._edited(start, amounts))
            got = self._got(written)
            if self._missed(got) < nearest:
                best, nearest = written, self._missed(got)
        return best

    def _edited(self, windows: Tokens, amounts: Mapping[str, float]) -> Tokens:
        """Edits windows, each on its own; those that repeat are edited once, so that they change alike.

        A held attribute that has moved too far is asked to come back.
        """
        least = {name: 0.0 if asked else TOLERANCE for name, asked in self._asked.items()}
        changes = {name: amount for name, amount in amounts.items() if abs(amount) > least[name]}
        held = tuple(name for name in self._asked if name not in changes)
        arrays = windows, self._part.mask, self._part.allowed
        rows = np.concatenate([array.reshape(len(windows), -1) for array in arrays], axis=1)
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        edited = []
        for numbers in np.array_split(first, -(-len(first) // BATCH)):
            tokens, mask, allowed = (torch.from_numpy(array[numbers]) for array in arrays)
            request = Request(changes, held, mask, allowed)
            edited.append(edit_windows(self._editor.model, tokens, request, self._editor.scales.spread, self._settings))
        result: Tokens = np.concatenate([one.tokens.numpy() for one in edited])[inverse.reshape(-1)]
        return result

    def _got(self, edit: Edit) -> dict[str, float]:
        """Returns the change of each attribute, NaN where the music has nothing to measure."""
        return {name: attribute_reply(self._editor, self._part, edit, name, 0).got for name in self._asked}

    def _missed(self, got: Mapping[str, float]) -> float:
        """Returns the largest of `missed` of all attributes."""
        return max((missed(asked, got[name]) for name, asked in self._asked.items()), default=0.0)
