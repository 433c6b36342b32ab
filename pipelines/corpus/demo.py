"""The demo corpus: a made-up band that plays in 32 styles, written as Lakh's two archives.

Everything is drawn from a seed; the same seed gives the same bytes. Some songs share an artist, some tracks have two
MIDI versions, and a few files are of the kinds that must be refused.
"""

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from music.progress import Progress
from music.song import Instrument, Song
from music.tokens import STEPS_PER_BAR
from music.writing import write
from pipelines.corpus.metadata import Metadata
from pipelines.corpus.write import METADATA_ARCHIVE, MIDI_ARCHIVE

TICKS_PER_QUARTER = 480
TICKS_PER_STEP = TICKS_PER_QUARTER // 4
KICK, SNARE, HAT = 36, 38, 42
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
BARS_A_SECTION = 8


@dataclass(frozen=True)
class DemoConfig:
    """Section `demo` of params.yaml."""

    songs_a_style: int
    seed: int

    def __post_init__(self) -> None:
        if self.songs_a_style < 1:
            raise ValueError("songs_a_style must be at least 1")


@dataclass(frozen=True)
class Style:
    """How one genre sounds: a rhythm of 16 steps each part (x plays, - plays and holds on), chords as degrees."""

    tags: str
    tempo: int
    kick: str
    snare: str
    hat: str
    bass: str
    comp: str
    strings: str
    chords: str
    scale: tuple[int, ...]
    programs: tuple[int, int, int]
    """Of bass (32-39), guitar or piano (0-31) and strings (40 and above)."""


# fmt: off
STYLES = (
    Style("rock|classic rock", 124, "x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "-..-..-.-..-..-.", "-.......-.......", "1 5 6 4", MAJOR, (34, 29, 48)),
    Style("hard rock|rock", 138, "x.x...x.x.x.....", "....x.......x..x", "x...x...x...x...", "xxxxxxxxxxxxxxxx", "x.xx.xx.x.xx.x..", "-...............", "1 7 4 1", MINOR, (34, 30, 50)),
    Style("punk|rock|punk rock", 176, "x...x...x...x...", "..x...x...x...x.", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "-...-...-...-...", "1 4 5 4", MAJOR, (33, 30, 61)),
    Style("metal|hard rock|heavy metal", 160, "xxxxxxxxxxxxxxxx", "....x.......x...", "x...x...x...x...", "xxx.xxx.xxx.xxx.", "xxx.xxx.xxx.xxx.", "-...............", "1 2 1 7", MINOR, (34, 30, 52)),
    Style("grunge|alternative rock|rock", 112, "x..x....x..x....", "....x.......x...", "x.x.x.x.x.x.x.x.", "-..-....-..-....", "-..-..x.-..-..x.", "........-.......", "1 3 4 6", MINOR, (33, 29, 49)),
    Style("alternative rock|indie", 128, "x.....x...x.....", "....x.......x...", "xxxxxxxxxxxxxxxx", "x.x.x.x.x.x.x.x.", "..x...x...x...x.", "-...-...-.......", "6 4 1 5", MAJOR, (33, 27, 48)),
    Style("pop|80s", 116, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "x..x..x.x..x..x.", "-...-...-...-...", "-.......-...-...", "1 6 4 5", MAJOR, (38, 4, 50)),
    Style("synthpop|80s|pop|electronic", 120, "x...x...x...x...", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.x.x.x.x.x.x.x.", "x..x..x...x..x..", "-..-..-.-.......", "6 4 1 5", MINOR, (38, 5, 81)),
    Style("dance|electronic|pop", 128, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "..x...x...x...x.", "x..x..x..x..x.x.", "x.x.x.x.x.x.x.x.", "1 5 6 4", MINOR, (38, 2, 80)),
    Style("house|dance|electronic", 124, "x...x...x...x...", "............x...", "..xx..xx..xx..xx", "..x..x....x..x..", "..x..x....x..x..", "-...............", "1 4 1 4", MINOR, (39, 16, 89)),
    Style("trance|dance|electronic", 138, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", ".xxx.xxx.xxx.xxx", "x.x.x.x.x.x.x.x.", "x.xx.xx.x.xx.x.x", "6 4 1 5", MINOR, (38, 5, 81)),
    Style("techno|electronic", 134, "x...x...x...x...", "................", "xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx", "...x......x.....", "-.......-.......", "1 1 1 1", MINOR, (39, 17, 90)),
    Style("ambient|electronic|chillout", 80, "x...............", "........x.......", "....x.......x...", "-...............", "-.......-.......", "-...............", "1 3 6 4", MAJOR, (35, 8, 89)),
    Style("downtempo|chillout|electronic", 90, "x.....x...x.....", "....x.......x..x", "x.xxx.xxx.xxx.xx", "-.....-...-.....", "....-.......-...", "-.......-.......", "1 6 2 5", MINOR, (35, 4, 95)),
    Style("hip hop|rap", 92, "x..x......x.....", "....x.......x...", "x.x.x.xxx.x.x.xx", "x..x......x.....", "-.......-.......", "-.......-.......", "1 1 6 5", MINOR, (39, 4, 48)),
    Style("rap|90s|hip hop", 96, "x.....xx..x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.....xx..x.....", "x...x...x...x...", "-.........-.....", "1 7 6 7", MINOR, (38, 0, 50)),
    Style("r&b|soul|90s", 84, "x......x..x.....", "....x.......x...", "x.xxx.xxx.xxx.xx", "x......x..x...x.", "-.....-...-.....", "-.......-.......", "2 5 1 6", MAJOR, (33, 4, 49)),
    Style("soul|oldies|60s", 108, "x.......x.x.....", "x...x...x...x...", "x.x.x.x.x.x.x.x.", "x..xx.x.x..xx.x.", "..x...x...x...x.", "-.......-.......", "1 2 4 5", MAJOR, (33, 16, 61)),
    Style("funk|soul|70s", 104, "x..x..x...x..x..", "....x..x.x..x...", "xxxxxxxxxxxxxxxx", "x..x.xx...xx.x..", ".x.xx.x..x.xx.x.", "x.....x.........", "1 1 4 1", MINOR, (36, 28, 61)),
    Style("disco|dance|70s", 118, "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "x.x.x.x.x.x.x.x.", "..xx..xx..xx..xx", "-.....xxx-......", "1 6 2 5", MAJOR, (33, 28, 48)),
    Style("blues|oldies", 96, "x.....x.x.....x.", "....x.......x...", "x..xx..xx..xx..x", "x...x...x...x...", "x..x....x..x....", "...-.......-....", "1 4 1 5", MINOR, (32, 26, 65)),
    Style("jazz|swing", 140, "x.......x.......", "......x.......x.", "x...x..xx...x..x", "x...x...x...x...", "...x..x....x....", "..-....-..-.....", "2 5 1 6", MAJOR, (32, 0, 66)),
    Style("swing|jazz|oldies", 160, "x...x...x...x...", "....x.......x...", "x...x..xx...x..x", "x...x...x...x...", "x...x...x...x...", "x..x..x..-......", "1 6 2 5", MAJOR, (32, 24, 57)),
    Style("bossa nova|latin|jazz", 126, "x.....xxx.....xx", "x..x..x...x..x..", "xxxxxxxxxxxxxxxx", "x.....xxx.....xx", "x..x..x...x..x..", "-.....-...-.....", "1 2 5 1", MAJOR, (32, 24, 73)),
    Style("latin|salsa", 180, "...x..x....x..x.", "x..x..x...x.x...", "x.x.xxx.x.x.xxx.", "...x..x....x..x.", "x.xx.xx.xx.xx.x.", "x.....x...x.....", "1 4 5 4", MINOR, (32, 0, 56)),
    Style("reggae|ska", 76, "........x.......", "........x.......", "x.x.x.x.x.x.x.x.", "-..-..-....-..-.", "....x.......x...", "-.......-.......", "1 4 1 5", MAJOR, (33, 27, 57)),
    Style("ska|punk|reggae", 152, "x...x...x...x...", "....x.......x...", "x.x.x.x.x.x.x.x.", "x...x...x...x...", "..x...x...x...x.", "x..x..x.........", "1 6 4 5", MAJOR, (33, 27, 56)),
    Style("country|folk", 112, "x.......x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.......x.......", "..x.x.x...x.x.x.", "-...........-...", "1 4 1 5", MAJOR, (32, 25, 40)),
    Style("folk|acoustic", 100, "x.......x.......", "................", "....x.......x...", "-.......-.......", "x.xxx.xxx.xxx.xx", "-...-...-.......", "1 3 4 5", MAJOR, (32, 25, 73)),
    Style("ballad|soft rock|love", 72, "x.......x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "-.....x.-.....x.", "x.x.x.x.x.x.x.x.", "-.......-.......", "1 5 6 4", MAJOR, (33, 0, 48)),
    Style("gospel|soul", 88, "x.....x.x.......", "....x.......x...", "x..xx..xx..xx..x", "x.....x.x...x...", "-...-...-.-.-...", "-.......-.......", "4 5 3 6", MAJOR, (33, 18, 52)),
    Style("new age|instrumental|ambient", 66, "x...............", "................", "........x.......", "-...............", "x..x..x..x..x..x", "-.......-.......", "1 7 6 7", MINOR, (32, 11, 46)),
)
# fmt: on


@dataclass(frozen=True)
class _File:
    msd_id: str
    data: bytes
    metadata: Metadata


def write_demo(out: Path, config: DemoConfig) -> None:
    """Writes lmd_matched.tar.gz and lmd_matched_h5.tar.gz into `out`."""
    files = list(_files(config))
    with _archive(out / MIDI_ARCHIVE) as archive:
        for file in files:
            name = hashlib.md5(file.data, usedforsecurity=False).hexdigest()
            _add(archive, f"lmd_matched/{_letters(file.msd_id)}/{file.msd_id}/{name}.mid", file.data)
    with _archive(out / METADATA_ARCHIVE) as archive:
        for msd_id, metadata in {file.msd_id: file.metadata for file in files}.items():
            _add(archive, f"lmd_matched_h5/{_letters(msd_id)}/{msd_id}.h5", _hdf5(metadata))


def _files(config: DemoConfig) -> Iterator[_File]:
    total = len(STYLES) * config.songs_a_style
    with Progress("making the demo corpus", total, "song") as progress:
        for number in range(total):
            style = STYLES[number % len(STYLES)]
            draw = random.Random(f"{config.seed} {number}")
            terms = style.tags.split("|")
            weights = [round(1.0 - 0.2 * i, 3) for i in range(len(terms))]
            band = number % len(STYLES), number // len(STYLES) // 2  # a band plays two songs
            metadata = Metadata(f"The {terms[0].title()} Band {band[1] + 1}", f"Song {number + 1}", terms, weights)
            if number % 7 == 6:  # as in Lakh, some songs have no tags
                metadata = Metadata(metadata.artist, metadata.title)
            versions = 2 if number % 8 == 0 else 1  # and some tracks have more than one MIDI file
            for _ in range(versions):
                song = _song(style, draw)
                yield _File(_track_id(config.seed, number), write(song, style.tempo), metadata)
            progress.to(number + 1)
    for number, data in enumerate(_refusable(config), start=total):
        yield _File(_track_id(config.seed, number), data, Metadata("The Broken Band", f"Take {number - total + 1}"))


def _song(style: Style, draw: random.Random) -> Song:
    """Two sections of eight bars, in a key of its own, in the order AABA, ABAB or AAB."""
    key = draw.randrange(12)
    sections = {name: _section(style, key, draw) for name in "AB"}
    form = draw.choice(("AABA", "ABAB", "AAB"))
    parts: list[list[tuple[int, int, int]]] = [[], [], [], []]
    for place, name in enumerate(form):
        offset = place * BARS_A_SECTION * STEPS_PER_BAR
        for part, notes in zip(parts, sections[name], strict=True):
            part += [(start + offset, end + offset, pitch) for start, end, pitch in notes]
    programs = (0, *style.programs)
    instruments = [_instrument(programs[i], i == 0, part) for i, part in enumerate(parts)]
    if draw.random() < 0.25:  # a second guitar, an octave higher: two arrangements
        instruments.append(_instrument(26, False, [(start, end, pitch + 12) for start, end, pitch in parts[2][::2]]))
    return Song(TICKS_PER_QUARTER, frozenset({(4, 4)}), tuple(instruments))


def _instrument(program: int, is_drum: bool, notes: list[tuple[int, int, int]]) -> Instrument:
    steps = np.array(notes, dtype=np.int64).reshape(-1, 3)
    return Instrument(program, is_drum, steps * np.array([TICKS_PER_STEP, TICKS_PER_STEP, 1]))


def _section(style: Style, key: int, draw: random.Random) -> tuple[list[tuple[int, int, int]], ...]:
    """Notes (start step, end step, pitch) of drums, bass, guitar or piano, and strings in eight bars.

    Each section varies the style's rhythms, and the drums fill its last bar.
    """
    drums, bass, comp, strings = [], [], [], []
    degrees = [int(degree) - 1 for degree in style.chords.split()]
    if draw.random() < 0.5:
        degrees = degrees[2:] + degrees[:2]
    rhythms = {part: _varied(getattr(style, part), draw) for part in ("kick", "snare", "hat", "bass", "comp")}
    melody_degree = draw.randrange(7)
    for bar in range(BARS_A_SECTION):
        first = bar * STEPS_PER_BAR
        degree = degrees[bar % len(degrees)]
        fill = bar == BARS_A_SECTION - 1
        for pitch, part in ((KICK, "kick"), (SNARE, "snare"), (HAT, "hat")):
            rhythm = rhythms[part][:12] + "xxxx" if fill and part == "snare" else rhythms[part]
            drums += [(first + start, first + start + 1, pitch) for start, _ in _onsets(rhythm)]
        chord = [_pitch(style, key, degree + third, 4) for third in (0, 2, 4)]
        for start, end in _onsets(rhythms["bass"]):
            step = draw.choice((0, 0, 0, 4, 2)) if start else 0
            bass.append((first + start, first + end, _pitch(style, key, degree + step, 2)))
        for start, end in _onsets(rhythms["comp"]):
            comp += [(first + start, first + end, pitch) for pitch in chord]
        for start, end in _onsets(style.strings):
            melody_degree += draw.choice((-2, -1, 0, 1, 2))
            melody_degree = max(min(melody_degree, 9), -3)
            strings.append((first + start, first + end, _pitch(style, key, melody_degree, 5)))
    return drums, bass, comp, strings


def _varied(rhythm: str, draw: random.Random) -> str:
    """The rhythm, now and then with one step on or off; its first step stays."""
    if draw.random() < 0.5:
        place = draw.randrange(1, STEPS_PER_BAR)
        return rhythm[:place] + ("." if rhythm[place] != "." else "x") + rhythm[place + 1 :]
    return rhythm


def _onsets(rhythm: str) -> Iterator[tuple[int, int]]:
    """(start, end) steps of a rhythm's notes: x is one step long, - lasts until the next note."""
    starts = [step for step, sign in enumerate(rhythm) if sign != "."]
    for start, following in pairwise([*starts, STEPS_PER_BAR]):
        yield start, start + 1 if rhythm[start] == "x" else following


def _pitch(style: Style, key: int, degree: int, octave: int) -> int:
    return 12 * (octave + degree // 7) + (key - 5) + style.scale[degree % 7] + 12


def _refusable(config: DemoConfig) -> Iterator[bytes]:
    """Files of the kinds that must be refused, one of each."""
    song = _song(STYLES[0], random.Random(f"{config.seed} refusable"))
    drums, bass, guitar, strings = song.instruments[:4]
    for left in ((bass, guitar, strings), (drums, guitar, strings), (drums, bass, strings), ()):
        yield write(Song(song.ticks_per_quarter, song.time_signatures, left))
    yield write(Song(song.ticks_per_quarter, frozenset({(3, 4)}), song.instruments))
    yield write(Song(song.ticks_per_quarter, frozenset({(4, 4), (6, 8)}), song.instruments))
    whole = write(song)
    yield whole[: len(whole) // 2]
    yield whole[:12] + b"\x00\x00" + whole[14:]  # a division of 0 ticks
    yield b"<html><body>404 Not Found</body></html>"


def _track_id(seed: int, number: int) -> str:
    digits = hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).hexdigest().upper()
    return "TR" + digits


def _letters(msd_id: str) -> str:
    return "/".join(msd_id[2:5])


def _hdf5(metadata: Metadata) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as hdf5:
        group = hdf5.create_group("metadata")
        row = np.zeros(1, dtype=[("artist_name", "S1024"), ("title", "S1024")])
        row["artist_name"], row["title"] = metadata.artist.encode(), metadata.title.encode()
        group.create_dataset("songs", data=row, compression="gzip")
        group.create_dataset("artist_terms", data=np.array([term.encode() for term in metadata.terms], dtype="S256"))
        group.create_dataset("artist_terms_weight", data=np.array(metadata.weights, dtype=np.float64))
    return file.getvalue()


def _archive(path: Path) -> tarfile.TarFile:
    """A tar.gz for writing whose bytes do not depend on the time of day."""
    return _TarGz(fileobj=gzip.GzipFile(path, "wb", mtime=0), mode="w")


class _TarGz(tarfile.TarFile):
    """Closes the compressed file that it writes into."""

    def close(self) -> None:
        super().close()
        if self.fileobj is not None:
            self.fileobj.close()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
