"""The data rules against the reference program's results on real music, where that is available."""

import csv
import functools
import hashlib
import tarfile
from collections import defaultdict
from math import prod
from pathlib import Path

import pytest

from music.midi.readers import READERS
from music.roles import tokenise_score
from music.score import Refused, Score
from tests.helpers.scores import cut_all

SHARED = Path(__file__).parents[4] / "shared"
GOLDEN = SHARED / "golden" / "sample.csv"
ARCHIVE = SHARED / "corpus" / "sample" / "lmd_matched.tar.gz"
CAP = 64
COLUMNS = ("refused", "combinations", "passed", "unique", "sha256")
REFERENCE_NAMES = {"no_notes": "no_drums"}
"""The reference has no reason of its own for a file without notes."""

pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason="the reference results are not on this machine")


@pytest.fixture(scope="module")
def golden():
    rows = defaultdict(dict)
    with GOLDEN.open(newline="") as file:
        for row in csv.DictReader(file):
            rows[row["file"]][int(row["bars"])] = row
    return rows


@pytest.fixture(scope="module")
def files():
    with tarfile.open(ARCHIVE) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}


@functools.cache
def read(data: bytes, reader: str) -> Score:
    return READERS[reader](data)


def cut(data: bytes, bars: int, reader: str):
    song = tokenise_score(read(data, reader))
    found, tokens = cut_all(song, bars, CAP)
    return song, found, sorted(window.tobytes() for window in tokens)


def described(data: bytes, bars: int, reader: str) -> dict[str, str]:
    try:
        song, found, tokens = cut(data, bars, reader)
    except Refused as refusal:
        reason = str(refusal.reason)
        return dict(zip(COLUMNS, (REFERENCE_NAMES.get(reason, reason), "0", "0", "0", ""), strict=True))
    digest = hashlib.sha256(b"".join(tokens)).hexdigest()
    return dict(zip(COLUMNS, ("", str(prod(song.counts)), str(found.passed), str(len(found)), digest), strict=True))


def assert_reproduced(golden, files, names, reader):
    """Compares with every result of the reference program, except for files that mido refuses to it."""
    checked = 0
    for name in names:
        for bars, row in golden[name].items():
            if int(row["combinations"]) <= CAP and row["refused"] != "unreadable":
                assert described(files[name], bars, reader) == {key: row[key] for key in COLUMNS}, (name, bars)
                checked += 1
    return checked


def test_every_file_is_reproduced(golden, files):
    assert assert_reproduced(golden, files, files, "musae") > 550


def test_pretty_midi_reproduces_the_smaller_files(golden, files):
    assert assert_reproduced(golden, files, sorted(files, key=lambda name: len(files[name]))[:60], "pretty_midi") > 100


@pytest.mark.slow
def test_pretty_midi_reproduces_every_file(golden, files):
    assert assert_reproduced(golden, files, files, "pretty_midi") > 550


@pytest.mark.slow
@pytest.mark.parametrize("bars", [2, 16])
def test_the_readers_agree_on_every_window(files, bars):
    """Those beyond the reference program's results too: of all arrangements up to the cap, in order."""
    windows = 0
    for name, data in files.items():
        rows = [described(data, bars, reader) for reader in READERS]
        if not any(row["refused"] == "unreadable" for row in rows):
            assert rows[0] == rows[1], name
            windows += int(rows[0]["unique"])
    assert windows > 10_000
