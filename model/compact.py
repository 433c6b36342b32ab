"""Weights in few bits: rows of matrices in units of their root mean square, rounded to whole steps, Huffman-coded.

Even steps and a code of the steps' frequencies come within a quarter of a bit of the best that can be done (Gish and
Pierce, "Asymptotically efficient quantizing", 1968), and any fraction of a bit can be had by the size of the step.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Weights = dict[str, Tensor]

FINEST, COARSEST = -8.0, 3.0
"""Binary logarithms of the steps that are tried."""
PRECISION = 0.02
"""To which that of the step is found."""
FARTHEST = 127
"""Steps from 0: a code is a signed byte."""
ENTRY_BYTES = 160
"""For a tensor's name and place in the file."""
PARTS = ("codes", "scales", "step", "columns")


@dataclass(frozen=True)
class _Matrix:
    scaled: NDArray[np.float32]
    scales: NDArray[np.float16]
    """(rows,) root mean square."""

    def packed(self, step: float) -> dict[str, NDArray[np.generic]]:
        """In steps of this size, or as much larger ones as its farthest number needs."""
        step = max(step, float(np.abs(self.scaled).max(initial=0)) / FARTHEST)
        codes = np.rint(self.scaled / np.float32(step)).astype(np.int8)
        coder = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
        return {
            "codes": np.frombuffer(coder.compress(codes.tobytes()) + coder.flush(), dtype=np.uint8),
            "scales": self.scales,
            "step": np.array(step, dtype=np.float32),
            "columns": np.array(self.scaled.shape[1]),
        }


def compress(weights: Weights, most_bytes: int) -> Weights:
    """Packs the weights into at most so many bytes, with the finest steps that fit.

    Vectors stay, in half precision. Raises `ValueError` where even the coarsest steps do not fit.
    """
    matrices = {name: _matrix(weight) for name, weight in weights.items() if weight.ndim == 2}
    vectors = {name: weight.half() for name, weight in weights.items() if weight.ndim != 2}
    entries = len(vectors) + len(PARTS) * len(matrices)
    room = most_bytes - ENTRY_BYTES * entries - sum(weight.nbytes for weight in vectors.values())

    def packed(step: float) -> dict[str, NDArray[np.generic]]:
        parts = ((name, matrix.packed(step)) for name, matrix in matrices.items())
        return {f"{name}.{part}": array for name, of in parts for part, array in of.items()}

    def fits(arrays: dict[str, NDArray[np.generic]]) -> bool:
        return sum(array.nbytes for array in arrays.values()) <= room

    fine, coarse = FINEST, COARSEST
    found = packed(2**fine)
    if not fits(found):
        found = packed(2**coarse)
        if not fits(found):
            raise ValueError(f"the weights do not fit into {most_bytes} bytes")
        while coarse - fine > PRECISION:
            middle = (fine + coarse) / 2
            tried = packed(2**middle)
            if fits(tried):
                coarse, found = middle, tried
            else:
                fine = middle
    return vectors | {name: torch.from_numpy(array.copy()) for name, array in found.items()}


def _matrix(weight: Tensor) -> _Matrix:
    numbers = weight.numpy(force=True)
    scales = np.sqrt(np.square(numbers, dtype=np.float64).mean(axis=1)).astype(np.float16)
    units = np.where(scales > 0, scales, 1).astype(np.float32)[:, None]
    return _Matrix(np.divide(numbers, units, dtype=np.float32), scales)


def expand(packed: Weights) -> Weights:
    """The weights in single precision, as near as their bits allow. Raises `ValueError` for codes cut short."""
    arrays = {name: tensor.numpy() for name, tensor in packed.items()}
    matrices = [name.removesuffix(".codes") for name in arrays if name.endswith(".codes")]
    parts = {f"{name}.{part}" for name in matrices for part in PARTS}
    weights = {name: tensor.float() for name, tensor in packed.items() if name not in parts}
    for name in matrices:
        codes, scales, step, columns = (arrays[f"{name}.{part}"] for part in PARTS)
        rows = scales.astype(np.float32)[:, None]
        steps = zlib.decompressobj().decompress(codes.tobytes(), max(len(rows) * int(columns), 1))
        weights[name] = torch.from_numpy(np.frombuffer(steps, dtype=np.int8).reshape(len(rows), -1) * (step * rows))
    return weights
