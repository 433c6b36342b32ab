"""Encoder, decoder, critic and prior in one module: MusAE, its ablations, and MusicVAE for comparison."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.attention import AttentionDecoder, AttentionEncoder, Block
from model.networks.critic import Critic
from model.networks.music_vae import AutoregressiveDecoder, FlatDecoder, HierarchicalDecoder, ScheduledSampling
from model.networks.priors import FlowerPrior, GaussianPrior, Prior
from model.networks.recurrent import RecurrentDecoder, RecurrentEncoder

FIRST_VARIANCE = 0.01
"""Variance of the codes before training, as a share of the prior's mean square.

With more noise the decoders first learn to ignore the codes.
"""


class Autoencoder(nn.Module):
    """The music adversarial autoencoder of [P] section 3; other networks and regularisers make the models beside it.

    Whatever the network, its encoder turns tokens into the mean and log variance of a Gaussian over codes, and its
    decoder a code into logits of the states. Both see codes divided by the prior's root mean square, so that codes in
    the flower's narrow petals are no smaller to them than those of the Gaussian prior; the functions they can learn are
    the same.
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
        self.apply(_initialise)
        nn.init.constant_(self.encoder.posterior.log_variance.bias, math.log(FIRST_VARIANCE))

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


def _initialise(module: nn.Module) -> None:
    """Sets the weights as Keras does, in which [P] was written: Glorot, orthogonal recurrences, open forget gates.

    With PyTorch's own initial weights, decoders take several times as long before their states depend on the codes.
    In the attention network blocks add nothing at first, the noise is the same for all windows, and the weights of the
    logits are large, without which rare states are learnt late. Modules come after those inside them.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, Block):
        nn.init.zeros_(module.mix_heads.weight)
        nn.init.zeros_(module.narrow.weight)
    elif isinstance(module, AttentionEncoder):
        nn.init.zeros_(module.posterior.log_variance.weight)
    elif isinstance(module, AttentionDecoder):
        for logits in cast("Sequence[nn.Linear]", module.states):
            nn.init.normal_(logits.weight, std=0.35)
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
