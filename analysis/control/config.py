"""The settings of the part `control`."""

from dataclasses import dataclass
from typing import Annotated

from music.metrics import METRICS
from music.settings import Seed, Settings, at_least


@dataclass(frozen=True)
class ControlConfig(Settings):
    """The settings in analysis/control/settings.toml."""

    attributes: list[str]
    """Attributes that windows are moved along: names of `music.metrics.METRICS`."""
    levels: list[float]
    """How far windows move along an attribute, in standard deviations of the codes; they rise, and 0 is among them."""
    strengths: list[float]
    """How far windows move toward a genre; they rise from 0 to 1."""
    windows: Annotated[int, at_least(1)]
    """Validation windows that are moved, at most; from as many songs as there are."""
    training_windows: Annotated[int, at_least(1)]
    """Training windows whose codes give the directions, at most."""
    classifier_windows: Annotated[int, at_least(1)]
    """Windows that train the genre classifier, and windows that test it, at most."""
    min_songs: Annotated[int, at_least(1)]
    """Validation songs with a genre, and songs without it, that testing the classifier on the genre takes."""
    min_auc: float
    """AUC by song that the classifier must reach on a genre; 0.5 is chance."""
    resamples: Annotated[int, at_least(1)]
    """Resamples of the songs, for the intervals."""
    seed: Seed

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = [name for name in self.attributes if name not in METRICS]
        if unknown:
            raise ValueError(f"attributes: no {unknown[0]}; there are {', '.join(METRICS)}")
        if not _rise(self.levels) or 0 not in self.levels:
            raise ValueError("levels must be two or more that rise, 0 among them")
        if not _rise(self.strengths) or (self.strengths[0], self.strengths[-1]) != (0, 1):
            raise ValueError("strengths must be two or more that rise, from 0 to 1")


def _rise(values: list[float]) -> bool:
    return len(values) > 1 and sorted(set(values)) == values
