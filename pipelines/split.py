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


def in_validation(song: dict[str, Any], hashes: Hashes, split: SplitConfig) -> NDArray[np.bool_]:
    """(windows,) whether each window of the song is held out, by a hash of what the split keeps together."""
    if split.unit == "window":
        drawn = mix(hashes[1], split.seed)
    else:
        identity = (song["artist"] if split.unit == "artist" else "") or song["msd_id"]
        digest = hashlib.blake2b(f"{split.seed} {identity}".encode(), digest_size=8).digest()
        drawn = np.full(hashes.shape[1], int.from_bytes(digest, "big"), dtype=np.uint64)
    return drawn.astype(np.float64) / 2.0**64 < split.validation
