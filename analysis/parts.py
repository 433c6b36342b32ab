"""The parts of the analysis. Each has a folder with its code and its settings, and makes a section of the report.

`dvc exp run -S analysis/interpolation/settings.toml:points=9` changes a setting for one run.
"""

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from analysis.attributes.part import AttributesConfig, analyse_attributes
from analysis.control.config import ControlConfig
from analysis.control.part import analyse_control
from analysis.editability.config import EditabilityConfig
from analysis.editability.part import analyse_editability
from analysis.genres.part import SeparabilityConfig, analyse_genres
from analysis.interpolation.part import InterpolationConfig, analyse_interpolation
from analysis.posterior.part import PosteriorConfig, analyse_posterior
from analysis.reconstruction.part import ReconstructionConfig, analyse_reconstruction
from analysis.shared.context import EvaluationContext
from analysis.shared.section import Section, write_section
from music.audio import NO_SOUND
from music.errors import InputError
from music.settings import build, read_toml

SETTINGS = "settings.toml"
"""The file of settings in the folder of each part."""
PACKAGES = ("torch", "numpy", "scikit-learn", "matplotlib")
"""The packages whose versions the report names."""


@dataclass(frozen=True)
class Part:
    """A part of the analysis: the class of its settings, and the function that runs it."""

    config: type[Any]
    analyse: Callable[[EvaluationContext, Any, Path], Section]
    """Writes pictures and music into the given folder and returns the section."""


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "reconstruction": Part(ReconstructionConfig, analyse_reconstruction),
        "interpolation": Part(InterpolationConfig, analyse_interpolation),
        "attributes": Part(AttributesConfig, analyse_attributes),
        "genres": Part(SeparabilityConfig, analyse_genres),
        "posterior": Part(PosteriorConfig, analyse_posterior),
        "control": Part(ControlConfig, analyse_control),
        "editability": Part(EditabilityConfig, analyse_editability),
    }
)
"""All parts, in the order of the report."""


def analyse(name: str, context: EvaluationContext, out: Path) -> Section:
    """Runs one part and writes its section into the folder. Raises `InputError` for settings out of range."""
    if name not in PARTS:
        raise InputError(f"the analysis has no part {name}; there are {', '.join(PARTS)}")
    part = PARTS[name]
    file = Path(__file__).parent / name / SETTINGS
    config = build(part.config, f"{file}:", read_toml(file))
    section = part.analyse(context, config, out)
    silent = any(clip.audio is None for figure in section.figures for clip in figure.clips)
    section = replace(
        section,
        missing=[*section.missing, *([NO_SOUND] if silent else [])],
        settings=asdict(config),
        environment=_environment(context.device),
    )
    write_section(out, section)
    return section


def _environment(device: torch.device) -> dict[str, str]:
    """Returns where the analysis runs, as far as its numbers can depend on it: device, system and versions."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
