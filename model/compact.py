"""Weights in few bits: each row of a matrix in whole steps of its own size, Huffman-coded.

Of normal numbers this is, down to two bits a number, within half a bit of the best that can be done: a quarter for even
steps (Gish and Pierce, "Asymptotically efficient quantizing", 1968), the rest for a code of whole bits.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from music.errors import InputError

Weights = dict[str, Tensor]

MOST_BYTES = 48_000_000
"""Of a compact copy."""
FINEST, COARSEST = -8.0, 1.0
"""Binary logarithms of the steps that are tried; with coarser ones hardly anything would be left."""
TOLERANCE = 0.02
"""Of the logarithm that is found."""
FARTHEST = 127
"""Steps from 0: a number of steps is a signed byte."""
ENTRY_BYTES = 160
"""For a tensor's name and place in the file."""
PARTS = ("steps", "sizes", "columns")


@dataclass(frozen=True)
class Rounded:
    """A matrix in whole steps."""

    steps: Tensor
    """(rows, columns) int8."""
    sizes: Tensor
    """(rows,) float32: of a step."""

    @property
    def matrix(self) -> Tensor:
        """(rows, columns) float32."""
        return self.steps * self.sizes[:, None]


def rounded(matrix: Tensor, step: float) -> Rounded:
    """In steps of such a share of each row's root mean square, or as much larger ones as its farthest number needs.

    matrix: (rows, columns) float32.
    """
    least = matrix.abs().amax(dim=1) / FARTHEST
    sizes = torch.maximum(step * matrix.square().mean(dim=1).sqrt(), least)
    steps = matrix / sizes.where(sizes > 0, 1.0)[:, None]
    return Rounded(steps.round().to(torch.int8), sizes)


def finest_step(weights: Weights, most_bytes: int) -> float:
    """Of those with which the packed weights take at most so many bytes. Raises `InputError` where none does."""
    fine, coarse = FINEST, COARSEST
    if fits(pack(weights, 2**fine), most_bytes):
        return 2**fine
    if not fits(pack(weights, 2**coarse), most_bytes):
        raise InputError(f"the weights do not fit into {most_bytes} bytes; take fewer units or layers")
    while coarse - fine > TOLERANCE:
        middle = (fine + coarse) / 2
        if fits(pack(weights, 2**middle), most_bytes):
            coarse = middle
        else:
            fine = middle
    return 2**coarse


def fits(packed: Weights, most_bytes: int) -> bool:
    """Whether a file of them takes at most so many bytes."""
    return sum(tensor.nbytes + ENTRY_BYTES for tensor in packed.values()) <= most_bytes


def pack(weights: Weights, step: float) -> Weights:
    """Matrices in steps of this size, vectors in half precision; on the CPU."""
    packed: Weights = {}
    for name, weight in weights.items():
        if weight.ndim == 2:
            matrix = rounded(weight, step)
            parts = _coded(matrix.steps), matrix.sizes.cpu(), torch.tensor(weight.shape[1])
            packed |= {f"{name}.{part}": tensor for part, tensor in zip(PARTS, parts, strict=True)}
        else:
            packed[name] = weight.half().cpu()
    return packed


def _coded(steps: Tensor) -> Tensor:
    coder = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    coded = coder.compress(steps.numpy(force=True).tobytes()) + coder.flush()
    return torch.from_numpy(np.frombuffer(coded, dtype=np.uint8).copy())


def expand(packed: Weights) -> Weights:
    """The weights in single precision, as near as their bits allow. Raises `ValueError` for damaged steps."""
    matrices = [name.removesuffix(".steps") for name in packed if name.endswith(".steps")]
    parts = {f"{name}.{part}" for name in matrices for part in PARTS}
    weights = {name: tensor.float() for name, tensor in packed.items() if name not in parts}
    for name in matrices:
        coded, sizes, columns = (packed[f"{name}.{part}"] for part in PARTS)
        weights[name] = Rounded(_decoded(coded, len(sizes), int(columns)), sizes).matrix
    return weights


def _decoded(coded: Tensor, rows: int, columns: int) -> Tensor:
    decoder = zlib.decompressobj()
    try:
        steps = decoder.decompress(coded.numpy().tobytes(), rows * columns + 1)
    except zlib.error as error:
        raise ValueError(f"damaged steps: {error}") from error
    if not decoder.eof or len(steps) != rows * columns:
        raise ValueError(f"damaged steps: not the {rows} x {columns} of the matrix")
    return torch.from_numpy(np.frombuffer(steps, dtype=np.int8).reshape(rows, columns).copy())
