"""The parts of the analysis: a function, its settings in analysis.toml, and its section of the report each."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from analysis.attributes.part import AttributesConfig, analyse_attributes
from analysis.control.config import ControlConfig
from analysis.control.part import analyse_control
from analysis.genres.part import GenresConfig, analyse_genres
from analysis.interpolation.part import InterpolationConfig, analyse_interpolation
from analysis.posterior.part import PosteriorConfig, analyse_posterior
from analysis.reconstruction.part import ReconstructionConfig, analyse_reconstruction
from analysis.shared.context import EvaluationContext
from analysis.shared.environment import environment
from analysis.shared.section import Section, write_section
from music.audio import NO_SOUND
from music.errors import InputError
from music.settings import build, read_toml

SETTINGS = Path("analysis.toml")


@dataclass(frozen=True)
class Part:
    """One part: what it is set by, and what does it."""

    config: type[Any]
    analyse: Callable[[EvaluationContext, Any, Path], Section]
    """Writes pictures and music into the folder."""


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "reconstruction": Part(ReconstructionConfig, analyse_reconstruction),
        "interpolation": Part(InterpolationConfig, analyse_interpolation),
        "attributes": Part(AttributesConfig, analyse_attributes),
        "genres": Part(GenresConfig, analyse_genres),
        "posterior": Part(PosteriorConfig, analyse_posterior),
        "control": Part(ControlConfig, analyse_control),
    }
)
"""In the order of the report."""


def analyse(name: str, context: EvaluationContext, out: Path) -> Section:
    """Does one part and writes its section into the folder. Raises `InputError` for settings that do not fit."""
    settings = read_toml(SETTINGS)
    if name not in settings or name not in PARTS:
        raise InputError(f"{SETTINGS}: no part {name}; there are {', '.join(PARTS)}")
    part = PARTS[name]
    config = build(part.config, f"{SETTINGS}: {name}", settings[name])
    section = replace(
        part.analyse(context, config, out), settings=asdict(config), environment=environment(context.device)
    )
    if any(clip.audio is None for figure in section.figures for clip in figure.clips):
        section.missing.append(NO_SOUND)
    write_section(out, section)
    return section
