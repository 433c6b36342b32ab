"""What an edit is asked for, in which units, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from model.editing.difference import FAITHFULNESS, PLAUSIBILITY
from model.editing.expectations import EXPECTATIONS
from music.errors import InputError


@dataclass(frozen=True)
class Spread:
    """The units of an edit: how much real windows differ."""

    codes: Tensor
    """(latent,) the standard deviation of the codes in each dimension."""
    attributes: Mapping[str, float]
    """The standard deviation of each attribute, for those in which windows differ at all."""


@dataclass(frozen=True)
class Request:
    """What an edit is asked for."""

    changes: Mapping[str, float]
    """How much each of these attributes is to change, in its standard deviations: notes by +1, say. None is 0."""
    held: tuple[str, ...] = ()
    """Attributes that are to stay where they are."""
    mask: Tensor | None = None
    """Which states may change: bool, of the windows' shape (windows, tracks, steps) or one that broadcasts to it."""
    allowed: Tensor | None = None
    """Which states may come: bool, (windows, tracks, steps, 130) or a shape that broadcasts to it. All by default."""

    def check(self, spread: Spread) -> None:
        """Raises `InputError` for attributes that no edit can change or hold, and for changes of 0."""
        for name in (*self.changes, *self.held):
            if name not in EXPECTATIONS:
                raise InputError(f"no edit changes {name}; give one of {', '.join(EXPECTATIONS)}")
            if name not in spread.attributes:
                raise InputError(f"{name} is the same in all windows; give another attribute")
        for name, change in self.changes.items():
            if change == 0:
                raise InputError(f"{name}: a change of 0; leave the attribute out, or hold it")


@dataclass(frozen=True)
class EditSettings:
    """How an edit is made."""

    attempts: int = 30
    """How often a code is decoded and measured, at most; between two attempts is a step of Adam."""
    rate: float = 0.2
    """The learning rate: about how far a step moves each dimension of a code, in its standard deviations."""
    temperature: float = 2.0
    """What logits are divided by before attributes are expected: a decoder that is sure has next to no gradients."""
    price: float = 0.2
    """What a state of the window costs that the decoder gives up, beside squared standard deviations of attributes."""
    gain: float = 0.15
    """How fast a target moves: it is multiplied by exp(gain * the share of the change that is missing)."""
    tolerance: float = 0.1
    """How near the measured change has to come, as a share of the change that is asked for."""
    faithfulness: float = FAITHFULNESS
    """As in `decode_difference`."""
    plausibility: float = PLAUSIBILITY
    """As in `decode_difference`."""


@dataclass(frozen=True)
class Edited:
    """What came of an edit."""

    tokens: Tensor
    """(windows, tracks, steps) the edited windows."""
    codes: Tensor
    """(windows, latent) the moved codes."""
    got: Tensor
    """(attributes, windows) the measured changes in standard deviations, in the order of the request.

    NaN where a window lacks the attribute; it stays as it is.
    """
    arrived: Tensor
    """(windows,) bool: whether all changes came within the tolerance of what was asked for."""
