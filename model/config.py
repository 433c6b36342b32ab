"""What a model consists of, how it is trained, and when training ends: a dataclass for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Literal

from music.settings import Seed, Settings, at_least, from_to, more_than
from music.tokens import STEPS_PER_BAR, TRACKS

Onsets = Literal["starts", "changes"]
NetworkName = Literal["attention", "recurrent", "flat", "hierarchical"]
PriorName = Literal["gaussian", "flower"]
Regulariser = Literal["wgan_gp", "wgan_gp_without_genre", "kl", "none"]
Precision = Literal["float32", "bfloat16"]
Keep = Literal["last", "best"]

Count = Annotated[int, at_least(1)]

HEAD_SIZE = 64
"""Numbers of a place's vector that one head of attention sees; a smaller vector has one head."""


@dataclass(frozen=True)
class ModelConfig(Settings):
    """An autoencoder.

    MusAE has the attention network or the recurrent one of [P], and WGAN-GP; MusicVAE has the recurrent encoder with
    the flat or hierarchical decoder, and the KL divergence.
    """

    bars: Count
    """The length of a window in bars of 16 steps."""
    tracks: tuple[str, ...]
    """The tracks of a window that the model sees, of the four in `TRACKS`."""
    onsets: Onsets
    """What counts as an onset: a note that starts or, as in [P]'s code, only a change of pitch."""
    network: NetworkName
    """Encoder and decoder."""
    prior: PriorName
    regulariser: Regulariser
    """The term that pulls the codes towards the prior: WGAN-GP, the same with a critic that does not see the genre, the
    Kullback-Leibler divergence, or nothing.
    """
    genres: int
    """The number of Gaussians of the flower; 32 in [P]."""
    hidden_size: Count
    """Size of each layer of encoder, decoder and critic, of LSTMs in each direction; 1,024 in [P]."""
    layers: Count
    """LSTM layers or blocks of attention, of the encoder and of each decoder; 3 in [P]."""
    latent: Annotated[int, at_least(2)]
    """Dimensions of z, two of which hold the flower's circle; 512 in [P]."""
    place_steps: Count = 4
    """Steps that the attention network joins into one place: 4 make a beat, 16 a bar."""
    noise_floor: Annotated[float, at_least(0)] = 0.0
    """The least standard deviation of q(z|x) in each dimension, as a share of the prior's."""

    @property
    def places(self) -> int:
        """The number of places of the attention network in a window."""
        return STEPS_PER_BAR * self.bars // self.place_steps

    @property
    def may_have_flow(self) -> bool:
        """Whether there can be a flow between prior and codes: of the attention network, whose codes bear noise."""
        return self.network == "attention" and self.noise_floor > 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prior == "flower" and self.genres < 1:
            raise ValueError("the flower prior has a Gaussian for each genre, and there are no genres")
        if STEPS_PER_BAR % self.place_steps:
            raise ValueError(f"place_steps must divide the {STEPS_PER_BAR} steps of a bar, not be {self.place_steps}")
        if self.network == "attention" and self.hidden_size > HEAD_SIZE and self.hidden_size % HEAD_SIZE:
            raise ValueError(f"hidden_size of attention must be a multiple of {HEAD_SIZE}, not {self.hidden_size}")
        if self.network == "attention" and self.latent % self.places:
            raise ValueError(f"latent must divide evenly between {self.places} places, and is {self.latent}")


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """The schedule of [P] section 4.1 and of WGAN-GP [W], and what MusicVAE adds to it [V]."""

    updates: Count
    """Gradient updates of the autoencoder."""
    batch: Count
    """Windows in an update."""
    learning_rate: Annotated[float, more_than(0)]
    """The highest learning rate, that of the first update unless there is a warm-up."""
    beta_every: Count
    """Updates after which beta grows by a tenth, from 0 to 1; 10,000 in [P]."""
    free_bits: Annotated[float, at_least(0)]
    """Bits of KL divergence that cost nothing, for a whole window; [V] section 2.1."""
    evaluate_every: Count
    """Updates from one validation to the next; there is also one after the last update."""
    precision: Precision
    seed: Seed
    clip: Annotated[float, at_least(0)] = 0.0
    """The largest norm of the autoencoder's gradient: a larger gradient is scaled down to it; 0 means no limit.

    It is 1 in [V]'s code, where the loss is a sum over the steps; here it is a mean.
    """
    decay: Annotated[float, from_to(0, 1)] = 0.0
    """The share by which each update lowers the learning rate; 1e-4 in [P]."""
    warm_up: Annotated[int, at_least(0)] = 0
    """The number of first updates in which the learning rate grows in equal steps."""
    cool_down: Annotated[float, from_to(0, 1)] = 0.0
    """The share of the updates, the last ones, in which the learning rate falls in equal steps to nearly 0."""
    critic_updates: Count = 5
    """Updates of the critic for one of the autoencoder; 5 in [W]."""
    gradient_penalty: Annotated[float, at_least(0)] = 10.0
    """Lambda of [P] equation 6; 10 in [W]."""
    kl_weight: Annotated[float, at_least(0)] = 0.2
    """Weight of the KL divergence where beta is 1; the largest beta of [V]."""
    moments_weight: Annotated[float, at_least(0)] = 0.0
    """Weight of the KL divergence, a step, between Gaussians with the moments of a batch's codes and of the prior.

    Regulariser `none` leaves it out. Beta does not change it: with a noise floor codes must grow from the start.
    """
    denoising_weight: Annotated[float, at_least(0)] = 0.0
    """Weight of decoding every other window of a batch from a point on the way to the prior; 0: all from their codes.

    It needs at least two windows in a batch, and an even number for each process if there are several.
    """
    flow_updates: Annotated[int, at_least(0)] = 0
    """Updates of the flow between prior and codes, after all others, for models that may have one; 0 for no flow."""
    sampling_rate: Annotated[float, at_least(0)] = 0.0
    """k in `sampling_chance`, the schedule of scheduled sampling; 0 turns scheduled sampling off."""
    sampling_every: Annotated[float, more_than(0)] = 1.0
    """Updates of this schedule for each one of the schedule for which k was chosen."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.sampling_rate < 1:
            raise ValueError("sampling_rate must be 0 for never, or at least 1")
        if self.decay == 1:
            raise ValueError("decay must be below 1")
        if self.denoising_weight and self.batch < 2:
            raise ValueError("denoising_weight must be 0 for batches of one window")

    def stretched(self, updates: int) -> "TrainingConfig":
        """Returns the same schedule over another number of updates: all periods in updates grow or shrink with it.

        The warm-up alone does not grow: it takes as many updates in a longer run.
        """
        factor = updates / self.updates
        return replace(
            self,
            updates=updates,
            decay=1 - (1 - self.decay) ** (1 / factor),
            beta_every=max(round(self.beta_every * factor), 1),
            sampling_every=self.sampling_every * factor,
            warm_up=round(self.warm_up * min(factor, 1)),
            evaluate_every=max(round(self.evaluate_every * factor), 1),
            flow_updates=math.ceil(self.flow_updates * factor),
        )

    def beta(self, update: int) -> float:
        """Returns the weight of the regulariser at this update, counted from 0."""
        return min(update // self.beta_every, 10) / 10

    def sampling_chance(self, update: int) -> float:
        """Returns the probability of feeding a decoder its own state at this update i: 1 - k / (k + exp(i / k)) [V].

        The chance grows from about 1 / k to 1, and is one half after k ln k updates.
        """
        if not self.sampling_rate:
            return 0.0
        return 1 / (1 + self.sampling_rate * math.exp(-update / self.sampling_every / self.sampling_rate))

    def rate(self, update: int) -> float:
        """Returns the learning rate at this update, counted from 0."""
        warmed = min((update + 1) / self.warm_up, 1) if self.warm_up else 1
        left = (self.updates - update) / self.updates
        cooled = min(left / self.cool_down, 1) if self.cool_down else 1
        return self.learning_rate * (1 - self.decay) ** update * min(warmed, cooled)


@dataclass(frozen=True)
class StoppingCriteria(Settings):
    """When a run ends, besides the end of its schedule, and which weights it keeps."""

    max_minutes: Annotated[float, more_than(0)] | None
    """The time to which the schedule is fitted; None runs all updates of the schedule."""
    patience: Count | None
    """Validations in a row without a lower loss after which the run ends."""
    keep: Keep
    """Whether the weights of the last update are kept, or those of the lowest validation loss."""


@dataclass(frozen=True)
class RunConfig(Settings):
    """A training run as section `train` of params.yaml and the command line ask for it."""

    tracks: Sequence[str]
    onsets: Onsets
    network: NetworkName
    prior: PriorName
    regulariser: Regulariser
    recipe: str
    """Sizes and schedule: an entry of recipes.toml."""
    updates: Count | None
    """The recipe's schedule is stretched over this many updates; None leaves it unchanged."""
    max_minutes: Annotated[float, more_than(0)] | None
    patience: Count | None
    keep: Keep
    seed: Seed
    precision: Precision
    cpu_threads: Annotated[int, at_least(0)]
    """0 takes all cores; with 1 the weights do not depend on how many there are."""
    bars: Count | None = None
    """The length that the windows of the shards must have, if it matters."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tracks or list(self.tracks) != [track for track in TRACKS if track in self.tracks]:
            raise ValueError(f"tracks must be some of {', '.join(TRACKS)}, in this order, not {', '.join(self.tracks)}")
        if self.prior == "flower" and self.regulariser == "kl":
            raise ValueError("the KL divergence needs the gaussian prior: from a mixture it has no closed form")
        if self.updates is not None and self.max_minutes is not None:
            raise ValueError("updates and max_minutes cannot both be given: each fits the schedule")

    @property
    def stopping(self) -> StoppingCriteria:
        """When the run ends, besides the end of its schedule."""
        return StoppingCriteria(self.max_minutes, self.patience, self.keep)


def difference(first: object, second: object) -> str:
    """Returns the fields in which two objects of one dataclass differ, with both values, for a message."""
    pairs = [(f.name, getattr(first, f.name), getattr(second, f.name)) for f in fields(first)]  # type: ignore[arg-type]
    return ", ".join(f"{name} {value}, not {expected}" for name, value, expected in pairs if value != expected)
