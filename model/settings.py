"""TOML files -> the dataclasses that the code works with. A GPU machine has no YAML reader, and needs none."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from music.errors import InputError

KINDS = {int: ((int,), "a whole number"), float: ((int, float), "a number"), str: ((str,), "a text")}
"""Which values a field takes, by its type, and how a message says so; all other types are lists."""

T = TypeVar("T")


def read_toml(file: Path) -> dict[str, Any]:
    """All sections of the file. Raises `InputError`."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: {error}; mend it, or run in the project's folder") from error


def build(kind: type[T], place: str, values: dict[str, Any], **given: Any) -> T:
    """The dataclass, of values in a file and of those given besides. Raises `InputError` that names what is off.

    place: how a message names the section, for example "recipes.toml: demo".
    """
    types = {name: of_field for name, of_field in get_type_hints(kind).items() if name not in given}
    for wrong, what in ((values.keys() - types.keys(), "no such parameter"), (types.keys() - values.keys(), "missing")):
        if wrong:
            raise InputError(f"{place}.{min(wrong)}: {what}; there are {', '.join(types)}")
    for name, value in values.items():
        allowed, what = KINDS.get(types[name], ((list,), "a list"))
        if type(value) not in allowed:
            raise InputError(f"{place}.{name} must be {what}, not {value!r}")
    try:
        return kind(**values, **given)
    except ValueError as error:
        raise InputError(f"{place}: {error}") from error
