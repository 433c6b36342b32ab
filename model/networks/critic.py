"""The critic that tells codes of the prior from codes of the encoder; [P] section 3.2.3, WGAN-GP [W]."""

import torch
from torch import Tensor, nn

from model.config import ModelConfig


class Critic(nn.Module):
    """Two tanh layers and a linear score, which is higher for codes that are more like the prior's.

    With the flower prior it also sees the genre that was chosen for the song, one-hot with an extra class for songs
    without any [A], unless the regulariser is `wgan_gp_without_genre`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sees_genre = config.prior == "flower" and config.regulariser == "wgan_gp"
        self.classes = config.genres + 1 if sees_genre else 0
        # Two matrices, not one of both: its rows would not be aligned as cuBLAS's fast kernels need them.
        self.of_code = nn.Linear(config.latent, config.hidden_size)
        self.of_genre = nn.Linear(self.classes, config.hidden_size, bias=False) if self.classes else None
        self.layers = nn.Sequential(
            nn.Tanh(),
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.Tanh(),
            nn.Linear(config.hidden_size, 1),
        )

    def forward(self, z: Tensor, genre: Tensor) -> Tensor:
        """Scores codes; z: (batch, latent), genre: (batch,) 0 to genres, the last meaning none -> (batch,)."""
        first = self.of_code(z)
        if self.of_genre:
            first = first + self.of_genre(nn.functional.one_hot(genre, self.classes).to(z.dtype))
        score: Tensor = self.layers(first).squeeze(-1)
        return score


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, genre: Tensor, alpha: Tensor) -> Tensor:
    """Returns the mean of (|gradient| - 1)^2 between real and fake codes; [P] equation 6 without lambda.

    alpha: (batch, 1), uniform from 0 to 1: the point on the line between the two, 1 at the fake code.
    """
    between = (alpha * fake + (1 - alpha) * real).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between, genre).sum(), between, create_graph=True)
    penalty: Tensor = (gradient.norm(dim=-1) - 1).square().mean()
    return penalty


def critic_loss(
    critic: Critic, real: Tensor, fake: Tensor, genre: Tensor, alpha: Tensor, weight: float
) -> tuple[Tensor, Tensor]:
    """Returns the loss that the critic descends, and its estimate of the Wasserstein distance [W]; weight: lambda."""
    distance: Tensor = critic(real, genre).mean() - critic(fake, genre).mean()
    return weight * gradient_penalty(critic, real, fake, genre, alpha) - distance, distance.detach()
