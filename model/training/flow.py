"""Training of the flow between prior and codes, once encoder and decoder are trained; they do not change."""

from collections import deque

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from model.autoencoder import Autoencoder
from model.config import TrainingConfig
from model.data import WindowSet
from model.networks.flow import Flow
from model.networks.priors import sample_genre
from model.training.batches import Batches, derive_seed
from model.training.precision import autocast
from model.training.signals import InterruptedRunError, stop_signals
from music.progress import Progress

HIGHEST_RATE = 1e-3
"""The learning rate after the warm-up; it falls to nearly 0 in equal steps."""
WARM_UP = 50
LONGEST_GRADIENT = 1.0
STATES_WEIGHT = 0.3
"""Weight of the states' cross entropy beside the squared error of the expected mean codes."""
UNKNOWN_GENRE = 0.1
"""How often the genre is kept from the flow, so that it learns the whole prior too."""
USUAL_TIME = -0.8
"""The logit of the median time of training, .31: earlier nothing is decided, and later encoder and decoder know it all.

Times are logit-normal, as in Esser et al. (arXiv 2403.03206).
"""
SHOWN_UPDATES = 50
"""The number of last updates whose mean error is shown."""


def train_flow(model: Autoencoder, windows: WindowSet, config: TrainingConfig) -> float:
    """Adds a flow to a trained model and makes `flow_updates` of it; windows: on the model's device.

    Returns the error of the last updates: the mean square of what expected mean codes are off, in the prior's variance.
    Raises `InterruptedRunError` after SIGINT or SIGTERM.
    """
    torch.manual_seed(derive_seed(config.seed, "flow", 0))  # for the first weights of time and genre
    flow = model.add_flow()
    optimiser = torch.optim.Adam(flow.parameters(), fused=True)
    batches = Batches(len(windows), config.batch, derive_seed(config.seed, "flow", 1))
    generator = torch.Generator(windows.tokens.device)
    errors: deque[Tensor] = deque(maxlen=SHOWN_UPDATES)
    with stop_signals() as stopped, Progress("training the flow", config.flow_updates, "update") as progress:
        for update in range(config.flow_updates):
            chosen = batches(update).to(windows.tokens.device)
            generator.manual_seed(derive_seed(config.seed, "update", update))
            left = 1 - update / config.flow_updates
            optimiser.param_groups[0]["lr"] = HIGHEST_RATE * min((update + 1) / WARM_UP, 1) * left
            error, loss = _losses(model, flow, windows.take(chosen), config, generator)
            optimiser.zero_grad()
            torch.autograd.backward(loss, inputs=list(flow.parameters()))
            nn.utils.clip_grad_norm_(flow.parameters(), LONGEST_GRADIENT)
            optimiser.step()
            errors.append(error.detach())
            progress.to(update + 1)
            if stopped():
                raise InterruptedRunError("stopped in the training of the flow; the same command goes on")
    return torch.stack(list(errors)).mean().item()


def _losses(
    model: Autoencoder, flow: Flow, windows: WindowSet, config: TrainingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Returns the error of the mean codes expected at random times, and the loss, to which states contribute."""
    genre = sample_genre(windows.genres, generator)
    prior = flow.standardised(model.prior.sample(genre, generator))
    noise = torch.randn(prior.shape, generator=generator, device=prior.device)
    time = torch.sigmoid(USUAL_TIME + torch.randn(prior.shape[:2], generator=generator, device=prior.device))
    chance = torch.rand(len(prior), generator=generator, device=prior.device)
    known = genre.masked_fill(chance < UNKNOWN_GENRE, model.config.genres)
    with autocast(config.precision, prior.device):
        mean = flow.standardised(model.codes(windows.tokens))
        codes = mean + flow.noise_floor * noise
        between = torch.lerp(prior, codes, time[..., None])
        expected, logits = flow.estimate(between, time, known, flow.remember(codes[:, :-1]))
    error = mse_loss(expected, mean)
    return error, error + STATES_WEIGHT * cross_entropy(logits.float().flatten(0, 2), windows.tokens.long().flatten())
