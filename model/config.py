"""What a model is made of and how it is trained: one dataclass each."""

import math
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from model.training.precision import Precision
from music.tokens import TRACKS

Onsets = Literal["starts", "changes"]
Decoder = Literal["parallel", "flat", "hierarchical"]
Prior = Literal["gaussian", "flower"]
Regulariser = Literal["wgan_gp", "wgan_gp_without_genre", "kl", "none"]


@dataclass(frozen=True)
class ModelConfig:
    """An autoencoder.

    MusAE has the parallel decoder and the adversary, MusicVAE the flat or hierarchical decoder and the divergence.
    """

    bars: int
    """Length of a window; 16 steps each."""
    tracks: tuple[str, ...]
    """Which of a window's four tracks the model sees."""
    onsets: Onsets
    """What begins a state other than hold: a note that starts, or as in [P]'s code only a change of pitch."""
    decoder: Decoder
    prior: Prior
    regulariser: Regulariser
    """What pulls the codes towards the prior: WGAN-GP, the same with a critic blind to the genre, the Kullback-Leibler
    divergence, or nothing.
    """
    genres: int
    """How many Gaussians the flower has; 32 in [P]."""
    hidden_size: int
    """Of each LSTM layer and direction, of the embedding and of each layer of the critic; 1,024 in [P]."""
    layers: int
    """Of the encoder and of each decoder; 3 in [P]."""
    latent: int
    """Dimensions of z; 512 in [P]."""

    def __post_init__(self) -> None:
        for name in ("bars", "hidden_size", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.latent < 2:
            raise ValueError("latent must be at least 2: the flower lies in a plane")
        for name, kind in (("onsets", Onsets), ("decoder", Decoder), ("prior", Prior), ("regulariser", Regulariser)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, not {getattr(self, name)}")
        if not self.tracks or list(self.tracks) != [track for track in TRACKS if track in self.tracks]:
            raise ValueError(f"tracks must be some of {', '.join(TRACKS)}, in this order, not {', '.join(self.tracks)}")
        if self.prior == "flower" and self.genres < 1:
            raise ValueError("the flower prior needs songs with genre tags; give tags or take the gaussian prior")
        if self.prior == "flower" and self.regulariser == "kl":
            raise ValueError("the divergence needs the gaussian prior: from a mixture it has no closed form")


@dataclass(frozen=True)
class TrainingConfig:
    """The schedule of [P] section 4.1 and of WGAN-GP [W]; the peers add theirs."""

    updates: int
    """Gradient updates of the autoencoder."""
    batch: int
    learning_rate: float
    decay: float
    """What an update takes off the learning rate, as a share of it; 1e-4 in [P]."""
    clip: float
    """The largest norm of the autoencoder's gradient, to which larger ones are scaled; 0 for no bound.

    1 in [V]'s code, whose loss is a sum over the steps, where ours is a mean.
    """
    beta_every: int
    """After so many updates beta grows by a tenth, from 0 to 1; 10,000 in [P]."""
    critic_updates: int
    """Of the critic, for one of the autoencoder; 5 in [W]."""
    gradient_penalty: float
    """Lambda of [P] equation 6; 10 in [W]."""
    kl_weight: float
    """Weight of the divergence where beta is 1; the largest beta of [V]."""
    free_bits: float
    """Of divergence that cost nothing, a window; [V] section 2.1."""
    sampling_rate: float
    """k of the inverse sigmoid by which autoregressive decoders come to be fed their own states; 0 for never."""
    sampling_every: float
    """Updates that count as one of those for which k was chosen."""
    evaluate_every: int
    """Validation after so many updates, and after the last."""
    precision: Precision
    seed: int

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision must be one of {', '.join(get_args(Precision))}, not {self.precision}")
        for name in ("updates", "batch", "beta_every", "critic_updates", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in ("clip", "gradient_penalty", "kl_weight", "free_bits", "sampling_rate", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more")
        for name in ("learning_rate", "sampling_every"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if 0 < self.sampling_rate < 1:
            raise ValueError("sampling_rate must be 0 for never, or at least 1")
        if not 0 <= self.decay < 1:
            raise ValueError("decay must be from 0 to below 1")

    def stretched(self, updates: int) -> "TrainingConfig":
        """The same schedule over so many updates: all that counts in updates grows or shrinks with them."""
        factor = updates / self.updates
        return replace(
            self,
            updates=updates,
            decay=1 - (1 - self.decay) ** (1 / factor),
            beta_every=max(round(self.beta_every * factor), 1),
            sampling_every=self.sampling_every * factor,
            evaluate_every=max(round(self.evaluate_every * factor), 1),
        )

    def beta(self, update: int) -> float:
        """The weight of the regulariser at this update, counted from 0."""
        return min(update // self.beta_every, 10) / 10

    def sampling_chance(self, update: int) -> float:
        """How often an autoregressive decoder is fed an own state at this update: 1 - k / (k + exp(i / k)) [V].

        From about 1 / k at first to 1; it is even after k ln k updates.
        """
        if not self.sampling_rate:
            return 0.0
        return 1 / (1 + self.sampling_rate * math.exp(-update / self.sampling_every / self.sampling_rate))

    def rate(self, update: int) -> float:
        """The learning rate at this update, counted from 0."""
        return self.learning_rate * (1 - self.decay) ** update


def difference(one: object, other: object) -> str:
    """The fields in which two of the same dataclass differ, and how, for a message."""
    pairs = [(f.name, getattr(one, f.name), getattr(other, f.name)) for f in fields(one)]  # type: ignore[arg-type]
    return ", ".join(f"{name} {here}, not {there}" for name, here, there in pairs if here != there)
