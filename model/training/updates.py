"""The updates of a run, each known by its number: its windows, its random numbers, its place in the schedule.

On one GPU an update is captured as a CUDA graph and replayed: launching its thousands of small kernels takes several
times as long as they do.
"""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.config import TrainingConfig
from model.data import Batches, WindowSet, seed_of
from model.training.step import Optimisers, update_once
from model.training.workers import ALONE, Workers


class Updates:
    """Of one model on one set of windows, seen by the model and on its device."""

    def __init__(
        self,
        model: Autoencoder,
        windows: WindowSet,
        config: TrainingConfig,
        optimisers: Optimisers,
        workers: Workers = ALONE,
        graph: bool = True,
    ) -> None:
        """Without a graph, or where there can be none, each kernel is launched by itself."""
        self._model, self._windows, self._optimisers, self._workers = model, windows, optimisers, workers
        self._batches = Batches(len(windows), config.batch, config.seed)
        device = windows.tokens.device
        self._chosen = torch.zeros(config.batch, dtype=torch.long, device=device)
        self._beta = torch.zeros((), device=device)
        self._generator = torch.Generator(device)
        # What a graph does is fixed, so a chance that grows by and by is not in it; nor are other processes.
        self._captures = graph and device.type == "cuda" and not model.autoregressive and workers.count == 1
        self._graph: torch.cuda.CUDAGraph | None = None
        self._losses: dict[str, Tensor] = {}

    def choose(self, update: int) -> None:
        """Makes `batch` that of this update."""
        self._chosen.copy_(self._batches(update))

    def batch(self) -> tuple[Tensor, Tensor]:
        """Tokens, (batch, tracks, steps), and genres, (batch, genres), of the windows chosen."""
        return self._windows.tokens[self._chosen], self._windows.genres[self._chosen]

    def make(self, update: int, config: TrainingConfig) -> dict[str, Tensor]:
        """Makes the update, counted from 0, of a schedule; its losses, which the next one overwrites.

        From one update to the next only what `stretched` changes in the config may differ.
        """
        self.choose(update)
        self._generator.manual_seed(seed_of(config.seed, "update", update))
        self._beta.fill_(config.beta(update))
        self._optimisers.set_learning_rate(config.rate(update))
        if self._graph:
            self._graph.replay()
            return self._losses
        losses = self._update(config, config.sampling_chance(update))
        if self._captures:  # not before the first update: Adam's state and Triton's kernels must be there
            self._graph = self._captured(config)
        return losses

    def _update(self, config: TrainingConfig, sampling_chance: float) -> dict[str, Tensor]:
        return update_once(
            self._model, *self.batch(), self._optimisers, config, self._beta, sampling_chance, self._generator,
            self._workers,
        )  # fmt: skip

    def _captured(self, config: TrainingConfig) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph):
            self._losses = self._update(config, sampling_chance=0.0)
        return graph
