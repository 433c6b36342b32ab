"""Random edits of random small files, in which nearly everything occurs that the standard allows."""

import random
from collections import Counter

import numpy as np
import pytest

from music.editing.meter import Bars
from music.editing.song import open_song
from music.errors import InputError
from music.midi.chunks import join_chunks, read_chunks
from music.midi.events import LARGEST_TICK
from tests.helpers.edits import (
    assert_fair,
    assert_only_notes_differ,
    assert_same_outside,
    is_readable,
    random_edit,
    tokens_again,
)
from tests.music.midi.test_fuzz import constructed


def edited(seed: int) -> str:
    """Makes a file, edits it, checks what came out, and says how far it came."""
    draw = random.Random(seed)
    data = constructed(draw, b"")
    try:
        song = open_song(data, "song.mid")
        usable = [section.bars for section in song.sections if section.meter == "4/4"]
        arrangement = song.arrange(draw.choice(usable) if usable else None)
    except InputError:
        return "refused"
    first = draw.randint(*arrangement.bars)
    bars = Bars(first, draw.randint(first, arrangement.bars.last))
    assert arrangement.with_tokens(arrangement.tokens, bars).data == data
    done = arrangement.with_tokens(random_edit(arrangement, seed, draw.choice((0.1, 0.5, 1))), bars)
    tokens = tokens_again(arrangement, done)
    assert np.array_equal(tokens, done.tokens)
    # mido reads no RIFF files, and no more tracks than the header promises.
    before, after = (join_chunks(read_chunks(one)) for one in (data, done.data))
    if not is_readable(before):
        return "mido refuses it"
    bar = 4 * arrangement.grid.ticks_per_quarter
    begin = arrangement.grid.tick + (first - arrangement.bars.first) * bar
    stop = begin + (bars.last - first + 1) * bar if bars.last < song.bars.last else LARGEST_TICK
    assert_only_notes_differ(before, after)
    assert_same_outside(before, after, begin, stop)
    assert_fair(before, after, done.changes)
    return "checked"


def test_what_must_stay_stays():
    outcomes = Counter(edited(seed) for seed in range(150))
    assert outcomes["checked"] > 40


@pytest.mark.slow
def test_what_must_stay_stays_in_thousands():
    outcomes = Counter(edited(seed) for seed in range(1_000, 4_000))
    print(outcomes)
    assert outcomes["checked"] > 900
