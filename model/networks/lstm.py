"""LSTMs that run as PyTorch's own or, on a GPU in mixed precision, with the kernels of `lstm_kernels`.

In mixed precision on a GPU, PyTorch's own LSTM would compute in float16.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]
"""Hidden and cell states, (layers * directions, batch, hidden_size) each."""

LayerWeights = Sequence[Tensor]
"""A layer's weights in one direction in PyTorch's order: input matrix, hidden matrix, and a bias for each."""


class LSTM(nn.LSTM):
    """`torch.nn.LSTM` with the batch first, with biases, and with neither dropout nor projections."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        bidirectional: bool = False,
        device: torch.device | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, layers, batch_first=True, bidirectional=bidirectional, device=device)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """Returns the outputs, (batch, steps, directions * hidden_size), and the last state.

        x: (batch, steps, input_size); state: the first state, zeros if it is None.
        """
        if not _mixed_on_gpu(x):
            output, last = super().forward(x, state)
            return output, last
        directions = 2 if self.bidirectional else 1
        if state is None:
            zeros = x.new_zeros(self.num_layers * directions, len(x), self.hidden_size)
            state = zeros, zeros
        weights: Sequence[LayerWeights] = self.all_weights
        x, last_states = x.transpose(0, 1), []
        for first in range(0, len(weights), directions):
            rows = slice(first, first + directions)
            by_direction = torch.stack([x, x.flip(0)]) if self.bidirectional else x[None]
            hiddens, cell = _layers(by_direction, weights[rows], state[0][rows], state[1][rows], steps=len(x))
            x = torch.cat([hiddens[0], hiddens[1].flip(0)], dim=-1) if self.bidirectional else hiddens[0]
            last_states.append((hiddens[:, -1], cell))
        hidden, cell = (torch.cat(parts) for parts in zip(*last_states, strict=True))
        return x.transpose(0, 1), (hidden, cell)


def unroll(lstms: Sequence[LSTM], x: Tensor, hidden: Sequence[Tensor], steps: int) -> list[Tensor]:
    """Returns each LSTM's outputs, (batch, steps, hidden_size), where all see the same input at every step.

    The LSTMs have one shape and one direction. x: (batch, input_size); hidden: the first hidden state of
    all layers of each LSTM, (batch, hidden_size). The cell states start at zero.
    """
    if not _mixed_on_gpu(x):
        sequence = x[:, None].expand(-1, steps, -1)
        states = [first.expand(lstm.num_layers, -1, -1).contiguous() for lstm, first in zip(lstms, hidden, strict=True)]
        return [lstm(sequence, (state, torch.zeros_like(state)))[0] for lstm, state in zip(lstms, states, strict=True)]
    first, layers = torch.stack(list(hidden)), zip(*(lstm.all_weights for lstm in lstms), strict=True)
    together = x.expand(len(lstms), 1, -1, -1)
    for weights in layers:
        together, _ = _layers(together, weights, first, torch.zeros_like(first), steps)
    return list(together.transpose(1, 2))


def _mixed_on_gpu(x: Tensor) -> bool:
    return x.is_cuda and torch.is_autocast_enabled("cuda")


def _layers(
    x: Tensor, weights: Sequence[LayerWeights], hidden: Tensor, cell: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Runs layers that do not see each other.

    x: (layers, steps, batch, input_size), or one step that stands for all; hidden, cell: (layers, batch, hidden_size).
    Returns the hidden states, (layers, steps, batch, hidden_size), and the last cell states.
    """
    from model.networks.lstm_kernels import Recurrence  # Triton comes with PyTorch for CUDA alone

    precision = torch.get_autocast_dtype("cuda")
    by_input, by_hidden, *biases = zip(*weights, strict=True)
    with torch.autocast("cuda", enabled=False):
        matrices = torch.stack([weight.to(precision) for weight in by_input])
        products = torch.bmm(x.to(precision).flatten(1, 2), matrices.mT).view(*x.shape[:3], -1)
        hiddens, cell = Recurrence.apply(  # type: ignore[no-untyped-call]
            products.expand(-1, steps, -1, -1),
            torch.stack(biases[0]) + torch.stack(biases[1]),
            torch.stack([weight.to(precision) for weight in by_hidden]),
            hidden.to(precision),
            cell.float(),
        )
    return hiddens, cell
