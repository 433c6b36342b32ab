"""How many floating-point operations one update of MusAE takes, each counted once.

Those of matrix products alone, an addition and a multiplication apart. "Once" means that inputs and genres are looked
up, not multiplied; that z, the same at every step, is projected once; that one encoder pass serves all phases; and that
no gradient counts that nobody uses. An implementation that does more is no faster for it.
"""

from dataclasses import dataclass

from model.config import ModelConfig, TrainingConfig
from music.tokens import STATES, STEPS_PER_BAR, TRACKS


@dataclass(frozen=True)
class Operations:
    """Of one update, forward and backward."""

    encoder: int
    decoders: int
    critic: int
    """With its gradient penalty, all its updates and the generator's way through it."""

    @property
    def total(self) -> int:
        return self.encoder + self.decoders + self.critic


def of_update(config: ModelConfig, training: TrainingConfig) -> Operations:
    """Of one update of the autoencoder and those of the critic that come with it."""
    batch, steps = training.batch, STEPS_PER_BAR * config.bars
    units, latent = config.hidden_size, config.latent

    forward_and_backward = 3  # the backward pass has two products for each: one by the weights, one by the input
    heads = 2 * product(batch, 2 * units, latent)
    encoder = forward_and_backward * heads
    for layer in range(config.layers):
        inputs = 2 * units if layer else units
        encoder += 2 * forward_and_backward * product(batch * steps, inputs, 4 * units)
        encoder += 2 * forward_and_backward * product(batch * steps, units, 4 * units)
        encoder -= 2 * product(batch, units, 4 * units)  # the first state is 0 and gets no gradient

    decoder = product(batch, latent, units) + product(batch, latent, 4 * units)
    decoder += (config.layers - 1) * product(batch * steps, units, 4 * units)
    decoder += config.layers * product(batch * steps, units, 4 * units)
    decoder += product(batch * steps, units, STATES)

    return Operations(
        encoder,
        len(TRACKS) * forward_and_backward * decoder,
        training.critic_updates * _critic(config, batch) + _generator(config, batch),
    )


def product(rows: int, inputs: int, outputs: int) -> int:
    """Of (rows, inputs) times (inputs, outputs)."""
    return 2 * rows * inputs * outputs


def _layers(config: ModelConfig, batch: int) -> tuple[int, int, int]:
    return (
        product(batch, config.latent, config.hidden_size),
        product(batch, config.hidden_size, config.hidden_size),
        product(batch, config.hidden_size, 1),
    )


def _critic(config: ModelConfig, batch: int) -> int:
    """One update: scores of real and fake, and the penalty, differentiated twice."""
    first, second, score = _layers(config, batch)
    scores = 2 * (first + second + score)
    their_gradients = 2 * (first + 2 * second + 2 * score)  # none for the codes
    penalty = 2 * (first + second)  # the hidden layers, and the score's gradient back through them
    its_gradients = 2 * (second + first) + (2 * second + first)  # through the latter, then through the former
    return scores + their_gradients + penalty + its_gradients


def _generator(config: ModelConfig, batch: int) -> int:
    """The score of the codes, and its gradient for them alone."""
    return 2 * sum(_layers(config, batch))
