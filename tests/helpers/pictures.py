"""What pictures say, without the time that their pixels take."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text


def collect_texts(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Makes pictures empty files from now on; returns the texts of each by file name, filled in when it is made."""
    texts: dict[str, set[str]] = {}

    def collect(figure: Figure, path: Path, **_: object) -> None:
        texts[path.name] = {text.get_text() for text in figure.findobj(Text)}
        path.write_bytes(b"PNG")

    monkeypatch.setattr(Figure, "savefig", collect)
    return texts
