"""Counts the files kept, their songs, and the songs' tags and genres, without reading the tokens."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from music.score import MeterNotation
from music.tokens import STEPS_PER_BAR
from pipelines.genres import genre_similarity, normalise
from pipelines.shards import read_row_groups, shard_paths

BARS_PER_BIN = 16
RESPELT_SHOWN = 5


@dataclass(frozen=True)
class Summary:
    """The lowest, the median and the highest of many numbers."""

    lowest: int
    median: float
    highest: int


@dataclass(frozen=True)
class SongCounts:
    """The files kept, and the songs that they belong to."""

    files: int
    songs: int
    artists: int
    bars: Summary
    files_by_bars: dict[int, int]
    """The keys are the lowest numbers of bars of bins that are `BARS_PER_BIN` wide."""
    tracks: Summary
    files_by_tracks: dict[int, int]
    arrangements: Summary
    files_by_meter_notation: dict[str, int]
    """How the files say that they are in 4/4; the keys are those of `music.score.MeterNotation`."""


@dataclass(frozen=True)
class TagCounts:
    """The tags of the songs; each song counts once."""

    songs: int
    songs_without_tags: int
    songs_without_genre: int
    """Songs without any tag of the vocabulary."""
    spellings: int
    tags: int
    """The number of tags after normalising their spellings."""
    respelt: dict[str, list[str]]
    """The tags with the most spellings."""
    share_of_tags: float
    """The share of all tags of songs that are in the vocabulary."""


@dataclass(frozen=True)
class GenreCounts:
    """One genre of the vocabulary."""

    name: str
    songs: int
    similarity_to_next: float
    """The cosine similarity to the next genre around the circle."""


@dataclass(frozen=True)
class Song:
    """A song's artist and genres."""

    artist: str
    genres: list[int]
    """Indices into the vocabulary."""


class Census:
    """Counts the files kept, their songs and the songs' tags, from the shards of songs."""

    def __init__(self, songs: str, genres: list[str]) -> None:
        """Reads the folder of songs. genres: the vocabulary."""
        self.genres = genres
        self.songs: dict[str, Song] = {}
        """The songs by their ids."""
        self._untagged = 0
        self._spellings: dict[str, set[str]] = defaultdict(set)
        self._bars: Counter[int] = Counter()
        self._tracks: Counter[int] = Counter()
        self._arrangements: Counter[int] = Counter()
        self._notations: Counter[str] = Counter()
        for path in shard_paths(songs, "songs"):
            self._read(path)

    @property
    def files(self) -> int:
        """The number of files kept."""
        return self._bars.total()

    def _read(self, path: str) -> None:
        vocabulary = {genre: number for number, genre in enumerate(self.genres)}
        for group in read_row_groups(path, ["msd_id", "artist", "terms", "meter_notation", "steps", "counts"]):
            for row in group.to_pylist():
                self._bars[row["steps"] // STEPS_PER_BAR] += 1
                self._tracks[sum(row["counts"]) + 1] += 1
                self._arrangements[math.prod(row["counts"])] += 1
                self._notations[row["meter_notation"]] += 1
                if row["msd_id"] not in self.songs:
                    tags = self._tags(row["terms"])
                    self._untagged += not tags
                    genres = [vocabulary[tag] for tag in tags if tag in vocabulary]
                    self.songs[row["msd_id"]] = Song(row["artist"], genres)

    def _tags(self, spellings: list[str]) -> set[str]:
        tags = {spelling: normalise(spelling) for spelling in spellings}
        for spelling, tag in tags.items():
            self._spellings[tag].add(spelling)
        return set(tags.values()) - {""}

    def song_counts(self) -> SongCounts:
        """Returns the counts of files and songs."""
        bins: Counter[int] = Counter()
        for bars, files in self._bars.items():
            bins[bars // BARS_PER_BIN * BARS_PER_BIN] += files
        return SongCounts(
            files=self.files,
            songs=len(self.songs),
            artists=len({song.artist for song in self.songs.values()} - {""}),
            bars=_summary(self._bars),
            files_by_bars=dict(sorted(bins.items())),
            tracks=_summary(self._tracks),
            files_by_tracks=dict(sorted(self._tracks.items())),
            arrangements=_summary(self._arrangements),
            files_by_meter_notation={str(notation): self._notations[notation] for notation in MeterNotation},
        )

    def tag_counts(self, share_of_tags: float) -> TagCounts:
        """Returns the counts of tags; share_of_tags: from the document of stage `genres`."""
        tags = {tag: spellings for tag, spellings in self._spellings.items() if tag}
        respelt = sorted((tag for tag in tags if len(tags[tag]) > 1), key=lambda tag: (-len(tags[tag]), tag))
        return TagCounts(
            songs=len(self.songs),
            songs_without_tags=self._untagged,
            songs_without_genre=sum(not song.genres for song in self.songs.values()),
            spellings=sum(map(len, tags.values())),
            tags=len(tags),
            respelt={tag: sorted(tags[tag]) for tag in respelt[:RESPELT_SHOWN]},
            share_of_tags=share_of_tags,
        )


def _summary(counts: Counter[int]) -> Summary:
    numbers = np.repeat(list(counts), list(counts.values()))
    return Summary(int(numbers.min()), float(np.median(numbers)), int(numbers.max()))


def genre_counts(document: Mapping[str, Any]) -> list[GenreCounts]:
    """Returns the genres in circle order, from the document that stage `genres` writes."""
    count = len(document["genres"])
    similarity = genre_similarity(np.array(document["co_occurrence"], dtype=np.int64).reshape(count, count))
    return [
        GenreCounts(name, songs, float(similarity[number, (number + 1) % count]))
        for number, (name, songs) in enumerate(zip(document["genres"], document["songs_with_genre"], strict=True))
    ]
