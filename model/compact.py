"""Weights in 8 bits: each row of a matrix in whole steps of the row's own size."""

import torch
from torch import Tensor

Weights = dict[str, Tensor]
"""Tensors by the names that the model gives them."""

LARGEST = 127
"""The largest number of steps from 0 in 8 bits."""
STEPS, SIZES = ".steps", ".step_sizes"
"""What the names of a matrix's two parts end in."""


def rounded(matrix: Tensor, largest: int = LARGEST) -> tuple[Tensor, Tensor]:
    """Rounds each row of a matrix to steps, of which the row's largest number takes `largest`.

    matrix: (rows, columns) -> the steps, (rows, columns) int8, and their sizes, (rows, 1) float32.
    """
    sizes = matrix.abs().amax(dim=1, keepdim=True) / largest
    return (matrix / sizes.where(sizes > 0, 1.0)).round().to(torch.int8), sizes


def pack(weights: Weights) -> Weights:
    """Matrices in steps of 8 bits; vectors stay as they are."""
    packed: Weights = {}
    for name, weight in weights.items():
        if weight.ndim == 2:
            packed[name + STEPS], packed[name + SIZES] = rounded(weight)
        else:
            packed[name] = weight
    return packed


def expand(packed: Weights) -> Weights:
    """The weights in single precision, of packed ones or of weights that were never packed."""
    weights = {name: tensor for name, tensor in packed.items() if not name.endswith((STEPS, SIZES))}
    for name, steps in packed.items():
        if name.endswith(STEPS):
            matrix = name.removesuffix(STEPS)
            weights[matrix] = steps * packed[matrix + SIZES]
    return weights
