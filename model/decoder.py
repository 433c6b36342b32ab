"""Latent code -> the states of each track, not autoregressive; [P] section 3.2.2."""

from functools import partial

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.lstm import LSTM
from model.streams import side_by_side
from music.tokens import STATES, STEPS_PER_BAR


class ParallelDecoder(nn.Module):
    """MusAE's: a decoder a track, none of which sees what it or another has written."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tracks = nn.ModuleList(TrackDecoder(config) for _ in config.tracks)
        self.names = config.tracks

    def forward(self, z: Tensor) -> Tensor:
        """z: (batch, latent) -> logits, (batch, tracks, steps, 130)."""
        works = {name: partial(decoder, z) for name, decoder in zip(self.names, self.tracks, strict=True)}
        return torch.stack(side_by_side(works, z.device), dim=1)

    def tokens(self, z: Tensor) -> Tensor:
        """The likeliest states; z: (batch, latent) -> (batch, tracks, steps) uint8."""
        tokens: Tensor = self(z).argmax(dim=-1).to(torch.uint8)
        return tokens


class TrackDecoder(nn.Module):
    """LSTM layers that see z at every step; their first hidden state is one linear map of z [P eq. 11]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps = STEPS_PER_BAR * config.bars
        self.first_state = nn.Linear(config.latent, config.units)
        self.lstm = LSTM(config.latent, config.units, config.layers, batch_first=True)
        self.states = nn.Linear(config.units, STATES)

    def forward(self, z: Tensor) -> Tensor:
        """z: (batch, latent) -> logits, (batch, steps, 130)."""
        hidden = self.first_state(z).expand(self.lstm.num_layers, -1, -1).contiguous()  # (layers, batch, units)
        x = z[:, None].expand(-1, self.steps, -1)  # (batch, steps, latent)
        output, _ = self.lstm(x, (hidden, torch.zeros_like(hidden)))  # (batch, steps, units)
        logits: Tensor = self.states(output)
        return logits
