"""Counts the floating-point operations of the matrix products in one update of MusAE; additions count too.

Only necessary operations are counted: inputs and genres are looked up, not multiplied; z, the same at every step, is
projected once; one encoder pass serves all phases; and gradients that nothing uses are not computed.
"""

from dataclasses import dataclass

from model.config import ModelConfig, TrainingConfig
from model.networks.attention import STATE_SIZE
from music.tokens import STATES, STEPS_PER_BAR, TRACKS


@dataclass(frozen=True)
class Operations:
    """The operations of one update, forward and backward."""

    encoder: int
    decoders: int
    critic: int
    """All the critic's updates with their gradient penalties, and the generator's loss."""

    @property
    def total(self) -> int:
        return self.encoder + self.decoders + self.critic


FORWARD_AND_BACKWARD = 3
"""The backward pass has two products for each of the forward pass: one by the weights, one by the input."""


def count_operations(config: ModelConfig, training: TrainingConfig) -> Operations:
    """Counts one update of the autoencoder, and the critic's updates that belong to it.

    The network is that of attention, or the recurrent one.
    """
    encoder, decoder = {"attention": _attention, "recurrent": _recurrent}[config.network](config, training.batch)
    critic = training.critic_updates * _critic(config, training.batch) + _generator(config, training.batch)
    return Operations(encoder, decoder, critic)


def _attention(config: ModelConfig, batch: int) -> tuple[int, int]:
    """Counts encoder and decoder of attention, forward and backward."""
    size, share = config.hidden_size, config.latent // config.places
    of_place, rows = len(config.tracks) * config.place_steps * STATE_SIZE, batch * config.places
    products = product(rows, size, 3 * size) + product(rows, size, size)  # queries, keys and values; the heads mixed
    products += 2 * product(
        rows, size, config.places
    )  # queries by keys, and what they weigh by values; all heads together
    blocks = config.layers * (products + 2 * product(rows, size, 4 * size))
    encoder = product(rows, of_place, size) + blocks + 2 * product(rows, size, share)
    logits = product(rows * len(config.tracks) * config.place_steps, STATE_SIZE, STATES)
    decoder = product(rows, share, size) + blocks + product(rows, size, of_place) + logits
    return FORWARD_AND_BACKWARD * encoder, FORWARD_AND_BACKWARD * decoder


def _recurrent(config: ModelConfig, batch: int) -> tuple[int, int]:
    """Counts encoder and decoders of the recurrent network, forward and backward."""
    steps, size, latent = STEPS_PER_BAR * config.bars, config.hidden_size, config.latent
    encoder = FORWARD_AND_BACKWARD * 2 * product(batch, 2 * size, latent)
    for layer in range(config.layers):
        inputs = 2 * size if layer else size
        encoder += 2 * FORWARD_AND_BACKWARD * product(batch * steps, inputs, 4 * size)
        encoder += 2 * FORWARD_AND_BACKWARD * product(batch * steps, size, 4 * size)
        encoder -= 2 * product(batch, size, 4 * size)  # the first state is 0 and gets no gradient

    decoder = product(batch, latent, size) + product(batch, latent, 4 * size)
    decoder += (config.layers - 1) * product(batch * steps, size, 4 * size)
    decoder += config.layers * product(batch * steps, size, 4 * size)
    decoder += product(batch * steps, size, STATES)
    return encoder, len(TRACKS) * FORWARD_AND_BACKWARD * decoder


def product(rows: int, inputs: int, outputs: int) -> int:
    """Returns the operations of the matrix product (rows, inputs) times (inputs, outputs)."""
    return 2 * rows * inputs * outputs


def _layers(config: ModelConfig, batch: int) -> tuple[int, int, int]:
    return (
        product(batch, config.latent, config.hidden_size),
        product(batch, config.hidden_size, config.hidden_size),
        product(batch, config.hidden_size, 1),
    )


def _critic(config: ModelConfig, batch: int) -> int:
    """Counts one update of the critic: scores of real and fake codes, and the penalty, differentiated twice."""
    first, second, score = _layers(config, batch)
    scores = 2 * (first + second + score)
    score_gradients = 2 * (first + 2 * second + 2 * score)  # none for the codes
    penalty = 2 * (first + second)  # the hidden layers, and the score's gradient through them
    penalty_gradients = 2 * (second + first) + (2 * second + first)  # through that gradient, then the hidden layers
    return scores + score_gradients + penalty + penalty_gradients


def _generator(config: ModelConfig, batch: int) -> int:
    """Counts the score of the codes, and its gradient by the codes alone."""
    return 2 * sum(_layers(config, batch))
