"""The demo corpus: made-up bands that play in 32 styles, written in the form of Lakh's two archives.

The same seed gives the same bytes. As in Lakh, artists have several songs, some songs
have two MIDI files, some have no tags, and a few files must be refused.
"""

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np

from music.midi.writer import to_midi
from music.progress import Progress
from music.score import Score, TimeSignature
from music.settings import Seed, Settings, at_least
from pipelines.corpus.demo.composer import compose
from pipelines.corpus.demo.styles import STYLES
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE
from pipelines.corpus.metadata import Metadata


@dataclass(frozen=True)
class DemoConfig(Settings):
    """Section `demo` of params.yaml."""

    songs_a_style: Annotated[int, at_least(1)]
    seed: Seed


@dataclass(frozen=True)
class _File:
    msd_id: str
    midi: bytes
    metadata: Metadata


def write_demo(out: Path, config: DemoConfig) -> None:
    """Writes lmd_matched.tar.gz and lmd_matched_h5.tar.gz into `out`."""
    files = [*_songs(config), *_refusable_files(config)]
    with _open_archive(out / MIDI_ARCHIVE) as archive:
        for file in files:
            md5 = hashlib.md5(file.midi, usedforsecurity=False).hexdigest()
            _add(archive, f"lmd_matched/{_letters(file.msd_id)}/{file.msd_id}/{md5}.mid", file.midi)
    with _open_archive(out / METADATA_ARCHIVE) as archive:
        for msd_id, metadata in {file.msd_id: file.metadata for file in files}.items():
            _add(archive, f"lmd_matched_h5/{_letters(msd_id)}/{msd_id}.h5", _hdf5(metadata))


def _songs(config: DemoConfig) -> Iterator[_File]:
    """Yields the files of all songs; every eighth song has two, and every seventh has no tags."""
    total = len(STYLES) * config.songs_a_style
    with Progress("making the demo corpus", total, "song") as progress:
        for number in range(total):
            style = STYLES[number % len(STYLES)]
            generator = random.Random(f"{config.seed} {number}")
            tags = style.tags.split("|")
            band = f"The {tags[0].title()} Band {number // len(STYLES) // 2 + 1}"  # a band plays two songs
            metadata = Metadata(band, f"Song {number + 1}", [] if number % 7 == 6 else tags)
            for _ in range(2 if number % 8 == 0 else 1):
                yield _File(_msd_id(config, number), to_midi(compose(style, generator), style.tempo), metadata)
            progress.to(number + 1)


def _refusable_files(config: DemoConfig) -> Iterator[_File]:
    """Yields one file of each kind that must be refused."""
    songs = len(STYLES) * config.songs_a_style
    for number, midi in enumerate(_refusable(config), 1):
        yield _File(_msd_id(config, songs + number - 1), midi, Metadata("The Broken Band", f"Take {number}"))


def _refusable(config: DemoConfig) -> Iterator[bytes]:
    score = compose(STYLES[0], random.Random(f"{config.seed} refusable"))
    drums, bass, guitar, strings = score.instruments[:4]
    for instruments in ((bass, guitar, strings), (drums, guitar, strings), (drums, bass, strings), ()):
        yield to_midi(Score(score.ticks_per_quarter, score.time_signatures, instruments))
    for time_signatures in ([(3, 4)], [(4, 4), (6, 8)]):
        yield to_midi(replace(score, time_signatures=tuple(TimeSignature(0, *meter) for meter in time_signatures)))
    midi = to_midi(score)
    yield midi[: len(midi) // 2]
    yield midi[:12] + b"\x00\x00" + midi[14:]  # a division of 0 ticks
    yield b"<html><body>404 Not Found</body></html>"


def _msd_id(config: DemoConfig, number: int) -> str:
    digits = hashlib.blake2b(f"{config.seed} {number}".encode(), digest_size=8).hexdigest().upper()
    return "TR" + digits


def _letters(msd_id: str) -> str:
    """Returns the path of the three folders that contain the song."""
    return "/".join(msd_id[2:5])


def _hdf5(metadata: Metadata) -> bytes:
    """Makes a Million Song Dataset file, with the fields that the project reads."""
    file = io.BytesIO()
    with h5py.File(file, "w") as hdf5:
        group = hdf5.create_group("metadata")
        row = np.zeros(1, dtype=[("artist_name", "S1024"), ("title", "S1024")])
        row["artist_name"], row["title"] = metadata.artist.encode(), metadata.title.encode()
        group.create_dataset("songs", data=row, compression="gzip")
        group.create_dataset("artist_terms", data=np.array([term.encode() for term in metadata.terms], dtype="S256"))
    return file.getvalue()


def _open_archive(path: Path) -> tarfile.TarFile:
    """Opens a .tar.gz for writing whose bytes do not depend on the time of day."""
    return _TarGz(fileobj=gzip.GzipFile(path, "wb", mtime=0), mode="w")


class _TarGz(tarfile.TarFile):
    """Also closes the compressed file that it writes into."""

    def close(self) -> None:
        super().close()
        if self.fileobj is not None:
            self.fileobj.close()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
