"""PyTorch's LSTM, with mixed precision on CUDA too."""

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]
"""Hidden and cell, (layers * directions, batch, units) each."""


class LSTM(nn.LSTM):
    """Under autocast on CUDA, cuDNN's LSTM in the precision asked for: PyTorch's would be in float16 whatever it is.

    cuDNN has it in bfloat16 since 9.13. Arguments are those of `torch.nn.LSTM`, its batches first.
    """

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """x: (batch, steps, input), state: zeros if none -> (batch, steps, directions * units), last state."""
        if not (x.is_cuda and torch.is_autocast_enabled("cuda")):
            output, last = super().forward(x, state)
            return output, last
        precision = torch.get_autocast_dtype("cuda")
        if state is None:
            rows = self.num_layers * (2 if self.bidirectional else 1)
            zeros = x.new_zeros(rows, len(x), self.hidden_size)
            state = zeros, zeros
        with torch.autocast("cuda", enabled=False):
            output, hidden, cell = torch.lstm(
                x.to(precision), [part.to(precision) for part in state], self._weights_in(precision), self.bias,
                self.num_layers, self.dropout, self.training, self.bidirectional, self.batch_first,
            )  # fmt: skip
        return output, (hidden, cell)

    def _weights_in(self, precision: torch.dtype) -> list[Tensor]:
        """The weights in the order of `torch.lstm`, and in memory as cuDNN wants them: matrices first, biases last."""
        layers = self.all_weights  # four a layer and direction: two matrices, two biases
        packed = [weight for layer in layers for weight in layer[:2]] + [bias for layer in layers for bias in layer[2:]]
        flat = torch.cat([weight.flatten().to(precision) for weight in packed])
        parts = torch.split(flat, [weight.numel() for weight in packed])
        views = [part.view_as(weight) for part, weight in zip(parts, packed, strict=True)]
        pairs = [views[place : place + 2] for place in range(0, len(views), 2)]
        return [
            view
            for matrices, biases in zip(pairs[: len(layers)], pairs[len(layers) :], strict=True)
            for view in (*matrices, *biases)
        ]
