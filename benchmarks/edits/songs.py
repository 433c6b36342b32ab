"""Songs that a model has not learnt from: files of the corpus with windows in its validation split."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from analysis.shared.bootstrap import estimate, song_weights, weighted_means
from composer.part import Part, Selection, choose
from model.data import read_provenance
from music.arrays import FloatArray
from music.editing.meter import Bars
from music.editing.song import Song, open_song
from music.errors import InputError
from music.tokens import TRACKS

ARCHIVE = "lmd_matched.tar.gz"
FIRST, LAST = 9, 40
"""The bars that are edited, as far as the song has them."""
RESAMPLES = 1000


@dataclass(frozen=True)
class TaggedSong:
    """A song, and the genres that it is tagged with."""

    song: Song
    genres: frozenset[str]

    @property
    def selection(self) -> Selection:
        """The bars that are edited."""
        return Selection(Bars(FIRST, min(LAST, self.song.bars.last)))

    def part(self, length: int) -> Part:
        """The bars that are edited, in windows of this many bars."""
        return choose(self.song, self.selection, length)


def songs_apart(windows: Path, corpus: Path, count: int) -> list[TaggedSong]:
    """Returns songs in which all four roles are played, one file each, in 4/4 throughout.

    windows: a folder of shards, corpus: the folder of Lakh's archives that they come from.
    """
    chosen = _validation_files(windows)
    names = read_provenance(windows).genres
    songs: list[TaggedSong] = []
    with tarfile.open(corpus / ARCHIVE) as archive:
        for member in archive:
            genres = chosen.get(Path(member.name).stem)
            data = archive.extractfile(member)
            if genres is None or data is None or len(songs) == count:
                continue
            try:
                song = open_song(data.read(), Path(member.name).name)
                roles = song.arrange().roles
            except InputError:
                continue
            if len(roles) == len(TRACKS) and song.bars.last > FIRST:
                songs.append(TaggedSong(song, frozenset(names[genre] for genre in genres)))
    return songs


def _validation_files(windows: Path) -> dict[str, list[int]]:
    """Returns the genres of a file of each validation song, by the file's digest."""
    by_song: dict[str, tuple[str, list[int]]] = {}
    for shard in sorted(windows.glob("validation-*.parquet")):
        for row in pq.read_table(shard, columns=["msd_id", "md5", "genres"]).to_pylist():
            by_song.setdefault(row["msd_id"], (row["md5"], row["genres"]))
    return dict(by_song.values())


def interval(values: FloatArray, decimals: int = 2) -> str:
    """Returns the mean over songs with its 95% interval; (songs,), NaN where a song does not count."""
    if np.isnan(values).all():
        return "-"
    weights = song_weights(torch.arange(len(values)), RESAMPLES, 0)
    return estimate(weighted_means(weights, values)).text(decimals)
