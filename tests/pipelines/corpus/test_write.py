"""A corpus of either kind, written as shards."""

import os

import pytest

from music.errors import InputError
from music.midi.writer import to_midi
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.shards import MANIFEST, read_manifest, read_row_groups, shard_paths
from tests.helpers.archives import NAME, archive, member
from tests.helpers.scores import band

MAX_BYTES = 100_000


def test_a_damaged_archive_leaves_nothing(tmp_path):
    folder = tmp_path / "lakh"
    folder.mkdir()
    archive(folder / MIDI_ARCHIVE, *(member(NAME, to_midi(band(pitch=50 + i))) for i in range(20)))
    archive(folder / METADATA_ARCHIVE)
    damaged = bytearray((folder / MIDI_ARCHIVE).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / MIDI_ARCHIVE).write_bytes(damaged)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError, match="cut short or damaged"):
        write_corpus(CorpusConfig(str(folder), 2, MAX_BYTES), str(out))
    assert list(out.iterdir()) == []


def test_names_that_are_no_text_are_written_out(folder, tmp_path):
    (folder / os.fsdecode(b"caf\xe9.mid")).write_bytes(b"MThd")
    out = tmp_path / "out"
    out.mkdir()
    assert write_corpus(CorpusConfig(str(folder), 1, MAX_BYTES), str(out)) == 4
    (path,) = shard_paths(str(out), "files")
    assert "caf\\udce9.mid" in {row["path"] for group in read_row_groups(path) for row in group.to_pylist()}


@pytest.mark.parametrize("made", [True, False])
def test_a_path_without_a_corpus_is_named(tmp_path, made):
    folder = tmp_path / "nowhere"
    if made:
        folder.mkdir()
    with pytest.raises(InputError, match=r"nowhere: .* set corpus\.path"):
        write_corpus(CorpusConfig(str(folder), 2, MAX_BYTES), str(tmp_path))
    assert not (tmp_path / MANIFEST).exists()


def test_an_address_that_beam_does_not_know_is_named(tmp_path):
    with pytest.raises(InputError, match="none://bucket/music: "):
        write_corpus(CorpusConfig("none://bucket/music", 2, MAX_BYTES), str(tmp_path))


def test_every_file_is_in_the_shard_of_its_song(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert write_corpus(CorpusConfig(str(folder), 3, MAX_BYTES), str(out)) == 3
    rows = [
        row for path in shard_paths(str(out), "files") for group in read_row_groups(path) for row in group.to_pylist()
    ]
    assert sorted(row["path"] for row in rows) == ["c.kar", "jazz/b.MIDI", "rock/live/a.mid"]
    assert sum(shard["rows"] for shard in read_manifest(str(out))["shards"]) == 3
