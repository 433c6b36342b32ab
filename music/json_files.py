"""Reads and writes small JSON files, for all packages."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from music.errors import InputError


def read_json(path: Path, way_out: str) -> Any:
    """Returns the value in the file.

    way_out: what the user can do if the file is missing or not valid JSON; `InputError` is raised with it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {way_out}") from error
    except ValueError as error:
        raise InputError(f"{path}: not whole ({error}); {way_out}") from error


def write_json(path: Path, value: object) -> None:
    """Writes the value, and creates its folder if there is none. A number that is not finite becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(finite(value), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def finite(value: object) -> object:
    """Returns a value with null in place of the numbers in it that are not finite, which JSON does not have."""
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
