"""Work that does not depend on each other, on a GPU at the same time."""

from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor


def side_by_side(works: Mapping[str, Callable[[], Tensor]], device: torch.device) -> list[Tensor]:
    """Does all, in order; on a GPU each on a CUDA stream of its name, which its backward pass will be on too.

    A work may have works of its own, under other names.
    """
    if device.type != "cuda":
        return [work() for work in works.values()]
    here = torch.cuda.current_stream(device)
    results = []
    for name, work in works.items():
        stream = _stream(name, device)
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            results.append(work())
    for name in works:
        here.wait_stream(_stream(name, device))
    return results


@cache
def _stream(name: str, device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
