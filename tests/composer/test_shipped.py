"""What the model that comes with the project makes of a song: edits arrive, and songs lie between songs."""

from itertools import pairwise

import pytest

from composer.attributes import attribute_reply
from composer.edit import EditRequest, edit
from composer.editor import load_editor
from composer.interpolate import InterpolateRequest, interpolate
from composer.part import Selection
from composer.reconstruct import reconstruct
from composer.vary import VaryRequest, vary
from music.editing.song import open_song
from tests.helpers.songs import song


@pytest.fixture(scope="module")
def shipped():
    return load_editor()


@pytest.fixture(scope="module")
def made():
    return open_song(song(8), "song.mid")


@pytest.mark.parametrize(("name", "change"), [("notes", 0.5), ("notes", -0.5), ("mean pitch", -0.5)])
def test_the_song_changes_by_what_was_asked_for(shipped, made, name, change):
    done = edit(shipped, made, EditRequest({name: change}))
    (reply,) = done.reply.attributes
    assert reply.arrived
    assert reply.got == pytest.approx(change, abs=0.05)
    again = edit(shipped, open_song(done.data, "edited.mid"), EditRequest({name: 0.0})).reply.attributes[0]
    assert again.before == pytest.approx(reply.after)  # read again from the file
    assert done.reply.change.note_f1 > 0.6


def test_a_held_attribute_moves_less(shipped):
    made = open_song(song(8, seed=1), "song.mid")
    free, held = (edit(shipped, made, EditRequest({"notes": -1.0} | more)) for more in ({}, {"note length": 0.0}))
    moved = attribute_reply(shipped, free.part, free.edit, "note length", 0).got
    assert abs(held.reply.attributes[1].got) < 0.8 * abs(moved)


def test_a_larger_radius_is_farther(shipped, made):
    kept = [vary(shipped, made, VaryRequest(1, radius))[0].reply.change.note_f1 for radius in (0.0, 1.5, 3.0)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 1


def test_a_song_comes_back_from_its_codes(shipped, made):
    assert min(reconstruct(shipped, made, Selection()).reply.note_f1.values()) > 0.9


def test_an_interpolation_goes_one_way_in_even_steps(shipped, made):
    path = interpolate(shipped, made, open_song(song(8, seed=3), "other.mid"), InterpolateRequest(5))
    away, toward = ([getattr(step.reply, key) for step in path] for key in ("from_first", "from_second"))
    assert all(before < after for before, after in pairwise(away))
    assert all(before > after for before, after in pairwise(toward))
    shares = [first / (first + second) for first, second in zip(away, toward, strict=True)]
    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.1)
