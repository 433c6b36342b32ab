"""What is analysed: a trained model, and the windows that it was trained and validated on."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.checkpoint import Description, load_for
from model.data import SPLITS, WindowSet, read_split_unit, read_windows
from model.training.workers import device

BATCH = 256


@dataclass(frozen=True)
class EvaluationContext:
    """A trained model, in evaluation mode on the device at hand, and its windows, in memory with its tracks alone."""

    model: Autoencoder
    description: Description
    training: WindowSet
    validation: WindowSet
    split_unit: str
    """What the two have no part of in common: "song", "artist" or, as in [P], "window"."""

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def genres(self) -> list[str]:
        """The vocabulary, in circle order."""
        return self.description.data.genres

    def codes(self, tokens: Tensor) -> Tensor:
        """The mean code of each window; (windows, tracks, steps) -> (windows, latent), on the CPU."""
        return torch.cat([self.model.codes(batch.to(self.device)).cpu() for batch in torch.split(tokens, BATCH)])

    def decoded(self, z: Tensor) -> Tensor:
        """The likeliest states of each code; (windows, latent) -> (windows, tracks, steps) uint8, on the CPU."""
        return torch.cat([self.model.tokens(batch.to(self.device)).cpu() for batch in torch.split(z, BATCH)])


def some(windows: WindowSet, count: int, generator: torch.Generator) -> WindowSet:
    """So many windows drawn without replacement, or all."""
    return windows.take(torch.randperm(len(windows), generator=generator)[:count])


def read_context(model: Path, windows: Path, cpu_threads: int) -> EvaluationContext:
    """A checkpoint and the folder of window shards it was trained on. Raises `InputError` as `load_for` does.

    cpu_threads: 0 takes all cores.
    """
    if cpu_threads:
        torch.set_num_threads(cpu_threads)
    autoencoder, description = load_for(model, windows)
    training, validation = (read_windows(windows, split).seen_by(description.model) for split in SPLITS)
    return EvaluationContext(autoencoder.to(device()), description, training, validation, read_split_unit(windows))
