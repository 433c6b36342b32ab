"""The benchmark of edits, on two songs and a tiny model."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.edits import __main__ as benchmark
from benchmarks.edits.songs import interval, songs_apart
from tests.helpers.archives import archive, member
from tests.helpers.models import make_windows, write_window_shards
from tests.helpers.songs import song


@pytest.fixture
def corpus(tmp_path):
    """An archive of three songs, of which two have windows in the validation split, and those windows."""
    songs = [member(f"lmd_matched/{name}.mid", song(12, seed=number)) for number, name in enumerate("abc")]
    archive(tmp_path / "lmd_matched.tar.gz", *songs)
    windows = tmp_path / "windows"
    windows.mkdir()
    write_window_shards(windows, make_windows(8, bars=2), make_windows(4, bars=2))
    (shard,) = windows.glob("validation-*")
    table = pq.read_table(shard)
    table = table.set_column(table.column_names.index("md5"), "md5", pa.array(["a", "a", "c", "c"]))
    pq.write_table(table, shard)
    return tmp_path


def test_songs_are_those_of_the_validation_split(corpus):
    found = songs_apart(corpus / "windows", corpus, 5)
    assert [tagged.song.file.name for tagged in found] == ["a.mid", "c.mid"]
    assert all(tagged.genres <= {"jazz", "rock", "pop"} for tagged in found)


@pytest.mark.slow
def test_every_table_is_printed(corpus, folder, monkeypatch, capsys):
    arguments = [str(folder), str(corpus / "windows"), str(corpus), "--changes", "1"]
    monkeypatch.setattr(sys, "argv", ["edits", *arguments])
    monkeypatch.setattr(benchmark, "THREE_MINUTES", 4)
    benchmark.main()
    printed = capsys.readouterr().out
    assert "| ends are the songs' bytes | 1.00 [1.00, 1.00] |" in printed
    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("|")]
    assert {"loading", "all", "jazz", "notes", "drum density", "polyphony"} <= set(rows)
    untouched = [line.split("|")[9].strip() for line in printed.splitlines() if line.startswith("| notes | +1")]
    assert untouched == ["1.0000 [1.0000, 1.0000]"]


def test_an_interval_is_over_songs():
    assert interval(np.array([1.0, 1.0, np.nan])) == "1.00 [1.00, 1.00]"
    assert interval(np.array([np.nan])) == "-"
