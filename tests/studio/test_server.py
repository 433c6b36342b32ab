"""What the server of the page answers, and whom."""

import asyncio
import json
import re
import shlex
import socket
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from studio import command, reading, songs
from studio.songs import Songs, UnknownSongError, plain_name
from studio.turns import SupersededError, Turns
from tests.helpers.edits import note_counts
from tests.helpers.songs import song
from tests.studio.conftest import serving

EDIT = {
    "attributes": {"notes": 1, "note length": -0.5, "polyphony": 0},
    "genres": {"jazz": 0.7},
    "selection": {"bars": [9, 12], "keep": ["drums"], "instruments": {"bass": 2}},
    "faithfulness": 0.5,
}
VARY = {"count": 2, "radius": 2.5, "seed": 3, "selection": {"tracks": ["bass", "guitar"]}}


def run(monkeypatch, folder, words):
    """Runs a command, which has to succeed, in a folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        command.main()
    return stopped.value.code


@pytest.mark.parametrize(("operation", "request_body"), [("edit", EDIT), ("edit", {}), ("vary", VARY)])
def test_a_change_is_that_of_its_command(client, uploaded, operation, request_body, tmp_path, monkeypatch, capsys):
    answers = client.post(f"/api/songs/{uploaded}/{operation}", json=request_body).json()
    for answer in answers if isinstance(answers, list) else [answers]:
        (tmp_path / "song.mid").write_bytes(song())
        assert run(monkeypatch, tmp_path, [*shlex.split(answer["command"]), "--json"]) == 0
        assert (tmp_path / answer["name"]).read_bytes() == client.get(f"/api/songs/{answer['id']}").content
        assert json.loads(capsys.readouterr().out) == answer["reply"] | {"files": [answer["name"]]}


def test_the_way_between_two_songs_has_the_bytes_of_its_command(client, uploaded, tmp_path, monkeypatch):
    second = client.post("/api/songs?name=other.mid", content=song(20, seed=1)).json()["id"]
    request = {"steps": 4, "selection": {"bars": [1, 12]}}
    answers = client.post(f"/api/songs/{uploaded}/interpolate/{second}", json=request).json()
    (tmp_path / "song.mid").write_bytes(song())
    (tmp_path / "other.mid").write_bytes(song(20, seed=1))
    assert run(monkeypatch, tmp_path, shlex.split(answers[0]["command"])) == 0
    for answer in answers:
        assert (tmp_path / answer["name"]).read_bytes() == client.get(f"/api/songs/{answer['id']}").content
    assert [answer["base"] for answer in answers] == [uploaded, uploaded, second, second]


def test_the_sound_is_that_of_the_command(client, uploaded, tmp_path, monkeypatch):
    pytest.importorskip("tinysoundfont")
    answer = client.post(f"/api/songs/{uploaded}/edit", json={}).json()
    (tmp_path / "song.mid").write_bytes(song())
    run(monkeypatch, tmp_path, [*shlex.split(answer["command"]), "--wav"])
    sound = client.get(f"/api/songs/{answer['id']}/wav").content
    assert (tmp_path / "song-edited.wav").read_bytes() == sound


def test_the_drawing_has_every_note_before_and_after(client, uploaded):
    answer = client.post(f"/api/songs/{uploaded}/edit", json=EDIT).json()
    assert answer["reply"]["change"]["changes"]
    notes = [tuple(note) for role in answer["roles"].values() for note in role["notes"]]
    for kind, data in ((1, song()), (2, client.get(f"/api/songs/{answer['id']}").content)):
        drawn = Counter((start, end, pitch) for start, end, pitch, what in notes if what in (0, kind))
        assert drawn == Counter((start, end, pitch) for _, _, pitch, _, start, end in note_counts(data).elements())


def test_bars_and_tempos_are_those_of_the_song(client):
    drawing = client.post("/api/songs?name=a.mid", content=song(24)).json()
    assert drawing["bars"] == [1920 * bar for bar in range(25)]
    assert drawing["tempos"] == [[0, 480_000], [8 * 1920, 490_000]]
    waltz = client.post("/api/songs?name=b.mid", content=song(6, numerator=3)).json()
    assert waltz["bars"][:3] == [0, 1440, 2880]
    assert waltz["editable"] is None
    assert "3/4" in waltz["in_the_way"]
    assert all(role["notes"] for role in waltz["roles"].values())


def test_what_cannot_be_done_says_why(client, uploaded):
    for body, sentence in [
        ({"genres": {"polka": 1}}, "the model knows no genre polka"),
        ({"attributes": {"notes": 99}}, "notes 99: give a number from -10 to 10"),
        ({"selection": {"bars": [30, 40]}}, "bars 30-40 cannot be chosen: the song has bars 1-24"),
        ({"selection": {"keep": ["drums", "bass", "guitar", "strings"]}}, "all tracks are kept"),
        ({"faithfulness": 0}, "faithfulness 0: give a number from 0.01 to 10"),
        ({"notes": 1}, "notes: Unexpected keyword argument"),
        ({"selection": {"bar": 1}}, "selection.bar: Unexpected keyword argument"),
    ]:
        answer = client.post(f"/api/songs/{uploaded}/edit", json=body)
        assert answer.status_code == 422
        assert sentence in answer.json()["error"]
    assert "Invalid JSON" in client.post(f"/api/songs/{uploaded}/edit", content=b"{").json()["error"]
    assert client.post(f"/api/songs/{uploaded}/vary", json={"count": 100}).status_code == 422


def test_other_hosts_are_refused(client, address):
    port = address.rpartition(":")[2]
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        f"127.0.0.1.evil.example:{port}",
        f"localhost:{port}0",
    ):
        for path in ("/", "/api/model", "/page/main.js"):
            assert client.get(path, headers={"host": host}).status_code == 403
    assert client.get("/", headers={"host": f"localhost:{port}"}).status_code == 200


def test_other_pages_are_refused(client, address, uploaded):
    origins = "http://evil.example", "null", address.replace("127.0.0.1", "localhost"), f"{address}0"
    elsewhere = [{"origin": origin} for origin in origins]
    for headers in (*elsewhere, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        assert client.post("/api/songs", content=song(), headers=headers).status_code == 403
        assert client.get(f"/api/songs/{uploaded}", headers=headers).status_code == 403
    own = {"origin": address, "sec-fetch-site": "same-origin"}
    assert client.post("/api/songs", content=song(), headers=own).status_code == 200
    assert "access-control-allow-origin" not in client.get("/", headers=own).headers


def test_the_page_may_load_nothing_from_elsewhere(client):
    for path in ("/", "/page/main.js", "/api/model", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert not {"unsafe-inline", "unsafe-eval", "*"} & set(policy.replace("'", "").replace(";", "").split())
        assert "http" not in policy
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_large_body_is_refused(client):
    assert client.post("/api/songs", content=bytes(2_000_001)).status_code == 413
    pieces = (bytes(100_000) for _ in range(30))  # without a length
    assert client.post("/api/songs", content=pieces).status_code == 413
    assert client.post("/api/songs", content=bytes(2_000_000)).status_code == 422


@pytest.mark.parametrize("data", [b"", b"junk", song()[:200], b"MThd" + bytes(40), b"\xff" * 5000])
def test_a_bad_file_is_refused(client, data):
    answer = client.post("/api/songs?name=bad.mid", content=data)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("bad.mid: cannot be read as MIDI")


def test_a_file_that_is_slow_to_read_is_given_up(client, monkeypatch):
    monkeypatch.setattr(reading, "SECONDS", 0.01)
    answer = client.post("/api/songs?name=slow.mid", content=song())
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("slow.mid: takes more than 0.01 seconds to read")


def test_a_file_that_ends_its_reader_is_refused(client, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # the process cannot even start
    answer = client.post("/api/songs?name=bomb.mid", content=song())
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("bomb.mid: cannot be read: the reader ended with")


@pytest.mark.parametrize(
    ("name", "plain"),
    [("../../etc/passwd", "passwd.mid"), ("..\\..\\a.mid", "a.mid"), ("..", "song.mid"), ("", "song.mid"),
     ("a\nb\x00.mid", "ab.mid"), ("My song.MID", "My song.MID.mid"), ("x" * 999 + ".midi", "x" * 100 + ".mid"),
     ("<b>.mid", "<b>.mid")],
)  # fmt: skip
def test_names_are_the_last_part_without_strange_signs(client, name, plain):
    assert plain_name(name) == plain
    assert client.post("/api/songs", params={"name": name}, content=song()).json()["name"] == plain


def test_only_the_page_is_served(client):
    for path in (
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/etc/passwd",
        "/api/songs/..%2f..%2fapp.py",
    ):
        assert client.get(path).status_code == 404
    for path in ("/page/main.js", "/page/style.css", "/page/vendor/spessasynth.js", "/soundfont"):
        assert client.get(path).status_code == 200


def test_nothing_is_written(client, uploaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    client.post("/api/songs?name=song.mid", content=song(4))
    client.post(f"/api/songs/{uploaded}/vary", json=VARY)
    assert not list(tmp_path.iterdir())


def test_a_song_has_the_id_of_its_name_and_bytes(client, uploaded):
    assert client.post("/api/songs?name=song.mid", content=song()).json()["id"] == uploaded
    copy = client.post("/api/songs?name=copy.mid", content=song()).json()["id"]
    unchanged = client.post(f"/api/songs/{copy}/edit", json={}).json()
    assert (unchanged["name"], client.get(f"/api/songs/{unchanged['id']}").content) == ("copy-edited.mid", song())
    assert client.post(f"/api/songs/{copy}/edit", json={}).json() == unchanged
    assert client.get("/api/songs/unknown").status_code == 404
    assert "open the file again" in client.post("/api/songs/unknown/edit", json={}).json()["error"]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(songs, "KEPT_BYTES", 3 * len(song()))
    kept = Songs()
    first, *others = [kept.add(song(seed=seed), f"{seed}.mid") for seed in range(3)]
    kept.song(first)  # now it was used last
    others.append(kept.add(song(seed=3), "3.mid"))
    assert kept.song(first).file.name == "0.mid"
    with pytest.raises(UnknownSongError):
        kept.song(others[0])


def test_the_newest_request_wins():
    begun, go_on = Event(), Event()

    def slow() -> str:
        begun.set()
        go_on.wait()
        return "first"

    async def ask():
        turns = Turns()
        first = asyncio.create_task(turns.run(slow))
        await asyncio.to_thread(begun.wait)
        waiting = [asyncio.create_task(turns.run(lambda name=name: name)) for name in ("second", "third")]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(first, *waiting, return_exceptions=True)

    first, second, third = asyncio.run(ask())
    assert (first, third) == ("first", "third")
    assert isinstance(second, SupersededError)


def test_requests_at_once_are_all_answered(client, uploaded):
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda seed: client.post(f"/api/songs/{uploaded}/vary", json={"count": 1, "seed": seed}), range(8))
        )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)


def test_without_a_model_songs_open_and_the_page_says_why(tmp_path):
    with serving(tmp_path / "nothing") as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/").status_code == 200
        assert client.post("/api/songs?name=a.mid", content=song()).status_code == 200
        answer = client.get("/api/model")
        assert answer.status_code == 422
        assert "nothing" in answer.json()["error"]


def test_another_sound_font_is_served(folder, tmp_path):
    (tmp_path / "better.sf2").write_bytes(b"RIFF better")
    with serving(folder, tmp_path / "better.sf2") as address:
        assert httpx.get(f"{address}/soundfont").content == b"RIFF better"


def test_the_interface_is_described(client):
    described = client.get("/api/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            url = path.replace("{song}", "unknown").replace("{second}", "unknown")
            assert client.request(method, url).status_code != 405
            assert operation["summary"]
    assert described["paths"].keys() > {
        "/api/songs",
        "/api/songs/{song}/edit",
        "/api/songs/{song}/interpolate/{second}",
    }
    asked = described["components"]["schemas"]
    assert asked["EditRequest"]["properties"].keys() == {"attributes", "genres", "selection", "faithfulness"}
    assert asked["Selection"]["properties"].keys() == {"bars", "tracks", "keep", "instruments"}


def test_the_python_of_the_docs_runs(address, tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs/studio.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "song.mid").write_bytes(song())
    monkeypatch.chdir(tmp_path)
    exec(code.replace("http://127.0.0.1:8765", address), {})
    assert capsys.readouterr().out.startswith("notes: asked +1, got")


def test_the_command_says_what_is_wrong(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code = run(monkeypatch, tmp_path, ["musae", "studio", "--no-browser", "--port", port])
        assert code.startswith(f"error: port {port} cannot be used")
    code = run(monkeypatch, tmp_path, ["musae", "studio", "--soundfont", "none.sf2"])
    assert code == "error: none.sf2: no such file; give a sound font (SF2, SF3 or DLS)"
