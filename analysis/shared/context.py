"""The input of every part of the analysis: a trained model, and the windows it was trained and validated on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.checkpoint import Description, load_for
from model.data import DroppedWindows, WindowSet, read_split_unit, read_windows
from model.threads import use_threads
from model.training.workers import device

BATCH = 256
"""The number of windows that the model encodes or decodes at once."""


@dataclass(frozen=True)
class EvaluationContext:
    """A trained model in evaluation mode, and the windows of both splits, in memory, with only the model's tracks."""

    model: Autoencoder
    description: Description
    training: WindowSet
    validation: WindowSet
    split_unit: str
    """What training and validation do not share: "song", "artist" or, as in [P], only "window"."""
    dropped: DroppedWindows = field(default_factory=DroppedWindows)
    """How many windows of the shards are not in these sets, because to this model they are identical to others."""

    @property
    def device(self) -> torch.device:
        """The device that holds the model."""
        return next(self.model.parameters()).device

    @property
    def genres(self) -> list[str]:
        """The genre vocabulary, in the order of the circle."""
        return self.description.data.genres

    def codes(self, tokens: Tensor) -> Tensor:
        """Returns the mean code of each window; (windows, tracks, steps) -> (windows, latent) on the CPU."""
        return torch.cat([self.model.codes(batch.to(self.device)).cpu() for batch in torch.split(tokens, BATCH)])

    def decoded(self, z: Tensor) -> Tensor:
        """Returns the likeliest states of each code; (windows, latent) -> (windows, tracks, steps) uint8 on the CPU."""
        return torch.cat([self.model.tokens(batch.to(self.device)).cpu() for batch in torch.split(z, BATCH)])

    def to_codes(self, z: Tensor, genre: Tensor) -> Tensor:
        """Returns samples of the prior as the flow carries them to codes, or as they are if the model has no flow.

        z: (samples, latent), genre: (samples,), the number after the last for none -> (samples, latent) on the CPU.
        """
        return self._carried(self.model.flow.to_codes, z, genre) if self.model.flow else z

    def to_prior(self, z: Tensor, genre: Tensor) -> Tensor:
        """Returns codes, with noise, as the flow carries them to the prior, or as they are; as in `to_codes`."""
        return self._carried(self.model.flow.to_prior, z, genre) if self.model.flow else z

    def _carried(self, carry: Callable[[Tensor, Tensor], Tensor], z: Tensor, genre: Tensor) -> Tensor:
        batches = zip(torch.split(z.to(self.device), BATCH), torch.split(genre.to(self.device), BATCH), strict=True)
        return torch.cat([carry(*batch).cpu() for batch in batches])


def read_context(model: Path, windows: Path, cpu_threads: int) -> EvaluationContext:
    """Reads a checkpoint and the folder of window shards it was trained on. cpu_threads: as in `use_threads`.

    Raises `InputError` as `load_for` and `use_threads` do.
    """
    use_threads(cpu_threads)
    autoencoder, description = load_for(model, windows)
    read = read_windows(windows, description.model)
    return EvaluationContext(
        autoencoder.to(device()), description, read.training, read.validation, read_split_unit(windows), read.dropped
    )
