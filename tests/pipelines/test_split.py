"""What the split keeps on one side."""

from itertools import pairwise

import numpy as np
import pytest

from pipelines.split import SplitConfig, split_limit, split_places

SONGS = [{"msd_id": f"TR{number:016d}", "artist": f"Artist {number // 2}"} for number in range(200)]
"""Every artist has two songs."""


def sides(songs: list[dict[str, str]], unit: str, seed: int = 0) -> list[bool]:
    """Whether each song's only window is held out."""
    hashes = np.random.default_rng(0).integers(0, 2**63, (2, len(songs))).astype(np.uint64)
    return (split_places(songs, np.arange(len(songs)), hashes, SplitConfig(unit, 0.3, seed)) < 0.3).tolist()


def test_both_songs_of_an_artist_are_on_one_side_if_the_artist_is_the_unit():
    by_artist, by_song = (list(pairwise(sides(SONGS, unit)))[::2] for unit in ("artist", "song"))
    assert set(by_artist) == {(True, True), (False, False)}
    assert set(by_song) == {(True, True), (False, False), (True, False), (False, True)}


def test_all_windows_of_a_song_are_on_one_side_in_all_its_files_unless_the_window_is_the_unit():
    files = [SONGS[0]] * 100
    for unit in ("song", "artist"):
        assert len(set(sides(files, unit))) == 1
    assert set(sides(files, "window")) == {True, False}


def test_a_song_whose_artist_is_not_known_stands_alone():
    unknown = [song | {"artist": ""} for song in SONGS]
    assert sides(unknown, "artist") == sides(unknown, "song")


def test_the_share_held_out_is_as_asked_and_the_seed_changes_what_is():
    for unit in ("song", "artist", "window"):
        assert 0.2 < np.mean(sides(SONGS, unit)) < 0.4
        assert sides(SONGS, unit, seed=0) != sides(SONGS, unit, seed=1)


@pytest.mark.parametrize(
    ("places", "held_out"),
    [
        ([0.1, 0.29, 0.31, 0.9], [0.1, 0.29]),
        ([0.5, 0.4, 0.9], [0.4]),
        ([0.3, 0.9], [0.3]),
        ([0.1, 0.2, 0.25], [0.1, 0.2]),
        ([0.5], []),
        ([0.1], [0.1]),
    ],
)
def test_the_unit_nearest_to_the_share_fills_a_side_that_would_be_empty(places, held_out):
    limit = split_limit(min(places), max(places), 0.3)
    assert [place for place in places if place < limit] == held_out
    assert limit == 0.3 or not 0 < sum(place < 0.3 for place in places) < len(places)
