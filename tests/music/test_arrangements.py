import numpy as np

from music.roles import TokenScore
from tests.helpers.scores import batch_of

BARS = 3
TWO_DRUMS_THREE_GUITARS = TokenScore(np.zeros((7, 16 * BARS), dtype=np.uint8), (2, 1, 3))


def test_an_arrangement_is_a_number_in_the_cross_product():
    songs = batch_of(TWO_DRUMS_THREE_GUITARS)
    assert songs.arrangements.tolist() == [6]
    first_four = np.arange(4)
    tracks = songs.tracks(np.zeros(4, dtype=int), first_four)
    assert tracks.T.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0]]


def test_the_tracks_of_an_arrangement_lie_in_its_own_song():
    songs = batch_of(*[TWO_DRUMS_THREE_GUITARS] * 2)
    song, arrangement = np.array([0, 0, 1]), np.array([0, 3, 3])
    rows = [[0, 2, 3, 6], [1, 2, 3, 6], [8, 9, 10, 13]]  # seven a song
    assert songs.places(song, arrangement).T.tolist() == (BARS * np.array(rows)).tolist()


def test_every_bar_has_the_role_of_its_track():
    songs = batch_of(TWO_DRUMS_THREE_GUITARS)
    assert songs.roles.tolist() == [0] * 2 * BARS + [1] * BARS + [2] * 3 * BARS + [3] * BARS
