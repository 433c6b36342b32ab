"""What a part of the analysis leaves: its numbers, and a section of the report with pictures, tables and music."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SECTION = "section.json"

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


def write_section(folder: Path, section: Section) -> None:
    """Writes the section beside the files that it names."""
    (folder / SECTION).write_text(json.dumps(asdict(section), indent=1) + "\n", encoding="utf-8")


def read_section(folder: Path) -> Section:
    """What `write_section` wrote."""
    fields: dict[str, Any] = json.loads((folder / SECTION).read_text(encoding="utf-8"))
    figures = [Figure(**of | {"clips": [Clip(**clip) for clip in of["clips"]]}) for of in fields["figures"]]
    return Section(**fields | {"figures": figures, "tables": [Table(**of) for of in fields["tables"]]})
