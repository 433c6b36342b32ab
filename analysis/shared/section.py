"""The result of a part of the analysis: its metrics, and a section of the report with pictures, tables and music."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from music.json_files import read_json, write_json

SECTION = "section.json"
PICTURES = "pictures"
"""The folder of a section's pictures."""

Cell = str | int | float | None
"""A cell of a table; None is an empty one."""


@dataclass(frozen=True)
class Clip:
    """A few bars of music, as MIDI and, where this machine can make it, as sound."""

    name: str
    midi: str
    """The path of a file in the section's folder, like all paths here."""
    audio: str | None


@dataclass(frozen=True)
class Figure:
    """A picture that a person understands without the code."""

    picture: str
    caption: str
    """What the picture shows and how to read it."""
    clips: Sequence[Clip] = field(default_factory=list)
    """The music that the picture shows."""


@dataclass(frozen=True)
class Table:
    """Rows under a header; numbers are rounded where they are shown."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Section:
    """A section of the report."""

    title: str
    text: Sequence[str]
    """Paragraphs of plain text that say what was measured, how, and with what result."""
    metrics: dict[str, Any]
    """The numbers by which experiments are compared, in nested dictionaries."""
    figures: Sequence[Figure] = field(default_factory=list)
    tables: Sequence[Table] = field(default_factory=list)
    missing: Sequence[str] = field(default_factory=list)
    """One sentence for each result that could not be made: why not, and what the user can do about it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the part; `analysis.parts.analyse` fills in this field and the next."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The device and the versions that the part ran with."""


def joined(title: str, sections: Sequence[Section]) -> Section:
    """Returns one section with the contents of several, without their titles. Raises `ValueError` for equal metrics."""
    names = Counter(name for section in sections for name in section.metrics)
    repeated = [name for name, count in names.items() if count > 1]
    if repeated:
        raise ValueError(f"{title}: more than one section has the metrics {', '.join(repeated)}")
    return Section(
        title,
        [paragraph for section in sections for paragraph in section.text],
        {name: value for section in sections for name, value in section.metrics.items()},
        [figure for section in sections for figure in section.figures],
        [table for section in sections for table in section.tables],
        [sentence for section in sections for sentence in section.missing],
    )


def write_plot_rows(path: Path, rows: Sequence[Mapping[str, str | float]]) -> None:
    """Writes a JSON file that DVC draws, with a row for each mark of the plot.

    `dvc plots show` puts texts such as genre tags into a script of its page without escaping them. A text without "<"
    cannot end the script.
    """
    write_json(path, [{name: _harmless(value) for name, value in row.items()} for row in rows])


def _harmless(value: str | float) -> str | float:
    return value.replace("<", "‹") if isinstance(value, str) else value


def write_section(folder: Path, section: Section) -> None:
    """Writes the section into the folder of its pictures and music."""
    write_json(folder / SECTION, asdict(section))


def read_section(folder: Path) -> Section:
    """Reads what `write_section` wrote. Raises `InputError` for a file that is missing or not whole."""
    fields: dict[str, Any] = read_json(folder / SECTION, "make that part of the analysis again")
    figures = [Figure(**figure | {"clips": [Clip(**clip) for clip in figure["clips"]]}) for figure in fields["figures"]]
    return Section(**fields | {"figures": figures, "tables": [Table(**table) for table in fields["tables"]]})
