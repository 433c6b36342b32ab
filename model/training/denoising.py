"""Codes on the way to the prior, from which half of a batch is decoded if `denoising_weight` says so.

A decoder that knows its code exactly leaves the encoder free to put similar music far apart. One that must guess from
little of the code makes the encoder say first what matters most. So music changes by degrees where codes do, and the
flow, whose network starts as a copy of this decoder, has less to learn.
"""

import torch
from torch import Tensor

USUAL_TIME, TIMES_DEVIATION = -0.4, 0.7
"""Mean and standard deviation of the times' logits; the median time is .4. At 1 it is the code, at 0 the prior."""


def draw_times(count: int, generator: torch.Generator) -> Tensor:
    """Returns random times between prior and code, logit-normal as in Esser et al. (arXiv 2403.03206), (count, 1)."""
    logits = torch.randn(count, 1, generator=generator, device=generator.device)
    return torch.sigmoid(USUAL_TIME + TIMES_DEVIATION * logits)


def toward_prior(z: Tensor, start: Tensor, time: Tensor, prior_mean: Tensor) -> Tensor:
    """Returns the points between samples of the prior and codes at these times, as far from the mean as codes are.

    z, start: (batch, latent), time: (batch, 1), prior_mean: (latent,) -> (batch, latent).
    """
    between = torch.lerp(start - prior_mean, z - prior_mean, time)
    return prior_mean + between / (time.square() + (1 - time).square()).sqrt()
