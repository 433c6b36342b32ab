"""A trained model fitted to the few bits of its compact copy, which then loses less.

Forward and backward passes see rounded weights, while what is not yet a whole step adds up in the exact ones (the
straight-through estimator; Bengio et al., arXiv 1308.3432).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from model.autoencoder import Autoencoder
from model.compact import Weights, expand, finest_step, fits, pack, rounded
from model.config import TrainingConfig
from model.data import WindowSet
from model.training.loop import VALIDATION_WINDOWS, validate
from model.training.snapshots import Metrics
from model.training.step import Optimisers
from model.training.updates import Updates
from model.training.workers import Workers
from music.progress import Progress

COARSE = 0.1
"""Steps above which a copy is noticeably worse than its model."""
ROOM = 1.03
"""By which these are made larger: the weights that are fitted to them may take a little more."""
SHARE = 0.05
"""Of a run's updates."""
RATE = 0.25
"""Of its learning rate."""


def compacted(
    model: Autoencoder,
    training: WindowSet,
    validation: WindowSet,
    config: TrainingConfig,
    most_bytes: int,
    workers: Workers,
) -> tuple[Weights, Metrics]:
    """Packed weights of at most so many bytes, for a copy of the model, and their validation.

    Where the steps are coarse the model is refined for them, if the copy gains by it; it is changed in place. The sets
    are as the model sees them. Raises `InputError` for weights that do not fit.
    """
    device = next(model.parameters()).device
    training, validation = training.to(device), validation.spread(VALIDATION_WINDOWS).to(device)

    def judged(packed: Weights) -> Metrics:
        model.load_state_dict(expand(packed))
        return validate(model, validation, config.batch // workers.count)

    workers.share(model.state_dict().values())
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    step = finest_step(weights, most_bytes)
    plain = pack(weights, step)
    metrics = judged(plain)
    if step <= COARSE:
        return plain, metrics
    model.load_state_dict(weights)
    _refine(model, training, config, ROOM * step, workers)
    refined = pack(model.state_dict(), ROOM * step)
    its_metrics = judged(refined)
    gains = its_metrics["validation_loss"] < metrics["validation_loss"] and fits(refined, most_bytes)
    return (refined, its_metrics) if gains else (plain, metrics)


def _refine(model: Autoencoder, training: WindowSet, config: TrainingConfig, step: float, workers: Workers) -> None:
    """The run's schedule once more, in small, with the regulariser at its full weight and the matrices rounded."""
    updates = max(round(SHARE * config.updates), 1)
    schedule = replace(config.stretched(updates), learning_rate=RATE * config.learning_rate, beta_every=1)
    optimisers = Optimisers.of(model, schedule)
    fitting = Updates(model, training, schedule, optimisers, workers)
    model.train()  # cuDNN differentiates no LSTM in evaluation mode
    with _rounding(model, step, optimisers.autoencoder), Progress("fitting the copy", updates, "update") as progress:
        for update in range(updates):
            fitting.make(update, schedule)
            progress.to(update + 1)
    model.eval()


@contextmanager
def _rounding(model: Autoencoder, step: float, optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """The model's matrices are rounded, and exact again in the end; the optimiser's steps move the exact ones."""
    matrices = [weight for weight in (*model.encoder.parameters(), *model.decoder.parameters()) if weight.ndim == 2]
    exact = [torch.empty_like(matrix) for matrix in matrices]

    @torch.no_grad()
    def round_all(*_: object) -> None:
        for matrix, kept in zip(matrices, exact, strict=True):
            kept.copy_(matrix)
            matrix.copy_(rounded(kept, step).matrix)

    @torch.no_grad()
    def make_exact(*_: object) -> None:
        for matrix, kept in zip(matrices, exact, strict=True):
            matrix.copy_(kept)

    optimiser.register_step_pre_hook(make_exact)
    optimiser.register_step_post_hook(round_all)
    round_all()
    yield
    make_exact()
