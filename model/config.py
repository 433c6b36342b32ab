"""What a model is made of and how it is trained: one dataclass each."""

from dataclasses import dataclass

PRIORS = ("gaussian", "flower")


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a MusAE and the prior of its latent space."""

    bars: int
    """Length of a window; 16 steps each."""
    units: int
    """Of each LSTM layer and direction, of the embedding and of each layer of the critic; 1,024 in [P]."""
    layers: int
    """Of the encoder and of each decoder; 3 in [P]."""
    latent: int
    """Dimensions of z; 512 in [P]."""
    prior: str
    genres: int
    """How many Gaussians the flower has; 32 in [P]."""

    def __post_init__(self) -> None:
        for name in ("bars", "units", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.latent < 2:
            raise ValueError("latent must be at least 2: the flower lies in a plane")
        if self.prior not in PRIORS:
            raise ValueError(f"prior must be one of {', '.join(PRIORS)}, not {self.prior}")
        if self.prior == "flower" and self.genres < 1:
            raise ValueError("the flower prior needs songs with genre tags; give tags or take the gaussian prior")


@dataclass(frozen=True)
class TrainingConfig:
    """The schedule of [P] section 4.1 and of WGAN-GP [W]."""

    updates: int
    """Gradient updates of the autoencoder."""
    batch: int
    learning_rate: float
    decay: float
    """What an update takes off the learning rate, as a share of it; 1e-4 in [P]."""
    beta_every: int
    """After so many updates beta grows by a tenth, from 0 to 1; 10,000 in [P]."""
    critic_updates: int
    """Of the critic, for one of the autoencoder; 5 in [W]."""
    gradient_penalty: float
    """Lambda of [P] equation 6; 10 in [W]."""
    evaluate_every: int
    """Validation after so many updates, and after the last."""
    seed: int

    def __post_init__(self) -> None:
        for name in ("updates", "batch", "beta_every", "critic_updates", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be more than 0")
        if not 0 <= self.decay < 1:
            raise ValueError("decay must be from 0 to below 1")
        if self.gradient_penalty < 0 or self.seed < 0:
            raise ValueError("gradient_penalty and seed must be 0 or more")

    def beta(self, update: int) -> float:
        """The weight of the adversary at this update, counted from 0."""
        return min(update // self.beta_every, 10) / 10
