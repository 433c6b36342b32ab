"""What a part of the analysis leaves: its numbers, and a section of the report with pictures, tables and music."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from music.json_files import read_json, write_json

SECTION = "section.json"
PICTURES = "pictures"
"""The folder of a section's pictures."""

Cell = str | int | float | None


@dataclass(frozen=True)
class Clip:
    """A few bars of music, as MIDI and, where this machine can make it, as sound."""

    name: str
    midi: str
    """A file's path in the section's folder, as all paths here."""
    audio: str | None


@dataclass(frozen=True)
class Figure:
    """A picture that a person understands without the code."""

    picture: str
    caption: str
    """What it shows and how to read it."""
    clips: list[Clip] = field(default_factory=list)
    """The music that it shows."""


@dataclass(frozen=True)
class Table:
    """Rows under a header; numbers are rounded where they are shown."""

    caption: str
    header: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Section:
    """A section of the report."""

    title: str
    text: list[str]
    """Paragraphs: what was measured, and how; plain text."""
    metrics: dict[str, Any]
    """Numbers that experiments are compared by; nested dictionaries."""
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What could not be made, why, and the way out: a sentence each."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What the part was set to; `analyse` fills it in, as what follows."""
    environment: dict[str, str] = field(default_factory=dict)


def joined(title: str, sections: Sequence[Section]) -> Section:
    """One section of several, without their titles."""
    return Section(
        title,
        [paragraph for section in sections for paragraph in section.text],
        {name: value for section in sections for name, value in section.metrics.items()},
        [figure for section in sections for figure in section.figures],
        [table for section in sections for table in section.tables],
        [sentence for section in sections for sentence in section.missing],
    )


def write_plot_rows(path: Path, rows: Sequence[Mapping[str, str | float]]) -> None:
    """Writes what DVC draws: a row a mark.

    `dvc plots show` puts texts such as genre tags into a script of its page as they stand; without "<" none ends it.
    """
    write_json(path, [{name: _harmless(value) for name, value in row.items()} for row in rows])


def _harmless(value: str | float) -> str | float:
    return value.replace("<", "‹") if isinstance(value, str) else value


def write_section(folder: Path, section: Section) -> None:
    """Writes the section beside the files that it names."""
    write_json(folder / SECTION, asdict(section))


def read_section(folder: Path) -> Section:
    """What `write_section` wrote."""
    fields: dict[str, Any] = read_json(folder / SECTION, "make that part of the analysis again")
    figures = [Figure(**of | {"clips": [Clip(**clip) for clip in of["clips"]]}) for of in fields["figures"]]
    return Section(**fields | {"figures": figures, "tables": [Table(**of) for of in fields["tables"]]})
