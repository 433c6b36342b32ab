"""Ways through the latent space: between two codes, samples of a genre, toward a genre, along an attribute."""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.networks.priors import FlowerPrior

SMALLEST_SINE = 1e-3


def interpolate(first: Tensor, second: Tensor, alpha: Tensor) -> Tensor:
    """Codes on the straight line between two; [P] equation 19.

    first, second: (..., latent), alpha: (points,), 1 at the first and 0 at the second -> (..., points, latent).
    """
    weight = alpha[:, None]
    return weight * first[..., None, :] + (1 - weight) * second[..., None, :]


def interpolate_spherically(first: Tensor, second: Tensor, alpha: Tensor) -> Tensor:
    """Codes on the arc between two around the origin, turning evenly; shapes as for the straight line.

    Codes of the same direction have no angle between them, and opposite ones no one arc: the line joins them.
    """
    angle = torch.acos(torch.cosine_similarity(first, second, dim=-1).clamp(-1, 1))[..., None, None]
    weight = alpha[:, None]
    arc = torch.sin(weight * angle) * first[..., None, :] + torch.sin((1 - weight) * angle) * second[..., None, :]
    sine = torch.sin(angle)
    return torch.where(sine > SMALLEST_SINE, arc / sine, interpolate(first, second, alpha))


def sample(model: Autoencoder, genre: int, count: int, seed: int) -> Tensor:
    """Windows decoded from the prior of one genre, or from the whole prior: (count, tracks, steps).

    genre: its place on the circle, or `model.config.genres` for none.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    return model.tokens(model.prior.sample(torch.full((count,), genre, device=device), generator))


def moved(z: Tensor, step: Tensor, amounts: Tensor) -> Tensor:
    """Codes moved by so many steps each.

    z: (windows, latent), step: (latent,) for all or (windows, latent), amounts: (amounts,)
    -> (amounts, windows, latent).
    """
    return z + amounts[:, None, None] * step


def step_to_petal(prior: FlowerPrior, z: Tensor, genre: int) -> Tensor:
    """What takes each code to a genre of the flower: in the circle's plane, to the mean of the genre's Gaussian.

    Nothing changes in the other coordinates, in which all genres' Gaussians are the same: they are the song's own.
    z, and the step: (windows, latent).
    """
    step = torch.zeros_like(z)
    step[:, :2] = prior.axes(torch.full((len(z),), genre, device=z.device))[0] - z[:, :2]
    return step


def step_between(z: Tensor, tagged: Tensor) -> Tensor:
    """From the mean code of the windows without a genre to that of the windows with it, for priors without genres.

    It is the same for all windows, so that what tells their codes apart stays. z: (windows, latent), tagged:
    (windows,) bool, of which some are true and some false -> (latent,).
    """
    return z[tagged].mean(dim=0) - z[~tagged].mean(dim=0)


def step_along(z: Tensor, direction: Tensor) -> Tensor:
    """One standard deviation of the codes along a direction; z: (windows, latent), direction, step: (latent,)."""
    unit = direction / direction.norm()
    step: Tensor = unit * (z @ unit).std()
    return step
