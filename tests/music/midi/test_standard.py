"""What the standard says of the bytes of a MIDI file, and what real files make of it, in both readers."""

from pathlib import Path

import pytest

from music.midi.readers import READERS
from music.roles import tokenise_score
from music.score import Refused, Score
from tests.helpers.midi_bytes import END, chunk, file, header, meta, note, number, off, on, program, riff, sysex

CASES = Path(__file__).parents[4] / "shared" / "cases"
BAND = (
    meta(0x58, bytes([4, 2, 24, 8])) + note(9, 36, 0, 60) * 16 + END,
    program(1, 33) + note(1, 40, 0, 480) * 8 + END,
    program(0, 0) + note(0, 60, 0, 240) + note(0, 64, 240, 240) + END,
    program(2, 48) + note(2, 67, 0, 1920) * 2 + END,
)


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


def notes(score: Score) -> list[list[int]]:
    return sorted(note for instrument in score.instruments for note in instrument.notes.tolist())


def tokens(score: Score) -> list[list[int]]:
    return tokenise_score(score).tokens.tolist()


def refusal(read, data: bytes, detail: str = ": ") -> str:
    with pytest.raises(Refused, match=detail) as refused:
        read(data)
    return refused.value.reason


def test_a_file_in_a_riff_file_is_read(read):
    assert tokens(read(riff(file(*BAND)))) == tokens(read(file(*BAND)))


def test_a_riff_file_without_midi_is_refused(read):
    assert refusal(read, b"RIFF\x10\x00\x00\x00RMIDDISP\x04\x00\x00\x00abcd") == "unreadable"
    assert refusal(read, riff(file(*BAND), size=50)) == "unreadable"


def test_the_header_may_be_longer(read):
    tracks = b"".join(chunk(b"MTrk", track) for track in BAND)
    assert tokens(read(header(4, more=b"\x90\x3c") + tracks)) == tokens(read(file(*BAND)))
    assert refusal(read, b"MThd\x00\x00\x00\x04\x00\x01\x00\x04" + tracks) == "unreadable"


def test_format_2_has_a_reason_of_its_own(read):
    tracks = b"".join(chunk(b"MTrk", track) for track in BAND)
    assert refusal(read, header(4, kind=2) + tracks) == "format_2"
    assert refusal(read, header(4, kind=3) + tracks) == "unreadable"


def test_chunks_of_other_kinds_are_skipped(read):
    named = [chunk(b"MTrk", track) for track in BAND]
    data = header(4) + chunk(b"XFIH", b"MTrk") + named[0] + chunk(b"\0\0\0\0", b"") + b"".join(named[1:])
    assert tokens(read(data)) == tokens(read(file(*BAND)))


def test_tracks_beyond_the_promised_ones_are_read_and_what_follows_is_ignored(read):
    tracks = b"".join(chunk(b"MTrk", track) for track in BAND)
    for rest in (b"", b"\n", b"<!-- from a web page -->", header(1) + chunk(b"MTrk", note(5, 99, 0, 9))):
        assert tokens(read(header(2) + tracks + rest)) == tokens(read(file(*BAND)))


def test_fewer_tracks_than_promised_are_refused(read):
    assert refusal(read, header(5) + b"".join(chunk(b"MTrk", track) for track in BAND)) == "unreadable"
    assert refusal(read, file(*BAND)[:-1]) == "unreadable"
    assert refusal(read, file(*BAND)[: -len(END)]) == "unreadable"


def test_a_track_is_read_to_the_end_of_its_chunk(read):
    assert notes(read(file(note(0, 60, 0, 9) + END + note(0, 62, 1, 9)))) == [[0, 9, 60], [10, 19, 62]]
    assert notes(read(file(note(0, 60, 0, 9)))) == [[0, 9, 60]]


@pytest.mark.parametrize("count", range(1, 9))
def test_tracks_without_an_end_of_track_event_stay_apart(read, count):
    first, second = read(file(note(0, 60, 0, 9) * count, note(0, 62, 1, 9) * 8)).instruments
    assert first.notes.tolist() == [[9 * n, 9 * n + 9, 60] for n in range(count)]
    assert second.notes.tolist() == [[10 * n + 1, 10 * n + 10, 62] for n in range(8)]


@pytest.mark.parametrize(
    "damage",
    [
        on(0)[:-1],
        number(5),
        meta(1, b"abc")[:-1],
        sysex(b"abc")[:-2],
        b"\x00",
        b"\x00\xff",
        b"\x00\xff\x01",
        b"\x81",
    ],
    ids=bytes.hex,
)
def test_an_event_beyond_the_end_of_its_track_is_refused(read, damage):
    whole = note(0, 60, 0, 480)
    assert refusal(read, file(whole + damage, whole + END)) == "unreadable"
    assert refusal(read, file(whole + END, whole + damage)) == "unreadable"


@pytest.mark.parametrize("status", [0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE])
def test_system_messages_have_no_place_in_a_file(read, status):
    assert refusal(read, file(on(0) + bytes([0, status, 1, 2]) + off(9) + END)) == "unreadable"


@pytest.mark.parametrize(
    "event",
    [b"\x00\x90\x3c\x80", b"\x00\x90\x80\x40", b"\x00\x3c\x90", b"\x00\xb0\x07\xff", b"\x00\xc0\x80", b"\x00\xd0\x90"],
    ids=bytes.hex,
)
def test_a_status_byte_in_place_of_a_data_byte_is_refused(read, event):
    assert refusal(read, file(on(0) + event + off(9) + END)) == "unreadable"


def test_running_status(read):
    three = b"\x00\x90\x3c\x40" + b"\x0a\x3c\x00" + b"\x81\x00\x3e\x40" + b"\x0a\x3e\x00"
    assert notes(read(file(three + END))) == [[0, 10, 60], [138, 148, 62]]
    assert notes(read(file(on(0) + meta(1, b"words", wait=4) + b"\x06\x3c\x00" + END))) == [[0, 10, 60]]


@pytest.mark.parametrize("kind", [0xC0, 0xD0])
def test_running_status_of_one_data_byte(read, kind):
    data = on(0) + bytes([1, kind, 33]) + b"\x02\x21\x81\x03\x21" + off(4) + END
    assert notes(read(file(data))) == [[0, 138, 60]]
    assert [instrument.program for instrument in read(file(data)).instruments] == [33 if kind == 0xC0 else 0]


@pytest.mark.parametrize("first", [b"", meta(1, b""), sysex(b"\x7e\xf7"), sysex(b"\x01", status=0xF7)], ids=bytes.hex)
def test_running_status_needs_a_status(read, first):
    data = file(on(0) + off(9) + END, first + b"\x00\x3c\x40" + off(9) + END)
    assert refusal(read, data, "track 1: a data byte where a status byte is needed") == "unreadable"


@pytest.mark.parametrize("size", range(20))
def test_running_status_does_not_last_across_system_exclusive_events(read, size):
    data = on(0) + sysex(bytes(size) + b"\xf7") + b"\x09\x3c\x00" + note(0, 62, 0, 9)
    assert refusal(read, file(data + END)) == "unreadable"


def test_system_exclusive_events_in_packets(read):
    packets = sysex(b"\x43\x12\x00") + sysex(b"\x43\x12\x00", 200, 0xF7) + sysex(b"\x00\xf7", 100, 0xF7)
    assert notes(read(file(packets + note(0, 60, 10, 9) + END))) == [[310, 319, 60]]


def test_delta_times_of_every_length(read):
    waits = (0, 127, 128, 16383, 16384, 2097151, 2097152)
    written = b"".join(note(0, 60, wait, 1) for wait in waits)
    starts = [sum(waits[: n + 1]) + n for n in range(len(waits))]
    assert notes(read(file(written + END))) == [[start, start + 1, 60] for start in starts]


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_padded_numbers_mean_the_same(read, width):
    padded = number(7, width) + b"\xff\x01" + number(3, width) + b"abc" + number(5, width) + on(0)[1:] + off(9)
    assert notes(read(file(padded + END))) == [[12, 21, 60]]


@pytest.mark.parametrize(
    "event", [number(7, 5) + on(0)[1:], b"\x00\xff\x01" + number(3, 5) + b"abc"], ids=["delta", "size"]
)
def test_a_number_of_five_bytes_is_refused(read, event):
    assert refusal(read, file(event + note(0, 60, 0, 9) + END)) == "unreadable"


def test_notes_too_late_are_refused(read):
    last = number(2**28 - 1)
    assert refusal(read, file(note(0, 60, 0, 9) + last + on(0)[1:] + last + off(0)[1:] + END)) == "bad_ticks"


def test_the_largest_tick():
    (instrument,) = READERS["musae"](file(note(0, 60, 2**28 - 2, 1) + END + END)).instruments
    assert instrument.notes.tolist() == [[2**28 - 2, 2**28 - 1, 60]]


def signature(contents: bytes) -> bytes:
    return file(meta(0x58, contents) + BAND[0], *BAND[1:])


@pytest.mark.parametrize("contents", [b"", b"\x04"], ids=bytes.hex)
def test_a_time_signature_cut_short_is_refused_whatever_was_read_before(read, contents):
    for before in (bytes([4, 2, 24, 8]), bytes([3, 2, 24, 8])):
        read(signature(before))
        assert refusal(read, signature(contents)) == "unreadable"


@pytest.mark.parametrize("power", [0, 1, 3, 8, 32, 34, 63, 64, 66, 255])
def test_denominators_of_any_size(read, power):
    score = read(signature(bytes([4, power, 24, 8])))
    assert sorted(score.time_signatures) == sorted([(0, 4, 4), (0, 4, 2**power)])
    with pytest.raises(Refused, match="not_4_4"):
        tokenise_score(score)


@pytest.mark.parametrize("kind", [0x51, 0x54, 0x59, 0x00, 0x20])
@pytest.mark.parametrize("size", range(6))
def test_other_meta_events_of_any_size_do_not_matter(kind, size):
    whole = READERS["musae"](file(*BAND))
    damaged = READERS["musae"](file(meta(kind, bytes(size)) + BAND[0], *BAND[1:]))
    assert tokens(damaged) == tokens(whole)


def test_a_time_signature_of_two_bytes_is_enough():
    assert READERS["musae"](signature(b"\x03\x03")).time_signatures == ((0, 3, 8), (0, 4, 4))


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not on this machine")
@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("delta-of-five-bytes.mid", "unreadable"),
        ("doubled-drum-ons-single-off.mid", "plain-band.mid"),
        ("format2-two-songs.mid", "format_2"),
        ("header-of-8-bytes.mid", "plain-band.mid"),
        ("rmid-wrapped.mid", "plain-band.mid"),
        ("rmid-wrapped.rmi", "plain-band.mid"),
        ("running-status-after-sysex-5.mid", "unreadable"),
        ("time-signature-4-over-2to34.mid", "not_4_4"),
    ],
)
def test_cases(read, name, result):
    data = (CASES / name).read_bytes()
    if result.endswith(".mid"):
        assert tokens(read(data)) == tokens(read((CASES / result).read_bytes()))
    else:
        with pytest.raises(Refused) as refused:
            tokenise_score(read(data))
        assert refused.value.reason == result


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not on this machine")
@pytest.mark.parametrize("name", ["f7-split-sysex-at-start", "program-change-within-note", "three-ons-one-off"])
def test_cases_with_rows_of_their_own(read, name):
    rows = tokens(read((CASES / f"{name}.mid").read_bytes()))
    stated = (CASES / f"{name}.mid.txt").read_text()
    assert f"piano row = {rows[2]}" in stated
    if "strings row" in stated:
        assert f"strings row = {rows[3]}" in stated
