"""Weights in few bits: rows of matrices in units of their root mean square, rounded to whole steps, Huffman-coded.

Even steps and a code of the steps' frequencies come within a quarter of a bit of the best that can be done (Gish and
Pierce, "Asymptotically efficient quantizing", 1968), and any fraction of a bit can be had by the size of the step.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from music.errors import InputError

Weights = dict[str, Tensor]

FINEST, COARSEST = -8.0, 3.0
"""Binary logarithms of the steps that are tried."""
PRECISION = 0.02
"""To which that of the step is found."""
FARTHEST = 127
"""Steps from 0: a number of steps is a signed byte."""
ENTRY_BYTES = 160
"""For a tensor's name and place in the file."""
PARTS = ("steps", "scales", "step", "columns")


@dataclass(frozen=True)
class Rounded:
    """A matrix in whole steps."""

    steps: Tensor
    """(rows, columns) int8."""
    scales: Tensor
    """(rows,) float16: root mean square."""
    step: Tensor
    """() float32, as a share of the scale."""

    @property
    def matrix(self) -> Tensor:
        """(rows, columns) float32."""
        return self.steps * (self.step * self.scales.float())[:, None]


def rounded(matrix: Tensor, step: float) -> Rounded:
    """In steps of this size, or as much larger ones as its farthest number needs; matrix: (rows, columns) float32."""
    scales = matrix.square().mean(dim=1).sqrt().half()
    units = matrix / scales.float().where(scales > 0, 1.0)[:, None]
    of_matrix = (units.abs().max() / FARTHEST).clamp(min=step)
    return Rounded((units / of_matrix).round().to(torch.int8), scales, of_matrix)


def finest_step(weights: Weights, most_bytes: int) -> float:
    """Of those with which the packed weights take at most so many bytes. Raises `InputError` where none does."""

    def fits(exponent: float) -> bool:
        packed = pack(weights, 2**exponent)
        return sum(tensor.nbytes + ENTRY_BYTES for tensor in packed.values()) <= most_bytes

    fine, coarse = FINEST, COARSEST
    if fits(fine):
        return 2**fine
    if not fits(coarse):
        raise InputError(f"the weights do not fit into {most_bytes} bytes; take fewer units or layers")
    while coarse - fine > PRECISION:
        middle = (fine + coarse) / 2
        if fits(middle):
            coarse = middle
        else:
            fine = middle
    return 2**coarse


def pack(weights: Weights, step: float) -> Weights:
    """Matrices in steps of this size, vectors in half precision; on the CPU."""
    packed: Weights = {}
    for name, weight in weights.items():
        if weight.ndim == 2:
            of = rounded(weight, step)
            parts = (_coded(of.steps), of.scales.cpu(), of.step.cpu(), torch.tensor(weight.shape[1]))
            packed |= {f"{name}.{part}": tensor for part, tensor in zip(PARTS, parts, strict=True)}
        else:
            packed[name] = weight.half().cpu()
    return packed


def _coded(steps: Tensor) -> Tensor:
    coder = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    coded = coder.compress(steps.numpy(force=True).tobytes()) + coder.flush()
    return torch.from_numpy(np.frombuffer(coded, dtype=np.uint8).copy())


def expand(packed: Weights) -> Weights:
    """The weights in single precision, as near as their bits allow. Raises `ValueError` for what `pack` never wrote."""
    matrices = [name.removesuffix(".steps") for name in packed if name.endswith(".steps")]
    parts = {f"{name}.{part}" for name in matrices for part in PARTS}
    weights = {name: tensor.float() for name, tensor in packed.items() if name not in parts}
    for name in matrices:
        coded, scales, step, columns = (packed[f"{name}.{part}"] for part in PARTS)
        shape = len(scales), int(columns)
        try:
            decoded = zlib.decompressobj().decompress(coded.numpy().tobytes(), max(shape[0] * shape[1], 1))
        except zlib.error as error:
            raise ValueError(f"{name}: {error}") from error
        steps = torch.from_numpy(np.frombuffer(decoded, dtype=np.int8).reshape(shape).copy())
        weights[name] = Rounded(steps, scales, step).matrix
    return weights
