"""The training loop: reconstruction, critic and generator; [P] equation 3."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.config import TrainingConfig
from model.critic import critic_loss
from model.data import WindowSet, batches
from model.encoder import draw
from model.musae import MusAE, reconstruction_loss
from model.priors import draw_genre
from music.errors import InputError
from music.progress import Progress

VALIDATION_WINDOWS = 1024
"""So many, at most, are looked at during training; the evaluation takes all."""
LOG_EVERY = 10

Metrics = dict[str, float]


@dataclass
class Optimisers:
    """Adam for the autoencoder and for the critic, their learning rates decaying alike."""

    autoencoder: torch.optim.Adam
    critic: torch.optim.Adam

    @classmethod
    def of(cls, model: MusAE, config: TrainingConfig) -> "Optimisers":
        """Fresh optimisers; the critic's momentum is that of [W]."""
        autoencoder = [*model.encoder.parameters(), *model.decoders.parameters()]
        return cls(
            torch.optim.Adam(autoencoder, lr=config.learning_rate),
            torch.optim.Adam(model.critic.parameters(), lr=config.learning_rate, betas=(0.5, 0.9)),
        )

    def set_learning_rate(self, rate: float) -> None:
        """For all parameters of both."""
        for optimiser in (self.autoencoder, self.critic):
            for group in optimiser.param_groups:
                group["lr"] = rate


def train(
    model: MusAE,
    training: WindowSet,
    validation: WindowSet,
    config: TrainingConfig,
    log: Callable[[int, Metrics], None],
) -> Metrics:
    """Trains the model in place; calls `log(update, metrics)` now and then, and returns the last validation.

    Raises `InputError` for fewer windows than a batch, and for a loss that is no number.
    """
    if len(training) < config.batch:
        raise InputError(
            f"{len(training)} training windows, fewer than one batch of {config.batch}; "
            "take more songs or a smaller batch"
        )
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(config.seed)
    optimisers = Optimisers.of(model, config)
    data = batches(training, config.batch, config.seed)
    checked = _spread(validation, VALIDATION_WINDOWS)
    metrics: Metrics = {}
    with Progress("training", config.updates, "update") as progress:
        for update in range(config.updates):
            optimisers.set_learning_rate(config.learning_rate * (1 - config.decay) ** update)
            tokens, genres = (tensor.to(device) for tensor in next(data))
            losses = step(model, tokens, genres, optimisers, config, update, generator)
            done = update + 1
            validates = done % config.evaluate_every == 0 or done == config.updates
            if validates or done % LOG_EVERY == 0:
                current = {name: loss.item() for name, loss in losses.items()} | {"beta": config.beta(update)}
                if not all(map(math.isfinite, current.values())):
                    raise InputError(f"the loss is no number after update {done}; lower the learning rate")
                if validates:
                    current |= _validate(model, checked, config.batch)
                    metrics = current
                log(done, current)
            progress.to(done, " ".join(f"{name}={value:.3f}" for name, value in metrics.items()))
    return metrics


def step(
    model: MusAE,
    tokens: Tensor,
    genres: Tensor,
    optimisers: Optimisers,
    config: TrainingConfig,
    update: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """One update of the critic and of the autoencoder; tokens: (batch, 4, steps), genres: (batch, genres) bool.

    One encoder pass serves all phases. Reconstruction and generator descend together, as the sum of [P] equation 3:
    Adam forgets the scale of a loss, so beta would mean nothing to a generator with an optimiser of its own.
    """
    beta = config.beta(update)
    mean, log_variance = model.encode(tokens)
    z = draw(mean, log_variance, generator)
    genre = draw_genre(genres, generator)

    fixed_mean, fixed_log_variance = mean.detach(), log_variance.detach()
    for _ in range(config.critic_updates):
        real = model.prior.sample(genre, generator)
        fake = draw(fixed_mean, fixed_log_variance, generator)
        loss, distance = critic_loss(model.critic, real, fake, genre, config.gradient_penalty, generator)
        optimisers.critic.zero_grad()
        torch.autograd.backward(loss)
        optimisers.critic.step()

    reconstruction = reconstruction_loss(model.decode(z), tokens)
    generation = -model.critic(z, genre).mean()
    optimisers.autoencoder.zero_grad()
    torch.autograd.backward(reconstruction + beta * generation)
    optimisers.autoencoder.step()
    return {"loss": reconstruction.detach(), "wasserstein": distance}


def _spread(windows: WindowSet, most: int) -> WindowSet:
    """At most so many windows, spread evenly over all."""
    chosen = torch.linspace(0, len(windows) - 1, min(most, len(windows))).long()
    return WindowSet(windows.tokens[chosen], windows.genres[chosen])


@torch.no_grad()
def _validate(model: MusAE, windows: WindowSet, batch: int) -> Metrics:
    """Loss and accuracy of the windows' mean codes."""
    device = next(model.parameters()).device
    loss = hits = 0.0
    for tokens in torch.split(windows.tokens, batch):
        tokens = tokens.to(device)
        logits = model.decode(model.codes(tokens))
        loss += reconstruction_loss(logits, tokens).item() * len(tokens)
        hits += (logits.argmax(dim=-1) == tokens).float().mean().item() * len(tokens)
    return {"validation_loss": loss / len(windows), "validation_accuracy": hits / len(windows)}
