"""Decides which windows are held out for validation."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from music.arrays import BoolArray, IntArray
from music.hashing import Hashes, splitmix64
from music.settings import Seed, Settings, between


@dataclass(frozen=True)
class SplitConfig(Settings):
    """Section `windows.split` of params.yaml."""

    unit: Literal["song", "artist", "window"]
    """What is never divided: all windows of a song, all of an artist or, as in [P], only each window itself."""
    validation: Annotated[float, between(0, 1)]
    """The share held out; 0.2 in [P]."""
    seed: Seed


def in_validation(files: list[dict[str, Any]], file: IntArray, hashes: Hashes, split: SplitConfig) -> BoolArray:
    """Returns (windows,): whether each window is held out, by a hash of the song, artist or window.

    files: rows with `msd_id` and `artist`; file: (windows,) the place among `files` of each window's file; hashes:
    (2, windows). A song without a known artist counts as an artist of its own.
    """
    bits = splitmix64(hashes[1], split.seed) if split.unit == "window" else _hash(files, split)[file]
    return bits.astype(np.float64) / 2.0**64 < split.validation


def _hash(files: list[dict[str, Any]], split: SplitConfig) -> NDArray[np.uint64]:
    """Returns (files,): 64 bits that depend on the song, or on the artist, and on the seed."""
    units = [(file["artist"] if split.unit == "artist" else "") or file["msd_id"] for file in files]
    digests = [hashlib.blake2b(f"{split.seed} {unit}".encode(), digest_size=8).digest() for unit in units]
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
