"""Scheduled sampling: autoregressive decoders that are fed some of their own states in training [V]."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class ScheduledSampling:
    """How often a decoder is fed its own states, and the random numbers for it."""

    chance: float
    """The chance of an own state, for each window and step."""
    uniform: Callable[..., Tensor]
    """Draws a tensor of the shape that it is given, windows first, uniformly from 0 to 1."""


def draw_states(logits: Tensor, uniform: Tensor) -> Tensor:
    """Draws from softmax(logits), (..., 130) -> (...), with numbers from 0 to 1 of the same shape.

    The Gumbel trick: unlike `torch.multinomial` it doesn't make the host wait for the device at every step.
    """
    return (logits - (-uniform.log()).log()).argmax(dim=-1)
