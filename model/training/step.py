"""One update: the critic descends its loss, then the autoencoder its own; [P] equation 3."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.autoencoder import Autoencoder, reconstruction_loss
from model.config import TrainingConfig
from model.networks.critic import Critic, critic_loss
from model.networks.encoder import draw
from model.networks.music_vae import Sampling, free_bits_kl
from model.networks.priors import Prior, draw_genre
from model.training.precision import autocast
from model.training.workers import ALONE, Workers


@dataclass
class Optimisers:
    """Adam for the autoencoder and for the critic, their learning rates decaying alike."""

    autoencoder: torch.optim.Adam
    critic: torch.optim.Adam | None

    @classmethod
    def of(cls, model: Autoencoder, config: TrainingConfig) -> "Optimisers":
        """Fresh optimisers; the critic's momentum is that of [W]."""
        autoencoder = [*model.encoder.parameters(), *model.decoder.parameters()]
        rate = config.learning_rate
        return cls(
            _adam(autoencoder, rate, (0.9, 0.999)),
            _adam(list(model.critic.parameters()), rate, (0.5, 0.9)) if model.critic else None,
        )

    def set_learning_rate(self, rate: float) -> None:
        """For all parameters of both."""
        for optimiser in filter(None, (self.autoencoder, self.critic)):
            for group in optimiser.param_groups:
                group["lr"].fill_(rate)


def _adam(weights: list[nn.Parameter], rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Its learning rate is a tensor: a CUDA graph reads it anew at each replay."""
    device = weights[0].device
    return torch.optim.Adam(
        weights, lr=torch.tensor(rate, device=device), betas=betas, fused=True, capturable=device.type == "cuda"
    )


def update_once(
    model: Autoencoder,
    tokens: Tensor,
    genres: Tensor,
    optimisers: Optimisers,
    config: TrainingConfig,
    beta: Tensor | float,
    sampling_chance: float,
    generator: torch.Generator,
    workers: Workers = ALONE,
) -> dict[str, Tensor]:
    """One update of the critic and of the autoencoder; tokens: (batch, tracks, steps), genres: (batch, genres) bool.

    Beta, the chance of own states and the optimisers' rate are those of this update; the config's are not read.
    One encoder pass serves all phases. Reconstruction and generator descend together, as the sum of [P] equation 3:
    Adam forgets the scale of a loss, so beta would mean nothing to a generator with an optimiser of its own.
    Every worker is given the whole batch and draws all its noise, and computes its own part.
    """
    part = workers.part
    noise = torch.randn(len(tokens), model.config.latent, generator=generator, device=tokens.device)
    genre = draw_genre(genres, generator)
    with autocast(config.precision, tokens.device):
        mean, log_variance = model.encode(part(tokens))
    losses: dict[str, Tensor] = {}

    if model.critic and optimisers.critic:
        for _ in range(config.critic_updates):
            losses["wasserstein"] = _update_critic(
                model.critic, model.prior, mean.detach(), log_variance.detach(), genre,
                optimisers.critic, config, generator, workers,
            )  # fmt: skip

    z = draw(mean, log_variance, part(noise))
    sampling = Sampling(sampling_chance, generator, workers) if sampling_chance else None
    with autocast(config.precision, tokens.device):
        logits = model.decode(z, part(tokens), sampling)
    loss = reconstruction_loss(logits, part(tokens))
    losses["loss"] = loss.detach()
    if model.critic:
        loss = loss - beta * model.critic(z, part(genre)).mean()
    elif model.config.regulariser == "kl":
        kl = free_bits_kl(mean, log_variance, config.free_bits)
        losses["kl"] = kl.detach()
        loss = loss + beta * config.kl_weight * kl / tokens.shape[-1]  # a step, as the reconstruction
    _descend(loss, optimisers.autoencoder, workers, config.clip)
    workers.average(losses.values())
    return losses


def _update_critic(
    critic: Critic,
    prior: Prior,
    mean: Tensor,
    log_variance: Tensor,
    genre: Tensor,
    optimiser: torch.optim.Adam,
    config: TrainingConfig,
    generator: torch.Generator,
    workers: Workers,
) -> Tensor:
    """The estimated Wasserstein distance; mean, log_variance: this worker's part, genre: (batch,) all."""
    real = prior.sample(genre, generator)
    noise = torch.randn(real.shape, generator=generator, device=real.device)
    alpha = torch.rand(len(real), 1, generator=generator, device=real.device)
    real, noise, alpha, genre = map(workers.part, (real, noise, alpha, genre))
    fake = draw(mean, log_variance, noise)
    loss, distance = critic_loss(critic, real, fake, genre, alpha, config.gradient_penalty)
    _descend(loss, optimiser, workers)
    return distance


def _descend(loss: Tensor, optimiser: torch.optim.Adam, workers: Workers, clip: float = 0) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(loss, inputs=list(_parameters(optimiser)))
    workers.average(parameter.grad for parameter in _parameters(optimiser) if parameter.grad is not None)
    if clip:
        torch.nn.utils.clip_grad_norm_(_parameters(optimiser), clip)
    optimiser.step()


def _parameters(optimiser: torch.optim.Adam) -> Iterable[Tensor]:
    return (parameter for group in optimiser.param_groups for parameter in group["params"])
