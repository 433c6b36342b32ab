"""The recurrent network of [P], section 3.2: LSTMs over the steps from a window to its code, and back.

MusicVAE's decoders (`music_vae`) share its encoder.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.lstm import LSTM, unroll
from model.networks.posterior import Posterior
from music.tokens import STATES, STEPS_PER_BAR


class RecurrentEncoder(nn.Module):
    """Bidirectional LSTM layers over the steps; mean and log variance from the last states."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # The sum of an embedding row a track is a linear map of [P]'s one-hot input, without the one-hot.
        self.embedding = nn.EmbeddingBag(len(config.tracks) * STATES, config.hidden_size, mode="sum")
        self.lstm = LSTM(config.hidden_size, config.hidden_size, config.layers, bidirectional=True)
        self.posterior = Posterior(2 * config.hidden_size, config.latent)
        self.first_row: Tensor
        self.register_buffer("first_row", STATES * torch.arange(len(config.tracks)), persistent=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance; tokens: (batch, tracks, steps) uint8 -> (batch, latent) each."""
        batch, tracks, steps = tokens.shape
        rows = tokens.long().transpose(1, 2) + self.first_row  # (batch, steps, tracks)
        x = self.embedding(rows.reshape(-1, tracks)).view(batch, steps, -1)  # (batch, steps, hidden_size)
        _, (hidden, _) = self.lstm(x)  # (2 * layers, batch, hidden_size)
        last = torch.cat([hidden[-2], hidden[-1]], dim=-1)  # (batch, 2 * hidden_size): forwards, backwards
        mean, log_variance = self.posterior(last)
        return mean, log_variance


class RecurrentDecoder(nn.Module):
    """A decoder for each track; none sees any states that have been predicted."""

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


class TrackDecoder(nn.Module):
    """LSTM layers that see z at every step; their first hidden state is a linear map of z, [P] equation 11."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.first_state = nn.Linear(config.latent, config.hidden_size)
        self.lstm = LSTM(config.latent, config.hidden_size, config.layers)
        self.states = nn.Linear(config.hidden_size, STATES)
