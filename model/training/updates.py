"""The updates of a run. The number of an update determines its windows, its random numbers and its learning rate.

On one GPU an update is captured as a CUDA graph and replayed: launching its thousands of small kernels takes several
times as long as running them.
"""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.config import TrainingConfig
from model.data import WindowSet
from model.training.batches import Batches, derive_seed
from model.training.step import Optimisers, TrainingStep
from model.training.workers import ALONE, Workers


class Updates:
    """The updates of one model on one set of windows, as the model sees them and on its device."""

    def __init__(
        self,
        model: Autoencoder,
        windows: WindowSet,
        config: TrainingConfig,
        optimisers: Optimisers,
        workers: Workers = ALONE,
        graph: bool = True,
    ) -> None:
        """Prepares the updates; graph: whether they are replayed from a CUDA graph where that is possible."""
        device = windows.tokens.device
        self._windows, self._optimisers = windows, optimisers
        self._generator = torch.Generator(device)
        self._step = TrainingStep(model, optimisers, config, self._generator, workers)
        self._batches = Batches(len(windows), config.batch, config.seed)
        self._chosen = torch.zeros(config.batch, dtype=torch.long, device=device)
        self._beta = torch.zeros((), device=device)
        # A graph always does the same, so it can have neither a growing sampling chance nor other processes.
        self._captures = graph and device.type == "cuda" and not model.autoregressive and workers.count == 1
        self._graph: torch.cuda.CUDAGraph | None = None
        self._losses: dict[str, Tensor] = {}

    def make(self, update: int, schedule: TrainingConfig) -> dict[str, Tensor]:
        """Makes an update of the schedule, counted from 0, and returns its losses, which the next one overwrites.

        From one update to the next only what `stretched` changes in the schedule may differ.
        """
        self._chosen.copy_(self._batches(update))
        self._generator.manual_seed(derive_seed(schedule.seed, "update", update))
        self._beta.fill_(schedule.beta(update))
        self._optimisers.set_learning_rate(schedule.rate(update))
        if self._graph:
            self._graph.replay()
            return self._losses
        losses = self._launch(schedule.sampling_chance(update))
        if self._captures:  # not before the first update: Adam's state and Triton's kernels must be there
            self._graph = self._capture()
        return losses

    def _launch(self, sampling_chance: float) -> dict[str, Tensor]:
        tokens, genres = self._windows.tokens[self._chosen], self._windows.genres[self._chosen]
        return self._step.make(tokens, genres, self._beta, sampling_chance)

    def _capture(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph):
            self._losses = self._launch(sampling_chance=0.0)
        return graph
