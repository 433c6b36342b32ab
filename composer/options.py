"""What users type for bars, tracks and genres, as values."""

import re
from collections.abc import Sequence

from composer.part import Selection
from music.editing.meter import Bars
from music.errors import InputError
from music.tokens import TRACKS


def parse_bars(text: str | None) -> Bars | None:
    """Returns the bars of "9-24" or "9". Raises `InputError`."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if not found:
        raise InputError(f"--bars {text}: give a range such as 9-24, or one bar")
    first = int(found[1])
    return Bars(first, int(found[2] or first))


def parse_names(text: str | None) -> tuple[str, ...]:
    """Returns the names in "bass,guitar"."""
    return tuple(filter(None, (name.strip() for name in (text or "").split(","))))


def parse_shares(option: str, texts: Sequence[str]) -> dict[str, float]:
    """Returns the numbers of "jazz=0.7" or "jazz=.6,rock=.4", by name; a name alone is 1. Raises `InputError`."""
    shares = {}
    for item in ",".join(texts).split(","):
        name, _, value = item.partition("=")
        try:
            if name.strip():
                shares[name.strip()] = float(value or 1)
        except ValueError as error:
            raise InputError(f"{option} {item}: give a name and a number, such as jazz=0.7") from error
    return shares


def parse_selection(
    bars: str | None, tracks: str | None, keep: str | None, instruments: Sequence[int | None] = ()
) -> Selection:
    """Returns what the options choose of a song; instruments: numbers in the order of `TRACKS`, None by default."""
    chosen = {role: number for role, number in zip(TRACKS, instruments, strict=False) if number is not None}
    return Selection(parse_bars(bars), parse_names(tracks), parse_names(keep), chosen)
