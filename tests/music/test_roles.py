import numpy as np
import pytest

from music.roles import MAX_BARS, to_song, tokenise_song
from music.song import Reason, Refused, Song
from music.tokens import HOLD, SILENT
from tests.helpers.songs import FOUR_FOUR, band, instrument


def song(*instruments, signatures=FOUR_FOUR) -> Song:
    return Song(480, frozenset(signatures), instruments)


DRUMS = instrument(0, (0, 3, 36), drum=True)
BASS = instrument(32, (0, 2, 40))
PIANO = instrument(31, (0, 2, 60))


def refusal(refused: Song) -> Reason:
    with pytest.raises(Refused) as error:
        tokenise_song(refused)
    return error.value.reason


def test_each_program_plays_its_role():
    strings = instrument(40, (0, 1, 70)), instrument(127, (2, 3, 71))
    tokens = tokenise_song(song(*strings, PIANO, BASS, DRUMS))
    assert tokens.counts == (1, 1, 1)
    assert tokens.tokens[:, :4].tolist() == [
        [36, SILENT, SILENT, SILENT],  # a drum note lasts one step
        [40, HOLD, SILENT, SILENT],
        [60, HOLD, SILENT, SILENT],
        [70, SILENT, 71, SILENT],  # all strings are one track
    ]


def test_without_strings_their_track_is_silent():
    assert set(tokenise_song(song(DRUMS, BASS, PIANO)).tokens[3].tolist()) == {SILENT}


def test_the_end_is_padded_to_a_whole_bar():
    late = instrument(0, (16, 17, 60))
    assert tokenise_song(song(DRUMS, BASS, late)).tokens.shape == (4, 32)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (song(DRUMS, BASS, PIANO, signatures={(4, 4), (3, 4)}), Reason.NOT_4_4),
        (song(DRUMS, BASS, PIANO, signatures={(8, 8)}), Reason.NOT_4_4),
        (song(), Reason.NO_NOTES),
        (song(BASS, PIANO), Reason.NO_DRUMS),
        (song(DRUMS, PIANO), Reason.NO_BASS),
        (song(DRUMS, BASS), Reason.NO_GUITAR),
        (song(DRUMS, BASS, instrument(0, (0, MAX_BARS * 16 + 1, 60))), Reason.TOO_LONG),
        (song(DRUMS, BASS, *[PIANO] * 254), Reason.TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, Reason) else "",
)
def test_songs_are_refused_with_a_reason(refused, reason):
    assert refusal(refused) is reason


def test_no_time_signature_counts_as_4_4():
    assert tokenise_song(song(DRUMS, BASS, PIANO, signatures=())).counts == (1, 1, 1)


def test_tokens_as_a_song_are_the_same_tokens_again():
    tokens = tokenise_song(band()).tokens
    assert np.array_equal(tokenise_song(to_song(tokens)).tokens, tokens)
