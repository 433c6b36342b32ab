"""The parts of the analysis: a function, its settings in analysis.toml, and its section of the report each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from analysis.attributes import AttributesConfig, analyse_attributes
from analysis.control import analyse_control
from analysis.control_setup import ControlConfig
from analysis.interpolation import InterpolationConfig, analyse_interpolation
from analysis.section import Section, write_section
from analysis.subject import Subject
from model.settings import build, read_toml
from music.errors import InputError

SETTINGS = Path("analysis.toml")


@dataclass(frozen=True)
class Part:
    """One part: what it is set by, and what does it."""

    config: type[Any]
    analyse: Callable[[Subject, Any, Path], Section]
    """Writes pictures and music into the folder."""


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "interpolation": Part(InterpolationConfig, analyse_interpolation),
        "attributes": Part(AttributesConfig, analyse_attributes),
        "control": Part(ControlConfig, analyse_control),
    }
)
"""In the order of the report."""


def analyse(name: str, subject: Subject, out: Path) -> Section:
    """Does one part and writes its section into the folder. Raises `InputError` for settings that do not fit."""
    settings = read_toml(SETTINGS)
    if name not in settings or name not in PARTS:
        raise InputError(f"{SETTINGS}: no part {name}; there are {', '.join(PARTS)}")
    part = PARTS[name]
    section = part.analyse(subject, build(part.config, f"{SETTINGS}: {name}", settings[name]), out)
    write_section(out, section)
    return section
