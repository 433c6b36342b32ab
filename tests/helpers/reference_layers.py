"""What the plain versions of both networks share: a window's sizes, and a linear layer by the names of its weights."""

from collections.abc import Mapping

from torch import Tensor

STATES, TRACKS = 130, 4

Weights = Mapping[str, Tensor]
"""Tensors by the names that they have in the real model's `state_dict`."""


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
