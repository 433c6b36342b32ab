"""Latent code -> the states of each track, not autoregressive; [P] section 3.2.2."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.lstm import LSTM, unroll
from music.tokens import STATES, STEPS_PER_BAR


class ParallelDecoder(nn.Module):
    """MusAE's decoders, one for each track; none sees any states that have been predicted."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps = STEPS_PER_BAR * config.bars
        self.tracks = nn.ModuleList(TrackDecoder(config) for _ in config.tracks)

    def forward(self, z: Tensor) -> Tensor:
        """Returns the logits of the states; z: (batch, latent) -> (batch, tracks, steps, 130)."""
        tracks = cast("Sequence[TrackDecoder]", self.tracks)
        first = [track.first_state(z) for track in tracks]  # (batch, hidden_size) each
        outputs = unroll([track.lstm for track in tracks], z, first, self.steps)
        return torch.stack([track.states(output) for track, output in zip(tracks, outputs, strict=True)], dim=1)

    def tokens(self, z: Tensor) -> Tensor:
        """Returns the likeliest states; z: (batch, latent) -> (batch, tracks, steps) uint8."""
        tokens: Tensor = self(z).argmax(dim=-1).to(torch.uint8)
        return tokens


class TrackDecoder(nn.Module):
    """LSTM layers that see z at every step; their first hidden state is a linear map of z, [P] equation 11."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.first_state = nn.Linear(config.latent, config.hidden_size)
        self.lstm = LSTM(config.latent, config.hidden_size, config.layers)
        self.states = nn.Linear(config.hidden_size, STATES)
