"""Damaged and absurd MIDI, made from the project's own songs, through both readers, isolated: kept or refused."""

import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from music.midi.readers import READERS
from music.score import Reason
from pipelines.corpus.archives import read_members
from pipelines.corpus.demo.corpus import DemoConfig, write_demo
from pipelines.corpus.lakh import MIDI_ARCHIVE
from pipelines.isolation import Isolated
from pipelines.shards import Row
from pipelines.songs import read_files
from tests.helpers.midi_bytes import END, chunk, file, header, meta, note, number, off, on, program, riff, sysex

SAMPLE = Path(__file__).parents[4] / "shared" / "corpus" / "sample" / MIDI_ARCHIVE
REASONS = {str(reason) for reason in Reason}
METADATA = {"artist": "", "title": "", "terms": []}
Mutation = Callable[[random.Random, bytes], bytes]


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


def header_fields(draw: random.Random, data: bytes) -> bytes:
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


def small_or_large(draw: random.Random, small: int, large: int) -> int:
    """Seldom the large number, because the reference reader is slow."""
    return large if draw.random() < 0.05 else small


def crowded_tick(draw: random.Random, _: bytes) -> bytes:
    """Up to 20,000 notes at a tick: all ons, then all offs, of one pitch or of all."""
    count = small_or_large(draw, 200, 20_000)
    pitches = [draw.randrange(128) if draw.random() < 0.5 else 60 for _ in range(count)]
    ons = b"".join(on(0, pitch) for pitch in pitches)
    offs = off(draw.choice((1, 480))) + b"".join(off(0, pitch) for pitch in pitches)
    drums = note(9, 36, 0, 10) * draw.choice((1, count))
    return file(program(0, 0) + ons + offs + END, drums + END, program(1, 33) + note(1, 40, 0, 9) + END)


def many_tracks(draw: random.Random, _: bytes) -> bytes:
    """Up to thousands of instruments in a song of thousands of bars."""
    wait = small_or_large(draw, 0, 480 * 4 * 4000)
    kinds = [(9, 0), (1, 33), (0, 0), (2, 48)]
    count = small_or_large(draw, draw.choice((10, 60, 100)), draw.choice((300, 4_000)))
    tracks = [program(channel, number) + note(channel, 60, wait, 100) + END for channel, number in kinds * count]
    return file(*tracks[: draw.choice((count, 4 * count))])


def many_programs(draw: random.Random, _: bytes) -> bytes:
    """A program change before every note."""
    channels = draw.choices(range(16), k=small_or_large(draw, 100, 1_000))
    notes = (program(channel, draw.randrange(128)) + note(channel, 50, 9, 99) for channel in channels)
    return file(b"".join(notes) + END)


def long_notes(draw: random.Random, _: bytes) -> bytes:
    """A note of up to 5,000 bars and up to thousands that overlap it, on one pitch or on others."""
    bars = 480 * 4 * small_or_large(draw, 40, draw.choice((4_000, 4_096, 5_000)))
    other = draw.choice((60, 61))
    many = note(0, other, 0, 100) * small_or_large(draw, 10, 9_000)
    piano = bytes([0, 0x90, 60, 90]) + many + number(bars) + bytes([0x80, 60, 0])
    drums = note(9, 36, 0, 10) + note(9, 36, bars, 10)
    return file(program(0, 0) + piano + END, drums + END, program(1, 33) + note(1, 40, 0, bars) + END)


def running_status(draw: random.Random, _: bytes) -> bytes:
    """Data bytes that belong to no status, or to that of a meta event."""
    first = draw.choice((b"", b"\x00\x90", b"\x00\xff\x01\x00", b"\x00\xf0\x01\xf7", b"\x00\xf7", b"\x00\xf1"))
    return file(first + bytes(draw.randrange(128) for _ in range(draw.choice((1, 50, 5_000)))) + END)


def random_events(draw: random.Random, _: bytes) -> bytes:
    events = (bytes([draw.randrange(128), draw.randrange(128, 256), *draw.randbytes(2)]) for _ in range(500))
    return file(b"".join(events) + END)


def in_riff(draw: random.Random, data: bytes) -> bytes:
    return riff(data, draw.choice((len(data), len(data), 0, 0xFFFFFFFF)))


def twice(draw: random.Random, data: bytes) -> bytes:
    place = draw.randrange(len(data))
    return data[:place] + data


def constructed(draw: random.Random, _: bytes) -> bytes:
    """A small song in which nearly everything occurs that the standard allows, and some that it does not."""
    tracks = [track(draw, channel, number) for channel, number in ((9, 0), (1, 33), (0, 0), (2, 48))]
    while draw.random() < 0.3:
        tracks.append(track(draw, draw.randrange(16), draw.randrange(128)))
    draw.shuffle(tracks)
    if draw.random() < 0.1:
        tracks = [b"".join(tracks)]
    named = [chunk(b"MTrk", events) for events in tracks]
    if draw.random() < 0.2:
        named.insert(draw.randrange(len(named)), chunk(b"XFIH", draw.randbytes(draw.randrange(9))))
    count = len(tracks) + draw.choice((0, 0, 0, 0, 0, -1, -1, 1))
    kind = draw.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2))
    data = header(count, kind, draw.choice((1, 24, 96, 480)), more=bytes(draw.choice((0, 0, 0, 1, 2, 9)))) + b"".join(
        named
    )
    if draw.random() < 0.2:
        data += draw.choice((b"\n", chunk(b"MTrk", note(0, 60, 0, 9)), draw.randbytes(30)))
    return riff(data) if draw.random() < 0.2 else data


def track(draw: random.Random, channel: int, number: int) -> bytes:
    """Notes on few pitches, so that many are doubled, with other events between them, at few different ticks."""
    pitches = draw.sample(range(30, 90), draw.choice((1, 2, 5)))
    events = [program(channel, number)]
    for _ in range(draw.choice((3, 20, 80))):
        pitch = draw.choice(pitches)
        event = draw.choice((on(0, pitch, channel), off(0, pitch, channel), on(0, pitch, channel, velocity=0)))
        events.append(event if draw.random() < 0.9 else other_event(draw, channel))
    waits = [draw.choice((0, 0, 1, draw.randrange(2_000))) for _ in events]
    end = draw.choice((END, END, END, b"", END + note(channel, 60, 0, 5)))
    return b"".join(serialised(draw, zip(waits, (event[1:] for event in events), strict=True))) + end


def other_event(draw: random.Random, channel: int) -> bytes:
    """An event that is no note; now and then a meta event of any size, or a time signature that is not 4/4."""
    match draw.randrange(6):
        case 0 if draw.random() < 0.05:
            return meta(draw.choice((0x58, 0x51, 0x54, 0x59, 0x2F, 0x01)), draw.randbytes(draw.randrange(7)))
        case 0 | 1:
            return meta(0x58, bytes([4, 2 if draw.random() < 0.98 else draw.choice((0, 3, 34, 255)), 24, 8]))
        case 2:
            return sysex(bytes(draw.randrange(128) for _ in range(draw.randrange(12))), 0, draw.choice((0xF0, 0xF7)))
        case 3:
            return program(channel, draw.choice((0, 33, 48, draw.randrange(128))))
        case 4:
            return bytes([0, draw.choice((0xA0, 0xB0, 0xE0)) | channel, draw.randrange(128), draw.randrange(128)])
        case _:
            return bytes([0, 0xD0 | channel, draw.randrange(128)])


def serialised(draw: random.Random, events: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Writes (wait, event) with running status and padded numbers here and there, seldom where they are not allowed."""
    running, shortens, pads = 0, draw.choice((0, 0.5, 1)), draw.choice((0, 0, 0.3))
    for wait, event in events:
        width = draw.choice((1, 2, 3, 4)) if draw.random() < pads else 1
        yield number(wait, width if draw.random() < 0.999 else 5)
        yield event[1:] if event[0] == running and draw.random() < shortens else event
        if event[0] < 0xF0 or (event[0] < 0xFF and draw.random() < 0.98):
            running = event[0] if event[0] < 0xF0 else 0


MUTATIONS: tuple[Mutation, ...] = (
    cut, flipped_bits, other_bytes, many_ff, header_fields, chunk_sizes, late_notes, time_signatures, crowded_tick,
    many_tracks, many_programs, long_notes, running_status, random_events, in_riff, twice,
    *[constructed] * 16,
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


def outcomes_of(data: bytes, isolated: Mapping[str, Isolated]) -> dict[str, Row]:
    """What each reader makes of a file: a row of songs, or one of refused files."""
    file = {"msd_id": "a", "md5": "b", "path": "c", "midi": data, "reason": None} | METADATA
    return {name: next(read_files([file], read)) for name, read in isolated.items()}


def read_all(files: Iterable[tuple[str, bytes]]) -> Counter[tuple[str, str, str]]:
    """Counts the outcomes by mutation and reader. The readers must agree on every file that both keep."""
    counts: Counter[tuple[str, str, str]] = Counter()
    with ExitStack() as stack:
        isolated = {
            reader: stack.enter_context(closing(Isolated("pipelines.reading:read_midi", reader))) for reader in READERS
        }
        for name, data in files:
            rows = outcomes_of(data, isolated)
            for reader, row in rows.items():
                counts[name, reader, row.get("reason", "kept")] += 1
                check(row)
            kept = [row for row in rows.values() if "reason" not in row]
            assert all(row == kept[0] for row in kept), f"the readers disagree: {name}, {data.hex()[:2_000]}"
    return counts


def check(row: Row) -> None:
    if "reason" in row:
        assert row["reason"] in REASONS - {"crashed", "too_slow"}, row
    else:
        tokens = np.frombuffer(row["tokens"], dtype=np.uint8).reshape(sum(row["counts"]) + 1, row["steps"])
        assert tokens.max() <= 129
        assert row["steps"] % 16 == 0


def fuzz(songs: list[bytes], seeds: range) -> Counter[tuple[str, str, str]]:
    counts = read_all(mutated(songs, seed) for seed in seeds)
    assert counts.total() == len(seeds) * len(READERS)
    assert {name for name, *_ in counts} == {mutation.__name__ for mutation in MUTATIONS}
    for (name, reader, outcome), files in sorted(counts.items()):
        print(f"{name:16} {reader:12} {outcome:16} {files}")
    return counts


def test_songs_themselves_are_kept(songs):
    counts = read_all(("whole", data) for data in songs)
    assert [counts["whole", reader, "kept"] for reader in READERS] == [36, 36]


def test_damaged_files_are_kept_or_refused_and_the_readers_agree(songs):
    counts = fuzz(songs, range(320))
    assert min(counts["constructed", reader, "kept"] for reader in READERS) > 20  # there is something to agree on


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1_000, 201_000, 20_000))
def test_two_hundred_thousand_damaged_files_are_kept_or_refused_and_the_readers_agree(songs, first):
    fuzz(songs, range(first, first + 20_000))


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample corpus is not on this machine")
def test_damaged_real_files_are_kept_or_refused_and_the_readers_agree():
    real = [data for _, data in read_members(str(SAMPLE), 2_000_000) if data]
    fuzz(real, range(300_000, 302_000))
