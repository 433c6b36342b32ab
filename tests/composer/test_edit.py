"""What an edit changes in a song, and what it leaves alone."""

import json
import tarfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from composer.edit import Edited, EditRequest, edit
from composer.interpolate import InterpolateRequest, interpolate
from composer.part import Selection
from composer.reconstruct import reconstruct
from composer.vary import VaryRequest, vary
from music.editing.meter import Bars
from music.editing.song import open_song
from music.errors import InputError
from tests.helpers.edits import (
    assert_fair,
    assert_only_notes_differ,
    assert_other_tracks_stay,
    assert_same_outside,
    chunks_of,
    is_readable,
    others_by_pretty_midi,
)
from tests.helpers.midi_bytes import END, chunk, file, header, note, program
from tests.helpers.songs import C_MAJOR, song

SAMPLE = Path(__file__).parents[3] / "shared" / "corpus" / "sample" / "lmd_matched.tar.gz"
BOLD = EditRequest({"notes": 1.0}, {"jazz": 2.0}, Selection(Bars(9, 16), keep=("drums",)), 0.1)
TICKS_A_BAR = 16 * 120


def sample_songs(every: int):
    """Songs of the sample that can be edited, by name."""
    if not SAMPLE.exists():
        pytest.skip("the sample corpus is not on this machine")
    found = {}
    with tarfile.open(SAMPLE) as archive:
        members = [member for member in archive if member.isfile()][::every]
        for member in members:
            try:
                opened = open_song(archive.extractfile(member).read(), member.name)
                opened.arrange()
            except InputError:
                continue
            found[member.name] = opened
    return found


@pytest.mark.parametrize("every", [60, pytest.param(1, marks=pytest.mark.slow)])
def test_without_a_change_the_bytes_stay(editor, every):
    for name, opened in sample_songs(every).items():
        for request in (EditRequest(), EditRequest({"notes": 0.0}, {"jazz": 0.0})):
            done = edit(editor, opened, request)
            assert done.data == opened.file.data, name
            assert done.reply.change.changes == ()
            assert done.reply.change.note_f1 == 1


@pytest.mark.parametrize(
    "data",
    [
        song(3),
        header(1, kind=0) + chunk(b"MTrk", program(0, 5) + note(0, 60, 0, 200) + note(9, 36, 0, 9) + END),
        file(b"\x00\x90\x3c\x40" + b"\x78\x3c\x00" + b"\x00\x40\x41" + b"\x78\x40\x00" + END),
        file(note(0, 60, 3, 101) + END, division=97),
    ],
    ids=["format 1", "format 0", "running status", "odd resolution"],
)
def test_without_a_change_the_bytes_stay_in_every_form(editor, data):
    assert edit(editor, open_song(data, "song.mid"), EditRequest()).data == data


@pytest.fixture(scope="module")
def done(editor, opened):
    return edit(editor, opened, BOLD)


def test_bars_and_tracks_that_are_not_chosen_stay(done, data):
    assert done.reply.change.changes
    assert_other_tracks_stay(data, done.edit)
    assert chunks_of(done.data)[1][1] == chunks_of(data)[1][1]  # the drums
    assert_only_notes_differ(data, done.data)
    assert_same_outside(data, done.data, 8 * TICKS_A_BAR, 16 * TICKS_A_BAR)
    assert_fair(data, done.data, done.edit.changes)
    assert others_by_pretty_midi(data) == others_by_pretty_midi(done.data)


@pytest.mark.parametrize("every", [150, pytest.param(4, marks=pytest.mark.slow)])
def test_real_songs_keep_what_is_not_a_note_of_the_change(editor, every):
    for opened in sample_songs(every).values():
        before = opened.file.data
        last = min(24, opened.bars.last)
        selection = Selection(Bars(min(9, last), last))
        done = edit(editor, opened, EditRequest(genres={"rock": 3.0}, selection=selection, faithfulness=0.1))
        assert total(done) == len(done.edit.changes)
        if is_readable(before):
            assert_only_notes_differ(before, done.data)
            assert_fair(before, done.data, done.edit.changes)


def test_what_came_in_is_near_the_roles_pitches_and_in_its_key(done):
    for change in done.edit.changes:
        if change.before is None:
            pitches = done.part.arrangement.lines[change.role].pitch
            assert pitches.min() - 5 <= change.after.pitch <= pitches.max() + 5
            assert change.after.pitch % 12 in C_MAJOR


def total(done: Edited) -> int:
    return sum(one.moved + one.resized + one.added + one.removed for one in done.reply.change.changes)


def test_the_reply_counts_every_change_once(done):
    counts = done.reply.change.changes
    assert total(done) == len(done.edit.changes)
    assert {one.bars for one in counts} == {Bars(9, 16)}
    bass = next(one for one in counts if one.role == "bass")
    notes_of_bass = 4 * 8  # a note each quarter
    assert bass.kept == notes_of_bass - bass.moved - bass.resized - bass.removed


def test_a_role_that_nobody_plays_is_said_to_be_silent(editor):
    opened = open_song(song(4, roles=("drums", "guitar")), "song.mid")
    reply = edit(editor, opened, EditRequest(genres={"jazz": 2.0}, faithfulness=0.1)).reply
    assert reply.change.silent == ("bass", "strings")
    assert "nobody plays bass or strings" in "\n".join(reply.lines())
    assert {one.role for one in reply.change.changes} <= {"drums", "guitar"}


def test_json_has_all_that_the_text_says(done):
    reply = done.reply
    values = json.dumps(asdict(reply))
    text = "\n".join(reply.lines())
    assert "jazz" in text
    assert "drums and all else as it was" in text
    for count in reply.change.changes:
        assert f"{count.added} added" in text or not count.added
    assert all(name in values for name in ("asked", "got", "arrived", "kept", "note_f1", "before", "after"))


def test_the_same_request_gives_the_same_bytes(editor, opened, done):
    assert edit(editor, opened, BOLD).data == done.data
    some, others = (vary(editor, opened, VaryRequest(2, 3.0, seed)) for seed in (0, 1))
    assert some[0].data != some[1].data
    assert some[1].data == others[0].data


def test_variations_keep_what_is_not_chosen(editor, data, opened):
    (done,) = vary(editor, opened, VaryRequest(1, 4.0, 7, Selection(Bars(3, 6), ("guitar",)), 0.1))
    assert done.reply.change.changes
    assert_same_outside(data, done.data, 2 * TICKS_A_BAR, 6 * TICKS_A_BAR)
    assert_fair(data, done.data, done.edit.changes)
    assert {change.role for change in done.edit.changes} == {"guitar"}


def test_what_repeats_in_a_song_repeats_in_its_edit(editor):
    once = open_song(song(4), "song.mid").arrange().tokens
    four_bars = np.tile(once, 3)
    opened = open_song(song(12), "song.mid")
    repeating = opened.arrange().with_tokens(four_bars)
    again = open_song(repeating.data, "song.mid")
    windows = edit(editor, again, EditRequest({"notes": 0.5})).part.windows
    assert np.array_equal(windows[1], windows[3])


def test_an_interpolation_ends_at_the_songs(editor, data, opened):
    other = open_song(song(20, seed=5), "other.mid")
    path = interpolate(editor, opened, other, InterpolateRequest(5))
    assert [step.reply.file for step in path] == ["song.mid"] * 3 + ["other.mid"] * 2
    assert (path[0].data, path[-1].data) == (data, other.file.data)
    assert [step.reply.bars for step in path] == [Bars(1, 20)] * 5
    assert path[0].reply.from_first == path[-1].reply.from_second == 0
    for step in path:
        host = opened if step.reply.file == "song.mid" else other
        assert_only_notes_differ(host.file.data, step.data)
        assert_fair(host.file.data, step.data, step.edit.changes)


def test_a_reconstruction_has_the_songs_players(editor, opened):
    done = reconstruct(editor, opened, Selection(Bars(1, 4)))
    again = open_song(done.data, "again.mid")
    assert {one.track_name for one in again.instruments} <= {"Drums", "Bass", "Guitar", "Strings"}
    assert {one.program for one in again.instruments if one.role == "guitar"} <= {25}
    assert set(done.reply.states) == {"drums", "bass", "guitar", "strings"}
    assert done.before.shape == done.after.shape == (4, 64)
    same = (done.before == done.after).mean(axis=1)
    assert list(done.reply.states.values()) == pytest.approx(same.tolist())
