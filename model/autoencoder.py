"""Encoder, decoder, critic and prior in one module: MusAE, its ablations, and MusicVAE for comparison."""

import math

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.attention import AttentionDecoder, AttentionEncoder
from model.networks.critic import Critic
from model.networks.music_vae import AutoregressiveDecoder, FlatDecoder, HierarchicalDecoder, ScheduledSampling
from model.networks.priors import FlowerPrior, GaussianPrior, Prior
from model.networks.recurrent import RecurrentDecoder, RecurrentEncoder


class Autoencoder(nn.Module):
    """The music adversarial autoencoder of [P] section 3; other networks and regularisers make the models beside it.

    Whatever the network, its encoder turns tokens into the mean and log variance of a Gaussian over codes, and its
    decoder a code into logits of the states. Both see codes divided by the prior's root mean square, so that codes in
    the flower's narrow petals are no smaller to them than those of the Gaussian prior; the functions they can learn are
    the same. Its first weights mean nothing: they are loaded, or `model.training.first_weights` sets them.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = AttentionEncoder(config) if config.network == "attention" else RecurrentEncoder(config)
        self.decoder = _decoder(config)
        self.critic = Critic(config) if config.regulariser.startswith("wgan_gp") else None
        self.prior: Prior = (
            FlowerPrior(config.latent, config.genres) if config.prior == "flower" else GaussianPrior(config.latent)
        )
        self.prior_mean: Tensor
        self.prior_variance: Tensor
        self.register_buffer("prior_mean", self.prior.mean(), persistent=False)
        self.register_buffer("prior_variance", self.prior.variance(), persistent=False)

    @property
    def autoregressive(self) -> bool:
        """Whether the decoder is fed the states of earlier steps."""
        return isinstance(self.decoder, AutoregressiveDecoder)

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance of q(z|x); tokens: (batch, tracks, steps) uint8 -> (batch, latent) each.

        The variance of `noise_floor` is added to the encoder's own.
        """
        mean, log_variance = self.encoder(tokens)
        log_variance = 2 * math.log(self.prior.scale) + log_variance
        if self.config.noise_floor:
            log_variance = torch.logaddexp(log_variance, (self.config.noise_floor**2 * self.prior_variance).log())
        return self.prior.scale * mean, log_variance

    def decode(self, z: Tensor, tokens: Tensor, sampling: ScheduledSampling | None = None) -> Tensor:
        """Returns the logits of the states, (batch, tracks, steps, 130), in z's precision; z: (batch, latent).

        An autoregressive decoder is fed `tokens`, (batch, tracks, steps), or with `sampling` some states of its own.
        """
        code = z / self.prior.scale
        logits: Tensor = self.decoder(code, tokens, sampling) if self.autoregressive else self.decoder(code)
        return logits.to(z.dtype)

    @torch.no_grad()
    def codes(self, tokens: Tensor) -> Tensor:
        """Returns the mean code of each window; tokens: (batch, tracks, steps) -> (batch, latent)."""
        return self.encode(tokens)[0]

    @torch.no_grad()
    def tokens(self, z: Tensor) -> Tensor:
        """Returns the likeliest states of each code; z: (batch, latent) -> (batch, tracks, steps) uint8.

        An autoregressive decoder is fed its own states.
        """
        code = z / self.prior.scale
        if isinstance(self.decoder, AutoregressiveDecoder):
            return self.decoder.tokens(code)
        likeliest: Tensor = self.decoder(code).argmax(dim=-1)
        return likeliest.to(torch.uint8)


def _decoder(config: ModelConfig) -> AttentionDecoder | RecurrentDecoder | AutoregressiveDecoder:
    if config.network == "attention":
        return AttentionDecoder(config)
    if config.network == "flat":
        return FlatDecoder(config)
    if config.network == "hierarchical":
        return HierarchicalDecoder(config)
    return RecurrentDecoder(config)


def reconstruction_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Returns the cross entropy in nats, summed over the tracks, averaged over windows and steps.

    logits: (batch, tracks, steps, 130), tokens: (batch, tracks, steps).
    """
    losses = nn.functional.cross_entropy(logits.flatten(0, 2), tokens.long().flatten(), reduction="mean")
    return tokens.shape[1] * losses
