"""params.yaml and its like -> the dataclasses that the code works with, each value checked."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from music.errors import InputError

T = TypeVar("T")
PARAMS = Path("params.yaml")
BEAM = Path("beam.yaml")


def read_settings(kind: type[T], file: Path, *section: str, **given: object) -> T:
    """A section of the file, or all of it, with the values given besides, as its dataclass.

    Raises `InputError` that names what is missing, misspelt or out of range.
    """
    values, place = _section(file, section)
    _check_fields(place, values, kind)
    return _checked(kind, values | given, place)


def read_value(kind: type[T], file: Path, *name: str) -> T:
    """One value of the file. Raises `InputError` that names what is missing or of the wrong kind."""
    values, place = _section(file, name[:-1])
    _check_names(place, name[-1:], values)
    return _checked(kind, values[name[-1]], f"{place}{name[-1]}.")


def _section(file: Path, names: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The values of a section, and how a message names the place."""
    values = _read(file)
    place = f"{file}: "
    for name in names:
        _check_names(place, [name], values)
        values = values[name]
        place += f"{name}."
        if not isinstance(values, dict):
            raise InputError(f"{place.rstrip('.')} must be a section, not {values!r}")
    return values, place


def _checked(kind: type[T], value: object, place: str) -> T:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place += ".".join(map(str, first["loc"]))
        raise InputError(f"{place.rstrip('.: ')}: {first['msg'].removeprefix('Value error, ')}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{file}: {' '.join(str(error).split())}; mend it, or run in the project's folder") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: no names and values in it; take the project's own as a pattern")
    return content


def _check_fields(place: str, values: dict[str, Any], kind: Any) -> None:
    """Names must be those of the dataclass's fields, and so in every section below."""
    _check_names(place, values, [field.name for field in fields(kind)])
    for name, inner in get_type_hints(kind).items():
        if is_dataclass(inner) and isinstance(values.get(name), dict):
            _check_fields(f"{place}{name}.", values[name], inner)


def _check_names(prefix: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"{prefix}{name}: no such parameter; {hint}")
