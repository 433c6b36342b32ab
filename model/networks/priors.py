"""The priors of the latent codes: an isotropic Gaussian, or a flower of Gaussians, one for each genre."""

import math

import torch
from torch import Tensor

RADIAL_VARIANCE = 0.1
OTHER_VARIANCE = 0.001


class GaussianPrior:
    """N(0, I), the same for every genre."""

    scale = 1.0
    """Root mean square of a code's coordinates."""

    def __init__(self, latent: int) -> None:
        self.latent = latent

    def sample(self, genre: Tensor, generator: torch.Generator) -> Tensor:
        """Samples a code for each genre; genre: (batch,) -> (batch, latent)."""
        return torch.randn(len(genre), self.latent, generator=generator, device=genre.device)

    def standardised(self, z: Tensor, genre: Tensor) -> Tensor:
        """Returns the codes unchanged: they already have the prior's axes and standard deviations."""
        return z

    def mean(self) -> Tensor:
        """Returns the mean of each coordinate, (latent,)."""
        return torch.zeros(self.latent)

    def variance(self) -> Tensor:
        """Returns the variance of each coordinate, (latent,)."""
        return torch.ones(self.latent)


class FlowerPrior:
    """Gaussians around the unit circle of the first two dimensions, long along the radius; [P] equations 14-18."""

    def __init__(self, latent: int, genres: int) -> None:
        self.latent, self.genres = latent, genres
        self.scale = math.sqrt((1 + RADIAL_VARIANCE + (latent - 1) * OTHER_VARIANCE) / latent)
        """Root mean square of a code's coordinates."""

    def sample(self, genre: Tensor, generator: torch.Generator) -> Tensor:
        """Samples a code for each genre, or of the whole mixture where there is none.

        genre: (batch,) 0 to genres, the last meaning none -> (batch, latent).
        """
        random_genre = torch.randint(self.genres, genre.shape, generator=generator, device=genre.device)
        outwards, sideways = self.axes(torch.where(genre < self.genres, genre, random_genre))
        z = torch.randn(len(genre), self.latent, generator=generator, device=genre.device)
        z *= math.sqrt(OTHER_VARIANCE)
        radius = 1 + math.sqrt(RADIAL_VARIANCE / OTHER_VARIANCE) * z[:, :1]
        z[:, :2] = radius * outwards + z[:, 1:2] * sideways
        return z

    def axes(self, genre: Tensor) -> tuple[Tensor, Tensor]:
        """Returns unit vectors along the radius and across it; the first is also the mean of the genre's Gaussian.

        genre: (batch,) 0 to genres - 1 -> (batch, 2) each.
        """
        angle = 2 * math.pi * genre / self.genres
        return torch.stack([angle.cos(), angle.sin()], dim=-1), torch.stack([-angle.sin(), angle.cos()], dim=-1)

    def standardised(self, z: Tensor, genre: Tensor) -> Tensor:
        """Returns codes in the axes and standard deviations of their genre's Gaussian, whose samples become N(0, I).

        z: (batch, latent), genre: (batch,) 0 to genres - 1 -> (batch, latent): the coordinate along the radius, the one
        across it, and the others.
        """
        outwards, sideways = self.axes(genre)
        radius, across = (z[:, :2] * outwards).sum(dim=-1), (z[:, :2] * sideways).sum(dim=-1)
        along = (radius - 1) / math.sqrt(RADIAL_VARIANCE)
        others = torch.cat([across[:, None], z[:, 2:]], dim=-1) / math.sqrt(OTHER_VARIANCE)
        return torch.cat([along[:, None], others], dim=-1)

    def mean(self) -> Tensor:
        """Returns the mean of each coordinate over the whole mixture, (latent,): 0 with more than one genre."""
        mean = torch.zeros(self.latent)
        mean[:2] = self.axes(torch.arange(self.genres))[0].mean(dim=0)
        return mean

    def variance(self) -> Tensor:
        """Returns the variance of each coordinate over the whole mixture, (latent,)."""
        outwards, sideways = self.axes(torch.arange(self.genres))
        squares = (1 + RADIAL_VARIANCE) * outwards.square() + OTHER_VARIANCE * sideways.square()
        variance = torch.full((self.latent,), OTHER_VARIANCE)
        variance[:2] = squares.mean(dim=0) - self.mean()[:2].square()
        return variance


Prior = GaussianPrior | FlowerPrior


def sample_genre(tagged: Tensor, generator: torch.Generator) -> Tensor:
    """Chooses one of each song's genres uniformly; [P] section 3.3. tagged: (batch, genres) bool -> (batch,).

    Songs without a genre get the extra class, the number after the last genre.
    """
    chance = torch.rand(tagged.shape, generator=generator, device=tagged.device).where(tagged, -1.0)
    none = chance.new_full((len(chance), 1), -0.5)
    return torch.cat([chance, none], dim=-1).argmax(dim=-1)
