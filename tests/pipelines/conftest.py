import pytest

from pipelines.corpus.demo.corpus import DemoConfig, write_demo
from tests.helpers.pipelines import make


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, DemoConfig(songs_a_style=1, seed=0))
    return folder


@pytest.fixture(scope="session")
def made(demo, tmp_path_factory):
    return make(demo, tmp_path_factory.mktemp("made") / "out")
