from dataclasses import replace

import mido
import pytest

from music.midi.readers import READERS
from music.midi.writer import to_midi
from music.score import FOUR_FOUR, Reason, Refused, Score, TimeSignature
from tests.helpers.scores import band, instrument, midi_file


def on(time: int, note: int = 60, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=note, velocity=90, channel=channel, time=time)


def off(time: int, note: int = 60, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=note, channel=channel, time=time)


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


def notes(song) -> list[list[int]]:
    return sorted(note for instrument in song.instruments for note in instrument.notes.tolist())


def test_what_is_written_is_read_again(read):
    song = band()
    again = read(to_midi(song, beats_per_minute=137))
    assert again.ticks_per_quarter == 480
    assert again.time_signatures == ((0, 4, 4),)
    written = {(i.program, i.is_drum): sorted(i.notes.tolist()) for i in song.instruments}
    assert {(i.program, i.is_drum): sorted(i.notes.tolist()) for i in again.instruments} == written


def test_chords_repeated_notes_and_many_instruments_are_read_again(read):
    chords = [(0, 4, 60), (0, 4, 64), (4, 5, 60), (5, 6, 60), (2, 9, 67)]
    song = Score(480, FOUR_FOUR, tuple(instrument(program, *chords) for program in range(20)))
    again = read(to_midi(song))
    written = sorted(song.instruments[0].notes.tolist())
    assert {i.program: sorted(i.notes.tolist()) for i in again.instruments} == dict.fromkeys(range(20), written)
    assert not any(i.is_drum for i in again.instruments)


def test_a_note_off_closes_all_open_notes_of_its_pitch(read):
    data = midi_file([on(0), on(100), off(100), off(100)])
    assert notes(read(data)) == [[0, 200, 60], [100, 200, 60]]


def test_doubled_notes_end_together(read):
    thrice = [on(0), on(480), on(480), off(480)]
    assert notes(read(midi_file(thrice))) == [[0, 1440, 60], [480, 1440, 60], [960, 1440, 60]]
    assert notes(read(midi_file([on(0), on(0), on(0), off(10), on(5), off(10)]))) == [*[[0, 10, 60]] * 3, [15, 25, 60]]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([on(0), off(100), on(0), off(50)], [[0, 100], [100, 150]]),
        ([on(0), on(100), off(0), off(0), off(50)], [[0, 100]]),
        ([on(0), off(100), on(0), off(0), off(50)], [[0, 100]]),
        ([on(0), off(100), off(0), on(0), off(50)], [[0, 100], [100, 150]]),
        ([on(0), on(100), off(0), on(0), off(50)], [[0, 100], [100, 150], [100, 150]]),
        ([on(0), on(100), off(0), on(100), off(0), off(50)], [[0, 100], [100, 200], [200, 250]]),
        ([on(0), off(0), on(100), off(0), off(50)], []),
        ([on(0), on(0), off(0), off(100)], []),
        ([on(0), on(100), off(0), on(0), off(0), off(50)], [[0, 100]]),
        ([on(0), on(10, 61), off(0, 61), off(50, 61)], []),
        ([on(0), on(100), off(0), on(100, 61), off(0, 61), off(50, 61)], [[0, 100]]),
        ([on(0), on(100), off(0), on(100, 61), off(0, 61), off(0)], [[0, 100], [100, 200]]),
    ],
)
def test_notes_and_ends_at_one_tick(read, events, expected):
    assert [note[:2] for note in notes(read(midi_file(events)))] == expected


def test_tracks_and_channels_keep_their_notes_apart(read):
    song = read(midi_file([on(0), on(0, channel=1), off(5, channel=1)], [on(1), off(7)], [off(3)]))
    assert [instrument.notes.tolist() for instrument in song.instruments] == [[[0, 5, 60]], [[1, 8, 60]]]


def test_a_note_that_starts_where_another_ends_stays_open(read):
    data = midi_file([on(0), on(100), off(0), off(50)])
    assert notes(read(data)) == [[0, 100, 60], [100, 150, 60]]


def test_notes_of_no_length_and_open_notes_are_dropped(read):
    data = midi_file([on(0, 60), off(0, 60), on(0, 62), off(240, 62), on(0, 64)])
    assert notes(read(data)) == [[0, 240, 62]]


def test_ticks_are_exact_whatever_the_tempo(read):
    tempo = [mido.MetaMessage("set_tempo", tempo=t, time=d) for t, d in ((500_000, 0), (333_333, 97), (71_429, 1001))]
    data = midi_file(tempo, [on(12_345), off(1), on(100_000), off(7)])
    assert notes(read(data)) == [[12_345, 12_346, 60], [112_346, 112_353, 60]]


def meter(time: int, numerator: int = 4, denominator: int = 4) -> mido.MetaMessage:
    return mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator, time=time)


def test_time_signatures_count_in_every_track(read):
    score = read(midi_file([meter(0)], [meter(7, 3, 8), on(0), off(9), meter(4)]))
    assert score.time_signatures == ((0, 4, 4), (7, 3, 8), (20, 4, 4))


@pytest.mark.parametrize(
    ("tracks", "notation"),
    [
        ([[]], "none"),
        ([[meter(0)]], "one"),
        ([[meter(0), meter(1920)]], "several"),
        ([[meter(0), meter(0)]], "several"),
        ([[meter(0)], [meter(0)]], "several"),
        ([[meter(5)], [meter(0)]], "several"),
        ([[meter(1)]], "late"),
        ([[meter(9)], [meter(3), meter(0)]], "late"),
    ],
)
def test_how_a_file_says_that_it_is_in_4_4(read, tracks, notation):
    assert read(midi_file([on(0), off(9)], *tracks)).meter_notation == notation


def test_time_signatures_are_read_again_where_they_were_written(read):
    events = (TimeSignature(0, 4, 4), TimeSignature(1920, 3, 4), TimeSignature(9600, 4, 4))
    assert read(to_midi(replace(band(), time_signatures=events))).time_signatures == events


def test_a_program_change_makes_a_new_instrument(read):
    change = mido.Message("program_change", program=33)
    song = read(midi_file([on(0), off(10), change, on(0), off(10)]))
    assert sorted(i.program for i in song.instruments) == [0, 33]


def test_a_note_belongs_to_the_program_at_its_end(read):
    change = mido.Message("program_change", program=33, time=5)
    other = mido.Message("program_change", program=99, channel=1)
    song = read(midi_file([on(0), change, other, off(5), on(0), off(10)], [on(0), off(10)]))
    assert [(i.program, i.notes.tolist()) for i in song.instruments] == [
        (33, [[0, 10, 60], [10, 20, 60]]),
        (0, [[0, 10, 60]]),
    ]


def test_instruments_come_in_the_order_in_which_their_first_notes_end(read):
    to_33, to_0 = (mido.Message("program_change", program=program, channel=3) for program in (33, 0))
    first = [on(0), on(0, channel=3), to_33, off(4, channel=3), off(1), to_0, on(0, channel=3), off(4, channel=3)]
    song = read(midi_file([], first, [on(0, channel=9), off(1, channel=9)]))
    assert [(i.program, i.is_drum, len(i.notes)) for i in song.instruments] == [
        (33, False, 1),
        (0, False, 1),
        (0, False, 1),
        (0, True, 1),
    ]


def test_channel_ten_is_drums(read):
    assert [i.is_drum for i in read(midi_file([on(0, channel=9), off(9, channel=9)])).instruments] == [True]


@pytest.mark.parametrize("data", [b"", b"<html>", to_midi(band())[:200], b"MThd" + bytes(200)], ids=len)
def test_what_is_no_midi_is_refused(read, data):
    with pytest.raises(Refused) as refusal:
        read(data)
    assert refusal.value.reason in (Reason.UNREADABLE, Reason.BAD_DIVISION)


def test_a_division_of_zero_is_refused(read):
    whole = midi_file([on(0), off(9)])
    with pytest.raises(Refused) as refusal:
        read(whole[:12] + b"\0\0" + whole[14:])
    assert refusal.value.reason is Reason.BAD_DIVISION


def test_tracks_without_messages_do_no_harm(read):
    data = midi_file([], [on(0), off(9)])
    assert notes(read(data)) == [[0, 9, 60]]
