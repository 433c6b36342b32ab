"""One update: the critic descends its loss, then the autoencoder its own; [P] equation 3."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from model.autoencoder import Autoencoder, reconstruction_loss
from model.config import TrainingConfig
from model.networks.critic import Critic, critic_loss
from model.networks.music_vae import ScheduledSampling
from model.networks.posterior import free_bits_kl, moments_kl, reparametrise
from model.networks.priors import sample_genre
from model.training.denoising import draw_times, toward_prior
from model.training.precision import autocast
from model.training.workers import ALONE, Workers

AUTOENCODER_BETAS = 0.9, 0.999
"""Decay rates of Adam's moments; PyTorch's own."""
CRITIC_BETAS = 0.5, 0.9
"""The same for the critic, as in the code of [W]."""


@dataclass
class Optimisers:
    """Adam for the autoencoder and for the critic; their learning rates are the same."""

    autoencoder: torch.optim.Adam
    critic: torch.optim.Adam | None

    @classmethod
    def for_model(cls, model: Autoencoder, config: TrainingConfig) -> "Optimisers":
        """Returns new optimisers for the model."""
        autoencoder = [*model.encoder.parameters(), *model.decoder.parameters()]
        rate = config.learning_rate
        return cls(
            _adam(autoencoder, rate, AUTOENCODER_BETAS),
            _adam(list(model.critic.parameters()), rate, CRITIC_BETAS) if model.critic else None,
        )

    def set_learning_rate(self, rate: float) -> None:
        """Sets the rate of all parameters."""
        for optimiser in filter(None, (self.autoencoder, self.critic)):
            for group in optimiser.param_groups:
                group["lr"].fill_(rate)


def _adam(weights: list[nn.Parameter], rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Returns Adam with a tensor as its learning rate, which a CUDA graph reads again at each replay."""
    device = weights[0].device
    return torch.optim.Adam(
        weights, lr=torch.tensor(rate, device=device), betas=betas, fused=True, capturable=device.type == "cuda"
    )


@dataclass(frozen=True)
class TrainingStep:
    """Makes the updates of one model.

    Every worker gets the whole batch, generates all random numbers, and computes its own part.
    """

    model: Autoencoder
    optimisers: Optimisers
    config: TrainingConfig
    """Its beta, sampling chance and learning rate are not used here: they change with each update."""
    generator: torch.Generator
    workers: Workers = ALONE

    def make(self, tokens: Tensor, genres: Tensor, beta: Tensor | float, sampling_chance: float) -> dict[str, Tensor]:
        """Makes an update of critic and autoencoder, and returns the losses.

        tokens: (batch, tracks, steps) uint8, genres: (batch, genres) bool; sampling_chance: how often an autoregressive
        decoder is fed its own states. One encoder pass serves all phases. Reconstruction and generator descend
        together, as the sum of [P] equation 3: Adam forgets the scale of a loss, so beta would mean nothing to a
        generator with an optimiser of its own.
        """
        model, part = self.model, self.workers.part
        noise = torch.randn(len(tokens), model.config.latent, generator=self.generator, device=tokens.device)
        genre = sample_genre(genres, self.generator)
        with autocast(self.config.precision, tokens.device):
            mean, log_variance = model.encode(part(tokens))
        losses: dict[str, Tensor] = {}
        if model.critic:
            for _ in range(self.config.critic_updates):
                losses["wasserstein"] = self._update_critic(model.critic, mean.detach(), log_variance.detach(), genre)
        z = reparametrise(mean, log_variance, part(noise))
        loss, shown = self._reconstruct(z, tokens, genre, sampling_chance)
        losses |= shown
        if model.critic:
            loss = loss - beta * model.critic(z, part(genre)).mean()
        elif model.config.regulariser == "kl":
            kl = free_bits_kl(mean, log_variance, self.config.free_bits)
            losses["kl"] = kl.detach()
            loss = loss + beta * self.config.kl_weight * kl / tokens.shape[-1]  # per step, like the reconstruction
        if self.config.moments_weight and model.config.regulariser != "none":
            moments = self._moments_kl(mean, log_variance)
            losses["moments"] = moments.detach()
            loss = loss + self.config.moments_weight * moments / tokens.shape[-1]
        self._descend(loss, self.optimisers.autoencoder, self.config.clip)
        self.workers.average(losses.values())
        return losses

    def _reconstruct(
        self, z: Tensor, tokens: Tensor, genre: Tensor, sampling_chance: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the loss of decoding codes, and its parts to show; z: this worker's part, tokens, genre: all.

        With a `denoising_weight` every other window is decoded from a point on the way to the prior.
        """
        model, part = self.model, self.workers.part
        if not self.config.denoising_weight:
            with autocast(self.config.precision, tokens.device):
                logits = model.decode(z, part(tokens), self._sampling(sampling_chance))
            loss = reconstruction_loss(logits, part(tokens))
            return loss, {"loss": loss.detach()}
        start = model.prior.sample(genre[::2], self.generator)
        time = draw_times(len(start), self.generator)
        decoded_from = z.clone()
        decoded_from[::2] = toward_prior(z[::2], part(start), part(time), model.prior_mean)
        with autocast(self.config.precision, tokens.device):
            logits = model.decode(decoded_from, part(tokens), self._sampling(sampling_chance))
        denoising, loss = (reconstruction_loss(logits[half::2], part(tokens)[half::2]) for half in (0, 1))
        shown = {"loss": loss.detach(), "denoising": denoising.detach()}
        return loss + self.config.denoising_weight * denoising, shown

    def _sampling(self, chance: float) -> ScheduledSampling | None:
        return ScheduledSampling(chance, partial(self.workers.uniform, self.generator)) if chance else None

    def _moments_kl(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Compares the moments of the whole batch's codes with the prior's; mean, log_variance: this worker's part."""
        first = self.workers.mean(mean.mean(dim=0))
        second = self.workers.mean((mean.square() + log_variance.exp()).mean(dim=0))
        return moments_kl(first, second, self.model.prior_mean, self.model.prior_variance)

    def _update_critic(self, critic: Critic, mean: Tensor, log_variance: Tensor, genre: Tensor) -> Tensor:
        """Returns the estimated Wasserstein distance; mean, log_variance: this worker's part, genre: (batch,) all."""
        assert self.optimisers.critic
        real = self.model.prior.sample(genre, self.generator)
        noise = torch.randn(real.shape, generator=self.generator, device=real.device)
        alpha = torch.rand(len(real), 1, generator=self.generator, device=real.device)
        real, noise, alpha, genre = map(self.workers.part, (real, noise, alpha, genre))
        fake = reparametrise(mean, log_variance, noise)
        loss, distance = critic_loss(critic, real, fake, genre, alpha, self.config.gradient_penalty)
        self._descend(loss, self.optimisers.critic)
        return distance

    def _descend(self, loss: Tensor, optimiser: torch.optim.Adam, clip: float = 0) -> None:
        optimiser.zero_grad()
        torch.autograd.backward(loss, inputs=list(_parameters(optimiser)))
        self.workers.average(parameter.grad for parameter in _parameters(optimiser) if parameter.grad is not None)
        if clip:
            torch.nn.utils.clip_grad_norm_(_parameters(optimiser), clip)
        optimiser.step()


def _parameters(optimiser: torch.optim.Adam) -> Iterable[Tensor]:
    return (parameter for group in optimiser.param_groups for parameter in group["params"])
