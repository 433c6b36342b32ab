"""Files -> songs: what is kept, and what is counted."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from music.midi.readers import READERS
from music.midi.writer import to_midi
from music.score import TimeSignature
from pipelines.beam.runners import BeamConfig
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.shards import read_row_groups, shard_paths
from pipelines.songs import ReadSongs, SongsConfig, write_songs
from tests.helpers.archives import archive, member
from tests.helpers.scores import band


def with_meter(*ticks: int) -> bytes:
    """A band's MIDI file that states 4/4 at these ticks."""
    return to_midi(replace(band(), time_signatures=tuple(TimeSignature(tick, 4, 4) for tick in ticks)))


FILES = {
    "A" * 16: [with_meter(), with_meter(0), with_meter(0, 1920)],
    "B" * 16: [with_meter(960), with_meter(0, 0)],
    "C" * 16: [with_meter(0), b"no MIDI"],
    "D" * 16: [to_midi(replace(band(), instruments=()))],
}
"""Six files that are kept, of three songs, and two that are refused."""


@pytest.fixture
def data(tmp_path) -> Path:
    """The corpus as shards, and room for the songs."""
    for name in ("lakh", "corpus", "songs"):
        (tmp_path / name).mkdir()
    members = [
        member(f"lmd_matched/A/A/A/TR{song}/{number:032x}.mid", midi)
        for song, files in FILES.items()
        for number, midi in enumerate(files)
    ]
    archive(tmp_path / "lakh" / MIDI_ARCHIVE, *members)
    archive(tmp_path / "lakh" / METADATA_ARCHIVE)
    write_corpus(CorpusConfig(str(tmp_path / "lakh"), 2, 100_000), str(tmp_path / "corpus"))
    return tmp_path


@pytest.mark.parametrize("reader", READERS)
def test_files_and_songs_are_told_apart_and_the_notation_of_4_4_is_counted(data, reader):
    local = BeamConfig("FnApiRunner", workers=1)
    manifest = write_songs(str(data / "corpus"), str(data / "songs"), SongsConfig(reader), local)
    assert (manifest["files"], manifest["kept"], manifest["songs"]) == (8, 6, 3)
    assert manifest["refused"] == {"no_notes": 1, "unreadable": 1}
    expected = {"none": 1, "one": 2, "several": 2, "late": 1}
    assert manifest["meter_notation"] == expected
    rows = [
        row
        for path in shard_paths(str(data / "songs"), "songs")
        for group in read_row_groups(path, ["meter_notation"])
        for row in group.to_pylist()
    ]
    assert Counter(row["meter_notation"] for row in rows) == expected


def test_the_runner_counts_files_songs_and_refusals(data):
    with beam.Pipeline(FnApiRunner()) as pipeline:
        paths = shard_paths(str(data / "corpus"), "files")
        _ = pipeline | ReadSongs(paths, str(data / "songs"), SongsConfig("musae"))
    counters = pipeline.result.metrics().query(beam.metrics.MetricsFilter().with_namespace("songs"))["counters"]
    counts = {counter.key.metric.name: counter.committed for counter in counters}
    assert counts == {"files_kept": 6, "songs_kept": 3, "unreadable": 1, "no_notes": 1}
