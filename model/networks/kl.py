"""The Kullback-Leibler divergence that MusicVAE's loss has beside cross entropy; [V] sections 2.1 and 2.2."""

import math

from torch import Tensor


def free_bits_kl(mean: Tensor, log_variance: Tensor, free_bits: float) -> Tensor:
    """Mean over the batch of what KL(q(z|x) || N(0, I)) has above the free bits, in nats.

    mean, log_variance: (batch, latent). The bits are those of a whole code, not of each dimension.
    """
    kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=-1)
    return (kl - free_bits * math.log(2)).clamp(min=0).mean()
