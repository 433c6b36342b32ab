"""What ends badly in an isolated process costs one answer."""

import socket
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from music.midi.writer import to_midi
from music.score import Reason, Refused
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.isolation import Isolated, call_all
from pipelines.shards import read_row_groups, shard_paths
from pipelines.songs import write_song_shard
from tests.helpers.scores import band

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="macOS bounds no address space and has no /proc")
FAULTS = "tests.helpers.faults:fail"


@pytest.fixture
def isolated():
    with closing(Isolated(FAULTS, seconds=1)) as call:
        yield call


def ask(call: Isolated, data: bytes) -> bytes | Refused:
    (answer,) = call([data])
    return answer


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        (b"abort", Reason.CRASHED, "SIGABRT"),
        (b"exit", Reason.CRASHED, "exit code 7"),
        (b"raise", Reason.CRASHED, "LookupError: no such thing \\udc80"),
        (b"loop", Reason.TOO_SLOW, "more than 1 seconds"),
        (b"sleep", Reason.TOO_SLOW, "more than 1 seconds"),
        pytest.param(b"allocate", Reason.TOO_MUCH_MEMORY, "more than 2147483648 bytes", marks=LINUX),
        (b"refuse", Reason.NO_NOTES, "not one"),
    ],
)
def test_a_fault_costs_one_answer(isolated, fault, reason, detail):
    assert ask(isolated, b"before") == b"before"
    refused = ask(isolated, fault)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.detail) == (reason, detail)
    assert ask(isolated, b"after") == b"after"


def test_a_process_that_was_killed_between_calls_is_started_anew(isolated):
    assert ask(isolated, b"before") == b"before"
    (child,) = (process for process in psutil.Process().children() if "pipelines.isolation" in process.cmdline())
    child.kill()
    assert ask(isolated, b"after") == b"after"


def test_a_default_timeout_of_sockets_does_no_harm(isolated):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(1)  # as Google's libraries do
    try:
        assert ask(isolated, b"data") == b"data"
    finally:
        socket.setdefaulttimeout(before)


def test_a_function_that_is_not_there_ends_the_run(capfd):
    with (
        closing(Isolated("tests.helpers.faults:nothing")) as call,
        pytest.raises(RuntimeError, match="nothing does not start"),
    ):
        call([b""])
    assert "nothing" in capfd.readouterr().err


@pytest.mark.parametrize("count", [0, 1, 31, 200])
def test_answers_come_in_order_from_several_processes(count):
    faults = {4, 5, 40, 130}
    named = [(number, b"abort" if number in faults else b"%d" % number) for number in range(count)]
    answers = dict(call_all(FAULTS, named, 3))
    assert list(answers) == list(range(count))
    for number, answer in answers.items():
        if number in faults:
            assert (answer.reason, answer.detail) == (Reason.CRASHED, "SIGABRT")
        else:
            assert answer == b"%d" % number


@pytest.mark.parametrize("last", [b"before", b"loop"])
def test_no_process_outlives_a_parent_that_is_killed(last):
    code = f"""
from pipelines.isolation import Isolated
call = Isolated({FAULTS!r}, seconds=2)
call([b"before"])
print("ready", flush=True)
call.send([{last!r}])
input()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2], **pipes) as parent:
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
        parent.communicate(timeout=60)  # ends when no process is left that holds the pipe


def test_a_crash_costs_one_row(tmp_path):
    for name, data in {"a": to_midi(band()), "b": b"abort", "c": to_midi(band(pitch=61)), "d": b"loop"}.items():
        (tmp_path / f"{name}.mid").write_bytes(data)
    for name in ("corpus", "songs"):
        (tmp_path / name).mkdir()
    write_corpus(CorpusConfig(str(tmp_path), 1, 100_000), str(tmp_path / "corpus"))
    (path,) = shard_paths(str(tmp_path / "corpus"), "files")
    with closing(Isolated("tests.helpers.faults:read_or_fail", seconds=1)) as read:
        report = write_song_shard((0, path), 1, str(tmp_path / "songs"), read)
    rows = {
        shard.name.split("-")[0]: [
            row for group in read_row_groups(str(tmp_path / "songs" / shard.name)) for row in group.to_pylist()
        ]
        for shard in report.written
    }
    assert [row["msd_id"] for row in rows["songs"]] == ["a.mid", "c.mid"]
    assert [(row["path"], row["reason"], row["detail"]) for row in rows["refused"]] == [
        ("b.mid", "crashed", "SIGABRT"),
        ("d.mid", "too_slow", "more than 1 seconds"),
    ]
    assert report.refused == Counter(crashed=1, too_slow=1)
