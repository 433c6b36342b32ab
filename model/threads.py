"""How many threads PyTorch computes with on the CPU."""

import os
import sys

import torch

from music.errors import InputError


def use_threads(cpu_threads: int) -> None:
    """Sets the number of PyTorch's threads; 0 takes all cores.

    Raises `InputError` for more threads than cores: they would wait for each other, and an update would take minutes.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    if cpu_threads > cores:
        raise InputError(f"cpu_threads is {cpu_threads}, but this process may use {cores} cores; 0 takes all of them")
    if cpu_threads:
        torch.set_num_threads(cpu_threads)
