"""The recurrences of several LSTM layers of one shape at once, in mixed precision on a GPU.

The matrix products of one decoder's step leave most of a large GPU idle, and those of four decoders together, or of an
encoder's two directions, take little longer. cuBLAS computes them; the LSTM cells between them are the two kernels
below. They need Triton, which comes with PyTorch for CUDA; tests interpret them without a GPU.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024
"""LSTM cells that one program of a kernel computes."""


class Recurrence(torch.autograd.Function):
    """LSTM layers, given the products with their inputs; the gates are in PyTorch's order: i, f, g, o.

    A name with d_ is the gradient of the loss by what follows.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, bias: Tensor, weight: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns the hidden states, (layers, steps, batch, size), and the last cell states in single precision.

        size is the hidden size. inputs: (layers, steps, batch, 4 * size), of any stride over layers and steps; bias:
        (layers, 4 * size); weight: (layers, 4 * size, size); hidden, cell: before the first step, (layers, batch,
        size).
        """
        layers, steps, batch, gates = inputs.shape
        size = gates // 4
        activations = inputs.new_empty(layers, steps, batch, gates)
        hiddens = inputs.new_empty(layers, steps + 1, batch, size)
        cells = inputs.new_empty(layers, steps + 1, batch, size, dtype=torch.float32)
        hiddens[:, 0], cells[:, 0] = hidden, cell
        products = inputs.new_empty(layers, batch, gates)
        for step in range(steps):
            torch.bmm(hiddens[:, step], weight.mT, out=products)
            _forward[_grid(layers, batch * size)](
                inputs[:, step], products, bias, cells[:, step], activations[:, step], cells[:, step + 1],
                hiddens[:, step + 1], inputs.stride(0), activations.stride(0), cells.stride(0), size, batch * size,
                BLOCK,
            )  # fmt: skip
        ctx.save_for_backward(activations, hiddens, cells, weight)
        return hiddens[:, 1:], cells[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Returns the gradients of the five arguments of `forward`."""
        activations, hiddens, cells, weight = ctx.saved_tensors
        layers, steps, batch, _ = activations.shape
        size = hiddens.shape[-1]
        d_hiddens, d_cell = gradients[0].contiguous(), gradients[1].clone()
        d_hidden = torch.zeros_like(hiddens[:, 0], memory_format=torch.contiguous_format)
        for step in reversed(range(steps)):
            _backward[_grid(layers, batch * size)](
                d_hiddens[:, step], d_hidden, d_cell, activations[:, step], cells[:, step], cells[:, step + 1],
                d_hiddens.stride(0), activations.stride(0), cells.stride(0), size, batch * size, BLOCK,
            )  # fmt: skip
            torch.bmm(activations[:, step], weight, out=d_hidden)
        d_gates = activations.flatten(1, 2)  # the kernel has replaced activations by gradients
        d_weight = torch.bmm(d_gates.mT, hiddens[:, :-1].flatten(1, 2))
        return activations, d_gates.sum(dim=1, dtype=torch.float32), d_weight, d_hidden, d_cell


def _grid(layers: int, cells: int) -> tuple[int, int]:
    return triton.cdiv(cells, BLOCK), layers


@triton.jit
def _tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def _gate(inputs, products, bias, inside):
    return tl.load(inputs, inside, 0).to(tl.float32) + tl.load(products, inside, 0) + tl.load(bias, inside, 0)


@triton.jit
def _forward(
    inputs, products, bias, cell_before, activations, cell_after, hidden_after, input_stride, gate_stride, state_stride,
    size, cells, block: tl.constexpr,
):  # fmt: skip
    """Computes one step of all layers; the strides are those over the layers."""
    layer = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * block + tl.arange(0, block)
    inside = place < cells
    unit = place % size
    gate = 4 * (place - unit) + unit
    inputs += layer * input_stride + gate
    products += layer * 4 * cells + gate
    bias += layer * 4 * size + unit
    activations += layer * gate_stride + gate
    state = layer * state_stride + place

    i = tl.sigmoid(_gate(inputs, products, bias, inside))
    f = tl.sigmoid(_gate(inputs + size, products + size, bias + size, inside))
    g = _tanh(_gate(inputs + 2 * size, products + 2 * size, bias + 2 * size, inside))
    o = tl.sigmoid(_gate(inputs + 3 * size, products + 3 * size, bias + 3 * size, inside))
    cell = f * tl.load(cell_before + state, inside, 0) + i * g
    tl.store(cell_after + state, cell, inside)
    tl.store(hidden_after + state, o * _tanh(cell), inside)
    tl.store(activations, i, inside)
    tl.store(activations + size, f, inside)
    tl.store(activations + 2 * size, g, inside)
    tl.store(activations + 3 * size, o, inside)


@triton.jit
def _backward(
    d_output, d_hidden, d_cell, activations, cell_before, cell_after, output_stride, gate_stride, state_stride,
    size, cells, block: tl.constexpr,
):  # fmt: skip
    """Computes the gradients of one step of all layers; those of the gates replace the gates' activations.

    d_output: from what sees the layer, d_hidden, d_cell: from the next step; d_cell becomes that of this one.
    """
    layer = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * block + tl.arange(0, block)
    inside = place < cells
    unit = place % size
    activations += layer * gate_stride + 4 * (place - unit) + unit
    state = layer * state_stride + place
    d_cell += layer * cells + place

    i = tl.load(activations, inside, 0).to(tl.float32)
    f = tl.load(activations + size, inside, 0).to(tl.float32)
    g = tl.load(activations + 2 * size, inside, 0).to(tl.float32)
    o = tl.load(activations + 3 * size, inside, 0).to(tl.float32)
    squashed = _tanh(tl.load(cell_after + state, inside, 0))
    hidden = tl.load(d_output + layer * output_stride + place, inside, 0).to(tl.float32)
    hidden += tl.load(d_hidden + layer * cells + place, inside, 0)
    cell = tl.load(d_cell, inside, 0) + hidden * o * (1 - squashed * squashed)
    tl.store(d_cell, cell * f, inside)
    tl.store(activations, cell * g * i * (1 - i), inside)
    tl.store(activations + size, cell * tl.load(cell_before + state, inside, 0) * f * (1 - f), inside)
    tl.store(activations + 2 * size, cell * i * (1 - g * g), inside)
    tl.store(activations + 3 * size, hidden * squashed * o * (1 - o), inside)
