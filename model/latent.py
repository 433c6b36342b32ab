"""Moves in the latent space: between two codes, toward a genre, along an attribute; and samples of a genre."""

from collections.abc import Sequence

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.networks.priors import FlowerPrior

SMALLEST_SINE = 1e-3
"""Sine of the angle between two codes below which they are joined by a line."""


def interpolate(first: Tensor, second: Tensor, alpha: Tensor) -> Tensor:
    """Returns codes on the straight line between two; [P] equation 19.

    first, second: (..., latent), alpha: (points,), 1 at the first and 0 at the second -> (..., points, latent).
    """
    weight = alpha[:, None]
    return weight * first[..., None, :] + (1 - weight) * second[..., None, :]


def interpolate_spherically(first: Tensor, second: Tensor, alpha: Tensor) -> Tensor:
    """Returns codes on the arc around the origin between two, at even angles; the shapes are those of `interpolate`.

    Codes of the same direction have no angle between them, and opposite codes no unique arc: a line joins those.
    """
    angle = torch.acos(torch.cosine_similarity(first, second, dim=-1).clamp(-1, 1))[..., None, None]
    weight = alpha[:, None]
    arc = torch.sin(weight * angle) * first[..., None, :] + torch.sin((1 - weight) * angle) * second[..., None, :]
    sine = torch.sin(angle)
    return torch.where(sine > SMALLEST_SINE, arc / sine, interpolate(first, second, alpha))


def sample_codes(model: Autoencoder, genre: Tensor, generator: torch.Generator) -> Tensor:
    """Samples the prior for each genre, and lets the flow, if there is one, carry the samples to codes that music has.

    genre: (batch,) numbers on the circle, or `model.config.genres` for the whole prior -> (batch, latent).
    """
    z = model.prior.sample(genre, generator)
    return model.flow.to_codes(z, genre) if model.flow else z


def sample_windows(model: Autoencoder, genre: int, count: int, seed: int) -> Tensor:
    """Decodes samples of one genre, or of the whole prior; returns (count, tracks, steps).

    genre: its number, as in `sample_codes`.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    return model.tokens(sample_codes(model, torch.full((count,), genre, device=device), generator))


def moved(z: Tensor, step: Tensor, amounts: Tensor) -> Tensor:
    """Moves codes by each amount of a step.

    z: (windows, latent), step: (latent,) for all windows or (windows, latent), amounts: (amounts,)
    -> (amounts, windows, latent).
    """
    return z + amounts[:, None, None] * step


def step_to_petal(prior: FlowerPrior, z: Tensor, genre: int) -> Tensor:
    """Returns the step from each code to a genre of the flower: in the circle's plane, to the mean of its Gaussian.

    The other coordinates, in which all genres' Gaussians are the same, do not change: they are the song's own.
    z: (windows, latent) -> (windows, latent).
    """
    step = torch.zeros_like(z)
    step[:, :2] = prior.axes(torch.full((len(z),), genre, device=z.device))[0] - z[:, :2]
    return step


def steps_by_flow(model: Autoencoder, z: Tensor, genres: Sequence[int], guidances: Sequence[float]) -> Tensor:
    """Returns the steps from codes to where the flow of the model brings them with each genre and guidance.

    The flow carries the codes to the prior as music of no known genre. There they go to the genre's petal, if the prior
    has petals, and the flow carries them back as music of the genre, with guidance as in `Flow.to_codes`. What the way
    there and back changes without a genre, which is nearly nothing, is no part of the step.
    z: (windows, latent), mean codes -> (genres, guidances, windows, latent). The model has a flow.
    """
    assert model.flow is not None
    unknown = torch.full((len(z),), model.config.genres, device=z.device)
    in_prior = model.flow.to_prior(z, unknown)
    back = model.flow.to_codes(in_prior, unknown)
    flower = model.prior if isinstance(model.prior, FlowerPrior) else None
    steps = []
    for genre in genres:
        known = torch.full_like(unknown, genre)
        start = in_prior + step_to_petal(flower, in_prior, genre) if flower else in_prior
        steps.append(torch.stack([model.flow.to_codes(start, known, guidance) - back for guidance in guidances]))
    return torch.stack(steps)


def step_between(z: Tensor, tagged: Tensor) -> Tensor:
    """Returns the step from the mean code of windows without a genre to that of windows with it.

    It needs no prior with genres. It is the same for all windows, so the differences between their codes stay.
    z: (windows, latent), tagged: (windows,) bool, some true and some false -> (latent,).
    """
    return z[tagged].mean(dim=0) - z[~tagged].mean(dim=0)


def step_toward(z: Tensor, tagged: Tensor) -> Tensor:
    """Returns the step of one standard deviation of the codes along `step_between`; 0 if all or none are tagged.

    z: (windows, latent), tagged: (windows,) bool -> (latent,).
    """
    if tagged.all() or not tagged.any():
        return torch.zeros_like(z[0])
    return step_along(z, step_between(z, tagged))


def step_along(z: Tensor, direction: Tensor) -> Tensor:
    """Returns the step of one standard deviation of the codes along a direction.

    z: (windows, latent), direction: (latent,) -> (latent,).
    """
    unit = direction / direction.norm()
    step: Tensor = unit * (z @ unit).std()
    return step


def slope(z: Tensor, values: Tensor) -> Tensor:
    """Returns the slope of codes on an attribute: how codes differ where the attribute is one standard deviation more.

    This is the pattern of Haufe et al. (NeuroImage 87, 2014). The coefficients of a regression of the attribute on the
    codes, which read it best, are no direction to move in: they also cancel what else differs between the codes, and
    so point where codes hardly vary.
    z: (windows, latent), values: (windows,), finite and not all equal -> (latent,).
    """
    deviations = (values - values.mean()) / values.std(correction=0)
    pattern: Tensor = deviations.to(z.dtype) @ (z - z.mean(dim=0)) / len(z)
    return pattern
