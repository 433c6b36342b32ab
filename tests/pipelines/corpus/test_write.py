"""A corpus of either kind, written as shards."""

import os

import pytest

from music.errors import InputError
from music.midi.writer import to_midi
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.shards import MANIFEST, read_manifest, read_row_groups, shard_paths
from stages.corpus import main
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


def test_the_manifest_says_what_was_not_read_and_the_stage_prints_it(folder, tmp_path, monkeypatch, capsys):
    (folder / "large.mid").write_bytes(bytes(MAX_BYTES + 1))
    (folder / "tags.csv").write_text("path,tags\nc.kar,ska\n")
    for name in ("l1", "l2", "l3", "l4"):
        (folder / name).symlink_to("rock")
    (tmp_path / "params.yaml").write_text(f"corpus: {{path: {folder}, shards: 2, max_file_bytes: {MAX_BYTES}}}")
    monkeypatch.chdir(tmp_path)
    main(str(tmp_path / "out"))
    link = "a link to a folder is not followed; put the folder in its place"
    large = f"large.mid: {MAX_BYTES + 1} bytes, at most {MAX_BYTES}"
    assert capsys.readouterr().out.splitlines() == [
        f"8 files from {folder}",
        "files not read, because their names do not end in .kar, .mid, .midi, .rmi: 1 (jazz/notes.txt)",
        "files without tags, because tags.csv does not list them: 3 (jazz/b.MIDI, large.mid, rock/live/a.mid)",
        f"refused unread, as not_a_file: 4 (l1: {link}, l2: {link}, l3: {link}, ...)",
        f"refused unread, as too_large: 1 ({large})",
    ]
    remarks = read_manifest(str(tmp_path / "out"))["remarks"]
    assert [remark["count"] for remark in remarks] == [1, 3, 4, 1]
    assert remarks[3] == {"what": "refused unread, as too_large", "count": 1, "examples": [large]}


def test_a_corpus_of_which_nothing_can_be_read_says_what_is_there(tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "songs.zip").touch()
    (tmp_path / "music" / "rock").symlink_to("/gone")
    with pytest.raises(InputError, match=r"music: no MIDI file .*can be read \(.*songs\.zip.*rock: a broken link"):
        write_corpus(CorpusConfig(str(tmp_path / "music"), 2, MAX_BYTES), str(tmp_path))
    assert not (tmp_path / MANIFEST).exists()


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, as_user):
    for name, mode in {"music": 0, "out": 0o777}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    with as_user(), pytest.raises(InputError, match=r"music: no MIDI file .*a folder: Permission denied"):
        write_corpus(CorpusConfig(str(tmp_path / "music"), 2, MAX_BYTES), str(tmp_path / "out"))


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
