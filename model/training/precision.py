"""The precision of training: in single precision, or mixed, with the LSTMs and the products about them in bfloat16."""

from typing import Literal

import torch

from model.networks.lstm import LSTM
from music.errors import InputError

Precision = Literal["float32", "bfloat16"]


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """A context for forward passes; weights, codes, losses, gradients and optimisers stay in single precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raises `InputError` where the device cannot train an LSTM so.

    Of CPUs those without bfloat16 instructions cannot, and GPUs not without Triton. PyTorch may take float16 where
    another is asked for; in it small gradients vanish.
    """
    if precision == "float32":
        return
    try:
        with autocast(precision, device):
            output, _ = LSTM(8, 8, device=device)(torch.zeros(1, 1, 8, device=device))
        torch.autograd.backward(output.sum())
        if output.dtype != torch.bfloat16:
            raise RuntimeError(f"it takes {output.dtype}")
    except (RuntimeError, ImportError) as error:
        raise InputError(
            f"precision {precision}: no LSTM on this {device.type} has it ({error}); take float32"
        ) from error
