"""Downloads, from a server on this machine."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from music.errors import InputError
from pipelines.corpus import download as module
from pipelines.corpus.download import download
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE
from stages import lakh
from stages.shared import command

DATA = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(BaseHTTPRequestHandler):
    ranges = True
    served: list[int]
    cut_after: int | None = None

    def do_GET(self):
        asked = self.headers["Range"]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        if start >= len(DATA):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        body = DATA[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.served.append(start)  # before the client can end
        self.wfile.write(body[: self.cut_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    class Fresh(Server):
        pass

    Fresh.served = []
    with ThreadingHTTPServer(("localhost", 0), Fresh) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        Fresh.address = f"http://localhost:{http.server_port}/lmd.tar.gz"
        yield Fresh
        http.shutdown()


def test_a_download_cut_short_goes_on_where_it_stopped(server, tmp_path):
    path = tmp_path / "new" / "lmd.tar.gz"
    server.cut_after = 2_000_000
    with pytest.raises(InputError, match="run again to continue"):
        download(server.address, path, SHA256)
    assert not path.exists()
    server.cut_after = None
    download(server.address, path, SHA256)
    assert path.read_bytes() == DATA
    assert server.served == [0, 2_000_000]


def test_a_server_that_cannot_resume_sends_all_again(server, tmp_path):
    (tmp_path / "a.partial").write_bytes(DATA[:1000])
    server.ranges = False
    download(server.address, tmp_path / "a", SHA256)
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_whole_download_without_its_name_gets_it(server, tmp_path):
    (tmp_path / "a.partial").write_bytes(DATA)
    download(server.address, tmp_path / "a", SHA256)
    assert (tmp_path / "a").read_bytes() == DATA


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "a").write_bytes(b"mine")
    download(server.address, tmp_path / "a", SHA256)
    assert server.served == []


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError, match="SHA-256"):
        download(server.address, tmp_path / "a", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_a_server_is_named(tmp_path):
    with pytest.raises(InputError, match="localhost:9/a"):
        download("http://localhost:9/a", tmp_path / "a", SHA256)


def test_the_command_fetches_both_archives(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHA256", dict.fromkeys((MIDI_ARCHIVE, METADATA_ARCHIVE), SHA256))
    monkeypatch.setattr("sys.argv", ["lakh", str(tmp_path / "lakh"), "--address", f"{server.address}/"])
    with pytest.raises(SystemExit) as stop:
        command.run(lakh.main)
    assert stop.value.code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "lakh").iterdir()} == {
        "lmd_matched.tar.gz": DATA,
        "lmd_matched_h5.tar.gz": DATA,
    }
