"""Settings: dataclasses whose fields declare the values that they accept, and how they are read from files.

A field's type is checked when a file is read, its range whenever an object is made:

    @dataclass(frozen=True)
    class TrainingConfig(Settings):
        batch: Annotated[int, at_least(1)]
        precision: Literal["float32", "bfloat16"]
"""

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from music.errors import InputError

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
"""The names of types in messages."""

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers that a field accepts: from `low` to `high`, the ends included unless it is `open`."""

    low: float
    high: float
    open: bool
    words: str
    """The range in words, for messages."""

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high if self.open else self.low <= value <= self.high


def at_least(low: float) -> Range:
    """Returns the range of numbers from `low` on."""
    return Range(low, math.inf, False, f"at least {low:g}" if low else "0 or more")


def more_than(low: float) -> Range:
    """Returns the range of numbers above `low`."""
    return Range(low, math.inf, True, f"more than {low:g}")


def from_to(low: float, high: float) -> Range:
    """Returns the range from `low` to `high`, both included."""
    return Range(low, high, False, f"from {low} to {high}")


def between(low: float, high: float) -> Range:
    """Returns the range between `low` and `high`, both excluded."""
    return Range(low, high, True, f"between {low:g} and {high:g}")


Seed = Annotated[int, from_to(0, 2**32 - 1)]
"""The seed of random numbers, as numpy, torch and scikit-learn all accept it."""


class Settings:
    """A base class for dataclasses of settings: making one raises `ValueError` for values out of range."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self), include_extras=True).items():
            _check_range(name, kind, getattr(self, name))


def _check_range(name: str, kind: Any, value: Any) -> None:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is not None:
            _check_range(name, next(part for part in parts if part is not NoneType), value)
    elif origin is Annotated:
        for bounds in parts[1:]:
            if isinstance(bounds, Range) and value not in bounds:
                raise ValueError(f"{name} must be {bounds.words}, not {value}")
    elif origin is Literal and value not in parts:
        raise ValueError(f"{name} must be one of {', '.join(map(str, parts))}, not {value}")


def read_toml(file: Path) -> dict[str, Any]:
    """Returns all sections of the file. Raises `InputError`."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: {error}; correct it, or run in the project's folder") from error


def build(kind: type[T], place: str, values: Mapping[str, Any], **given: Any) -> T:
    """Makes the dataclass from the values of a file and from further ones; a field with a default may be left out.

    place: the name of the section in messages, for example "recipes.toml: demo"; given: the further values. Raises
    `InputError` for a value that is misspelt, missing, of another type or out of range.
    """
    known = [field for field in fields(kind) if field.name not in given]  # type: ignore[arg-type]
    check_names(place, values, [field.name for field in known])
    for field in known:
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{inner_place(place, field.name)}: missing")
    types = get_type_hints(kind, include_extras=True)
    converted = {name: convert(types[name], inner_place(place, name), value) for name, value in values.items()}
    try:
        return kind(**converted, **given)
    except ValueError as error:
        raise InputError(f"{place.removesuffix(':')}: {error}") from error


def check_names(place: str, names: Sequence[str] | Mapping[str, Any], known: Sequence[str] | Mapping[str, Any]) -> None:
    """Raises `InputError` for an unknown name, and suggests the one that was probably meant."""
    for name in names:
        if name not in known:
            meant = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}"
            raise InputError(f"{inner_place(place, name)}: no such parameter; {hint}")


def convert(kind: Any, place: str, value: Any) -> Any:
    """Converts a value of a file to the type of a field: lists may become tuples, and sections dataclasses."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any or origin is Literal:
        return value
    if origin is Annotated:
        return convert(parts[0], place, value)
    if origin in (Union, UnionType):
        inner = next(part for part in parts if part is not NoneType)
        return None if value is None else convert(inner, place, value)
    if origin in (list, tuple, Sequence):
        return _convert_list(origin, parts, place, value)
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise InputError(f"{place} must be a section, not {value!r}")
        return build(kind, place, value)  # type: ignore[arg-type]
    if kind is float and isinstance(value, str):  # YAML takes 1e-4, without a point, for text
        with suppress(ValueError):
            return float(value)
    allowed = (int, float) if kind is float else (kind,)
    if type(value) not in allowed:
        raise InputError(f"{place} must be {KINDS[kind]}, not {value!r}")
    return value


def _convert_list(origin: Any, parts: tuple[Any, ...], place: str, value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise InputError(f"{place} must be a list, not {value!r}")
    fixed = origin is tuple and parts[-1] is not Ellipsis
    if fixed and len(value) != len(parts):
        raise InputError(f"{place} must be a list of {len(parts)}, not {value!r}")
    kinds = parts if fixed else parts[:1] * len(value)
    items = [
        convert(kind, f"{place}.{number}", item) for number, (kind, item) in enumerate(zip(kinds, value, strict=True))
    ]
    return tuple(items) if origin is tuple else items


def inner_place(place: str, name: str) -> str:
    """Returns the name, in messages, of a value in a section or file."""
    return f"{place} {name}" if place.endswith(":") else f"{place}.{name}"
