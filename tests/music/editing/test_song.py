"""A song opened for editing: its tokens, and what edited tokens make of its notes."""

import numpy as np
import pytest

from music.editing.changes import count_changes
from music.editing.meter import Bars
from music.editing.song import open_song
from music.midi.readers import read_musae
from music.roles import tokenise_score
from music.tokens import HOLD, SILENT, TRACKS
from tests.helpers.edits import note_counts, tokens_again
from tests.helpers.midi_bytes import END, file, number, program

STEP, BAR = 120, 1920
"""Ticks, at 480 a quarter note."""
DRUMS, BASS, GUITAR, STRINGS = range(4)

PlayedNote = tuple[int, ...]
"""Start, end, pitch, and maybe velocity (else 80)."""


def track(notes: list[PlayedNote], channel: int = 0, sound: int = 0) -> bytes:
    """A track with a program change, these notes in ticks, and its end."""
    events = []
    for start, end, pitch, *velocity in notes:
        events += [(start, 1, pitch, *(velocity or [80])), (end, 0, pitch, 0)]
    written, before = program(channel, sound), 0
    for tick, starts, pitch, velocity in sorted(events):
        written += number(tick - before) + bytes([(0x90 if starts else 0x80) | channel, pitch, velocity])
        before = tick
    return written + END


def guitar(*notes: PlayedNote) -> bytes:
    return file(track(list(notes)))


def edit(data: bytes, role: int, *states: tuple[int, int], bars: Bars | None = None):
    """Sets some states, given as (step, state), of one role."""
    arrangement = open_song(data, "song.mid").arrange()
    tokens = arrangement.tokens.copy()
    for step, state in states:
        tokens[role, step] = state
    done = arrangement.with_tokens(tokens, bars, [TRACKS[role]])
    assert np.array_equal(tokens_again(arrangement, done), done.tokens)
    return done


def notes(data: bytes) -> list[tuple[int, ...]]:
    """Start, end, pitch and velocity of all notes, by mido."""
    return sorted((start, end, pitch, velocity) for _, _, pitch, velocity, start, end in note_counts(data).elements())


CHORD = (7, 235, 60, 81), (3, 240, 64, 82), (5, 230, 67, 83)
"""A chord that is played a little late, for two steps."""
MELODY = (2 * STEP, 3 * STEP, 76, 90)


def test_the_tokens_are_those_that_models_learn_from():
    band = file(
        track([(0, 60, 36), (480, 500, 38)], 9),
        track([(0, 470, 40), (480, 960, 43)], 1, 33),
        track(list(CHORD), 0, 24),
        track([(0, BAR, 70)], 2, 48),
        track([(BAR, 2 * BAR, 60)], 3, 60),
    )
    assert np.array_equal(open_song(band, "").arrange().tokens, tokenise_score(read_musae(band)).tokens)


def test_a_new_pitch_moves_the_note_and_its_chord():
    done = edit(guitar(*CHORD, MELODY), GUITAR, (0, 62))
    assert notes(done.data) == sorted([(7, 235, 62, 81), (3, 240, 66, 82), (5, 230, 69, 83), MELODY])
    assert count_changes(done.changes) == {"guitar": {"moved": 3}}


def test_an_onset_that_goes_takes_its_chord_but_no_other_voice():
    done = edit(guitar(*CHORD, MELODY, (BAR, 2 * BAR, 50)), GUITAR, (0, SILENT), (1, SILENT))
    assert notes(done.data) == [(*MELODY,), (BAR, 2 * BAR, 50, 80)]
    assert count_changes(done.changes, Bars(1, 1)) == {"guitar": {"removed": 3}}
    assert count_changes(done.changes, Bars(2, 2)) == {}


def test_of_drums_only_the_hit_that_is_lowest_changes():
    drums = file(track([(0, 30, 36), (0, 30, 42), (480, 500, 36), (480, 500, 42)], 9))
    assert notes(edit(drums, DRUMS, (0, SILENT)).data) == [(0, 30, 42, 80), (480, 500, 36, 80), (480, 500, 42, 80)]
    assert notes(edit(drums, DRUMS, (4, 38)).data)[2:] == [(480, 500, 38, 80), (480, 500, 42, 80)]
    doubled = edit(drums, DRUMS, (0, 42))
    assert notes(doubled.data) == [(0, 30, 42, 80), (480, 500, 36, 80), (480, 500, 42, 80)]


def test_a_hit_ends_where_a_new_one_of_its_drum_starts():
    drums = file(track([(0, 240, 42), (240, 480, 42), (240, 480, 49)], 9))
    done = edit(drums, DRUMS, (1, 42), (2, 49))
    assert notes(done.data) == [(0, 120, 42, 80), (120, 360, 42, 80), (240, 480, 49, 80)]
    assert count_changes(done.changes) == {"drums": {"added": 1, "resized": 1, "removed": 1}}


def test_a_new_note_is_played_as_the_others_are_at_that_place_of_the_bar():
    played = [(bar * BAR + 4 * STEP + late, bar * BAR + 6 * STEP - 20, 60, 70 + late) for bar, late in
              ((0, 5), (1, 9), (2, 10))]  # fmt: skip
    played += [(bar * BAR, bar * BAR + STEP - 20, 48, 111) for bar in range(4)]
    done = edit(guitar(*played), GUITAR, (3 * 16 + 4, 65), (3 * 16 + 5, HOLD), (3 * 16 + 6, HOLD))
    assert [change.kind for change in done.changes] == ["added"]
    assert [n for n in notes(done.data) if n[2] == 65] == [(3 * BAR + 4 * STEP + 9, 3 * BAR + 7 * STEP - 20, 65, 79)]


def test_a_note_gets_longer_or_shorter_and_keeps_the_offset_of_its_end():
    data = guitar((0, 4 * STEP - 11, 60), (0, 4 * STEP - 11, 64), (8 * STEP, 10 * STEP + 7, 62))
    shorter = edit(data, GUITAR, (2, SILENT), (3, SILENT))
    assert notes(shorter.data)[:2] == [(0, 2 * STEP - 11, 60, 80), (0, 2 * STEP - 11, 64, 80)]
    longer = edit(data, GUITAR, (10, HOLD), (11, HOLD))
    assert notes(longer.data)[2:] == [(8 * STEP, 12 * STEP + 7, 62, 80)]
    assert count_changes(longer.changes) == {"guitar": {"resized": 1}}


def test_repeated_notes_become_one():
    data = guitar((0, 2 * STEP, 60), (2 * STEP, 4 * STEP, 60))
    done = edit(data, GUITAR, (2, HOLD))
    assert notes(done.data) == [(0, 4 * STEP, 60, 80)]


def test_a_longer_note_ends_where_a_kept_one_of_its_pitch_starts():
    """The other one is a higher voice, hidden under a lower note, so the tokens do not show it."""
    data = guitar((0, 2 * STEP, 60), (2 * STEP, 6 * STEP, 50), (3 * STEP, 5 * STEP, 60))
    done = edit(data, GUITAR, (2, HOLD), (3, HOLD), (4, HOLD), (5, HOLD))
    assert notes(done.data) == [(0, 3 * STEP, 60, 80), (3 * STEP, 5 * STEP, 60, 80)]


def test_no_note_is_doubled():
    data = guitar((0, 8 * STEP, 60), (0, 2 * STEP, 40), (2 * STEP, 4 * STEP, 41))
    done = edit(data, GUITAR, (2, 60))  # 60 sounds already
    assert notes(done.data) == [(0, 2 * STEP, 40, 80), (0, 8 * STEP, 60, 80)]


def test_a_note_that_crosses_the_end_of_the_bars_stays():
    data = guitar((BAR - 240, BAR + 240, 60), (BAR - 240, BAR - 10, 64), (2 * BAR, 3 * BAR, 55))
    done = edit(data, GUITAR, (14, SILENT), (15, SILENT), bars=Bars(1, 1))
    assert done.data == data
    assert not done.changes


def test_a_note_from_before_the_bars_may_only_end_elsewhere():
    data = guitar((BAR - 240, BAR + 480, 60), (2 * BAR, 3 * BAR, 55))
    done = edit(data, GUITAR, (16, 62), (18, SILENT), (19, SILENT), bars=Bars(2, 2))
    assert notes(done.data)[:2] == [(BAR - 240, BAR, 60, 80), (BAR, BAR + 240, 62, 80)]
    early = guitar((BAR - 3, BAR + 480, 60), (2 * BAR, 3 * BAR, 55))
    assert edit(early, GUITAR, (16, 62), bars=Bars(2, 2)).data == early


def test_other_bars_and_roles_of_the_tokens_do_not_count():
    data = file(track([(0, 240, 60), (BAR, BAR + 240, 60)]), track([(0, 240, 40)], 1, 33))
    arrangement = open_song(data, "").arrange()
    tokens = np.full_like(arrangement.tokens, SILENT)
    done = arrangement.with_tokens(tokens, Bars(2, 2), ["guitar"])
    assert notes(done.data) == [(0, 240, 40, 80), (0, 240, 60, 80)]


def test_a_pitch_outside_of_midi_is_not_written():
    data = guitar((0, 240, 60), (0, 240, 100))
    assert notes(edit(data, GUITAR, (0, 90)).data) == [(0, 240, 90, 80)]


def test_holds_of_nothing_are_silence():
    data = guitar((0, 240, 60), (8 * STEP, 10 * STEP, 62))
    done = edit(data, GUITAR, (4, HOLD), (5, HOLD))
    assert done.data == data


def test_the_result_can_be_edited_back():
    data = guitar(*CHORD, (480, 960, 55))
    arrangement = open_song(data, "").arrange()
    there = edit(data, GUITAR, (0, 62), (4, 53))
    back = open_song(there.data, "").arrange().with_tokens(arrangement.tokens)
    assert notes(back.data) == notes(data)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_windows_begin_with_the_pitch_that_sounds_and_come_back(length):
    data = guitar((0, 2 * BAR + 480, 60), (2 * BAR + 480, 3 * BAR, 62), (4 * BAR, 5 * BAR, 64))
    arrangement = open_song(data, "").arrange()
    bars = Bars(2, 5)
    windows = arrangement.windows(bars, length)
    assert windows.shape == (-(-4 // length), 4, 16 * length)
    assert windows[0, GUITAR, 0] == 60
    assert HOLD not in windows[:, :, 0]
    padding = windows.swapaxes(0, 1).reshape(4, -1)[:, 64:]
    assert (padding == SILENT).all()
    assert np.array_equal(arrangement.with_windows(windows, bars), arrangement.tokens)
    windows[0, GUITAR, 0] = 61
    assert arrangement.with_windows(windows, bars)[GUITAR, 16] == 61


def test_tokens_of_another_shape_are_an_error():
    arrangement = open_song(guitar(*CHORD), "").arrange()
    with pytest.raises(ValueError, match="must be states in the shape"):
        arrangement.with_tokens(arrangement.tokens[:, :-1])
    with pytest.raises(ValueError, match="must be states"):
        arrangement.with_tokens(arrangement.tokens + np.uint8(1))
