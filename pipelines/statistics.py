"""The numbers of the data report: what came in, what was kept, and what the windows hold.

What needs every token comes from the manifests; of the shards only small columns are read, row group by row group.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from music.errors import InputError
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS, Tokens
from music.windows import transpose
from pipelines.genres import normalise, similarity
from pipelines.shards import read_manifest, read_row_groups, shard_paths
from pipelines.split import SPLITS

BARS_A_BIN = 16
REFUSED_SHOWN = 3
"""Of each reason."""
RESPELT_SHOWN = 5


@dataclass(frozen=True)
class Check:
    """Something that must be true of the data, and whether it is."""

    claim: str
    holds: bool


@dataclass(frozen=True)
class Source:
    """A folder of shards: its digest, and the parameters that it was made with."""

    name: str
    digest: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """The files refused for one reason, and the first few of them."""

    reason: str
    files: int
    examples: list[dict[str, str]]
    """Rows of `REFUSED`."""


@dataclass(frozen=True)
class Spread:
    """Lowest, middle and highest of many numbers."""

    lowest: int
    median: float
    highest: int


@dataclass(frozen=True)
class Songs:
    """The files kept. Several may be versions of one song."""

    files: int
    songs: int
    artists: int
    bars: Spread
    files_by_bars: dict[int, int]
    """Keys are the lowest number of bars of a bin; a bin is `BARS_A_BIN` wide."""
    tracks: Spread
    files_by_tracks: dict[int, int]
    arrangements: Spread


@dataclass(frozen=True)
class Tags:
    """What the songs are tagged with, each song counted once."""

    songs: int
    songs_without_tags: int
    songs_without_genre: int
    """Without any tag of the vocabulary."""
    spellings: int
    tags: int
    """How many the spellings are once normalised."""
    respelt: dict[str, list[str]]
    """The tags with the most spellings."""
    share_of_tags: float
    """Of all tags given, those of the vocabulary."""


@dataclass(frozen=True)
class Genre:
    """One genre of the vocabulary."""

    name: str
    songs: int
    similarity_to_next: float
    """Cosine, with the next genre around the circle."""


@dataclass(frozen=True)
class States:
    """The steps of one track: shares of all steps, and the range of pitches, None where no note starts."""

    onset: float
    hold: float
    silent: float
    lowest: int | None
    highest: int | None


@dataclass(frozen=True)
class Side:
    """One side of the split."""

    windows: int
    songs: int
    artists: int
    genres: int
    """How many of the vocabulary."""
    windows_without_genre: int
    songs_by_genre: list[int]
    windows_by_genre: list[int]
    tracks: dict[str, States]


@dataclass(frozen=True)
class Windows:
    """The windows of one length."""

    bars: int
    unit: str
    """What the split keeps on one side."""
    arrangements: int
    arrangements_cut: int
    passed: int
    repeats_in_song: int
    repeats_across_songs: int
    unique: int
    train: Side
    validation: Side
    songs_on_both: int
    artists_on_both: int
    checks: list[Check]


@dataclass(frozen=True)
class Statistics:
    """All the numbers."""

    files: int
    kept: int
    refused: int
    checks: list[Check]
    sources: list[Source]
    refusals: list[Refusal]
    songs: Songs
    tags: Tags
    genres: list[Genre]
    windows: list[Windows]


@dataclass(frozen=True)
class Example:
    """One window as training sees it, and the song that it is from."""

    split: str
    msd_id: str
    artist: str
    title: str
    bar: int
    shift: int
    genres: list[str]
    tokens: Tokens
    """(4, steps)."""


@dataclass(frozen=True)
class _Song:
    artist: str
    genres: list[int]


def read_statistics(corpus: str, songs: str, genres: Mapping[str, Any], windows: list[str]) -> Statistics:
    """Counts what the folders of shards hold.

    genres: the document that stage `genres` writes. windows: a folder a length. Raises `InputError` for a folder
    that is not whole, or was made from others than these.
    """
    manifests = {folder: read_manifest(folder) for folder in (corpus, songs, *windows)}
    _check_provenance(manifests, corpus, songs, genres, windows)
    files, kept = manifests[corpus]["files"], manifests[songs]["kept"]
    refusals = _read_refusals(songs)
    refused = sum(refusal.files for refusal in refusals)
    census = _Census(genres["genres"])
    for path in shard_paths(songs, "songs"):
        census.add(path)
    return Statistics(
        files=files,
        kept=kept,
        refused=refused,
        checks=[
            Check(f"{files:,} files of the corpus = {kept:,} kept + {refused:,} refused", files == kept + refused),
            Check(f"{kept:,} kept files have a row each", census.files == kept),
            Check(
                f"{refused:,} refused files have a row each, with the reason",
                {refusal.reason: refusal.files for refusal in refusals} == manifests[songs]["refused"],
            ),
        ],
        sources=[
            Source(PurePath(folder).name, manifest["digest"], manifest["config"])
            for folder, manifest in manifests.items()
        ],
        refusals=refusals,
        songs=census.of_songs(),
        tags=census.of_tags(genres["share_of_tags"]),
        genres=_genres(genres),
        windows=[_read_windows(folder, manifests[folder], census) for folder in windows],
    )


def _check_provenance(
    manifests: Mapping[str, dict[str, Any]], corpus: str, songs: str, genres: Mapping[str, Any], windows: list[str]
) -> None:
    if manifests[songs]["corpus"] != manifests[corpus]["digest"]:
        raise InputError(f"{songs}: made from another corpus than {corpus}; run dvc repro songs")
    digest = manifests[songs]["digest"]
    if genres["songs_digest"] != digest:
        raise InputError(f"genres.json: counted in other songs than {songs}; run dvc repro genres")
    for folder in windows:
        if manifests[folder]["songs"] != digest or manifests[folder]["genres"] != genres["genres"]:
            raise InputError(f"{folder}: made from other songs or genres than {songs}; run dvc repro windows")


def _read_refusals(songs: str) -> list[Refusal]:
    counts: Counter[str] = Counter()
    examples = defaultdict(list)
    for path in shard_paths(songs, "refused"):
        for group in read_row_groups(path):
            for row in group.to_pylist():
                counts[row["reason"]] += 1
                if counts[row["reason"]] <= REFUSED_SHOWN:
                    examples[row["reason"]].append(row)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Refusal(reason, files, examples[reason]) for reason, files in ordered]


def _genres(document: Mapping[str, Any]) -> list[Genre]:
    count = len(document["genres"])
    near = similarity(np.array(document["co_occurrence"], dtype=np.int64).reshape(count, count))
    return [
        Genre(name, songs, float(near[number, (number + 1) % count]))
        for number, (name, songs) in enumerate(zip(document["genres"], document["songs_with_genre"], strict=True))
    ]


class _Census:
    """Goes through the song shards, without their tokens."""

    def __init__(self, genres: list[str]) -> None:
        self.genres = genres
        self.known: dict[str, _Song] = {}
        self._untagged = 0
        self._spellings: dict[str, set[str]] = defaultdict(set)
        self._bars: Counter[int] = Counter()
        self._tracks: Counter[int] = Counter()
        self._arrangements: Counter[int] = Counter()

    @property
    def files(self) -> int:
        return self._bars.total()

    def add(self, path: str) -> None:
        vocabulary = {genre: number for number, genre in enumerate(self.genres)}
        for group in read_row_groups(path, ["msd_id", "artist", "terms", "steps", "counts"]):
            for row in group.to_pylist():
                self._bars[row["steps"] // STEPS_PER_BAR] += 1
                self._tracks[sum(row["counts"]) + 1] += 1
                self._arrangements[math.prod(row["counts"])] += 1
                if row["msd_id"] not in self.known:
                    tags = self._tags(row["terms"])
                    self._untagged += not tags
                    genres = [vocabulary[tag] for tag in tags if tag in vocabulary]
                    self.known[row["msd_id"]] = _Song(row["artist"], genres)

    def _tags(self, spellings: list[str]) -> set[str]:
        tags = {spelling: normalise(spelling) for spelling in spellings}
        for spelling, tag in tags.items():
            self._spellings[tag].add(spelling)
        return set(tags.values()) - {""}

    def of_songs(self) -> Songs:
        bins: Counter[int] = Counter()
        for bars, files in self._bars.items():
            bins[bars // BARS_A_BIN * BARS_A_BIN] += files
        return Songs(
            files=self.files,
            songs=len(self.known),
            artists=len({song.artist for song in self.known.values()} - {""}),
            bars=_spread(self._bars),
            files_by_bars=dict(sorted(bins.items())),
            tracks=_spread(self._tracks),
            files_by_tracks=dict(sorted(self._tracks.items())),
            arrangements=_spread(self._arrangements),
        )

    def of_tags(self, share: float) -> Tags:
        tags = {tag: spellings for tag, spellings in self._spellings.items() if tag}
        respelt = sorted((tag for tag in tags if len(tags[tag]) > 1), key=lambda tag: (-len(tags[tag]), tag))
        return Tags(
            songs=len(self.known),
            songs_without_tags=self._untagged,
            songs_without_genre=sum(not song.genres for song in self.known.values()),
            spellings=sum(map(len, tags.values())),
            tags=len(tags),
            respelt={tag: sorted(tags[tag]) for tag in respelt[:RESPELT_SHOWN]},
            share_of_tags=share,
        )


def _spread(counted: Counter[int]) -> Spread:
    numbers = np.repeat(list(counted), list(counted.values()))
    return Spread(int(numbers.min()), float(np.median(numbers)), int(numbers.max()))


def _read_windows(folder: str, manifest: dict[str, Any], census: _Census) -> Windows:
    bars, unit = manifest["config"]["bars"], manifest["config"]["split"]["unit"]
    songs = {split: _count_windows(shard_paths(folder, split)) for split in SPLITS}
    artists = {split: {census.known[song].artist for song in songs[split]} - {""} for split in SPLITS}
    states = {split: np.array(manifest["states"][split], dtype=np.int64) for split in SPLITS}
    songs_on_both = len(songs["train"].keys() & songs["validation"].keys())
    artists_on_both = len(artists["train"] & artists["validation"])
    rows = sum(counts.total() for counts in songs.values())
    steps = sum(int(of_tracks.sum()) for of_tracks in states.values())
    checks = [
        Check(f"{manifest['unique']:,} windows of {bars} bars have a row each", rows == manifest["unique"]),
        Check(
            f"{steps:,} states were counted in them: 4 tracks of {bars * STEPS_PER_BAR} steps a window",
            steps == manifest["unique"] * len(TRACKS) * bars * STEPS_PER_BAR,
        ),
    ]
    if unit in ("song", "artist"):
        checks.append(Check(f"no song stands on both sides of the split of {bars} bars", not songs_on_both))
    if unit == "artist":
        checks.append(Check(f"no artist stands on both sides of the split of {bars} bars", not artists_on_both))
    return Windows(
        bars=bars,
        unit=unit,
        arrangements=manifest["arrangements"],
        arrangements_cut=manifest["arrangements_cut"],
        passed=manifest["passed"],
        repeats_in_song=manifest["passed"] - manifest["unique_in_song"],
        repeats_across_songs=manifest["unique_in_song"] - manifest["unique"],
        unique=manifest["unique"],
        train=_side(songs["train"], len(artists["train"]), states["train"], census),
        validation=_side(songs["validation"], len(artists["validation"]), states["validation"], census),
        songs_on_both=songs_on_both,
        artists_on_both=artists_on_both,
        checks=checks,
    )


def _count_windows(paths: Iterable[str]) -> Counter[str]:
    """How many windows each song has."""
    counts: Counter[str] = Counter()
    for path in paths:
        for group in read_row_groups(path, ["msd_id"]):
            for song in group["msd_id"].value_counts().to_pylist():
                counts[song["values"]] += song["counts"]
    return counts


def _side(windows: Counter[str], artists: int, states: np.ndarray[Any, np.dtype[np.int64]], census: _Census) -> Side:
    songs_by_genre, windows_by_genre = [0] * len(census.genres), [0] * len(census.genres)
    for song, count in windows.items():
        for genre in census.known[song].genres:
            songs_by_genre[genre] += 1
            windows_by_genre[genre] += count
    return Side(
        windows=windows.total(),
        songs=len(windows),
        artists=artists,
        genres=sum(map(bool, songs_by_genre)),
        windows_without_genre=sum(count for song, count in windows.items() if not census.known[song].genres),
        songs_by_genre=songs_by_genre,
        windows_by_genre=windows_by_genre,
        tracks={track: _states(counts) for track, counts in zip(TRACKS, states, strict=True)},
    )


def _states(counts: np.ndarray[Any, np.dtype[np.int64]]) -> States:
    """counts: (130,) how often the track is in each state."""
    pitches = np.flatnonzero(counts[:PITCHES])
    onset, hold, silent = (
        float(part.sum() / counts.sum()) for part in (counts[:PITCHES], counts[HOLD], counts[SILENT])
    )
    lowest, highest = (int(pitches[0]), int(pitches[-1])) if len(pitches) else (None, None)
    return States(onset, hold, silent, lowest, highest)


def read_examples(folder: str, songs: str, count: int, seed: int) -> list[Example]:
    """A seeded choice of the windows of a folder, training and validation, in the order of the shards."""
    manifest = read_manifest(folder)
    total = manifest["train"] + manifest["validation"]
    drawn = random.Random(seed).sample(range(total), min(count, total))
    sizes = {shard["name"]: shard["rows"] for shard in manifest["shards"]}
    shards = [(path, sizes[PurePath(path).name]) for split in SPLITS for path in shard_paths(folder, split)]
    rows = list(_rows(shards, sorted(drawn)))
    wanted = {row["msd_id"] for row in rows}
    names: dict[str, dict[str, str]] = {}
    for path in shard_paths(songs, "songs"):
        for group in read_row_groups(path, ["msd_id", "artist", "title"]):
            names |= {song["msd_id"]: song for song in group.to_pylist() if song["msd_id"] in wanted}
    return [
        Example(
            split=SPLITS[number >= manifest["train"]],
            msd_id=row["msd_id"],
            artist=names[row["msd_id"]]["artist"],
            title=names[row["msd_id"]]["title"],
            bar=row["bar"],
            shift=row["shift"],
            genres=[manifest["genres"][genre] for genre in row["genres"]],
            tokens=_transposed(row),
        )
        for number, row in zip(sorted(drawn), rows, strict=True)
    ]


def _transposed(row: dict[str, Any]) -> Tokens:
    """(4, steps)."""
    tokens = np.frombuffer(row["tokens"], dtype=np.uint8).reshape(1, len(TRACKS), -1)
    moved: Tokens = transpose(tokens, np.array([row["shift"]], dtype=np.int8))[0]
    return moved


def _rows(shards: Iterable[tuple[str, int]], wanted: list[int]) -> Iterator[dict[str, Any]]:
    """The rows with these numbers, ascending, counted through all (path, rows) of the shards."""
    first = 0
    for path, size in shards:
        here = [number - first for number in wanted if first <= number < first + size]
        if here:
            for group in read_row_groups(path):
                chosen = np.array([row for row in here if 0 <= row < len(group)], dtype=np.int64)  # typed if empty
                yield from group.take(chosen).to_pylist()
                here = [row - len(group) for row in here]
        first += size
