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
    """LSTM layers, given the products with their inputs; the gates are in PyTorch's order: i, f, g, o."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, bias: Tensor, weight: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns the hidden states, (layers, steps, batch, units), and the last cell states in single precision.

        units: the hidden size. inputs: (layers, steps, batch, 4 * units), of any stride over layers and steps; bias:
        (layers, 4 * units); weight: (layers, 4 * units, units); hidden, cell: before the first step, (layers, batch,
        units).
        """
        layers, steps, batch, gates = inputs.shape
        units = gates // 4
        activations = inputs.new_empty(layers, steps, batch, gates)
        hiddens = inputs.new_empty(layers, steps + 1, batch, units)
        cells = inputs.new_empty(layers, steps + 1, batch, units, dtype=torch.float32)
        hiddens[:, 0], cells[:, 0] = hidden, cell
        products = inputs.new_empty(layers, batch, gates)
        for step in range(steps):
            torch.bmm(hiddens[:, step], weight.mT, out=products)
            _forward[_grid(layers, batch * units)](
                inputs[:, step], products, bias, cells[:, step], activations[:, step], cells[:, step + 1],
                hiddens[:, step + 1], inputs.stride(0), activations.stride(0), cells.stride(0), units, batch * units,
                BLOCK,
            )  # fmt: skip
        ctx.save_for_backward(activations, hiddens, cells, weight)
        return hiddens[:, 1:], cells[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Returns the gradients of the five arguments of `forward`."""
        activations, hiddens, cells, weight = ctx.saved_tensors
        layers, steps, batch, _ = activations.shape
        units = hiddens.shape[-1]
        of_hiddens, of_cell = gradients[0].contiguous(), gradients[1].clone()
        of_hidden = torch.zeros_like(hiddens[:, 0], memory_format=torch.contiguous_format)
        for step in reversed(range(steps)):
            _backward[_grid(layers, batch * units)](
                of_hiddens[:, step], of_hidden, of_cell, activations[:, step], cells[:, step], cells[:, step + 1],
                of_hiddens.stride(0), activations.stride(0), cells.stride(0), units, batch * units, BLOCK,
            )  # fmt: skip
            torch.bmm(activations[:, step], weight, out=of_hidden)
        of_gates = activations.flatten(1, 2)  # the kernel has replaced activations by gradients
        of_weight = torch.bmm(of_gates.mT, hiddens[:, :-1].flatten(1, 2))
        return activations, of_gates.sum(dim=1, dtype=torch.float32), of_weight, of_hidden, of_cell


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
    units, cells, block: tl.constexpr,
):  # fmt: skip
    """One step of all layers; strides are those over the layers."""
    layer = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * block + tl.arange(0, block)
    inside = place < cells
    unit = place % units
    gate = 4 * (place - unit) + unit
    inputs += layer * input_stride + gate
    products += layer * 4 * cells + gate
    bias += layer * 4 * units + unit
    activations += layer * gate_stride + gate
    state = layer * state_stride + place

    i = tl.sigmoid(_gate(inputs, products, bias, inside))
    f = tl.sigmoid(_gate(inputs + units, products + units, bias + units, inside))
    g = _tanh(_gate(inputs + 2 * units, products + 2 * units, bias + 2 * units, inside))
    o = tl.sigmoid(_gate(inputs + 3 * units, products + 3 * units, bias + 3 * units, inside))
    cell = f * tl.load(cell_before + state, inside, 0) + i * g
    tl.store(cell_after + state, cell, inside)
    tl.store(hidden_after + state, o * _tanh(cell), inside)
    tl.store(activations, i, inside)
    tl.store(activations + units, f, inside)
    tl.store(activations + 2 * units, g, inside)
    tl.store(activations + 3 * units, o, inside)


@triton.jit
def _backward(
    of_output, of_hidden, of_cell, activations, cell_before, cell_after, output_stride, gate_stride, state_stride,
    units, cells, block: tl.constexpr,
):  # fmt: skip
    """The same step backwards: the gates' gradients take the place of their activations.

    of_output: from what sees the layer, of_hidden, of_cell: from the next step; of_cell becomes that of this one.
    """
    layer = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * block + tl.arange(0, block)
    inside = place < cells
    unit = place % units
    activations += layer * gate_stride + 4 * (place - unit) + unit
    state = layer * state_stride + place
    of_cell += layer * cells + place

    i = tl.load(activations, inside, 0).to(tl.float32)
    f = tl.load(activations + units, inside, 0).to(tl.float32)
    g = tl.load(activations + 2 * units, inside, 0).to(tl.float32)
    o = tl.load(activations + 3 * units, inside, 0).to(tl.float32)
    squashed = _tanh(tl.load(cell_after + state, inside, 0))
    hidden = tl.load(of_output + layer * output_stride + place, inside, 0).to(tl.float32)
    hidden += tl.load(of_hidden + layer * cells + place, inside, 0)
    cell = tl.load(of_cell, inside, 0) + hidden * o * (1 - squashed * squashed)
    tl.store(of_cell, cell * f, inside)
    tl.store(activations, cell * g * i * (1 - i), inside)
    tl.store(activations + units, cell * tl.load(cell_before + state, inside, 0) * f * (1 - f), inside)
    tl.store(activations + 2 * units, cell * i * (1 - g * g), inside)
    tl.store(activations + 3 * units, hidden * squashed * o * (1 - o), inside)
