"""Ways through the latent space: between two windows, and samples of a genre."""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder


def interpolate(model: Autoencoder, first: Tensor, second: Tensor, alpha: Tensor) -> Tensor:
    """Windows decoded on the straight line between two windows' codes; [P] equation 19.

    first, second: (tracks, steps), alpha: (points,), 1 for the first's reconstruction and 0 for the second's
    -> (points, tracks, steps).
    """
    z1, z2 = model.codes(torch.stack([first, second]))
    return model.tokens(alpha[:, None] * z1 + (1 - alpha[:, None]) * z2)


def sample(model: Autoencoder, genre: int, count: int, seed: int) -> Tensor:
    """Windows decoded from the prior of one genre, or from the whole prior: (count, tracks, steps).

    genre: its place on the circle, or `model.config.genres` for none.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    return model.tokens(model.prior.sample(torch.full((count,), genre, device=device), generator))
