"""Windows to codes and back by attention; not autoregressive.

A window is cut into places of `place_steps` steps each, such as beats or bars. The encoder joins all states of a place
into one vector, lets the places attend to each other, and maps each to its share of the code: the first numbers of z
are those of the first place. The decoder is its mirror image, and sees nothing but the code. Shapes in comments:
`batch` windows of `places` places, each with `share` numbers of the code.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, rms_norm, scaled_dot_product_attention

from model.config import HEAD_SIZE, ModelConfig
from model.networks.posterior import Posterior
from music.tokens import STATES

STATE_SIZE = 32
"""Numbers that stand for a step of one track: a state's embedding in the encoder; in the decoder, what its logits are
made of."""


class Block(nn.Module):
    """Attention between all places, then a perceptron at each place; both add to the vectors that they see."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.heads = max(size // HEAD_SIZE, 1)
        self.attention_norm = nn.LayerNorm(size)
        self.queries_keys_values = nn.Linear(size, 3 * size, bias=False)
        self.mix_heads = nn.Linear(size, size, bias=False)
        self.perceptron_norm = nn.LayerNorm(size)
        self.widen = nn.Linear(size, 4 * size)
        self.narrow = nn.Linear(4 * size, size)

    def forward(self, x: Tensor) -> Tensor:
        """Returns new vectors of the places; (batch, places, size) -> the same shape."""
        return self.finish(x, scaled_dot_product_attention(*self.project(x)))

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns queries, keys and values of the places; (batch, places, size) -> (batch, heads, places, head size).

        Queries and keys have a root mean square of 1, so that no product of two can grow until training breaks down.
        """
        joined = self.queries_keys_values(self.attention_norm(x))
        by_head = joined.unflatten(-1, (3, self.heads, -1))  # (batch, places, 3, heads, head size)
        queries, keys, values = by_head.permute(2, 0, 3, 1, 4)
        queries, keys = (rms_norm(vectors, vectors.shape[-1:]).to(values.dtype) for vectors in (queries, keys))
        return queries, keys, values

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Returns new vectors of the places from what they have attended to.

        x: (batch, places, size), attended: (batch, heads, places, head size) -> the shape of x.
        """
        x = x + self.mix_heads(attended.transpose(1, 2).flatten(2))
        change: Tensor = self.narrow(gelu(self.widen(self.perceptron_norm(x))))
        return x + change


class AttentionEncoder(nn.Module):
    """Blocks of attention over the places of a window; from each place the mean and log variance of its share of z."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        tracks, size = len(config.tracks), config.hidden_size
        self.place_steps = config.place_steps
        self.embedding = nn.Embedding(tracks * STATES, STATE_SIZE)
        self.join = nn.Linear(tracks * config.place_steps * STATE_SIZE, size)
        self.positions = nn.Parameter(0.02 * torch.randn(config.places, size))
        self.blocks = nn.Sequential(*(Block(size) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(size)
        self.posterior = Posterior(size, config.latent // config.places)
        self.first_row: Tensor
        self.register_buffer("first_row", STATES * torch.arange(tracks)[:, None], persistent=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance; tokens: (batch, tracks, steps) uint8 -> (batch, latent) each."""
        x = self.first_vectors(self.embedding(tokens.long() + self.first_row), self.positions)
        mean, log_variance = self.posterior(self.norm(self.blocks(x)))  # (batch, places, share) each
        return mean.flatten(1), log_variance.flatten(1)

    def first_vectors(self, states: Tensor, positions: Tensor) -> Tensor:
        """Returns what the first block gets, (batch, places, hidden_size).

        states: their embeddings, (batch, tracks, steps, STATE_SIZE), positions: (places, hidden_size), of these places.
        """
        by_place = states.view(*states.shape[:2], -1, self.place_steps, STATE_SIZE).transpose(1, 2)
        x: Tensor = self.join(by_place.flatten(2)) + positions
        return x

    def expected_embeddings(self, probabilities: Tensor) -> Tensor:
        """Returns what `first_vectors` takes, of states with these probabilities, (batch, tracks, steps, 130)."""
        by_track = self.embedding.weight.view(-1, STATES, STATE_SIZE).to(probabilities.dtype)
        return torch.einsum("btsn,tnd->btsd", probabilities, by_track)


class AttentionDecoder(nn.Module):
    """A vector for each place from its share of z, blocks of attention over the places, and logits from each place."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        tracks, size = len(config.tracks), config.hidden_size
        self.places, self.of_place = config.places, (tracks, config.place_steps, STATE_SIZE)
        self.from_code = nn.Linear(config.latent // self.places, size)
        self.positions = nn.Parameter(0.02 * torch.randn(self.places, size))
        self.blocks = nn.Sequential(*(Block(size) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(size)
        self.split = nn.Linear(size, tracks * config.place_steps * STATE_SIZE)
        self.states = nn.ModuleList(nn.Linear(STATE_SIZE, STATES) for _ in range(tracks))

    def forward(self, z: Tensor) -> Tensor:
        """Returns the logits of the states; z: (batch, latent) -> (batch, tracks, steps, 130)."""
        x = self.from_code(z.reshape(len(z), self.places, -1)) + self.positions
        return self.logits(self.norm(self.blocks(x)))

    def logits(self, vectors: Tensor) -> Tensor:
        """Returns the logits of the states; (batch, places, hidden_size) -> (batch, tracks, steps, 130)."""
        x = self.split(vectors).unflatten(2, self.of_place)
        by_track = x.permute(2, 0, 1, 3, 4).flatten(2, 3)  # (tracks, batch, steps, STATE_SIZE)
        return torch.stack([states(track) for states, track in zip(self.states, by_track, strict=True)], dim=1)
