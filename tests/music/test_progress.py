import io
import re

from music import progress
from music.progress import Progress


def test_without_a_terminal_there_is_a_line_now_and_then(monkeypatch):
    shown, clock = io.StringIO(), iter([0.0, 4.0, 11.0, 11.0, 12.0, 30.0, 30.0])
    monkeypatch.setattr(progress.sys, "stderr", shown)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Progress("reading", 100, "file") as bar:
        for done in (10, 25, 30):
            bar.to(done, f"at {done}")
    lines = shown.getvalue().splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"reading: +25% 25/100 \[00:11<00:33, +2\.27file/s, at 25\]", lines[0])
    assert lines[1].startswith("reading:  30% 30/100")
