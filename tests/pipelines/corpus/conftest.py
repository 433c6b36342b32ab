import pytest


@pytest.fixture
def folder(tmp_path):
    for name in ("rock/live/a.mid", "jazz/b.MIDI", "c.kar", "jazz/notes.txt"):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "music"
