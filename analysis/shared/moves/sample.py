"""The windows that `control` and `editability` move, and the windows that give the directions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.shared.bootstrap import song_weights
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.config import MovesConfig
from analysis.shared.sampling import interleave_songs, random_subset
from model.data import WindowSet
from model.latent import step_toward
from model.similarity import same_states, shared_notes
from music.arrays import FloatArray


@dataclass(frozen=True)
class MovedSample:
    """Windows of both splits, with their codes."""

    training: WindowSet
    """Windows whose codes give the directions."""
    training_codes: Tensor
    """(training windows, latent)"""
    windows: WindowSet
    """Validation windows, which are moved."""
    codes: Tensor
    """(windows, latent)"""
    reconstructions: Tensor
    """(windows, tracks, steps)"""
    weights: FloatArray
    """(1 + resamples, windows) from `song_weights`: all intervals of a part come from these resamples."""

    def step_toward(self, genre: int) -> Tensor:
        """Returns the step of one standard deviation of the codes along the difference of means, (latent,).

        The difference is that between the training windows with the genre and those without it.
        """
        return step_toward(self.training_codes, self.training.genres[:, genre])

    @property
    def best_reconstructed(self) -> int:
        """The number of the window of which most notes are reconstructed."""
        return int(shared_notes(self.reconstructions, self.windows.tokens).argmax())

    @property
    def similarity_of_songs(self) -> float | None:
        """Mean share of states that the reconstructions of two different songs have in common; None for one song."""
        other_songs = self.windows.songs != self.windows.songs.roll(1)
        if not other_songs.any():
            return None
        shares = same_states(self.reconstructions, self.reconstructions.roll(1, dims=0))
        return shares[other_songs].mean().item()


def take_sample(context: EvaluationContext, config: MovesConfig, generator: torch.Generator) -> MovedSample:
    """Samples training windows, and validation windows from as many songs as possible, and encodes both."""
    training = random_subset(context.training, config.training_windows, generator)
    songs = context.validation.songs.numpy().astype(np.int64)
    order = torch.from_numpy(interleave_songs(songs, np.random.default_rng(config.seed)))
    windows = context.validation.take(order[: config.windows])
    codes = context.codes(windows.tokens)
    weights = song_weights(windows.songs, config.resamples, config.seed)
    return MovedSample(training, context.codes(training.tokens), windows, codes, context.decoded(codes), weights)
