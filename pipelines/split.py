"""Which windows are held out for validation."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music.hashing import Hashes, mix

SPLITS = ("train", "validation")
SPLIT_UNITS = ("song", "artist", "window")


@dataclass(frozen=True)
class SplitConfig:
    """Which windows are held out for validation."""

    unit: str
    """What stays on one side: a song, an artist, or (the paper's protocol) only a window."""
    validation: float
    """Share held out; 0.2 in [P]."""
    seed: int

    def __post_init__(self) -> None:
        if self.unit not in SPLIT_UNITS:
            raise ValueError(f"unit must be one of {', '.join(SPLIT_UNITS)}, not {self.unit}")
        if not 0 < self.validation < 1:
            raise ValueError("validation must be between 0 and 1")


def in_validation(
    songs: list[dict[str, Any]], song: NDArray[np.int64], hashes: Hashes, split: SplitConfig
) -> NDArray[np.bool_]:
    """(windows,) whether each window is held out, by a hash of what the split keeps together.

    song: (windows,) the place among `songs` of the song that each is from.
    """
    drawn = mix(hashes[1], split.seed) if split.unit == "window" else _draw(songs, split)[song]
    return drawn.astype(np.float64) / 2.0**64 < split.validation


def _draw(songs: list[dict[str, Any]], split: SplitConfig) -> NDArray[np.uint64]:
    """(songs,) 64 bits for each song or artist."""
    identities = [(song["artist"] if split.unit == "artist" else "") or song["msd_id"] for song in songs]
    digests = [hashlib.blake2b(f"{split.seed} {one}".encode(), digest_size=8).digest() for one in identities]
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
