"""A flow between prior and codes: it carries samples of the prior to codes that music has, and codes back.

A code z1 is a window's mean code with the noise of `noise_floor`, z0 a sample of the prior, and between the two lies
z_t = (1 - t) z0 + t z1. The velocity of a rectified flow (Liu et al., arXiv 2209.03003) at z_t is the expectation of
z1 - z0 there. All of it is Gaussian but the mean code, so it follows from the expected mean code alone, which a network
estimates. Near t = 1, decoding z_t and encoding the result already gives it. So the network is a copy of decoder and
encoder, one behind the other, which is told t and the genre, and whose training starts from their weights.

The flow carries one place after the other, each knowing the codes of all places before it, as in Block Diffusion
(Arriola et al., arXiv 2503.09573): to go on from music that is there is easier to learn than to make all of it at once.
"""

from copy import deepcopy
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

from model.config import ModelConfig
from model.networks.attention import AttentionDecoder, AttentionEncoder, Block
from model.networks.priors import Prior

FREQUENCIES, HIGHEST_FREQUENCY = 32, 150.0
"""The number of sines and cosines that tell the network the time, and the last one's frequency; the first's is 1."""
INTERVALS = 8
"""The intervals of the way from prior to codes; the velocity is evaluated twice in each."""

Memory: TypeAlias = list[tuple[Tensor, Tensor]]
"""Of each block the keys and values of the first places, whose codes are known: (batch, heads, places, head size)."""


class Flow(nn.Module):
    """The flow of one model. Inside it, codes are in standard deviations of the prior, (batch, places, share)."""

    def __init__(self, config: ModelConfig, encoder: AttentionEncoder, decoder: AttentionDecoder, prior: Prior) -> None:
        """Copies the two networks of the model."""
        super().__init__()
        size, self.places = config.hidden_size, config.places
        self.noise_floor, self.scale = config.noise_floor, prior.scale
        self.decoder, self.encoder = deepcopy(decoder), deepcopy(encoder)
        self.time = nn.Linear(2 * FREQUENCIES, size)
        self.genre = nn.Embedding(config.genres + 1, size)
        blocks = [*self.decoder.blocks, *self.encoder.blocks]
        self.scales_and_shifts = nn.ModuleList(nn.Linear(size, 2 * size, bias=False) for _ in blocks)
        self.skip_states = nn.Linear(size, config.latent // config.places, bias=False)
        self.skip_input = nn.Linear(size, 1, bias=False)
        for added in (*self.scales_and_shifts, self.skip_states, self.skip_input):
            nn.init.zeros_(added.weight)
        self.frequencies: Tensor
        self.mean: Tensor
        self.deviation: Tensor
        frequencies = torch.logspace(0, 1, FREQUENCIES, base=HIGHEST_FREQUENCY)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.register_buffer("mean", prior.mean().view(self.places, -1), persistent=False)
        self.register_buffer("deviation", prior.variance().sqrt().view(self.places, -1), persistent=False)

    @torch.no_grad()
    def to_codes(self, z: Tensor, genre: Tensor, guidance: float = 1.0) -> Tensor:
        """Carries samples of the prior to codes, which bear noise.

        Guidance (Ho and Salimans, arXiv 2207.12598) is the weight of what the genre changes in the expected mean code:
        1 is the genre as the flow has learnt it, 0 no genre, and more than 1 more of the genre than its music has.
        z: (batch, latent), genre: (batch,) 0 to genres, the last meaning that it is not known -> (batch, latent).
        """
        codes: list[Tensor] = []
        memory = None
        for place in torch.split(self.standardised(z), 1, dim=1):
            codes.append(self._carry(place, genre, memory, (0.0, 1.0), guidance))
            memory = self.remember(codes[-1], memory)
        return self._latent(torch.cat(codes, dim=1))

    @torch.no_grad()
    def to_prior(self, z: Tensor, genre: Tensor) -> Tensor:
        """Carries codes, with the noise that they bear, to samples of the prior: the inverse of `to_codes`."""
        codes = self.standardised(z)
        return self._latent(self._carry(codes, genre, self.remember(codes[:, :-1]), (1.0, 0.0), guidance=1))

    def standardised(self, z: Tensor) -> Tensor:
        """Returns codes by place, in standard deviations of the prior; (batch, latent) -> (batch, places, share)."""
        return (z.view(len(z), self.places, -1) - self.mean) / self.deviation

    def _latent(self, z: Tensor) -> Tensor:
        """Undoes `standardised`."""
        return (self.mean + z * self.deviation).flatten(1)

    def _carry(
        self, z: Tensor, genre: Tensor, memory: Memory | None, ends: tuple[float, float], guidance: float
    ) -> Tensor:
        """Follows the velocity from one time to another, by the midpoint method; the arguments are as in `estimate`."""
        start, end = ends
        step = (end - start) / INTERVALS
        for interval in range(INTERVALS):
            time = start + interval * step
            middle = z + step / 2 * self._velocity(z, time, genre, memory, guidance)
            z = z + step * self._velocity(middle, time + step / 2, genre, memory, guidance)
        return z

    def _velocity(self, z: Tensor, time: float, genre: Tensor, memory: Memory | None, guidance: float) -> Tensor:
        """Returns the expectation of z1 - z0 at z_t, in the shape of z.

        What is left of z_t without t times the mean code is t times the noise and 1 - t times z0; each of the two has
        its share by its variance. This takes the prior as one Gaussian, which the two dimensions of the flower's plane
        are not.
        """
        times = z.new_full(z.shape[:2], time)
        mean, _ = self.estimate(z, times, genre, memory)
        if guidance != 1:
            without, _ = self.estimate(z, times, torch.full_like(genre, self.genre.num_embeddings - 1), memory)
            mean = torch.lerp(without, mean, guidance)
        noise, prior = time * self.noise_floor**2, 1 - time
        return mean + (noise - prior) / (time * noise + prior**2) * (z - time * mean)

    def estimate(self, z: Tensor, time: Tensor, genre: Tensor, memory: Memory | None) -> tuple[Tensor, Tensor]:
        """Returns the expected mean codes at z_t, in the shape of z, and logits of the states of its places.

        z: (batch, places, share), the last of them the place after those of the memory (None: the first of all), each
        of which knows the codes of the places before it; time: (batch, places), genre: as in `to_codes`.
        """
        known, count = _places(memory), z.shape[1]
        places = torch.arange(known + 1 - count, known + 1, device=z.device)
        before = torch.arange(known, device=z.device) < places[:, None]
        itself = torch.eye(count, dtype=torch.bool, device=z.device)
        run = _Run(self._told(time, genre), torch.cat([before, itself], dim=1), memory)
        return self._run(z, time, places, run)

    def remember(self, codes: Tensor, memory: Memory | None = None) -> Memory:
        """Returns the memory of the places of `memory` (None: of none) and of those that follow, with these codes.

        codes: (batch, places, share). The memory is the same for all genres.
        """
        known = _places(memory)
        places = torch.arange(known, known + codes.shape[1], device=codes.device)
        not_after = torch.arange(known + codes.shape[1], device=codes.device) <= places[:, None]
        last = codes.new_ones(codes.shape[:2])
        unknown = torch.full((len(codes),), self.genre.num_embeddings - 1, device=codes.device)
        run = _Run(self._told(last, unknown), not_after, memory)
        self._run(codes, last, places, run)
        return run.seen

    def _told(self, time: Tensor, genre: Tensor) -> Tensor:
        """Returns what each place is told; time: (batch, places), genre: (batch,) -> (batch, places, hidden_size)."""
        angles = time[..., None] * self.frequencies
        return silu(self.time(torch.cat([angles.sin(), angles.cos()], dim=-1)) + self.genre(genre)[:, None])

    def _run(self, z: Tensor, time: Tensor, places: Tensor, run: "_Run") -> tuple[Tensor, Tensor]:
        """Returns what `estimate` does, of the places with these numbers; z, time: as there."""
        spread = (time.square() + (1 - time).square()).sqrt()[..., None]  # about the standard deviation of z_t
        center, deviation = self.mean[places], self.deviation[places]
        x = self.decoder.from_code((center + z / spread * deviation) / self.scale) + self.decoder.positions[places]
        for block, told in zip(self.decoder.blocks, self.scales_and_shifts, strict=False):
            x = run.through(block, told, x)
        vectors = self.decoder.norm(x)
        logits = self.decoder.logits(vectors)
        states = self.encoder.expected_embeddings(logits.softmax(dim=-1))
        x = self.encoder.first_vectors(states, self.encoder.positions[places])
        for block, told in zip(self.encoder.blocks, self.scales_and_shifts[len(self.decoder.blocks) :], strict=True):
            x = run.through(block, told, x)
        mean, _ = self.encoder.posterior(self.encoder.norm(x))
        expected = (self.scale * mean - center) / deviation
        skip_states, skip_input = self.skip_states(vectors).to(z.dtype), self.skip_input(run.told).to(z.dtype)
        return expected + skip_states + skip_input * z, logits


class _Run:
    """A run of the network over some places: what its blocks are told and attend to, and the memory that it leaves."""

    def __init__(self, told: Tensor, sees: Tensor, memory: Memory | None) -> None:
        """Prepares a run: told: (batch, places, hidden_size), sees: (places, places of the memory and these)."""
        self.told, self.sees, self.memory = told, sees, memory
        self.seen: Memory = []
        """The memory with these places added, block by block."""

    def through(self, block: nn.Module, scale_and_shift: nn.Module, x: Tensor) -> Tensor:
        """Returns the places' vectors after the next block; each is told by a scale and a shift of what it gets."""
        assert isinstance(block, Block)
        scale, shift = scale_and_shift(self.told).chunk(2, dim=-1)
        x = x * (1 + scale) + shift
        queries, keys, values = block.project(x)
        if self.memory:
            known_keys, known_values = self.memory[len(self.seen)]
            keys, values = torch.cat([known_keys, keys], dim=2), torch.cat([known_values, values], dim=2)
        self.seen.append((keys, values))
        return block.finish(x, scaled_dot_product_attention(queries, keys, values, attn_mask=self.sees))


def _places(memory: Memory | None) -> int:
    """Returns how many places a memory has."""
    return memory[0][0].shape[2] if memory else 0
