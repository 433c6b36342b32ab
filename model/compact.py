"""Weights in 8 bits: each row of a matrix is whole numbers times a step size of its own."""

import torch
from torch import Tensor

Weights = dict[str, Tensor]
"""Tensors by the names that the model gives them."""

LARGEST = 127
"""The largest number of steps that 8 bits hold with a sign."""
STEPS, SIZES = ".steps", ".step_sizes"
"""The endings of the names of a matrix's two parts."""


def round_rows(matrix: Tensor, largest: int = LARGEST) -> tuple[Tensor, Tensor]:
    """Rounds each row of a matrix to whole steps; the row's largest number is `largest` steps from 0.

    matrix: (rows, columns) -> the steps, (rows, columns) int8, and their sizes, (rows, 1) float32.
    """
    sizes = matrix.abs().amax(dim=1, keepdim=True) / largest
    return (matrix / sizes.where(sizes > 0, 1.0)).round().to(torch.int8), sizes


def pack(weights: Weights) -> Weights:
    """Returns the weights with matrices in 8 bits; vectors are unchanged."""
    packed: Weights = {}
    for name, weight in weights.items():
        if weight.ndim == 2:
            packed[name + STEPS], packed[name + SIZES] = round_rows(weight)
        else:
            packed[name] = weight
    return packed


def expand(packed: Weights) -> Weights:
    """Returns the weights in single precision; weights that were never packed are unchanged."""
    weights = {name: tensor for name, tensor in packed.items() if not name.endswith((STEPS, SIZES))}
    for name, steps in packed.items():
        if name.endswith(STEPS):
            matrix = name.removesuffix(STEPS)
            weights[matrix] = steps * packed[matrix + SIZES]
    return weights
