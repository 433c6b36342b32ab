"""The settings that `control` and `editability` have in common: what is moved, and what gives directions and genres."""

from dataclasses import dataclass
from typing import Annotated

from music.settings import Seed, Settings, at_least


@dataclass(frozen=True)
class MovesConfig(Settings):
    """Settings of a part that moves codes of validation windows."""

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
