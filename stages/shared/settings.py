"""Settings in YAML files, params.yaml and beam.yaml: read, and checked by the dataclasses that hold them."""

from pathlib import Path
from typing import Any, TypeVar

import yaml

from music.errors import InputError
from music.settings import build, check_names, convert, inner_place

T = TypeVar("T")
PARAMS = Path("params.yaml")
BEAM = Path("beam.yaml")


def read_settings(kind: type[T], file: Path, *section: str) -> T:
    """Reads a section of the file, or all of it. Raises `InputError`, which names what is missing or does not fit."""
    values, place = _section(file, section)
    return build(kind, place, values)


def read_value(kind: type[T], file: Path, *name: str) -> T:
    """Reads one value of the file by the names above it and its own. Raises `InputError` as `read_settings` does."""
    values, place = _section(file, name[:-1])
    check_names(place, name[-1:], values)
    value: T = convert(kind, f"{place}.{name[-1]}", values[name[-1]])
    return value


def _section(file: Path, names: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Returns the values of a section, and the name of the section in messages."""
    values: Any = _read(file)
    place = f"{file}:"
    for name in names:
        check_names(place, [name], values)
        values = values[name]
        place = inner_place(place, name)
        if not isinstance(values, dict):
            raise InputError(f"{place} must be a section, not {values!r}")
    return values, place


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        cause = " ".join(str(error).split())
        raise InputError(f"{file}: {cause}; correct it, or run in the project's folder") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: no names and values in it; compare it with the project's own file")
    return content
