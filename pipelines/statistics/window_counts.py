"""Counts the windows of one length, and both sides of their split."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from music.arrays import IntArray
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS
from music.windows import SPLITS
from pipelines.shards import read_row_groups, shard_paths
from pipelines.statistics.census import Census
from pipelines.statistics.checks import Check


@dataclass(frozen=True)
class TrackStates:
    """The states of one track: shares of all its steps, and the range of its pitches, None if it has no note."""

    onset: float
    hold: float
    silent: float
    lowest: int | None
    highest: int | None


@dataclass(frozen=True)
class SplitCounts:
    """The windows on one side of the split."""

    windows: int
    songs: int
    artists: int
    genres: int
    """The number of genres of the vocabulary that occur among the windows."""
    windows_without_genre: int
    songs_by_genre: list[int]
    windows_by_genre: list[int]
    tracks: dict[str, TrackStates]


@dataclass(frozen=True)
class WindowCounts:
    """The windows of one length."""

    bars: int
    unit: str
    """What the split keeps on one side."""
    arrangements: int
    arrangements_cut: int
    """Arrangements beyond the cap."""
    passed: int
    """Windows that pass the rule of silence."""
    repeats_in_file: int
    repeats_across_files: int
    unique: int
    train: SplitCounts
    validation: SplitCounts
    songs_on_both: int
    artists_on_both: int
    checks: list[Check]


def count_windows(folder: str, manifest: dict[str, Any], census: Census) -> WindowCounts:
    """Counts the windows in a folder of one length, whose songs the census knows."""
    by_song = {split: _windows_by_song(shard_paths(folder, split)) for split in SPLITS}
    artists = {split: {census.songs[song].artist for song in by_song[split]} - {""} for split in SPLITS}
    songs_on_both = len(by_song["train"].keys() & by_song["validation"].keys())
    artists_on_both = len(artists["train"] & artists["validation"])
    sides = {
        split: _count_split(by_song[split], len(artists[split]), np.array(manifest["states"][split]), census)
        for split in SPLITS
    }
    return WindowCounts(
        bars=manifest["config"]["bars"],
        unit=manifest["config"]["split"]["unit"],
        arrangements=manifest["arrangements"],
        arrangements_cut=manifest["arrangements_cut"],
        passed=manifest["passed"],
        repeats_in_file=manifest["passed"] - manifest["unique_in_file"],
        repeats_across_files=manifest["unique_in_file"] - manifest["unique"],
        unique=manifest["unique"],
        train=sides["train"],
        validation=sides["validation"],
        songs_on_both=songs_on_both,
        artists_on_both=artists_on_both,
        checks=_checks(manifest, sides, songs_on_both, artists_on_both),
    )


def _checks(
    manifest: dict[str, Any], sides: dict[str, SplitCounts], songs_on_both: int, artists_on_both: int
) -> list[Check]:
    bars, unit = manifest["config"]["bars"], manifest["config"]["split"]["unit"]
    rows = sum(side.windows for side in sides.values())
    states = sum(int(np.sum(manifest["states"][split])) for split in SPLITS)
    checks = [
        Check(f"{manifest['unique']:,} windows of {bars} bars have a row each", rows == manifest["unique"]),
        Check(
            f"{states:,} states were counted in them: 4 tracks of {bars * STEPS_PER_BAR} steps a window",
            states == manifest["unique"] * len(TRACKS) * bars * STEPS_PER_BAR,
        ),
    ]
    if unit in ("song", "artist"):
        checks.append(Check(f"no song is on both sides of the split of {bars} bars", not songs_on_both))
    if unit == "artist":
        checks.append(Check(f"no artist is on both sides of the split of {bars} bars", not artists_on_both))
    return checks


def _windows_by_song(paths: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path in paths:
        for group in read_row_groups(path, ["msd_id"]):
            for song in group["msd_id"].value_counts().to_pylist():
                counts[song["values"]] += song["counts"]
    return counts


def _count_split(windows: Counter[str], artists: int, states: IntArray, census: Census) -> SplitCounts:
    """Counts one side of the split. windows: how many each song has; states: (4, 130), how often each occurs."""
    songs_by_genre, windows_by_genre = [0] * len(census.genres), [0] * len(census.genres)
    for song, count in windows.items():
        for genre in census.songs[song].genres:
            songs_by_genre[genre] += 1
            windows_by_genre[genre] += count
    return SplitCounts(
        windows=windows.total(),
        songs=len(windows),
        artists=artists,
        genres=sum(map(bool, songs_by_genre)),
        windows_without_genre=sum(count for song, count in windows.items() if not census.songs[song].genres),
        songs_by_genre=songs_by_genre,
        windows_by_genre=windows_by_genre,
        tracks={track: _track_states(counts) for track, counts in zip(TRACKS, states, strict=True)},
    )


def _track_states(counts: IntArray) -> TrackStates:
    """Summarises (130,) counts of the states of a track."""
    pitches = np.flatnonzero(counts[:PITCHES])
    onset, hold, silent = (
        float(part.sum() / counts.sum()) for part in (counts[:PITCHES], counts[HOLD], counts[SILENT])
    )
    lowest, highest = (int(pitches[0]), int(pitches[-1])) if len(pitches) else (None, None)
    return TrackStates(onset, hold, silent, lowest, highest)
