"""Checksums of the files of a folder, which tell a changed file from the one that was written."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from music.errors import InputError

SUMS = "SHA256SUMS"
"""A line for each file, as the command `sha256sum` writes and checks them."""


def write_digests(folder: Path, names: Sequence[str]) -> None:
    """Writes the checksums of these files of the folder."""
    lines = [f"{_digest(folder / name)}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_digests(folder: Path) -> dict[str, str]:
    """Returns the checksums that `write_digests` wrote, by the names of the files."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def check_digests(folder: Path, names: Sequence[str], way_out: str) -> None:
    """Raises `InputError` if one of these files is not the one that was written; way_out: what the user can do then."""
    try:
        expected = read_digests(folder)
        for name in names:
            if _digest(folder / name) != expected.get(name):
                raise InputError(f"{folder / name}: not the file whose checksum is in {SUMS}; {way_out}")
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; {way_out}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{folder / SUMS}: not a text ({error}); {way_out}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
