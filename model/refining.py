"""A trained model fitted to the few bits of its compact copy, which then loses less.

Forward and backward passes see rounded weights, while what is not yet a whole step adds up in the exact ones (the
straight-through estimator; Bengio et al., arXiv 1308.3432).
"""

from dataclasses import replace

import torch

from model.autoencoder import Autoencoder
from model.compact import finest_step, rounded
from model.config import TrainingConfig
from model.data import Batches, WindowSet, generator_of
from model.update import Optimisers, update_once
from model.workers import Workers
from music.progress import Progress

COARSE = 0.1
"""Steps above which a copy is noticeably worse than its model."""
ROOM = 1.03
"""By which these are made larger: the weights that are fitted to them may take a little more."""
SHARE = 0.05
"""Of a run's updates."""
RATE = 0.25
"""Of its learning rate."""


def fit_to_size(
    model: Autoencoder, training: WindowSet, config: TrainingConfig, most_bytes: int, workers: Workers
) -> float:
    """The steps with which a copy takes at most so many bytes; where they are coarse, the model is refined for them."""
    step = finest_step(model.state_dict(), most_bytes)
    if step > COARSE:
        step *= ROOM
        refine(model, training, config, step, workers)
    return step


def refine(model: Autoencoder, training: WindowSet, config: TrainingConfig, step: float, workers: Workers) -> None:
    """Trains the model in place, its matrices rounded to such steps: the run's schedule once more, in small.

    training: as the model sees it. In the end the weights are exact again, and near to what they are rounded to.
    """
    workers.share(model.state_dict().values())
    schedule = replace(
        config.stretched(max(round(SHARE * config.updates), 1)), learning_rate=RATE * config.learning_rate
    )
    optimisers = Optimisers.of(model, schedule)
    device = next(model.parameters()).device
    training = training.to(device)
    batches = Batches(len(training), schedule.batch, schedule.seed)
    matrices = [weight for weight in (*model.encoder.parameters(), *model.decoder.parameters()) if weight.ndim == 2]
    exact = [torch.empty_like(matrix) for matrix in matrices]

    @torch.no_grad()
    def round_all(*_: object) -> None:
        for matrix, of in zip(matrices, exact, strict=True):
            of.copy_(matrix)
            matrix.copy_(rounded(of, step).matrix)

    @torch.no_grad()
    def make_exact(*_: object) -> None:
        for matrix, of in zip(matrices, exact, strict=True):
            matrix.copy_(of)

    optimisers.autoencoder.register_step_pre_hook(make_exact)
    optimisers.autoencoder.register_step_post_hook(round_all)
    round_all()
    with Progress("fitting the compact copy", schedule.updates, "update") as progress:
        for update in range(schedule.updates):
            batch = training.take(batches(update).to(device))
            generator = generator_of(schedule.seed, "update", update, device)
            update_once(model, batch.tokens, batch.genres, optimisers, schedule, update, generator, workers)
            progress.to(update + 1)
    make_exact()
