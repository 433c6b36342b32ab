"""The data report: its numbers against songs whose windows can be counted by hand."""

import json
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from music.errors import InputError
from music.midi.writer import to_midi
from music.piano_rolls import draw_windows
from music.score import FOUR_FOUR, Score, TimeSignature
from pipelines.beam.runners import BeamConfig
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.genres import GenresConfig, write_genres
from pipelines.songs import SongsConfig, write_songs
from pipelines.statistics.examples import read_examples
from pipelines.windows import SplitConfig, WindowsConfig, write_windows
from stages.data_report import main
from stages.pages.charts import draw_circle, draw_similarity
from tests.helpers.pages import Page
from tests.helpers.scores import band, instrument

LOCAL = BeamConfig("FnApiRunner", workers=1)
SCRIPT = "<script>alert(1)</script>"
TAGS = [
    ("0.mid", "Dee", "Nought", "Hip-Hop|rock"),
    ("1.mid", "Ann", "One", "hip hop|rock"),
    ("2.mid", "Ann", "Two", "rock|$x^$"),
    ("3.mid", "Bob", "Three", "ロック"),
    ("4.mid", "", "", "rock"),
    ("5.mid", "Cid", "Five", ""),
    ("6.mid", "Cid", "Six", ""),
    ("walk.mid", SCRIPT, "Caf\ufffd \N{SNOWMAN}", "rock"),
]


def walk(bars: int) -> Score:
    """A band whose piano plays another pitch in every bar, so that no two windows are the same."""
    notes = [(16 * bar + step, 16 * bar + step + 2, 40 + bar) for bar in range(bars) for step in range(0, 16, 4)]
    drums, bass, _, strings = band(bars).instruments
    return Score(480, FOUR_FOUR, (drums, bass, instrument(0, *notes), strings))


def write_music(folder: Path, tags: list[tuple[str, str, str, str]]) -> Path:
    """Seven bands that repeat one bar, two of them the same, and the one that walks; 20 bars each.

    The first file states no time signature, and the second one states it late.
    """
    folder.mkdir(parents=True)
    meters = {0: (), 1: (TimeSignature(480, 4, 4),)}
    for number, pitch in enumerate((50, 51, 52, 53, 54, 54, 56)):
        score = replace(band(bars=20, pitch=pitch), time_signatures=meters.get(number, FOUR_FOUR))
        (folder / f"{number}.mid").write_bytes(to_midi(score))
    (folder / "walk.mid").write_bytes(to_midi(walk(20)))
    rows = [("path", "artist", "title", "tags"), *tags]
    (folder / "tags.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    return folder


def write_songs_of(corpus: Path, data: Path) -> None:
    for name in ("corpus", "songs"):
        (data / name).mkdir(parents=True)
    write_corpus(CorpusConfig(str(corpus), 2, 1_000_000), str(data / "corpus"))
    write_songs(str(data / "corpus"), str(data / "songs"), SongsConfig("musae"), LOCAL)


def write_genres_and_windows(data: Path, count: int, bars: list[int], unit: str) -> None:
    (data / "genres").mkdir()
    write_genres(str(data / "songs"), str(data / "genres/genres.json"), GenresConfig(count), LOCAL)
    genres = json.loads((data / "genres/genres.json").read_text())["genres"]
    config = WindowsConfig(bars, 64, (-5, 6), 0, SplitConfig(unit, 0.5, 0))
    write_windows(str(data / "songs"), genres, str(data / "windows"), config, LOCAL)
    (data.parent / "params.yaml").write_text(yaml.safe_dump({"windows": {"bars": bars}}))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """Two lengths; tags of several spellings; files refused."""
    project = tmp_path_factory.mktemp("tagged")
    corpus = write_music(project / "music", TAGS)
    (corpus / "broken.mid").write_bytes(b"MThd")
    (corpus / "<b>.mid").write_bytes(b"no MIDI")
    write_songs_of(corpus, project / "data")
    write_genres_and_windows(project / "data", 3, [2, 4], "song")
    return project


@pytest.fixture(scope="module")
def untagged(tmp_path_factory):
    """One length, nothing refused, no tags."""
    project = tmp_path_factory.mktemp("untagged")
    write_songs_of(write_music(project / "music", []), project / "data")
    write_genres_and_windows(project / "data", 3, [2], "song")
    return project


@pytest.fixture(scope="module")
def one_genre(tagged, tmp_path_factory):
    """A vocabulary of one, and windows split one by one."""
    project = tmp_path_factory.mktemp("one")
    for name in ("corpus", "songs"):
        shutil.copytree(tagged / "data" / name, project / "data" / name)
    write_genres_and_windows(project / "data", 1, [2], "window")
    return project


def report(project: Path) -> tuple[str, dict, dict[str, bytes]]:
    """Writes the report of a project; gives its page, its numbers and its pictures."""
    data, out = Path("data"), Path("results")
    with chdir(project):
        out.mkdir(exist_ok=True)
        inputs = (data / name for name in ("corpus", "songs", "genres", "windows"))
        main(*inputs, out / "report")
        pictures = {path.stem: path.read_bytes() for path in (out / "report").iterdir()}
        return (
            (out / "report.html").read_text(encoding="utf-8"),
            json.loads((out / "report.json").read_text()),
            pictures,
        )


@pytest.fixture(scope="module")
def reported(tagged):
    return report(tagged)


@pytest.fixture
def copied(tagged, tmp_path):
    """The same project in another folder, to be changed."""
    shutil.copytree(tagged / "data", tmp_path / "data")
    shutil.copy(tagged / "params.yaml", tmp_path)
    return tmp_path


def test_files_songs_and_windows_are_counted(reported):
    _, numbers, _ = reported
    assert (numbers["files"], numbers["kept"], numbers["refused"]) == (10, 8, 2)
    (refusal,) = numbers["refusals"]
    assert (refusal["reason"], refusal["files"]) == ("unreadable", 2)
    assert {file["path"] for file in refusal["examples"]} == {"broken.mid", "<b>.mid"}
    songs = numbers["songs"]
    assert (songs["files"], songs["songs"], songs["artists"]) == (8, 8, 5)
    assert songs["bars"] == {"lowest": 20, "median": 20, "highest": 20}
    assert songs["files_by_bars"] == {"16": 8}
    assert songs["files_by_tracks"] == {"4": 8}
    assert songs["files_by_meter_notation"] == {"none": 1, "one": 6, "several": 0, "late": 1}
    for length, starts in zip(numbers["windows"], (19, 17), strict=True):
        assert length["passed"] == 8 * starts
        assert length["repeats_in_file"] == 7 * (starts - 1)
        assert length["repeats_across_files"] == 1
        assert length["unique"] == 8 * starts - 7 * (starts - 1) - 1
        assert length["train"]["windows"] + length["validation"]["windows"] == length["unique"]
        assert length["train"]["songs"] + length["validation"]["songs"] == 7
        assert length["songs_on_both"] == 0


def test_what_the_corpus_had_besides_is_told(reported):
    text, numbers, _ = reported
    what = "files without tags, because tags.csv does not list them"
    assert numbers["remarks"] == [{"what": what, "count": 2, "examples": ["<b>.mid", "broken.mid"]}]
    assert f"{what}2<b>.mid" in Page(text).text.replace("\n", "")


def test_the_states_of_each_track_are_shares_of_its_steps(reported):
    _, numbers, _ = reported
    expected = {"drums": (1 / 4, 0, 3 / 4), "bass": (1 / 4, 1 / 4, 1 / 2), "guitar": (1 / 4, 1 / 4, 1 / 2),
                "strings": (1 / 8, 7 / 8, 0)}  # fmt: skip
    for length in numbers["windows"]:
        for split in ("train", "validation"):
            for track, shares in expected.items():
                states = length[split]["tracks"][track]
                assert (states["onset"], states["hold"], states["silent"]) == shares
            drums = length[split]["tracks"]["drums"]
            assert (drums["lowest"], drums["highest"]) == (36, 36)


def test_genres_and_tags_are_counted_by_song(reported):
    _, numbers, _ = reported
    tags = numbers["tags"]
    assert (tags["songs"], tags["songs_without_tags"], tags["songs_without_genre"]) == (8, 2, 3)
    assert (tags["spellings"], tags["tags"]) == (5, 4)
    assert tags["respelt"] == {"hip hop": ["Hip-Hop", "hip hop"]}
    assert tags["share_of_tags"] == pytest.approx(8 / 9)
    songs = {genre["name"]: genre["songs"] for genre in numbers["genres"]}
    assert songs == {"rock": 5, "hip hop": 2, "$x^$": 1}
    similarities = sorted(genre["similarity_to_next"] for genre in numbers["genres"])
    assert similarities == pytest.approx([0, 1 / 5**0.5, 2 / 10**0.5], abs=1e-6)
    rock = [genre["name"] for genre in numbers["genres"]].index("rock")
    two_bars = numbers["windows"][0]
    assert sum(two_bars[split]["windows_by_genre"][rock] for split in ("train", "validation")) in (22, 23)
    assert sum(two_bars[split]["songs_by_genre"][rock] for split in ("train", "validation")) == 5
    for split in ("train", "validation"):
        side = two_bars[split]
        assert side["genres"] == sum(count > 0 for count in side["songs_by_genre"])


def test_the_page_opens_offline_and_runs_nothing(reported):
    text, numbers, pictures = reported
    page = Page(text)
    assert not set(page.tags) & {"script", "link", "iframe", "b"}
    assert len(page.addresses) == len(pictures) == 9
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "10 files were read; 8 were kept, 2 refused." in page.text
    assert "<b>.mid" in page.text
    assert all(check["claim"] in page.text for check in numbers["checks"])
    assert "NO" not in page.text
    assert "88.9%" in page.text


def test_titles_and_artists_are_text_whatever_they_hold(reported):
    page = Page(reported[0])
    assert SCRIPT in page.text
    assert "Caf\ufffd \N{SNOWMAN}" in page.text


def test_windows_are_drawn_at_random_from_both_sides(tagged):
    windows, songs = str(tagged / "data/windows/2bar"), str(tagged / "data/songs")
    every = read_examples(windows, songs, 1000, seed=0)
    assert len(every) == 25
    assert len({(example.tokens.tobytes(), example.transposition) for example in every}) == 25
    assert {example.split for example in every} == {"train", "validation"}
    assert sorted(example.bar for example in every if example.msd_id == "walk.mid") == list(range(19))
    assert {example.title for example in every if example.artist == "Bob"} == {"Three"}
    walking = [example for example in every if example.msd_id == "walk.mid"]
    assert [example.tokens[2, 0] for example in walking] == [40 + walk.bar + walk.transposition for walk in walking]
    assert any(example.transposition for example in walking)
    few = read_examples(windows, songs, 5, seed=1)
    rows = [(example.msd_id, example.bar) for example in every]
    assert len({(example.msd_id, example.bar) for example in few} & set(rows)) == 5


def test_windows_are_drawn_from_shards_of_many_row_groups(tagged, tmp_path):
    whole, songs, parted = tagged / "data/windows/2bar", str(tagged / "data/songs"), tmp_path / "2bar"
    shutil.copytree(whole, parted)
    for shard in parted.glob("*.parquet"):
        pq.write_table(pq.read_table(shard), shard, row_group_size=2)
    for count in (1, 5, 1000):
        drawn = (read_examples(str(folder), songs, count, seed=0) for folder in (whole, parted))
        first, second = ([(example.msd_id, example.bar) for example in examples] for examples in drawn)
        assert first == second
        assert len(first) == min(count, 25)


def test_the_same_data_gives_the_same_bytes_in_another_folder(reported, copied):
    assert report(copied) == reported


def test_no_tags_and_nothing_refused(untagged):
    text, numbers, pictures = report(untagged)
    assert (numbers["refused"], numbers["refusals"], numbers["genres"]) == (0, [], [])
    assert numbers["tags"]["songs_without_tags"] == 8
    (length,) = numbers["windows"]
    assert (length["train"]["artists"], length["validation"]["artists"], length["artists_on_both"]) == (0, 0, 0)
    assert set(pictures) == {"refusals", "songs", "windows", "tokens-2bar", "examples-2bar"}
    assert "No song has a tag" in Page(text).text


def test_one_genre_and_the_papers_split(one_genre):
    text, numbers, pictures = report(one_genre)
    assert [(genre["name"], genre["songs"]) for genre in numbers["genres"]] == [("rock", 5)]
    assert {"genres-circle", "genres-similarity"} < set(pictures)
    assert numbers["windows"][0]["songs_on_both"] == 1  # of the others, each has but one window
    assert not any("both sides" in check["claim"] for check in numbers["windows"][0]["checks"])
    assert "Songs are on both sides" in Page(text).text


def test_a_check_that_fails_is_shown(copied):
    edit(copied / "data/corpus/manifest.json", files=11)
    edit(copied / "data/windows/2bar/manifest.json", unique=26)
    text, numbers, _ = report(copied)
    failed = [check["claim"] for check in numbers["checks"] if not check["holds"]]
    assert failed == ["11 files of the corpus = 8 kept + 2 refused"]
    assert Page(text).text.count("NO") == 1 + 2  # rows and states of 2 bars


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("name", ["corpus", "songs", "genres", "windows/2bar"])
def test_what_is_missing_is_named(copied, name):
    shutil.rmtree(copied / "data" / name)
    with pytest.raises(InputError, match=f"data/{name}.*run"):
        report(copied)
    assert not list((copied / "results").iterdir())


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        ("songs/manifest.json", {"corpus": "other"}, "data/songs: .*dvc repro songs"),
        ("genres/genres.json", {"songs_digest": "other"}, "genres.json: .*dvc repro genres"),
        ("windows/4bar/manifest.json", {"songs": "other"}, "data/windows/4bar: .*dvc repro windows"),
        ("windows/4bar/manifest.json", {"genres": ["other"]}, "data/windows/4bar: .*dvc repro windows"),
    ],
)
def test_sets_that_do_not_belong_together_are_refused(copied, path, values, message):
    edit(copied / "data" / path, **values)
    with pytest.raises(InputError, match=message):
        report(copied)


def test_a_long_tag_leaves_room_for_the_chart(tmp_path):
    drawn = {}
    for name, tag in {"cut": "x" * 19 + "…", "long": "x" * 60}.items():
        draw_similarity(tmp_path / f"{name}.png", ["_rock", tag], np.eye(2))
        draw_circle(tmp_path / f"{name}-circle.png", ["_rock", tag], [3, 2], np.eye(2))
        drawn[name] = [(tmp_path / f"{name}{kind}.png").read_bytes() for kind in ("", "-circle")]
    assert drawn["cut"] == drawn["long"]


def test_names_are_drawn_as_they_stand(tmp_path):
    silent = np.full((4, 32), 129, dtype=np.uint8)
    draw_windows(tmp_path / "odd.png", "Odd", [("$\\frac$", silent), ("ロック", silent)], 2)
    assert (tmp_path / "odd.png").read_bytes().startswith(b"\x89PNG")
