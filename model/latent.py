"""Ways through the latent space: between two windows, and samples of a genre."""

import torch
from torch import Tensor

from model.musae import MusAE


def interpolate(model: MusAE, first: Tensor, second: Tensor, points: int) -> Tensor:
    """Windows decoded on the straight line between two windows' codes; [P] equation 19.

    first, second: (4, steps) -> (points, 4, steps), from the first's reconstruction to the second's.
    """
    start, end = model.codes(torch.stack([first, second]))
    alpha = torch.linspace(0, 1, points, device=start.device)[:, None]
    return model.tokens((1 - alpha) * start + alpha * end)


def sample(model: MusAE, genre: int, count: int, seed: int) -> Tensor:
    """Windows decoded from the prior of one genre, or from the whole prior: (count, 4, steps).

    genre: its place on the circle, or `model.config.genres` for none.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    return model.tokens(model.prior.sample(torch.full((count,), genre, device=device), generator))
