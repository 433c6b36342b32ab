"""The published model, ported to PyTorch without changes: the baseline for the speed of training.

[P] sections 3 and 4.1 and [W]: one-hot piano rolls, LSTMs in sequence, and three phases an update, each with its
own encoder pass and its own Adam. The rest is PyTorch's default: float32, and TF32 inside cuDNN's LSTMs.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from model.config import ModelConfig, TrainingConfig
from model.data import WindowSet
from model.networks.priors import FlowerPrior, GaussianPrior, Prior, sample_genre
from music.tokens import STATES, STEPS_PER_BAR, TRACKS


class PianoRolls(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """The windows, each as (steps, 4 * 130) float32 one-hot, (4, steps) int64 states, and (genres,) bool."""

    def __init__(self, windows: WindowSet) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        states = self.windows.tokens[index].long()
        return one_hot(states), states, self.windows.genres[index]


def one_hot(states: Tensor) -> Tensor:
    """Encodes states as one-hot; (..., 4, steps) int64 -> (..., steps, 4 * 130) float32."""
    return functional.one_hot(states, STATES).transpose(-3, -2).flatten(-2).float()


class PublishedEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            len(TRACKS) * STATES, config.hidden_size, config.layers, batch_first=True, bidirectional=True
        )
        self.mean = nn.Linear(2 * config.hidden_size, config.latent)
        self.log_variance = nn.Linear(2 * config.hidden_size, config.latent)

    def forward(self, rolls: Tensor) -> tuple[Tensor, Tensor]:
        _, (hidden, _) = self.lstm(rolls)
        last = torch.cat([hidden[-2], hidden[-1]], dim=1)
        return self.mean(last), self.log_variance(last)


class PublishedDecoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps = STEPS_PER_BAR * config.bars
        self.first_state = nn.Linear(config.latent, config.hidden_size)
        self.lstm = nn.LSTM(config.latent, config.hidden_size, config.layers, batch_first=True)
        self.states = nn.Linear(config.hidden_size, STATES)

    def forward(self, z: Tensor) -> Tensor:
        hidden = self.first_state(z).repeat(self.lstm.num_layers, 1, 1)
        output, _ = self.lstm(z.unsqueeze(1).repeat(1, self.steps, 1), (hidden, torch.zeros_like(hidden)))
        logits: Tensor = self.states(output)
        return logits


class PublishedCritic(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.classes = config.genres + 1 if config.prior == "flower" else 0
        self.layers = nn.Sequential(
            nn.Linear(config.latent + self.classes, config.hidden_size),
            nn.Tanh(),
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.Tanh(),
            nn.Linear(config.hidden_size, 1),
        )

    def forward(self, z: Tensor, genre: Tensor) -> Tensor:
        if self.classes:
            z = torch.cat([z, functional.one_hot(genre, self.classes).float()], dim=1)
        score: Tensor = self.layers(z)
        return score


class Published:
    """The networks on their device, their optimisers, and an update of all three phases."""

    def __init__(self, config: ModelConfig, training: TrainingConfig, device: torch.device) -> None:
        self.training = training
        self.encoder = PublishedEncoder(config).to(device)
        self.decoders = nn.ModuleList(PublishedDecoder(config) for _ in TRACKS).to(device)
        self.critic = PublishedCritic(config).to(device)
        self.prior: Prior = (
            FlowerPrior(config.latent, config.genres) if config.prior == "flower" else GaussianPrior(config.latent)
        )
        rate = training.learning_rate
        self.autoencoder_optimiser = torch.optim.Adam(
            [*self.encoder.parameters(), *self.decoders.parameters()], lr=rate
        )
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), lr=rate, betas=(0.5, 0.9))
        self.generator_optimiser = torch.optim.Adam(self.encoder.parameters(), lr=rate)
        self.schedules = [
            torch.optim.lr_scheduler.ExponentialLR(optimiser, 1 - training.decay)
            for optimiser in (self.autoencoder_optimiser, self.critic_optimiser, self.generator_optimiser)
        ]

    @torch.no_grad()
    def reconstruct(self, states: Tensor) -> Tensor:
        """Returns the logits of the mean codes, (batch, 4, steps, 130); states: (batch, 4, steps) int64."""
        mean, _ = self.encoder(one_hot(states))
        return torch.stack([decoder(mean) for decoder in self.decoders], dim=1)

    def step(
        self, rolls: Tensor, states: Tensor, genres: Tensor, beta: float, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Makes an update and returns the losses.

        rolls: (batch, steps, 4 * 130) float32, states: (batch, 4, steps) int64, genres: (batch, genres) bool.
        """
        genre = sample_genre(genres, generator)

        mean, log_variance = self.encoder(rolls)
        z = _sample(mean, log_variance, generator)
        reconstruction = torch.zeros((), device=rolls.device)
        for track, decoder in enumerate(self.decoders):
            logits = decoder(z)
            reconstruction = reconstruction + functional.cross_entropy(logits.flatten(0, 1), states[:, track].flatten())
        self.autoencoder_optimiser.zero_grad()
        torch.autograd.backward(reconstruction)
        self.autoencoder_optimiser.step()

        with torch.no_grad():
            mean, log_variance = self.encoder(rolls)
        for _ in range(self.training.critic_updates):
            real = self.prior.sample(genre, generator)
            fake = _sample(mean, log_variance, generator)
            distance = self.critic(real, genre).mean() - self.critic(fake, genre).mean()
            penalty = self.gradient_penalty(real, fake, genre, generator)
            self.critic_optimiser.zero_grad()
            torch.autograd.backward(self.training.gradient_penalty * penalty - distance)
            self.critic_optimiser.step()

        mean, log_variance = self.encoder(rolls)
        z = _sample(mean, log_variance, generator)
        generation = -beta * self.critic(z, genre).mean()
        self.generator_optimiser.zero_grad()
        torch.autograd.backward(generation)
        self.generator_optimiser.step()

        for schedule in self.schedules:
            schedule.step()
        return {"loss": reconstruction.detach(), "wasserstein": distance.detach()}

    def gradient_penalty(self, real: Tensor, fake: Tensor, genre: Tensor, generator: torch.Generator) -> Tensor:
        alpha = torch.rand(len(real), 1, generator=generator, device=real.device)
        between = (alpha * fake + (1 - alpha) * real).requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(between, genre).sum(), between, create_graph=True)
        penalty: Tensor = (gradient.norm(dim=1) - 1).square().mean()
        return penalty


def _sample(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    return mean + torch.exp(0.5 * log_variance) * noise
