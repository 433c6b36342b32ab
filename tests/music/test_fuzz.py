"""Damaged and absurd MIDI, made from the project's own songs, through the isolated reader: kept or refused."""

import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from music.midi import READERS
from music.score import Reason
from pipelines.corpus.archives import read_members
from pipelines.corpus.demo.corpus import DemoConfig, write_demo
from pipelines.corpus.lakh import MIDI_ARCHIVE
from pipelines.isolation import Isolated
from pipelines.songs import read_files

SAMPLE = Path(__file__).parents[3] / "shared" / "corpus" / "sample" / MIDI_ARCHIVE
REASONS = {str(reason) for reason in Reason}
METADATA = {"artist": "", "title": "", "terms": []}
Mutation = Callable[[random.Random, bytes], bytes]


def length(number: int) -> bytes:
    """A variable-length quantity of MIDI, of any size."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def chunk(events: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(events)) + events


def file(*tracks: bytes, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks) & 0xFFFF, division) + b"".join(map(chunk, tracks))


END = b"\x00\xff\x2f\x00"


def note(channel: int, pitch: int, wait: int, lasts: int) -> bytes:
    on, off = bytes([0x90 | channel, pitch, 90]), bytes([0x80 | channel, pitch, 0])
    return length(wait) + on + length(lasts) + off


def program(channel: int, number: int) -> bytes:
    return bytes([0, 0xC0 | channel, number])


def cut(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data))]


def flipped_bits(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 2, 4, 30, len(data) // 20))):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def other_bytes(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    first = draw.randrange(len(damaged))
    damaged[first : first + draw.choice((1, 2, 4, 100))] = draw.randbytes(draw.choice((0, 1, 2, 4, 200)))
    return bytes(damaged)


def many_ff(draw: random.Random, data: bytes) -> bytes:
    place = draw.randrange(len(data))
    return data[:place] + b"\xff" * 200_000 + data[place:]


def header(draw: random.Random, data: bytes) -> bytes:
    """Any format, number of tracks and division, of which 0 and the negative (SMPTE) are the worst."""
    division = draw.choice((0, 1, 0x7FFF, 0x8000, 0xE728, 0xFFFF, draw.randrange(1 << 16)))
    return data[:8] + struct.pack(">HHH", draw.randrange(4), draw.choice((0, 1, 0xFFFF)), division) + data[14:]


def chunk_sizes(draw: random.Random, data: bytes) -> bytes:
    places = [place for place in range(len(data)) if data[place : place + 4] in (b"MTrk", b"MThd")]
    place = draw.choice(places) + 4
    size = draw.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, draw.randrange(len(data))))
    return data[:place] + struct.pack(">I", size) + data[place + 4 :]


def late_notes(draw: random.Random, _: bytes) -> bytes:
    """Ticks about 2^28, 2^31, 2^32 and beyond, in one wait or the sum of many."""
    wait = draw.choice((1 << 21, (1 << 28) - 1, 1 << 28, 1 << 31, (1 << 32) - 1, 1 << 40))
    notes = note(0, 60, wait, draw.choice((0, 1, wait))) * draw.choice((1, 3, 20))
    return file(program(0, 0) + notes + END, note(9, 36, 0, 10) + END, program(1, 33) + note(1, 40, 0, 9) + END)


def time_signatures(draw: random.Random, data: bytes) -> bytes:
    event = bytes([0, 0xFF, 0x58, 4, draw.randrange(256), draw.choice((2, 7, 8, 32, 64, 255)), 24, 8])
    place = data.index(b"MTrk") + 4
    size = struct.unpack(">I", data[place : place + 4])[0] + len(event)
    return data[:place] + struct.pack(">I", size) + event + data[place + 4 :]


def crowded_tick(draw: random.Random, _: bytes) -> bytes:
    """20,000 notes at a tick: all ons, then all offs, of one pitch or of all."""
    pitches = [draw.randrange(128) if draw.random() < 0.5 else 60 for _ in range(20_000)]
    ons = b"".join(bytes([0, 0x90, pitch, 90]) for pitch in pitches)
    offs = length(draw.choice((1, 480))) + bytes([0x80, 60, 0]) + b"".join(bytes([0, 0x80, p, 0]) for p in pitches)
    drums = note(9, 36, 0, 10) * draw.choice((1, 20_000))
    return file(program(0, 0) + ons + offs + END, drums + END, program(1, 33) + note(1, 40, 0, 9) + END)


def many_tracks(draw: random.Random, _: bytes) -> bytes:
    """Thousands of instruments in a song of thousands of bars."""
    wait = draw.choice((0, 480 * 4 * 4000))
    kinds = [(9, 0), (1, 33), (0, 0), (2, 48)]
    count = draw.choice((100, 300, 4_000))
    tracks = [program(channel, number) + note(channel, 60, wait, 100) + END for channel, number in kinds * count]
    return file(*tracks[: draw.choice((count, 4 * count))])


def many_programs(draw: random.Random, _: bytes) -> bytes:
    """A program change before every note."""
    notes = (program(c, draw.randrange(128)) + note(c, 50, 9, 99) for c in draw.choices(range(16), k=1_000))
    return file(b"".join(notes) + END)


def long_notes(draw: random.Random, _: bytes) -> bytes:
    """A note of 4,000 bars and thousands that overlap it, on one pitch or on others."""
    bars = 480 * 4 * draw.choice((4_000, 4_096, 5_000))
    other = draw.choice((60, 61))
    many = note(0, other, 0, 100) * draw.choice((10, 9_000))
    piano = bytes([0, 0x90, 60, 90]) + many + length(bars) + bytes([0x80, 60, 0])
    drums = note(9, 36, 0, 10) + note(9, 36, bars, 10)
    return file(program(0, 0) + piano + END, drums + END, program(1, 33) + note(1, 40, 0, bars) + END)


def running_status(draw: random.Random, _: bytes) -> bytes:
    """Data bytes that belong to no status, or to that of a meta event."""
    first = draw.choice((b"", b"\x00\x90", b"\x00\xff\x01\x00", b"\x00\xf0\x01\xf7", b"\x00\xf7", b"\x00\xf1"))
    return file(first + bytes(draw.randrange(128) for _ in range(draw.choice((1, 50, 5_000)))) + END)


def random_events(draw: random.Random, _: bytes) -> bytes:
    events = (bytes([draw.randrange(128), draw.randrange(128, 256), *draw.randbytes(2)]) for _ in range(500))
    return file(b"".join(events) + END)


def riff(draw: random.Random, data: bytes) -> bytes:
    size = draw.choice((len(data), 0, 0xFFFFFFFF))
    return b"RIFF" + struct.pack("<I", 12 + size & 0xFFFFFFFF) + b"RMIDdata" + struct.pack("<I", size) + data


def twice(draw: random.Random, data: bytes) -> bytes:
    place = draw.randrange(len(data))
    return data[:place] + data


MUTATIONS: tuple[Mutation, ...] = (
    cut, flipped_bits, other_bytes, many_ff, header, chunk_sizes, late_notes, time_signatures, crowded_tick,
    many_tracks, many_programs, long_notes, running_status, random_events, riff, twice,
)  # fmt: skip


def mutated(songs: list[bytes], seed: int) -> tuple[str, bytes]:
    """The name of the first of one to three mutations, and the file: the same for the same seed."""
    draw = random.Random(seed)
    chosen = MUTATIONS[seed % len(MUTATIONS)]
    data = chosen(draw, draw.choice(songs))
    for _ in range(draw.choice((0, 0, 0, 1, 2))):
        data = draw.choice((flipped_bits, other_bytes, cut))(draw, data or b"MThd")
    return chosen.__name__, data


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, DemoConfig(songs_a_style=1, seed=0))
    return [data for _, data in read_members(str(folder / MIDI_ARCHIVE), 1_000_000) if data and b"MTrk" in data]


def read_all(files: Iterator[tuple[str, bytes]], reader: str = "symusic") -> Counter[tuple[str, str]]:
    """How many, by mutation and by what became of them."""
    outcomes: Counter[tuple[str, str]] = Counter()
    with closing(Isolated("pipelines.reading:read_midi", reader)) as read:
        for name, data in files:
            file = {"msd_id": "a", "md5": "b", "path": "c", "midi": data, "reason": None} | METADATA
            (row,) = read_files([file], read)
            outcomes[name, row.get("reason", "kept")] += 1
            if "reason" in row:
                assert row["reason"] in REASONS, (name, row)
            else:
                tokens = np.frombuffer(row["tokens"], dtype=np.uint8).reshape(sum(row["counts"]) + 1, row["steps"])
                assert tokens.max() <= 129
                assert row["steps"] % 16 == 0
    return outcomes


def fuzz(songs: list[bytes], seeds: range, reader: str = "symusic") -> None:
    outcomes = read_all((mutated(songs, seed) for seed in seeds), reader)
    assert outcomes.total() == len(seeds)
    assert {name for name, _ in outcomes} == {mutation.__name__ for mutation in MUTATIONS}
    for (name, outcome), files in sorted(outcomes.items()):
        print(f"{name:16} {outcome:16} {files}")


@pytest.mark.parametrize("reader", READERS)
def test_songs_themselves_are_kept(songs, reader):
    assert read_all((("whole", data) for data in songs), reader)["whole", "kept"] == 36


def test_damaged_files_are_kept_or_refused(songs):
    fuzz(songs, range(320))


@pytest.mark.slow
def test_twenty_thousand_damaged_files_are_kept_or_refused(songs):
    fuzz(songs, range(1_000, 21_000))


@pytest.mark.slow
def test_damaged_files_are_kept_or_refused_by_the_slow_reader(songs):
    fuzz(songs, range(21_000, 21_000 + 16 * 16), "pretty_midi")


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample corpus is not on this machine")
def test_damaged_real_files_are_kept_or_refused():
    real = [data for _, data in read_members(str(SAMPLE), 2_000_000) if data]
    fuzz(real, range(30_000, 35_000))
