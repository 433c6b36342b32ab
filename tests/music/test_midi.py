from dataclasses import replace

import mido
import pytest

from music.midi import READERS
from music.score import FOUR_FOUR, Reason, Refused, Score, TimeSignature
from music.writing import to_midi
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
