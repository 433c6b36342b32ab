"""The Gaussian q(z|x) of a window's code ([P] section 3.2.1), its samples and its KL to N(0, I)."""

import math

import torch
from torch import Tensor, nn


class Posterior(nn.Module):
    """The last layer of every encoder: two linear maps, to the mean and to the log variance of q(z|x)."""

    def __init__(self, inputs: int, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(inputs, latent)
        self.log_variance = nn.Linear(inputs, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance in single precision; x: (batch, inputs) -> (batch, latent) each."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.mean.weight.dtype)
            return self.mean(x), self.log_variance(x)


def reparametrise(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Returns a sample z of N(mean, exp(log_variance)) as a function of standard normal noise; all (batch, latent).

    [P] equation 10 writes sigma = exp(2 sigma_pre), and its code exp(log_var / 2). A linear layer
    scaled by 4 makes them the same function. This is the second, the usual one, whose gradient is smaller at the start.
    """
    return mean + torch.exp(0.5 * log_variance) * noise


def free_bits_kl(mean: Tensor, log_variance: Tensor, free_bits: float) -> Tensor:
    """Returns the mean over the batch of what KL(q(z|x) || N(0, I)) has above the free bits, in nats; [V] section 2.1.

    mean, log_variance: (batch, latent). The bits are those of a whole code, not of each dimension.
    """
    kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=-1)
    return (kl - free_bits * math.log(2)).clamp(min=0).mean()


def moments_kl(first: Tensor, second: Tensor, prior_mean: Tensor, prior_variance: Tensor) -> Tensor:
    """Returns the KL divergence in nats, summed over the dimensions, between Gaussians with the moments of two sets.

    first, second: the mean of the codes and that of their squares; (latent,) each, like the prior's mean and variance.
    """
    share = (second - first.square()) / prior_variance
    distance = (first - prior_mean).square() / prior_variance
    return 0.5 * (distance + share - share.log() - 1).sum()
