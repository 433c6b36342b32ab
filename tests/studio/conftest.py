import socket
import threading
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from studio.app import make_app
from tests.helpers.editors import save_tiny_editor
from tests.helpers.songs import song


@contextmanager
def serving(model, soundfont=None):
    """Serves the page on a free port; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(make_app(port, model, soundfont), log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A tiny untrained model with its scales."""
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_editor(folder)
    return folder


@pytest.fixture(scope="session")
def address(folder):
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="session")
def client(address):
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def uploaded(client):
    """The id of a song in the server's memory."""
    return client.post("/api/songs?name=song.mid", content=song()).json()["id"]
