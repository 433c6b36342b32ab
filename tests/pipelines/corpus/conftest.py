import os
from contextlib import contextmanager

import pytest

NOBODY = 65534


@pytest.fixture
def folder(tmp_path):
    for name in ("rock/live/a.mid", "jazz/b.MIDI", "c.kar", "jazz/notes.txt"):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "music"


@pytest.fixture
def as_user(tmp_path):
    """A context in which file permissions count, also if root runs the tests."""

    @contextmanager
    def context():
        root = os.geteuid() == 0
        if root:
            for path in (tmp_path, *tmp_path.parents[:2]):  # pytest's own folders
                path.chmod(0o755)
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)

    return context
