"""The settings of the part `editability`."""

from dataclasses import dataclass
from typing import Annotated

from analysis.shared.moves.config import MovesConfig
from model.editing.expectations import EXPECTATIONS
from music.settings import at_least


@dataclass(frozen=True)
class EditabilityConfig(MovesConfig):
    """The settings in analysis/editability/settings.toml."""

    attributes: list[str]
    """Attributes that windows are edited by: names of `model.editing.expectations.EXPECTATIONS`."""
    changes: list[float]
    """By how much, in standard deviations of training windows; none is 0."""
    strengths: list[float]
    """How far windows move toward a genre, in standard deviations of the codes along the difference of
    means; they rise from above 0."""
    guidances: list[float]
    """The guidances with which the flow moves windows toward a genre; they rise from above 0."""
    flow_windows: Annotated[int, at_least(1)]
    """Windows that the flow moves, at most: it runs its network hundreds of times for each window and genre."""
    attempts: Annotated[int, at_least(1)]
    """How often an edited code is decoded and measured, at most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = [name for name in self.attributes if name not in EXPECTATIONS]
        if unknown:
            raise ValueError(f"attributes: no {unknown[0]}; there are {', '.join(EXPECTATIONS)}")
        if not self.changes or 0 in self.changes:
            raise ValueError("changes must be one or more, and none of them 0")
        for name, values in (("strengths", self.strengths), ("guidances", self.guidances)):
            if not values or sorted(set(values)) != values or values[0] <= 0:
                raise ValueError(f"{name} must be one or more that rise, all above 0")
