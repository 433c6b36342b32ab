"""MusAE: encoder, four decoders, critic and prior in one."""

import math

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.critic import Critic
from model.decoder import Decoder
from model.encoder import Encoder
from model.priors import FlowerPrior, GaussianPrior, Prior
from music.tokens import TRACKS

FIRST_VARIANCE = 0.01
"""Of the codes before training, in those units: with more noise the decoders learn to ignore them first."""


class MusAE(nn.Module):
    """The music adversarial autoencoder of [P] section 3.

    Encoder and decoders work in units of the prior's root mean square, so that codes squeezed into the flower's
    narrow petals are no smaller to them than those of the Gaussian prior; the functions they can learn are the same.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoders = nn.ModuleList(Decoder(config) for _ in TRACKS)
        self.critic = Critic(config)
        self.prior: Prior = (
            FlowerPrior(config.latent, config.genres) if config.prior == "flower" else GaussianPrior(config.latent)
        )

        self.apply(_initialise)
        nn.init.constant_(self.encoder.log_variance.bias, math.log(FIRST_VARIANCE))

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens: (batch, 4, steps) uint8 -> mean and log variance of q(z|x), (batch, latent) each."""
        mean, log_variance = self.encoder(tokens)
        return self.prior.scale * mean, 2 * math.log(self.prior.scale) + log_variance

    def decode(self, z: Tensor) -> Tensor:
        """z: (batch, latent) -> logits, (batch, 4, steps, 130)."""
        return torch.stack([decoder(z / self.prior.scale) for decoder in self.decoders], dim=1)

    @torch.no_grad()
    def codes(self, tokens: Tensor) -> Tensor:
        """The mean code of each window; tokens: (batch, 4, steps) -> (batch, latent)."""
        return self.encode(tokens)[0]

    @torch.no_grad()
    def tokens(self, z: Tensor) -> Tensor:
        """The likeliest states of each code; z: (batch, latent) -> (batch, 4, steps) uint8."""
        return self.decode(z).argmax(dim=-1).to(torch.uint8)


def reconstruction_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Cross entropy in nats a step, summed over the four tracks, averaged over windows and steps."""
    losses = nn.functional.cross_entropy(logits.flatten(0, 2), tokens.long().flatten(), reduction="mean")
    return len(TRACKS) * losses


def _initialise(module: nn.Module) -> None:
    """The first weights of Keras, in which [P] was written: Glorot, orthogonal recurrences, forget gates open.

    PyTorch's own leave the decoders at the same states for every code several times as long.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.LSTM):
        for name, weight in module.named_parameters():
            gates = weight.data.chunk(4)  # input, forget, cell, output
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weight)
            elif name.startswith("weight_hh"):
                for gate in gates:
                    nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(weight)
                if name.startswith("bias_ih"):
                    nn.init.ones_(gates[1])
