"""Real music, edited at random: what must stay is the same for mido and pretty_midi."""

import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from music.editing.line import without_stray_holds
from music.editing.meter import Bars
from music.editing.song import open_song
from music.errors import InputError
from music.midi.events import LARGEST_TICK
from music.tokens import TRACKS
from tests.helpers.edits import (
    assert_fair,
    assert_only_notes_differ,
    assert_other_tracks_stay,
    assert_same_outside,
    is_readable,
    others_by_pretty_midi,
    random_edit,
    tokens_again,
)

SAMPLE = Path(__file__).parents[4] / "shared" / "corpus" / "sample" / "lmd_matched.tar.gz"
MELODIC = TRACKS[1:]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAMPLE.exists(), reason="the sample corpus is not on this machine"),
]


@pytest.fixture(scope="module")
def songs():
    """All songs of the sample that can be opened and are in 4/4, as bytes and arrangements."""
    opened = []
    with tarfile.open(SAMPLE) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    for name, data in files.items():
        try:
            opened.append((name, data, open_song(data, name).arrange()))
        except InputError:
            continue
    assert len(opened) > 280
    return opened


def test_without_a_change_the_bytes_stay(songs):
    for name, data, arrangement in songs:
        edit = arrangement.with_tokens(arrangement.tokens)
        assert edit.data == data, name
        assert not edit.changes
        assert np.array_equal(edit.tokens, arrangement.tokens)


def test_what_is_not_chosen_stays(songs):
    read = 0
    for number, (name, data, arrangement) in enumerate(songs):
        last = arrangement.bars.last
        bars = Bars(min(9, last), min(24, last))
        roles = [role for role in arrangement.roles if role in MELODIC]
        edit = arrangement.with_tokens(random_edit(arrangement, number), bars, roles)
        if data.startswith(b"MThd"):
            assert_other_tracks_stay(data, edit)
        assert np.array_equal(tokens_again(arrangement, edit), edit.tokens), name
        if is_readable(data):
            read += 1
            bar = 4 * arrangement.grid.ticks_per_quarter
            stop = bars.last * bar if bars.last < last else LARGEST_TICK
            assert_only_notes_differ(data, edit.data)
            assert_same_outside(data, edit.data, (bars.first - 1) * bar, stop)
            assert_fair(data, edit.data, edit.changes)
    assert read > 270


def test_all_roles_and_bars_at_once(songs):
    for number, (name, data, arrangement) in list(enumerate(songs))[::3]:
        edit = arrangement.with_tokens(random_edit(arrangement, number, share=0.5))
        assert np.array_equal(tokens_again(arrangement, edit), edit.tokens), name
        if is_readable(data):
            assert_only_notes_differ(data, edit.data)
            assert_fair(data, edit.data, edit.changes)
            assert others_by_pretty_midi(data) == others_by_pretty_midi(edit.data), name


def test_most_of_the_edited_states_are_there(songs):
    """The others are kept out by voices that no chord with a change has, and by notes that cross the bars' ends."""
    asked, got = Counter(), Counter()
    for number, (_, _, arrangement) in enumerate(songs):
        tokens = random_edit(arrangement, number)
        edit = arrangement.with_tokens(tokens)
        for role in arrangement.roles:
            row = TRACKS.index(role)
            wanted = without_stray_holds(tokens[row], role == "drums")
            differs = wanted != arrangement.tokens[row]
            asked[role] += differs.sum()
            got[role] += (edit.tokens[row] == wanted)[differs].sum()
    print({role: round(got[role] / asked[role], 3) for role in TRACKS})
    assert got["bass"] > 0.95 * asked["bass"]
    assert got["guitar"] > 0.75 * asked["guitar"]
