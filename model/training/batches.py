"""The windows of each update, and the seeds of its random numbers."""

import numpy as np
import torch
from torch import Tensor

from music.hashing import splitmix64

STREAMS = ("epoch", "update", "flow")


class Batches:
    """Chooses the windows of each update: every epoch permutes all windows and leaves out the incomplete batch.

    An update's batch depends on its number and the seed alone, so a run can resume at any update.
    """

    def __init__(self, windows: int, size: int, seed: int) -> None:
        self._windows, self._size, self._seed = windows, size, seed
        self._epoch = -1
        self._order = torch.empty(0)

    def __call__(self, update: int) -> Tensor:
        """Returns the numbers of the windows of an update, (size,)."""
        epoch, place = divmod(update, self._windows // self._size)
        if epoch != self._epoch:
            self._epoch = epoch
            generator = torch.Generator().manual_seed(derive_seed(self._seed, "epoch", epoch))
            self._order = torch.randperm(self._windows, generator=generator)
        return self._order[place * self._size : (place + 1) * self._size]


def derive_seed(seed: int, stream: str, number: int) -> int:
    """Returns a seed for one epoch or update, different from that of any other; stream: one of `STREAMS`."""
    stream_seed = splitmix64(np.array([STREAMS.index(stream)], dtype=np.uint64), seed)
    return int(splitmix64(stream_seed ^ np.uint64(number), 0)[0])
