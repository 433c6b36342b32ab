"""Pages that open offline: pictures and music are part of the page, which loads nothing and runs nothing."""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from analysis.shared.section import Cell
from music.errors import InputError

MEDIA = {
    ".png": "image/png",
    ".mid": "audio/midi",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
}


def write_page(page: Path, template: str, **values: object) -> None:
    """Fills in a template of this folder and writes the page. Raises `InputError` as `inline` does."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),  # in HTML: titles, tags and paths of a corpus may contain anything
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(inline=inline, number=number, signed=signed)
    text = environment.get_template(template).render(**values)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def inline(path: Path) -> str:
    """Returns a file as a `data:` address. Raises `InputError` if it is missing or is no picture or music."""
    if path.suffix not in MEDIA or not path.is_file():
        raise InputError(f"{path}: no such picture or music, though the report names it; make that part again")
    return f"data:{MEDIA[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def number(value: Cell) -> str:
    """Returns the text of a cell: about three significant figures, commas between thousands, a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.1f}"
    return f"{value:.1e}" if 0 < abs(value) < 0.001 else f"{value:.3f}"


def signed(difference: float) -> str:
    """Returns the text of a difference, with its sign."""
    return f"+{number(difference)}" if difference > 0 else number(difference)
