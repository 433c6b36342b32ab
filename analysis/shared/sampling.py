"""How the analysis samples windows."""

import numpy as np
import torch

from model.data import WindowSet
from music.arrays import IntArray


def random_subset(windows: WindowSet, count: int, generator: torch.Generator) -> WindowSet:
    """Returns `count` windows chosen at random without replacement, or all if there are fewer."""
    return windows.take(torch.randperm(len(windows), generator=generator)[:count])


def interleave_songs(songs: IntArray, generator: np.random.Generator) -> IntArray:
    """Orders windows at random, but so that every song gives its first window before any gives its second, and so on.

    songs: (windows,) which song each is from -> (windows,) the windows' numbers.
    """
    shuffled = generator.permutation(len(songs))
    by_song = shuffled[np.argsort(songs[shuffled], kind="stable")]
    _, starts, counts = np.unique(songs[by_song], return_index=True, return_counts=True)
    turns = np.empty_like(shuffled)
    turns[by_song] = np.arange(len(songs)) - np.repeat(starts, counts)
    return shuffled[np.argsort(turns[shuffled], kind="stable")]
