import numpy as np
import pytest

from music.hashing import splitmix64
from music.roles import TokenScore, tokenise_score
from music.score import FOUR_FOUR, Score
from music.tokens import HOLD, SILENT
from music.windows import find_windows, random_transpositions, transpose
from tests.helpers.scores import band, batch_of, cut_all, instrument, repeated, unique_windows


def token_song(*tracks: list[int], counts=(1, 1, 1)) -> TokenScore:
    return TokenScore(np.array(tracks, dtype=np.uint8), counts)


def playing(length: int, pitch: int = 60) -> list[int]:
    return [pitch] + [HOLD] * (length - 1)


def test_a_window_starts_at_every_bar_and_repeats_count_once():
    cut = unique_windows(tokenise_score(band(bars=5)), bars=2, cap=64)
    assert cut.passed == 4
    assert len(cut) == 1  # every bar of the band is alike
    assert cut.bars.tolist() == [0]


def test_a_window_never_begins_with_a_hold():
    strings = playing(48, 72)
    song = token_song(*[[60 + i % 3 for i in range(48)]] * 3, strings)
    _, tokens = cut_all(song, bars=1, cap=1)
    assert tokens[1, 3].tolist() == [72] + [HOLD] * 15


@pytest.mark.parametrize(("silent", "kept"), [(16, True), (17, False)])
def test_more_than_a_bar_of_silence_is_too_much(silent, kept):
    quiet = [60] + [SILENT] * silent + [62] * (31 - silent)
    cut = unique_windows(token_song(*[playing(32)] * 3, quiet), bars=2, cap=1)
    assert (len(cut) == 1) is kept


def test_silence_counts_inside_the_window_alone():
    quiet = [60] + [SILENT] * 26 + [62] * 21  # 26 silent steps, 16 of them at most in any one-bar window
    assert unique_windows(token_song(*[playing(48)] * 3, quiet), bars=1, cap=1).passed == 3


def test_a_song_shorter_than_a_window_has_none():
    assert len(unique_windows(tokenise_score(band(bars=1)), bars=2, cap=1)) == 0


def test_windows_are_those_of_every_arrangement_each_once():
    pianos = [instrument(0, *repeated(pitch, 3)) for pitch in (60, 62)]
    song = band(bars=3)
    tokens = tokenise_score(Score(480, FOUR_FOUR, (*song.instruments[:2], *pianos, song.instruments[3])))
    found, cut = cut_all(tokens, bars=2, cap=64)
    assert found.passed == 4
    assert found.arrangements.tolist() == [0, 1]
    assert cut[:, 2, 0].tolist() == [60, 62]


def test_hashes_are_equal_for_equal_windows_and_only_for_those():
    generator = np.random.default_rng(0)
    tracks = generator.integers(0, 3, (4, 16 * 400)).astype(np.uint8)
    tracks[:, 16 * 200 :] = tracks[:, : 16 * 200]
    cut = unique_windows(token_song(*tracks.tolist()), bars=1, cap=1)
    seen = {window.tobytes() for window in tracks.reshape(4, 400, 16).transpose(1, 0, 2)}
    assert len(cut) == len(seen) == 200
    other = unique_windows(token_song(*tracks[:, : 16 * 200].tolist()), bars=1, cap=1)
    assert set(zip(*cut.hashes.tolist(), strict=True)) == set(zip(*other.hashes.tolist(), strict=True))


def test_hashes_are_the_same_everywhere():
    steps = np.arange(48)
    tracks = np.stack([36 + steps % 5, 40 + steps % 7, 60 + steps % 11, np.where(steps == 3, 72, HOLD)])
    tracks[3, :3] = SILENT
    found = unique_windows(TokenScore(tracks.astype(np.uint8), (1, 1, 1)), bars=2, cap=1)
    assert found.bars.tolist() == [0, 1]  # the second begins within the strings' note
    assert found.hashes.tolist() == [
        [15733393489610520629, 11972167609763981320],
        [11844336290857821174, 1599520008797352246],
    ]
    assert splitmix64(np.zeros(1, dtype=np.uint64), seed=0).tolist() == [
        16294208416658607535
    ]  # splitmix64's first from 0


def test_a_window_hashes_alike_whether_its_first_note_starts_or_is_held():
    held = [[60 + i % 3 for i in range(48)]] * 3 + [playing(48, 72)]
    started = [track[16:] for track in held[:3]] + [playing(32, 72)]
    assert unique_windows(token_song(*held), bars=2, cap=1).hashes[:, 1].tolist() == (
        unique_windows(token_song(*started), bars=2, cap=1).hashes[:, 0].tolist()
    )


def test_songs_and_lengths_together_give_the_windows_of_each_alone():
    generator = np.random.default_rng(0)
    songs = []
    for counts, bars in (((1, 1, 1), 5), ((2, 1, 3), 1), ((1, 2, 2), 9), ((3, 1, 1), 4)):
        tracks = generator.choice([60, 61, SILENT], (sum(counts) + 1, 16 * bars), p=[0.1, 0.1, 0.8])
        songs.append(TokenScore(tracks.astype(np.uint8), counts))
    lengths = [3, 1, 2]
    for bars, together in zip(lengths, find_windows(batch_of(*songs), lengths, cap=3), strict=True):
        alone = [unique_windows(song, bars, cap=3) for song in songs]
        assert together.passed == sum(score.passed for score in alone) > 0
        assert together.scores.tolist() == [number for number, score in enumerate(alone) for _ in score.bars]
        for name in ("arrangements", "bars"):
            assert getattr(together, name).tolist() == [value for score in alone for value in getattr(score, name)]
        assert np.array_equal(together.hashes, np.concatenate([score.hashes for score in alone], axis=1))


def windows_with(lowest: int, highest: int, count: int) -> np.ndarray:
    tokens = np.full((count, 4, 16), HOLD, dtype=np.uint8)
    tokens[:, 0], tokens[:, 1, 0], tokens[:, 2, 0], tokens[:, 3, 0] = 36, lowest, highest, SILENT
    return tokens


def draw(tokens: np.ndarray, seed: int = 0) -> np.ndarray:
    hashes = np.random.default_rng(1).integers(0, 2**63, len(tokens)).astype(np.uint64)
    return random_transpositions(tokens, hashes, -5, 6, seed)


def test_transpositions_are_uniform_over_the_twelve_keys():
    values, counts = np.unique(draw(windows_with(40, 80, 12_000)), return_counts=True)
    assert values.tolist() == list(range(-5, 7))
    assert abs(counts - 1000).max() < 150  # five standard deviations


def test_transpositions_leave_no_pitch_outside_midi():
    assert set(draw(windows_with(2, 124, 500)).tolist()) == set(range(-2, 4))
    assert set(draw(windows_with(0, 127, 9)).tolist()) == {0}


def test_drums_which_are_not_transposed_set_no_bound():
    tokens = windows_with(40, 80, 500)
    tokens[:, 0, 0], tokens[:, 0, 1] = 0, 127
    assert set(draw(tokens).tolist()) == set(range(-5, 7))


def test_transpositions_depend_on_the_seed_and_not_on_the_order():
    tokens = windows_with(40, 80, 100)
    assert not np.array_equal(draw(tokens, seed=0), draw(tokens, seed=1))
    hashes = np.random.default_rng(1).integers(0, 2**63, 100).astype(np.uint64)
    assert np.array_equal(
        random_transpositions(tokens, hashes, -5, 6, 0)[::-1], random_transpositions(tokens, hashes[::-1], -5, 6, 0)
    )


def test_transposition_moves_pitches_and_nothing_else():
    tokens = windows_with(5, 121, 2)
    moved = transpose(tokens, np.array([-5, 6], dtype=np.int8))
    assert moved[:, 1, 0].tolist() == [0, 11]
    assert moved[:, 2, 0].tolist() == [116, 127]
    tokens[:, 1:3, 0] = moved[:, 1:3, 0] = 0
    assert np.array_equal(moved, tokens)
