"""`music` against the plain reference, on songs of every kind."""

import tarfile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from music.midi.readers import read_musae
from music.roles import tokenise_score
from music.score import FOUR_FOUR, Instrument, Score
from pipelines.corpus.demo.corpus import DemoConfig, write_demo
from pipelines.corpus.lakh import MIDI_ARCHIVE
from tests.helpers import reference
from tests.helpers.scores import cut_all

CAP = 5
TICKS = 24 * 16 * 3  # three bars


def assert_same(song: Score, bars: int) -> None:
    cut, tokens = cut_all(tokenise_score(song), bars, CAP)
    passed, different = reference.windows(song, bars, CAP)
    found = {tuple(tuple(track) for track in window) for window in tokens.tolist()}
    assert (cut.passed, len(cut), found) == (passed, len(different), different)


note = st.tuples(st.integers(0, TICKS), st.integers(1, TICKS // 2), st.integers(40, 44)).map(
    lambda n: (n[0], n[0] + n[1], n[2])
)
notes = st.lists(note, min_size=1, max_size=40).map(lambda played: np.array(played, dtype=np.int64))
instrument = st.builds(Instrument, st.sampled_from([0, 31, 32, 39, 40, 127]), st.booleans(), notes)
needed = st.tuples(
    *(st.builds(Instrument, st.just(p), st.just(d), notes) for p, d in ((0, True), (33, False), (5, False)))
)


@settings(deadline=None)
@given(needed, st.lists(instrument, max_size=4), st.sampled_from([1, 2]), st.sampled_from([24, 25, 96]))
def test_windows_of_random_songs(band, others, bars, ticks_per_quarter):
    assert_same(Score(ticks_per_quarter, FOUR_FOUR, (*band, *others)), bars)


def test_windows_of_the_demo(tmp_path):
    write_demo(tmp_path, DemoConfig(songs_a_style=1, seed=1))
    with tarfile.open(tmp_path / MIDI_ARCHIVE) as archive:
        songs = [archive.extractfile(member).read() for member in list(archive)[:8]]
    for data in songs:
        for bars in (2, 16):
            assert_same(read_musae(data), bars)
