import pytest

from composer.editor import load_editor
from music.editing.song import open_song
from tests.helpers.editors import save_tiny_editor
from tests.helpers.songs import song


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A tiny untrained model with its scales."""
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_editor(folder)
    return folder


@pytest.fixture(scope="session")
def editor(folder):
    return load_editor(folder)


@pytest.fixture(scope="session")
def data():
    return song()


@pytest.fixture(scope="session")
def opened(data):
    return open_song(data, "song.mid")
