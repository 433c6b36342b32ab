"""Decides which windows are held out for validation."""

import hashlib
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from music.arrays import FloatArray, IntArray
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


def split_places(files: list[dict[str, Any]], file: IntArray, hashes: Hashes, split: SplitConfig) -> FloatArray:
    """Returns (windows,): a number from 0 to 1 for each window, by a hash of its song, its artist or itself.

    The windows with the lowest numbers are held out. files: rows with `msd_id` and `artist`; file: (windows,) the place
    among `files` of each window's file; hashes: (2, windows). A song without a known artist counts as an artist of its
    own.
    """
    bits = splitmix64(hashes[1], split.seed) if split.unit == "window" else _hash(files, split)[file]
    places: FloatArray = bits.astype(np.float64) / 2.0**64
    return places


def split_limit(lowest: float, highest: float, validation: float) -> float:
    """Returns the number below which places are held out: the share for validation, unless that leaves a side empty.

    lowest, highest: of the places of all windows. If all windows would be on one side, then the song, artist or window
    whose place is nearest to the share moves to the other, if there are two or more of them.
    """
    return validation if lowest >= highest else min(max(validation, math.nextafter(lowest, 1)), highest)


def _hash(files: list[dict[str, Any]], split: SplitConfig) -> NDArray[np.uint64]:
    """Returns (files,): 64 bits that depend on the song, or on the artist, and on the seed."""
    units = [(file["artist"] if split.unit == "artist" else "") or file["msd_id"] for file in files]
    digests = [hashlib.blake2b(f"{split.seed} {unit}".encode(), digest_size=8).digest() for unit in units]
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
