import numpy as np
import pytest

from music.roles import MAX_BARS, to_score, tokenise_score
from music.score import FOUR_FOUR, MeterNotation, Reason, Refused, Score, TimeSignature
from music.tokens import HOLD, SILENT
from tests.helpers.scores import band, instrument


def score(*instruments, signatures=FOUR_FOUR) -> Score:
    return Score(480, signatures, instruments)


DRUMS = instrument(0, (0, 3, 36), drum=True)
BASS = instrument(32, (0, 2, 40))
PIANO = instrument(31, (0, 2, 60))


def refusal(refused: Score) -> Reason:
    with pytest.raises(Refused) as error:
        tokenise_score(refused)
    return error.value.reason


def test_each_program_plays_its_role():
    strings = instrument(40, (0, 1, 70)), instrument(127, (2, 3, 71))
    tokens = tokenise_score(score(*strings, PIANO, BASS, DRUMS))
    assert tokens.counts == (1, 1, 1)
    assert tokens.tokens[:, :4].tolist() == [
        [36, SILENT, SILENT, SILENT],  # a drum note lasts one step
        [40, HOLD, SILENT, SILENT],
        [60, HOLD, SILENT, SILENT],
        [70, SILENT, 71, SILENT],  # all strings are one track
    ]


def test_without_strings_their_track_is_silent():
    assert set(tokenise_score(score(DRUMS, BASS, PIANO)).tokens[3].tolist()) == {SILENT}


def test_the_end_is_padded_to_a_whole_bar():
    late = instrument(0, (16, 17, 60))
    assert tokenise_score(score(DRUMS, BASS, late)).tokens.shape == (4, 32)


def test_a_score_of_as_many_bars_as_may_be_is_kept():
    long = instrument(0, (0, MAX_BARS * 16, 60))
    assert tokenise_score(score(DRUMS, BASS, long)).tokens.shape == (4, MAX_BARS * 16)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (score(DRUMS, BASS, PIANO, signatures=(*FOUR_FOUR, TimeSignature(1920, 3, 4))), Reason.NOT_4_4),
        (score(DRUMS, BASS, PIANO, signatures=(TimeSignature(0, 8, 8),)), Reason.NOT_4_4),
        (score(), Reason.NO_NOTES),
        (score(BASS, PIANO), Reason.NO_DRUMS),
        (score(DRUMS, PIANO), Reason.NO_BASS),
        (score(DRUMS, BASS), Reason.NO_GUITAR),
        (score(DRUMS, BASS, instrument(0, (0, MAX_BARS * 16 + 1, 60))), Reason.TOO_LONG),
        (score(DRUMS, BASS, *[PIANO] * 254), Reason.TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, Reason) else "",
)
def test_scores_are_refused_with_a_reason(refused, reason):
    assert refusal(refused) is reason


@pytest.mark.parametrize(
    ("ticks", "notation"),
    [((), "none"), ((0,), "one"), ((0, 0), "several"), ((0, 960), "several"), ((1,), "late"), ((1, 960), "late")],
)
def test_a_file_in_4_4_is_kept_however_it_says_so(ticks, notation):
    written = score(DRUMS, BASS, PIANO, signatures=tuple(TimeSignature(tick, 4, 4) for tick in ticks))
    assert written.meter_notation is MeterNotation(notation)
    assert np.array_equal(tokenise_score(written).tokens, tokenise_score(score(DRUMS, BASS, PIANO)).tokens)


def test_tokens_as_a_score_are_the_same_tokens_again():
    tokens = tokenise_score(band()).tokens
    assert np.array_equal(tokenise_score(to_score(tokens)).tokens, tokens)
