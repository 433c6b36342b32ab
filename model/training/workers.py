"""Processes started by torchrun, one for each GPU: each computes its part of every batch; gradients are averaged.

The gradients of a phase go through one all-reduce. torch's DistributedDataParallel, which reduces during the backward
pass, does not handle the gradients of a gradient penalty, and here three phases share one forward pass.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch import distributed as dist


@dataclass(frozen=True)
class Workers:
    """The processes that train together: their number, and the rank of this one."""

    rank: int
    count: int

    @property
    def first(self) -> bool:
        """Whether this process is the one that validates, logs and saves."""
        return self.rank == 0

    def part(self, batch: Tensor) -> Tensor:
        """Returns the rows of the batch that this process computes."""
        return batch.chunk(self.count)[self.rank]

    def uniform(self, generator: torch.Generator, windows: int, *shape: int) -> Tensor:
        """Returns random numbers from 0 to 1, (windows, *shape): this process's part of those for the whole batch."""
        batch = torch.rand(windows * self.count, *shape, generator=generator, device=generator.device)
        return self.part(batch)

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replaces each tensor by its mean over the processes."""
        if self.count == 1:
            return
        listed = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in listed])
        dist.all_reduce(flat)
        flat /= self.count
        means = torch.split(flat, [tensor.numel() for tensor in listed])
        for tensor, mean in zip(listed, means, strict=True):
            tensor.copy_(mean.view_as(tensor))

    def mean(self, part: Tensor) -> Tensor:
        """Returns the mean over the processes, with the gradient of this process's part.

        Once the processes' gradients are averaged, they are those of the mean.
        """
        mean = part.detach().clone()
        self.average([mean])
        return part + (mean - part.detach())

    def agree(self, value: int, device: torch.device) -> int:
        """Returns the first process's value."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, device=device)
        dist.broadcast(shared, src=0)
        return int(shared.item())


ALONE = Workers(rank=0, count=1)


def device() -> torch.device:
    """Returns the GPU of this process, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def process_group() -> Iterator[Workers]:
    """Yields the processes that torchrun has started, or this one alone."""
    if "WORLD_SIZE" not in os.environ:
        yield ALONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(device())  # where Triton launches its kernels, and NCCL
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
