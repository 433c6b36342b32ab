"""Ways through the latent space: between two codes, and samples of a genre."""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder

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
