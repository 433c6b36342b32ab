"""Who plays which role, which bars can be edited, and what is refused in which words."""

import pytest

from music.editing.meter import Bars
from music.editing.song import open_song
from music.errors import InputError
from tests.helpers.midi_bytes import END, chunk, file, header, meta, note, number, on, program

BAR = 1920


def part(channel: int, sound: int, *lengths: int, first: int = 0) -> bytes:
    notes = b"".join(note(channel, 60, first if n == 0 else 0, length) for n, length in enumerate(lengths))
    return meta(3, f"Part {sound}".encode()) + program(channel, sound) + notes + END


def meter(numerator: int, power: int = 2, wait: int = 0) -> bytes:
    return meta(0x58, bytes([numerator, power, 24, 8]), wait)


def refusal(data: bytes, bars: Bars | None = None, **choices: int) -> str:
    with pytest.raises(InputError) as error:
        open_song(data, "song.mid").arrange(bars, choices)
    text = str(error.value)
    assert text.startswith("song.mid: ")
    assert "\n" not in text
    return text.removeprefix("song.mid: ")


BAND = file(
    part(9, 0, *[120] * 16),
    part(0, 24, *[120] * 8),
    part(1, 5, *[240] * 20, first=BAR),
    part(2, 33, BAR),
    part(3, 60, BAR),
    part(4, 48, BAR),
)


def cast(data: bytes, bars: Bars | None = None, **choices: int) -> dict[str, list[int]]:
    castings = open_song(data, "song.mid").arrange(bars, choices).castings
    return {role: [one.number for one in casting.instruments] for role, casting in castings.items()}


def test_the_instrument_with_most_notes_in_the_bars_plays_the_role():
    assert cast(BAND) == {"drums": [1], "bass": [4], "guitar": [3], "strings": [5, 6]}
    assert cast(BAND, Bars(1, 1))["guitar"] == [2]


def test_a_choice_by_hand():
    assert cast(BAND, guitar=2)["guitar"] == [2]
    assert cast(BAND, bass=5) == {"drums": [1], "bass": [5], "guitar": [3], "strings": [6]}
    assert cast(BAND, strings=6)["strings"] == [6]


def test_the_reasons_name_track_channel_and_number_of_notes():
    castings = open_song(BAND, "song.mid").arrange(Bars(1, 1)).castings
    assert castings["guitar"].why == (
        'guitar: instrument 2 (track 2 "Part 24", channel 1, program 24), 8 notes in bar 1, the most of 2'
    )
    assert [one.number for one in castings["guitar"].candidates] == [2, 3]


def test_a_missing_role_is_silent():
    arrangement = open_song(file(part(0, 0, 240)), "song.mid").arrange()
    assert arrangement.roles == ("guitar",)
    assert arrangement.castings["bass"].why == "bass: silent, because no instrument has a program of this role"
    assert set(arrangement.tokens[1].tolist()) == {129}
    with pytest.raises(InputError, match=r"song.mid: no bass to edit; there are guitar"):
        arrangement.with_tokens(arrangement.tokens, roles=["bass"])


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"bass": 7}, "bass 7: the instruments have numbers 1 to 6"),
        ({"bass": 1}, "plays drums; choose another"),
        ({"drums": 4}, "plays no drums; choose another"),
        ({"flute": 1}, "flute is no role; there are drums, bass, guitar, strings"),
        ({"bass": 4, "guitar": 4}, "an instrument can play only one role: bass 4, guitar 4"),
    ],
)
def test_choices_that_cannot_be(choices, words):
    assert words in refusal(BAND, **choices)


def test_bars_that_are_not_there():
    assert refusal(BAND, Bars(2, 9)) == "bars 2-9 cannot be chosen: the song has bars 1-4"
    assert refusal(BAND, Bars(0, 1)) == "bars 0-1 cannot be chosen: the song has bars 1-4"
    assert refusal(BAND, Bars(3, 2)) == "bars 3-2 cannot be chosen: the song has bars 1-4"


def test_music_in_3_4():
    assert refusal(file(meter(3) + part(0, 0, *[480] * 9))) == (
        "3/4 from bar 1: only music in 4/4 can be edited, and none is here"
    )


def test_a_change_of_meter_and_the_stretch_that_can_be_used():
    changing = file(
        meter(4) + meter(3, wait=2 * BAR) + meter(4, wait=3 * 1440) + meter(7, 3, wait=4 * BAR) + END,
        part(0, 0, *[480] * 60),
    )
    assert refusal(changing) == "3/4 from bar 3: only 4/4 can be edited; choose bars 6-9, the longest stretch"
    assert refusal(changing, Bars(8, 10)) == (
        "7/8 from bar 10: only 4/4 can be edited; choose bars 6-9, the longest stretch"
    )
    arrangement = open_song(changing, "song.mid").arrange(Bars(7, 8))
    assert arrangement.bars == Bars(6, 9)
    assert arrangement.tokens[2].tolist() == [60, 128, 128, 128] * 16
    tokens = arrangement.tokens.copy()
    tokens[2, 16] = 65
    (change,) = arrangement.with_tokens(tokens, Bars(7, 7)).changes
    assert (change.bar, change.after.start) == (7, 2 * BAR + 3 * 1440 + BAR)


def test_a_time_signature_in_the_middle_of_a_bar():
    data = file(meter(4) + meter(3, wait=BAR + 480) + END, part(0, 0, *[480] * 20))
    assert refusal(data) == "a short bar from bar 2: only 4/4 can be edited; choose bar 1, the longest stretch"


def test_absurd_time_signatures():
    for numerator, power in ((0, 2), (4, 255), (255, 0)):
        assert "only music in 4/4" in refusal(file(meter(numerator, power) + part(0, 0, 480)))


def test_triplets_and_pickups_are_music_in_4_4():
    data = file(meter(4) + part(0, 0, *[160] * 24, first=1440))
    arrangement = open_song(data, "song.mid").arrange()
    assert arrangement.bars == Bars(1, 3)
    assert arrangement.with_tokens(arrangement.tokens).data == data


def test_forty_minutes_and_three_hundred_tracks():
    arrangement = open_song(file(*[part(0, 0, *[480] * 4800)] * 2), "song.mid").arrange()
    assert arrangement.bars == Bars(1, 1200)
    assert len(open_song(file(*[part(n % 16, n % 128, 480) for n in range(300)]), "song.mid").instruments) == 300


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a MIDI file"),
        (b"Dear diary,", "not a MIDI file"),
        (b"\xff" * 200_000, "not a MIDI file"),
        (BAND[:200], "cut short"),
        (header(1) + chunk(b"MTrk", b"\xff" * 200_000), "a number of more than 4 bytes"),
        (header(1, kind=2) + chunk(b"MTrk", part(0, 0, 9)), "save it as format 0 or 1"),
        (header(1, division=0xE250) + chunk(b"MTrk", part(0, 0, 9)), "save it with times in ticks"),
        (file(END), "there are no notes in it; choose another file"),
        (file(on(0) + END), "there are no notes in it; choose another file"),
        (file(note(0, 60, BAR * 4097, 9) + END), "4098 bars long, at most 4096; cut it into parts"),
        (file(*[number(2**28 - 1) + on(0)[1:] + number(2**28 - 1) + on(0)[1:]] * 2), "an event at tick"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_cannot_be_opened(data, words):
    assert words in refusal(data)
