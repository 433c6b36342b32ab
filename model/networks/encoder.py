"""Window -> the Gaussian q(z|x) of its latent code ([P] section 3.2.1), its samples and its KL to N(0, I)."""

import math

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.lstm import LSTM
from music.tokens import STATES


class Encoder(nn.Module):
    """Bidirectional LSTM layers over the steps; mean and log variance from the last states."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # The sum of an embedding row a track is a linear map of [P]'s one-hot input, without the one-hot.
        self.embedding = nn.EmbeddingBag(len(config.tracks) * STATES, config.hidden_size, mode="sum")
        self.lstm = LSTM(config.hidden_size, config.hidden_size, config.layers, bidirectional=True)
        self.mean = nn.Linear(2 * config.hidden_size, config.latent)
        self.log_variance = nn.Linear(2 * config.hidden_size, config.latent)
        self.first_row: Tensor
        self.register_buffer("first_row", STATES * torch.arange(len(config.tracks)), persistent=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance; tokens: (batch, tracks, steps) uint8 -> (batch, latent) each."""
        batch, tracks, steps = tokens.shape
        rows = tokens.long().transpose(1, 2) + self.first_row  # (batch, steps, tracks)
        x = self.embedding(rows.reshape(-1, tracks)).view(batch, steps, -1)  # (batch, steps, hidden_size)
        _, (hidden, _) = self.lstm(x)  # (2 * layers, batch, hidden_size)
        last = torch.cat([hidden[-2], hidden[-1]], dim=-1)  # (batch, 2 * hidden_size): forwards, backwards
        with torch.autocast(last.device.type, enabled=False):  # codes stay in single precision
            last = last.to(self.mean.weight.dtype)
            return self.mean(last), self.log_variance(last)


def reparametrise(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Returns a sample z of N(mean, exp(log_variance)) as a function of standard normal noise; all (batch, latent).

    [P] equation 10 writes sigma = exp(2 sigma_pre), and its code exp(log_var / 2). A linear layer
    scaled by 4 makes them the same function. This is the second, the usual one, whose gradient is smaller at the start.
    """
    return mean + torch.exp(0.5 * log_variance) * noise


def free_bits_kl(mean: Tensor, log_variance: Tensor, free_bits: float) -> Tensor:
    """Returns the mean over the batch of what KL(q(z|x) || N(0, I)) has above the free bits, in nats; [V] section 2.1.

    mean, log_variance: (batch, latent). The bits are those of a whole code, not of each dimension.
    """
    kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=-1)
    return (kl - free_bits * math.log(2)).clamp(min=0).mean()
