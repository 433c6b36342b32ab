"""The tags of a folder of MIDI files: from its tags.csv, or from the names of the folders in it."""

import csv
import io
import os
import re
from collections.abc import Iterator, Set
from pathlib import Path

from music.errors import InputError
from pipelines.corpus.metadata import Metadata
from pipelines.corpus.remarks import Remarks
from pipelines.corpus.rows import printable

TAGS = "tags.csv"
TAG_SEPARATOR = "|"
COLUMNS = ("path", "tags", "artist", "title")
"""The columns of tags.csv that are read; it need not have the last two."""
CELL_SHOWN = 200
"""The number of characters of a cell that a message quotes, at most."""

_NO_TAG = re.compile(r"[a-z\d]|[a-f\d]{2}|\d+|lmd([-_ ].+)?|TR[A-Z\d]{16}", re.ASCII | re.IGNORECASE)
"""A letter, two hexadecimal digits, a number, the name of one of Lakh's archives, or an MSD id."""


def tags_of_folders(names: Set[str], remarks: Remarks) -> dict[str, Metadata]:
    """Returns the metadata of each file by its path: its tags are the names of the folders that it is in.

    Names that only sort files, as in Lakh's archives once they are unpacked, are not taken for tags. The remarks count
    the names of both kinds.
    """
    folders = {name: name.split("/")[:-1] for name in names}
    for folder in sorted({folder for path in folders.values() for folder in path}):
        taken = "not taken for tags" if _NO_TAG.fullmatch(folder) else f"taken for tags, as there is no {TAGS}"
        remarks.add(f"names of folders {taken}", folder)
    return {
        name: Metadata(terms=[folder for folder in path if not _NO_TAG.fullmatch(folder)])
        for name, path in folders.items()
    }


def read_tags(folder: Path, names: Set[str], remarks: Remarks) -> dict[str, Metadata]:
    """Returns the metadata of each file that the folder's tags.csv lists, by the file's path.

    names: the paths of all MIDI files. Raises `InputError`, with the number of the line, for a line that cannot be
    applied. The remarks count columns that are not read, and files that are not listed.
    """
    file = folder / TAGS
    rows = _read_rows(file)
    columns = _read_columns(file, next(rows, (1, []))[1], remarks)
    roots = [str(folder.absolute()), str(folder.resolve())]
    metadata: dict[str, Metadata] = {}
    lines: dict[str, int] = {}
    for line, cells in rows:
        place = f"{file}, line {line}"
        if len(cells) != len(columns):
            remedy = f"separate tags by {TAG_SEPARATOR}, and put a cell that has a comma in quotes"
            raise InputError(f"{place}: {len(cells)} cells for {len(columns)} columns; {remedy}")
        row = dict(zip(columns, cells, strict=True))
        name = _find(row["path"], roots, names)
        if name is None:
            path = row["path"][:CELL_SHOWN]
            raise InputError(f"{place}: no file {path!r} among the MIDI files of {folder}; correct it or take it out")
        if name in lines:
            raise InputError(f"{place}: {name} again, as in line {lines[name]}; put all its tags into one line")
        lines[name] = line
        terms = [tag.strip() for tag in row["tags"].split(TAG_SEPARATOR) if tag.strip()]
        metadata[name] = Metadata(row.get("artist", ""), row.get("title", ""), terms)
    for name in sorted(names - metadata.keys()):
        remarks.add(f"files without tags, because {TAGS} does not list them", name)
    return metadata


def _read_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields each row that is not empty, with the number of its first line."""
    text = _read_text(file)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in rows:
            if cells:
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        remedy = "close every quote, and double the quotes inside a cell"
        raise InputError(f"{file}, line {line}: {error}; {remedy}") from error


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; make it readable or take it out") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{file}, line {line}: not UTF-8 ({error}); save it as UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{file}, line {line}: a NUL character; save it as UTF-8 text")
    return text


def _read_columns(file: Path, cells: list[str], remarks: Remarks) -> list[str]:
    columns = [cell.strip() for cell in cells]
    if not {"path", "tags"} <= set(columns):
        found = ",".join(columns)[:CELL_SHOWN]
        raise InputError(
            f"{file}: its first line must name the columns path and tags (artist, title), with commas between them; "
            f"it is {found!r}"
        )
    for column in columns:
        if column in COLUMNS and columns.count(column) > 1:
            raise InputError(f"{file}, line 1: the column {column} stands there twice; take one out")
        if column and column not in COLUMNS:
            remarks.add(f"columns of {TAGS} that are not read", column)
    return columns


def _find(cell: str, roots: list[str], names: Set[str]) -> str | None:
    """Returns the one of `names` that the cell means; roots: absolute paths of the folder."""
    for spelling in (cell, cell.replace("\\", "/")):
        for root in roots:
            name = printable(os.path.relpath(os.path.join(root, spelling), root))  # noqa: PTH118
            if name in names:
                return name
    return None
