"""A flow between prior and codes: it carries samples of the prior to codes that music has, and codes back.

A code z1 is a window's mean code with the noise of `noise_floor`, z0 a sample of the prior, and between the two lies
z_t = (1 - t) z0 + t z1. The velocity of a rectified flow (Liu et al., arXiv 2209.03003) at z_t is the expectation of
z1 - z0 there. All of it is Gaussian but the mean code, so it follows from the expected mean code alone, which a network
estimates. Near t = 1 the encoder gives that of the music that the decoder gives. So the network is a copy of the two,
one behind the other, which is told t and the genre, and whose training starts from their weights.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from model.config import ModelConfig
from model.networks.attention import AttentionDecoder, AttentionEncoder
from model.networks.priors import Prior

FREQUENCIES, HIGHEST_FREQUENCY = 32, 150.0
"""The number of sines and cosines that tell the network the time, and the last one's frequency; the first's is 1."""
INTERVALS = 8
"""The intervals of the way from prior to codes; the velocity is evaluated twice in each."""


class Flow(nn.Module):
    """The flow of one model. Inside, codes are in standard deviations of the prior."""

    def __init__(self, config: ModelConfig, encoder: AttentionEncoder, decoder: AttentionDecoder, prior: Prior) -> None:
        """Copies the two networks of the model."""
        super().__init__()
        size = config.hidden_size
        self.noise_floor, self.scale = config.noise_floor, prior.scale
        self.decoder, self.encoder = deepcopy(decoder), deepcopy(encoder)
        self.time = nn.Linear(2 * FREQUENCIES, size)
        self.genre = nn.Embedding(config.genres + 1, size)
        blocks = [*self.decoder.blocks, *self.encoder.blocks]
        self.scales_and_shifts = nn.ModuleList(nn.Linear(size, 2 * size, bias=False) for _ in blocks)
        self.past_states = nn.Linear(size, config.latent // config.places, bias=False)
        self.past_all = nn.Linear(size, 1, bias=False)
        for added in (*self.scales_and_shifts, self.past_states, self.past_all):
            nn.init.zeros_(added.weight)
        self.frequencies: Tensor
        self.mean: Tensor
        self.deviation: Tensor
        frequencies = torch.logspace(0, 1, FREQUENCIES, base=HIGHEST_FREQUENCY)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.register_buffer("mean", prior.mean(), persistent=False)
        self.register_buffer("deviation", prior.variance().sqrt(), persistent=False)

    @torch.no_grad()
    def to_codes(self, z: Tensor, genre: Tensor, guidance: float = 1.0) -> Tensor:
        """Carries samples of the prior to codes, which bear noise.

        Guidance (Ho and Salimans, arXiv 2207.12598) is the weight of what the genre changes in the expected mean code:
        1 is the genre as the flow has learnt it, 0 no genre, and more than 1 more of the genre than its music has.
        z: (batch, latent), genre: (batch,) 0 to genres, the last meaning that it is not known -> (batch, latent).
        """
        return self.carry(z, genre, 0.0, 1.0, guidance)

    @torch.no_grad()
    def to_prior(self, z: Tensor, genre: Tensor) -> Tensor:
        """Carries codes, with the noise that they bear, to samples of the prior: the inverse of `to_codes`."""
        return self.carry(z, genre, 1.0, 0.0)

    def carry(self, z: Tensor, genre: Tensor, start: float, end: float, guidance: float = 1.0) -> Tensor:
        """Follows the velocity from one time to another, by the midpoint method; the arguments are as in `to_codes`."""
        step = (end - start) / INTERVALS
        z = self.standardised(z)
        for interval in range(INTERVALS):
            time = start + interval * step
            middle = z + step / 2 * self._velocity(z, time, genre, guidance)
            z = z + step * self._velocity(middle, time + step / 2, genre, guidance)
        return self.mean + z * self.deviation

    def standardised(self, z: Tensor) -> Tensor:
        """Returns codes in standard deviations of the prior, from its mean; (batch, latent) -> (batch, latent)."""
        return (z - self.mean) / self.deviation

    def _velocity(self, z: Tensor, time: float, genre: Tensor, guidance: float) -> Tensor:
        """Returns the expectation of z1 - z0 at z_t, (batch, latent).

        What is left of z_t without t times the mean code is t times the noise and 1 - t times z0; each of the two has
        its share by its variance. This takes the prior as one Gaussian, which the two dimensions of the flower's plane
        are not.
        """
        mean = self._guided_mean(z, z.new_full((len(z),), time), genre, guidance)
        noise, prior = time * self.noise_floor**2, 1 - time
        return mean + (noise - prior) / (time * noise + prior**2) * (z - time * mean)

    def _guided_mean(self, z: Tensor, time: Tensor, genre: Tensor, guidance: float) -> Tensor:
        """Returns the expected mean code at z_t with guidance as in `to_codes`, and the shapes of `estimate`."""
        mean, _ = self.estimate(z, time, genre)
        if guidance == 1:
            return mean
        without, _ = self.estimate(z, time, torch.full_like(genre, self.genre.num_embeddings - 1))
        return torch.lerp(without, mean, guidance)

    def estimate(self, z: Tensor, time: Tensor, genre: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the expected mean code at z_t, (batch, latent), and logits of the window's states.

        z: (batch, latent) and what is returned in standard deviations; time: (batch,), genre: as in `to_codes`.
        """
        angles = time[:, None] * self.frequencies
        told = silu(self.time(torch.cat([angles.sin(), angles.cos()], dim=-1)) + self.genre(genre))  # (batch, size)
        size = (time.square() + (1 - time).square()).sqrt()[:, None]  # about the standard deviation of z_t
        code = (self.mean + z / size * self.deviation) / self.scale
        places = self._through(self.decoder, self.decoder.first_vectors(code), told)
        logits = self.decoder.logits(places)
        states = self.encoder.expected_embeddings(logits.softmax(dim=-1))
        mean, _ = self.encoder.posterior(self._through(self.encoder, self.encoder.first_vectors(states), told))
        expected = self.standardised(self.scale * mean.flatten(1))
        past_states = self.past_states(places).flatten(1).to(z.dtype)
        return expected + past_states + self.past_all(told).to(z.dtype) * z, logits

    def _through(self, network: AttentionDecoder | AttentionEncoder, x: Tensor, told: Tensor) -> Tensor:
        """Returns the places' vectors after all blocks; each block is told by a scale and a shift of what it gets.

        x: (batch, places, hidden_size), told: (batch, hidden_size) -> the shape of x.
        """
        first = 0 if network is self.decoder else len(self.decoder.blocks)
        for number, block in enumerate(network.blocks, first):
            scale, shift = self.scales_and_shifts[number](told)[:, None].chunk(2, dim=-1)
            x = block(x * (1 + scale) + shift)
        vectors: Tensor = network.norm(x)
        return vectors
