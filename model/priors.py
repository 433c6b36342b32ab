"""What the latent codes are pulled towards: an isotropic Gaussian, or a flower of Gaussians, one a genre."""

import math

import torch
from torch import Tensor

RADIAL_VARIANCE = 0.1
OTHER_VARIANCE = 0.001


class GaussianPrior:
    """N(0, I), whatever the genre."""

    scale = 1.0
    """Root mean square of a code's coordinates."""

    def __init__(self, latent: int) -> None:
        self.latent = latent

    def sample(self, genre: Tensor, generator: torch.Generator) -> Tensor:
        """genre: (batch,) -> z, (batch, latent)."""
        return torch.randn(len(genre), self.latent, generator=generator, device=genre.device)


class FlowerPrior:
    """Gaussians around the unit circle of the first two dimensions, long along the radius; [P] equations 14-18."""

    def __init__(self, latent: int, genres: int) -> None:
        self.latent, self.genres = latent, genres
        self.scale = math.sqrt((1 + RADIAL_VARIANCE + (latent - 1) * OTHER_VARIANCE) / latent)
        """Root mean square of a code's coordinates."""

    def centre(self, genre: Tensor) -> Tensor:
        """The first two coordinates of the genres' means, whose others are 0; genre: (batch,) -> (batch, 2)."""
        angle = 2 * math.pi * genre / self.genres
        return torch.stack([angle.cos(), angle.sin()], dim=-1)

    def sample(self, genre: Tensor, generator: torch.Generator) -> Tensor:
        """genre: (batch,) 0 to genres; the last means none, and z from the whole mixture -> z, (batch, latent)."""
        any_genre = torch.randint(self.genres, genre.shape, generator=generator, device=genre.device)
        outwards = self.centre(torch.where(genre < self.genres, genre, any_genre))
        sideways = torch.stack([-outwards[:, 1], outwards[:, 0]], dim=-1)
        z = torch.randn(len(genre), self.latent, generator=generator, device=genre.device)
        z *= math.sqrt(OTHER_VARIANCE)
        radius = 1 + math.sqrt(RADIAL_VARIANCE / OTHER_VARIANCE) * z[:, :1]
        z[:, :2] = radius * outwards + z[:, 1:2] * sideways
        return z


Prior = GaussianPrior | FlowerPrior


def draw_genre(tagged: Tensor, generator: torch.Generator) -> Tensor:
    """One of each song's genres, drawn uniformly [P section 3.3]; tagged: (batch, genres) bool -> (batch,).

    Songs without any get `genres`, the extra class.
    """
    chance = torch.rand(tagged.shape, generator=generator, device=tagged.device).where(tagged, -1.0)
    none = chance.new_full((len(chance), 1), -0.5)
    return torch.cat([chance, none], dim=-1).argmax(dim=-1)
