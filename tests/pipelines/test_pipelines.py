"""From a corpus to windows, through Beam."""

import io
import json
import shutil
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from model.data import read_windows
from music.errors import InputError
from music.midi.readers import READERS
from music.midi.writer import to_midi
from music.roles import tokenise_score
from pipelines.corpus.demo.corpus import DemoConfig, write_demo
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE
from pipelines.genres import circle, co_occurrence, count_tag_sets, most_common
from pipelines.index import index_songs
from pipelines.shards import MANIFEST, read_manifest, shard_paths, shard_writers
from pipelines.shards import REFUSED as REFUSED_SCHEMA
from pipelines.split import SplitConfig, split_places
from pipelines.windows import write_windows
from tests.helpers.models import SMALL
from tests.helpers.pipelines import LOCAL, WINDOWS, contents, make, rows
from tests.helpers.scores import band, cut_all


def test_the_demo_is_the_same_bytes_every_time(demo, tmp_path):
    write_demo(tmp_path, DemoConfig(songs_a_style=1, seed=0))
    assert contents(tmp_path) == contents(demo)


def test_files_are_songs_or_refused_with_a_reason(demo, made):
    with tarfile.open(demo / MIDI_ARCHIVE) as archive:
        files = Counter(member.name for member in archive)
    songs, refused = rows(made / "songs", "songs"), rows(made / "songs", "refused")
    assert len(songs) + len(refused) == files.total()
    assert Counter(row["reason"] for row in refused) == {
        "bad_division": 1,
        "no_bass": 1,
        "no_drums": 1,
        "no_guitar": 1,
        "no_notes": 1,
        "not_4_4": 2,
        "unreadable": 2,
    }
    assert {row["path"] for row in refused} < set(files)
    manifest = read_manifest(str(made / "songs"))
    assert (manifest["kept"], sum(manifest["refused"].values())) == (len(songs), len(refused))


def test_genres_count_songs_not_versions(made):
    genres = json.loads((made / "genres.json").read_text())
    songs = {row["msd_id"]: set(row["terms"]) for row in rows(made / "songs", "songs")}
    counts = Counter(tag for terms in songs.values() for tag in terms)
    assert dict(zip(genres["genres"], genres["songs_with_genre"], strict=True)).items() <= counts.items()
    assert sorted(genres["songs_with_genre"], reverse=True) == sorted(counts.values(), reverse=True)[:8]
    assert genres["songs"] == len(songs)
    assert genres["songs_without_tags"] == sum(not terms for terms in songs.values())
    assert genres["genres"][0] == min(counts, key=lambda tag: (-counts[tag], tag))  # the circle begins at the commonest
    assert genres["co_occurrence"] == [
        [sum({first, second} <= terms for terms in songs.values()) for second in genres["genres"]]
        for first in genres["genres"]
    ]
    tag_sets = Counter(tuple(sorted(terms)) for terms in songs.values())
    common = most_common(counts, 8)
    assert genres["genres"] == [common[place] for place in circle(co_occurrence(common, tag_sets))]


def expected_windows(corpus: Path, bars: int = 2) -> dict[str, set[bytes]]:
    """The untransposed windows of each song file, straight from the archive."""
    found = {}
    with tarfile.open(corpus / MIDI_ARCHIVE) as archive:
        for member in archive:
            try:
                song = tokenise_score(READERS["musae"](archive.extractfile(member).read()))
            except ValueError:
                continue
            found[member.name] = {window.tobytes() for window in cut_all(song, bars, 64)[1]}
    return found


@pytest.mark.parametrize("bars", [1, 2])
def test_every_window_of_the_corpus_stands_once_as_its_song_has_it(demo, made, bars):
    folder = made / f"windows/{bars}bar"
    written = [row["tokens"] for split in ("train", "validation") for row in rows(folder, split)]
    expected = set().union(*expected_windows(demo, bars).values())
    assert len(written) == len(set(written)) == len(expected)
    assert set(written) == expected


def test_training_reads_windows_transposed_by_their_shift(made):
    folder = made / "windows/1bar"
    stored = rows(folder, "train")
    assert len({row["shift"] for row in stored}) == 12
    for row, window in zip(stored, read_windows(folder, SMALL).training.tokens.tolist(), strict=True):
        drums, *pitched = np.frombuffer(row["tokens"], dtype=np.uint8).reshape(4, -1).tolist()
        assert window[0] == drums
        assert window[1:] == [[state + row["shift"] if state < 128 else state for state in track] for track in pitched]


def test_a_length_is_the_same_bytes_with_others_or_alone(demo, made, tmp_path):
    alone = make(demo, tmp_path / "out", config=replace(WINDOWS, bars=[1]))
    assert contents(alone / "windows/1bar") == contents(made / "windows/1bar")
    assert [path.name for path in (alone / "windows").iterdir()] == ["1bar"]


def test_a_song_is_on_one_side(made):
    sides = [{row["msd_id"] for row in rows(made / "windows/2bar", split)} for split in ("train", "validation")]
    assert all(sides)
    assert not sides[0] & sides[1]


def test_windows_carry_their_songs_genres(made):
    vocabulary = json.loads((made / "genres.json").read_text())["genres"]
    terms = {row["msd_id"]: set(row["terms"]) for row in rows(made / "songs", "songs")}
    for row in rows(made / "windows/2bar", "train"):
        assert {vocabulary[genre] for genre in row["genres"]} == terms[row["msd_id"]] & set(vocabulary)


def test_the_runner_counts_songs_and_windows(made, tmp_path):
    (tmp_path / "2bar").mkdir()
    paths = shard_paths(str(made / "songs"), "songs")
    with beam.Pipeline(FnApiRunner()) as pipeline:
        numbered = pipeline | beam.Create(list(enumerate(paths)))
        _ = numbered | beam.MapTuple(lambda _, path: count_tag_sets(path))
        _ = numbered | beam.Map(index_songs, len(paths), str(tmp_path), [2], WINDOWS.cap, WINDOWS.split)
    found = pipeline.result.metrics().query()["counters"]
    counts = {counter.key.metric.name: counter.committed for counter in found}
    songs, windows = read_manifest(str(made / "songs")), read_manifest(str(made / "windows/2bar"))
    untagged = json.loads((made / "genres.json").read_text())["songs_without_tags"]
    assert (counts["songs"], counts["songs_without_tags"]) == (songs["songs"], untagged)
    assert (counts["passed_2bar"], counts["unique_in_file_2bar"]) == (windows["passed"], windows["unique_in_file"])


def test_two_workers_give_the_same_bytes(demo, made, tmp_path):
    assert contents(make(demo, tmp_path / "out", replace(LOCAL, workers=2))) == contents(made)


def lakh_of(folder: Path, songs: dict[str, bytes]) -> Path:
    folder.mkdir()
    with tarfile.open(folder / MIDI_ARCHIVE, "w:gz") as archive:
        for track, data in songs.items():
            info = tarfile.TarInfo(f"lmd_matched/A/A/A/{track}/{'0' * 32}.mid")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    with tarfile.open(folder / METADATA_ARCHIVE, "w:gz"):
        pass
    return folder


def test_a_window_of_several_songs_stays_with_the_smallest_id_in_training(tmp_path):
    tracks = [f"TR{number:016d}" for number in range(60)]
    first = next(i for i, track in enumerate(tracks) if i >= 8 and held(track, WINDOWS.split))
    shared = tracks[first : first + 20]  # the smallest id is held out
    same = to_midi(band(bars=3))
    own = {track: to_midi(band(bars=3, pitch=61 + i)) for i, track in enumerate(tracks[:8])}
    out = make(lakh_of(tmp_path / "lakh", dict.fromkeys(shared, same) | own), tmp_path / "out")
    split = {row["msd_id"]: name for name in ("train", "validation") for row in rows(out / "windows/2bar", name)}
    (keeper,) = set(split) - set(own)
    assert split[keeper] == "train"
    assert keeper == min(track for track in shared if not held(track, WINDOWS.split))


@pytest.mark.parametrize("shards_per_partition", [16, 1])
def test_repeats_are_found_in_every_partition(tmp_path, monkeypatch, shards_per_partition):
    monkeypatch.setattr("pipelines.index.SHARDS_PER_PARTITION", shards_per_partition)
    different = [to_midi(band(bars=2, pitch=50 + number)) for number in range(40)]
    tracks = {f"TR{number:016d}": different[number % 20 if number < 60 else number - 40] for number in range(80)}
    out = make(lakh_of(tmp_path / "lakh", tracks), tmp_path / "out")
    keepers = {row["msd_id"] for split in ("train", "validation") for row in rows(out / "windows/2bar", split)}
    alike = [[track for track, data in tracks.items() if data == midi] for midi in different]
    assert keepers == {min(songs, key=lambda track: (held(track, WINDOWS.split), track)) for songs in alike}


def test_the_order_of_the_archive_does_not_matter(demo, made, tmp_path):
    with tarfile.open(demo / MIDI_ARCHIVE) as archive:
        songs = {member.name: archive.extractfile(member).read() for member in archive}
    with tarfile.open(tmp_path / MIDI_ARCHIVE, "w:gz") as archive:
        for name, data in reversed(songs.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    shutil.copy(demo / METADATA_ARCHIVE, tmp_path)
    out = make(tmp_path, tmp_path / "out")
    for folder in ("songs", "windows/2bar", "windows/1bar"):
        assert read_manifest(str(out / folder))["digest"] == read_manifest(str(made / folder))["digest"]


def held(track: str, split: SplitConfig) -> bool:
    return place(track, split) < split.validation


def place(track: str, split: SplitConfig) -> float:
    (found,) = split_places([{"msd_id": track, "artist": ""}], np.zeros(1, int), np.zeros((2, 1), np.uint64), split)
    return float(found)


@pytest.mark.parametrize("held_out", [True, False])
def test_of_few_songs_on_one_side_the_nearest_one_is_moved(tmp_path, held_out):
    tracks = [f"TR{number:016d}" for number in range(60)]
    few = [track for track in tracks if held(track, WINDOWS.split) is held_out][:4]
    corpus = lakh_of(tmp_path / "lakh", {track: to_midi(band(bars=3, pitch=50 + i)) for i, track in enumerate(few)})
    out = make(corpus, tmp_path / "out")
    validation = {row["msd_id"] for row in rows(out / "windows/2bar", "validation")}
    training = {row["msd_id"] for row in rows(out / "windows/2bar", "train")}
    (moved,) = training if held_out else validation
    by_place = sorted(few, key=lambda track: place(track, WINDOWS.split))
    assert moved == (by_place[-1] if held_out else by_place[0])
    assert training | validation == set(few)
    assert not training & validation
    assert "held_out_below" in read_manifest(str(out / "windows/2bar"))
    again = make(corpus, tmp_path / "again", replace(LOCAL, workers=2))
    assert contents(again) == contents(out)


def test_a_song_without_windows_is_not_moved(tmp_path):
    tracks = [f"TR{number:016d}" for number in range(60)]
    training = sorted((t for t in tracks if not held(t, WINDOWS.split)), key=lambda t: place(t, WINDOWS.split))[:3]
    lengths = dict(zip(training, (1, 3, 3), strict=True))  # the nearest song is too short
    songs = {track: to_midi(band(bars, pitch=50 + i)) for i, (track, bars) in enumerate(lengths.items())}
    out = make(lakh_of(tmp_path / "lakh", songs), tmp_path / "out", config=replace(WINDOWS, bars=[2]))
    assert {row["msd_id"] for row in rows(out / "windows/2bar", "validation")} == {training[1]}


def test_the_manifest_says_nothing_of_a_split_that_is_as_asked(made):
    assert "held_out_below" not in read_manifest(str(made / "windows/2bar"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Songs of sixteen artists, two of each."""
    folder = tmp_path_factory.mktemp("artists")
    (folder / "music").mkdir()
    lines = ["path,artist,tags"]
    for number in range(32):
        (folder / f"music/{number}.mid").write_bytes(to_midi(band(bars=3, pitch=45 + number)))
        lines.append(f"{number}.mid,Artist {number // 2},rock")
    (folder / "music/tags.csv").write_text("\n".join(lines))
    return make(folder / "music", folder / "out")


@pytest.mark.parametrize("unit", ["song", "artist", "window"])
def test_what_is_split_stays_on_one_side(pairs, tmp_path, unit):
    config = replace(WINDOWS, split=replace(WINDOWS.split, unit=unit))
    write_windows(str(pairs / "songs"), ["rock"], str(tmp_path), config, LOCAL)
    artists = {row["msd_id"]: row["artist"] for row in rows(pairs / "songs", "songs")}
    songs = [{row["msd_id"] for row in rows(tmp_path / "2bar", split)} for split in ("train", "validation")]
    assert all(songs)
    assert len(songs[0] | songs[1]) == 32
    split_artists = {artists[song] for song in songs[0]} & {artists[song] for song in songs[1]}
    assert bool(split_artists) is (unit != "artist")


def test_no_song_and_no_window_are_errors(tmp_path):
    corpus = lakh_of(tmp_path / "lakh", {"TR" + "0" * 16: b"not MIDI"})
    with pytest.raises(InputError, match=r"none of 1 files was kept \(unreadable 1\)"):
        make(corpus, tmp_path / "out")
    short = lakh_of(tmp_path / "short", {"TR" + "0" * 16: to_midi(band(bars=1))})
    with pytest.raises(InputError, match="0 training and 0 validation windows of 2 bars from 1 songs") as error:
        make(short, tmp_path / "out2", config=replace(WINDOWS, bars=[2]))
    assert str(error.value).endswith("use more or longer songs, or shorter windows (windows.bars)")


def test_every_length_needs_windows(demo, tmp_path):
    with pytest.raises(InputError, match="0 training and 0 validation windows of 64 bars from") as error:
        make(demo, tmp_path / "out", config=replace(WINDOWS, bars=[2, 64]))
    assert str(error.value).endswith("; both are needed: set windows.bars to [2]")


def test_a_corpus_without_tags_has_no_genres(tmp_path):
    tracks = {f"TR{number:016d}": to_midi(band(bars=3, pitch=50 + number)) for number in range(12)}
    out = make(lakh_of(tmp_path / "lakh", tracks), tmp_path / "out")
    assert json.loads((out / "genres.json").read_text())["genres"] == []


def break_off(folder: Path) -> None:
    with shard_writers(str(folder), {"a": REFUSED_SCHEMA, "b": REFUSED_SCHEMA}) as (first, _):
        first.close()
        raise RuntimeError


def test_shards_are_whole_or_not_there(tmp_path):
    with pytest.raises(RuntimeError):
        break_off(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]  # whole, but without a manifest never read
    with pytest.raises(InputError, match=rf"no {MANIFEST}"):
        shard_paths(str(tmp_path), "a")
