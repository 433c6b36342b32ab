"""The precision of training: float32, or mixed, with LSTMs, attention and matrix products in bfloat16."""

import torch

from model.config import Precision
from model.networks.lstm import LSTM
from music.errors import InputError


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Returns the context for forward passes; weights, codes, losses and gradients stay in single precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raises `InputError` where the device cannot train an LSTM in this precision.

    A CPU needs bfloat16 instructions, and a GPU needs Triton. Asked for bfloat16, PyTorch may compute in float16, in
    which small gradients vanish.
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
