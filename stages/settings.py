"""params.yaml -> the dataclasses that the code works with, each value checked."""

import difflib
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from music.errors import InputError

T = TypeVar("T")
PARAMS = Path("params.yaml")
SECTIONS = ("demo", "corpus", "songs", "genres", "windows", "train", "recipes", "evaluate", "figures", "beam")


def read_params() -> dict[str, Any]:
    """All of params.yaml. Raises `InputError` for a section that no stage reads."""
    try:
        params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{PARAMS}: {' '.join(str(error).split())}; run in the project's folder") from error
    if not isinstance(params, dict):
        raise InputError(f"{PARAMS}: no sections; it needs {', '.join(SECTIONS)}")
    _check_names("", params, SECTIONS)
    return params


def settings(kind: type[T], name: str, values: Any) -> T:
    """The values of a section as its dataclass. Raises `InputError` that names what is misspelt or out of range."""
    if not isinstance(values, dict):
        raise InputError(f"{PARAMS}: {name} must be a section, not {values!r}")
    _check_names(f"{name}.", values, [field.name for field in fields(kind)])  # type: ignore[arg-type]
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([name, *map(str, first["loc"])])
        raise InputError(f"{PARAMS}: {place}: {first['msg'].removeprefix('Value error, ')}") from error


def _check_names(prefix: str, values: dict[str, Any], known: Any) -> None:
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"{PARAMS}: no parameter {prefix}{name}; {hint}")
