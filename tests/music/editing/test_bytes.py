"""The bytes of a file around the notes that change."""

import struct

import numpy as np
import pytest

from music.editing.song import open_song
from music.midi.readers import read_musae
from music.midi.writer import to_midi
from music.tokens import HOLD, SILENT
from tests.helpers.edits import chunks_of
from tests.helpers.midi_bytes import END, chunk, file, header, meta, note, number, off, on, program, riff, sysex
from tests.helpers.scores import band

GUITAR = 2
RUNNING = b"\x00\x90\x3c\x40" + b"\x78\x3c\x00" + b"\x00\x40\x41" + b"\x78\x40\x00" + b"\x00\x43\x42" + b"\x78\x43\x00"
"""Three notes, 60, 64 and 67, one after another, with one status byte for all."""
TEXT = meta(1, b"la", 3)

FILES = {
    "band": to_midi(band()),
    "format 0": header(1, kind=0) + chunk(b"MTrk", program(0, 5) + note(0, 60, 0, 200) + note(9, 36, 0, 9) + END),
    "running status": file(RUNNING + END),
    "odd resolution": file(note(0, 60, 3, 101) + END, division=97),
    "one tick a quarter": file(note(0, 60, 3, 2) + END, division=1),
    "riff": riff(file(note(0, 60, 0, 240) + END)),
    "riff of odd length": riff(file(note(0, 60, 0, 240) + meta(1, b"x") + END)),
    "longer header": header(1, more=b"\1\2") + chunk(b"MTrk", note(0, 60, 0, 240) + END),
    "other chunks": header(1) + chunk(b"XFIH", b"abc") + chunk(b"MTrk", note(0, 60, 0, 240) + END) + b"rest",
    "padded numbers": file(number(7, 4) + on(0)[1:] + number(240, 3) + off(0)[1:] + END),
    "no end of track": file(note(0, 60, 0, 240)),
    "after the end of the track": file(END + note(0, 60, 0, 240)),
    "sysex": file(sysex(b"\x7e\xf7") + note(0, 60, 0, 240) + sysex(b"\1", 5, 0xF7) + END),
}


def arrange(data: bytes):
    return open_song(data, "song.mid").arrange()


def changed(data: bytes, *states: tuple[int, int]) -> bytes:
    """The file with some states, given as (step, state), of the guitar."""
    arrangement = arrange(data)
    tokens = arrangement.tokens.copy()
    for step, state in states:
        tokens[GUITAR, step] = state
    return arrangement.with_tokens(tokens).data


@pytest.mark.parametrize("name", FILES)
def test_without_a_change_the_bytes_stay(name):
    arrangement = arrange(FILES[name])
    done = arrangement.with_tokens(arrangement.tokens)
    assert done.data == FILES[name]
    assert done.changes == ()


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"riff", "running status", "padded numbers"}))
def test_a_moved_note_changes_its_two_pitches_and_nothing_else(name):
    data = FILES[name]
    first = int(np.flatnonzero(arrange(data).tokens[GUITAR] < HOLD)[0])
    done = changed(data, (first, 50))
    differing = [place for place in range(len(data)) if data[place] != done[place]]
    assert len(done) == len(data)
    assert [done[place] for place in differing] == [50, 50]


def test_an_event_gets_the_status_byte_that_it_relied_on():
    gone = changed(file(RUNNING + END), (0, SILENT))
    (events,) = chunks_of(gone)[1]
    assert events == b"\x78\x90\x40\x41" + RUNNING[10:] + END


def test_events_between_keep_their_ticks():
    data = file(on(0) + TEXT + off(237) + TEXT + on(5, 62) + off(240, 62) + END)
    (events,) = chunks_of(changed(data, (0, SILENT), (1, SILENT)))[1]
    assert events == TEXT + meta(1, b"la", 240) + on(5, 62) + off(240, 62) + END


def test_the_end_of_a_track_moves_only_for_a_later_note():
    guitar, bass = note(0, 60, 0, 240) + END, program(1, 33) + note(1, 40, 0, 1920) + END
    within, later = (chunks_of(changed(file(guitar, bass), (step, 62)))[1] for step in (0, 8))
    assert within[0] == note(0, 62, 0, 240) + END
    assert later[0].endswith(END)
    assert later[0].count(END[1:]) == 1
    assert within[1] == later[1] == bass


def test_a_note_off_that_ends_two_notes_stays_for_the_other():
    doubled = on(0, 60) + on(480, 60) + off(240, 60)
    (events,) = chunks_of(changed(file(doubled + END), (4, 55)))[1]
    assert read_musae(file(events)).instruments[0].notes.tolist() == [[0, 720, 60], [480, 720, 55]]


def test_new_notes_are_not_written_where_the_channel_plays_another_program():
    guitar = program(0, 0) + note(0, 60, 0, 240) + program(0, 48) + note(0, 72, 240, 1920 - 480) + END
    data = file(guitar)
    assert changed(data, (8, 62)) == data


def test_a_note_ends_no_later_than_its_program():
    data = file(program(0, 0) + note(0, 60, 0, 240) + program(0, 48, 240) + note(0, 72, 0, 1440) + END)
    done = changed(data, *((step, HOLD) for step in range(2, 8)))
    by_program = {one.program: one.notes.tolist() for one in read_musae(done).instruments}
    assert by_program == {0: [[0, 480, 60]], 48: [[480, 1920, 72]]}


def test_a_riff_file_gets_its_sizes_and_its_padding():
    for text in (b"", b"x"):
        data = riff(file(note(0, 60, 0, 240) + meta(1, text, 960) + END)) + b"\0" * (len(text) % 2)
        done = changed(data, (4, 62))
        assert struct.unpack("<I", done[4:8])[0] == len(done) - 8
        place = done.index(b"data")
        size = struct.unpack("<I", done[place + 4 : place + 8])[0]
        assert len(done) == place + 8 + size + size % 2
        assert sorted(read_musae(done).instruments[0].notes.tolist())[0] == [0, 240, 60]
        assert len(read_musae(done).instruments[0].notes) == 2


def test_what_follows_the_tracks_stays():
    done = changed(FILES["other chunks"], (4, 62), (5, SILENT))
    assert done.startswith(header(1) + chunk(b"XFIH", b"abc"))
    assert done.endswith(b"rest")
