"""Weights in few bits: each row of a matrix in units of its root mean square, each number one of a few levels.

The levels are those of least squared error for the matrix (Lloyd, "Least squares quantization in PCM", 1982).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Weights = dict[str, Tensor]

FITTED = 1 << 16
"""Numbers of a matrix, at most, to which its levels are fitted."""
ROUNDS = 30
PARTS = ("codes", "scales", "levels", "columns")


def compress(weights: Weights, most_bytes: int) -> Weights:
    """Packs the weights into at most so many bytes, with as many bits a number as that allows; 8 at most.

    Vectors stay, in half precision. Raises `ValueError` where not even one bit a number fits.
    """
    matrices = {name: weight.numpy(force=True) for name, weight in weights.items() if weight.ndim == 2}
    packed = {name: weight.half() for name, weight in weights.items() if weight.ndim != 2}
    fixed = 2 * sum(weight.numel() for weight in packed.values())
    for bits in range(8, 0, -1):
        size = fixed + sum(_size(matrix, bits) for matrix in matrices.values())
        if size <= most_bytes:
            break
    else:
        raise ValueError(f"the weights take {size} bytes at one bit a number, more than {most_bytes}")
    for name, matrix in matrices.items():
        packed |= {f"{name}.{part}": torch.from_numpy(array) for part, array in _pack(matrix, bits).items()}
    return packed


def _size(matrix: NDArray[np.float32], bits: int) -> int:
    """Bytes of the matrix; its name and place in the file are reckoned as a kilobyte."""
    return -(-matrix.size * bits // 8) + 2 * len(matrix) + 4 * (1 << bits) + 1024


def _pack(matrix: NDArray[np.float32], bits: int) -> dict[str, NDArray[np.generic]]:
    scales = np.sqrt(np.square(matrix, dtype=np.float64).mean(axis=1)).astype(np.float16)
    scaled = matrix / np.where(scales > 0, scales, 1).astype(np.float32)[:, None]
    levels = _levels(scaled, 1 << bits)
    codes = np.searchsorted((levels[1:] + levels[:-1]) / 2, scaled.reshape(-1)).astype(np.uint8)
    of_bits = np.unpackbits(codes[:, None], axis=1, count=bits, bitorder="little")
    return {
        "codes": np.packbits(of_bits.reshape(-1), bitorder="little"),
        "scales": scales,
        "levels": levels,
        "columns": np.array(matrix.shape[1]),
    }


def _levels(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """(count,) ascending levels of least squared error for the values, by Lloyd's algorithm.

    It starts from quantiles spread by the square root of 3: where many levels of normal numbers end.
    """
    sample = np.sort(values.reshape(-1)[:: -(-values.size // FITTED)]).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(sample)])
    spread = np.sqrt(3) * np.quantile(sample, (np.arange(count) + 0.5) / count)
    levels = np.clip(spread, sample[0], sample[-1])
    for _ in range(ROUNDS):
        ends = np.concatenate([[0], np.searchsorted(sample, (levels[1:] + levels[:-1]) / 2), [len(sample)]])
        sizes = np.diff(ends)
        levels = np.where(sizes > 0, np.diff(sums[ends]) / np.maximum(sizes, 1), levels)
    return np.asarray(levels, dtype=np.float32)


def expand(packed: Weights) -> Weights:
    """The weights in single precision, as near as their bits allow."""
    arrays = {name: tensor.numpy() for name, tensor in packed.items()}
    matrices = [name.removesuffix(".codes") for name in arrays if name.endswith(".codes")]
    parts = {f"{name}.{part}" for name in matrices for part in PARTS}
    weights = {name: tensor.float() for name, tensor in packed.items() if name not in parts}
    for name in matrices:
        codes, scales, levels, columns = (arrays[f"{name}.{part}"] for part in PARTS)
        count, bits = len(scales) * int(columns), len(levels).bit_length() - 1
        of_bits = np.unpackbits(codes, count=count * bits, bitorder="little").reshape(count, bits)
        numbers = np.packbits(of_bits, axis=1, bitorder="little")[:, 0]
        matrix = levels[numbers].reshape(len(scales), -1) * scales.astype(np.float32)[:, None]
        weights[name] = torch.from_numpy(matrix)
    return weights
