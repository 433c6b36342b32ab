"""The settings of the part `control`."""

from dataclasses import dataclass

from analysis.shared.moves.config import MovesConfig
from music.metrics import METRICS


@dataclass(frozen=True)
class ControlConfig(MovesConfig):
    """The settings in analysis/control/settings.toml."""

    attributes: list[str]
    """Attributes that windows are moved along: names of `music.metrics.METRICS`."""
    levels: list[float]
    """How far windows move along an attribute, in standard deviations of the codes; they rise, and 0 is among them."""
    strengths: list[float]
    """How far windows move toward a genre; they rise from 0 to 1."""

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
