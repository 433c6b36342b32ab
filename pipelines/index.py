"""The index of windows: which of them stand in several songs, so that one song keeps each.

An index shard lies beside each song shard's windows of a length while they are made: a row a window, a row group a
partition of the hashes. Whoever looks for repeats reads one partition of every index shard. Hashes so go through files,
and memory grows with the files of a shard, not with the shards.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from numpy.typing import NDArray

from music.windows import windows
from pipelines.shards import read_row_group, read_row_groups, shard_name, shard_writers, windows_folder
from pipelines.songs import read_songs
from pipelines.split import SplitConfig, in_validation

INDEX = pa.schema(
    [
        *((name, pa.uint64()) for name in ("hash_high", "hash_low")),
        *((name, pa.int32()) for name in ("song", "arrangement", "bar")),
        ("validation", pa.bool_()),
    ]
)
"""One row a window; `song` counts the rows of the song shard, `arrangement` is a number as in `Arranged`."""

SHARDS_A_PARTITION = 64

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Indexed:
    """What came of one shard of songs, in windows of one length."""

    passed: int
    """Windows that pass the rule of silence."""
    unique_in_song: int
    arrangements: int
    arrangements_cut: int
    """Arrangements beyond the cap."""


@dataclass(frozen=True)
class Repeated:
    """Windows of one index shard that another song keeps."""

    bars: int
    partition: int
    rows: Rows
    """Within the partition's row group."""


def partitions(shards: int) -> int:
    """How many parts the hashes fall into: so many that a part stays as large, however many shards there are."""
    return -(-shards // SHARDS_A_PARTITION)


def index_path(out: str, bars: int, shard: int, shards: int) -> str:
    """Where the index of the windows of so many bars of a shard of songs lies."""
    path: str = FileSystems.join(windows_folder(out, bars), shard_name("index", shard, shards))
    return path


def index_songs(
    numbered: tuple[int, str], shards: int, out: str, lengths: Sequence[int], cap: int, split: SplitConfig
) -> dict[int, Indexed]:
    """Writes an index a length of one (number, path) of the song shards."""
    shard, path = numbered
    found: dict[int, list[pa.Table]] = {bars: [INDEX.empty_table()] for bars in lengths}
    passed: Counter[int] = Counter()
    songs_before = arrangements = arrangements_cut = 0
    for rows, songs in read_songs(path, ["msd_id", "artist"]):
        identities = rows.to_pylist()
        for bars, cut in zip(lengths, windows(songs, lengths, cap), strict=True):
            validation = in_validation(identities, cut.songs, cut.hashes, split)
            numbers = (cut.songs + songs_before, cut.arrangements, cut.bars)
            columns = [*cut.hashes, *(number.astype(np.int32) for number in numbers), validation]
            found[bars].append(pa.table(columns, schema=INDEX))
            passed[bars] += cut.passed
        songs_before += len(rows)
        arrangements += int(songs.combinations.sum())
        arrangements_cut += int(np.maximum(songs.combinations - cap, 0).sum())
    for bars, tables in found.items():
        index = pa.concat_tables(tables)
        partition = index["hash_high"].to_numpy() % np.uint64(partitions(shards))
        with shard_writers(windows_folder(out, bars), {shard_name("index", shard, shards): INDEX}) as (writer,):
            for chosen in range(partitions(shards)):
                writer.write(index.filter(pa.array(partition == chosen)))
            writer.close()
    return {
        bars: Indexed(passed[bars], sum(map(len, tables)), arrangements, arrangements_cut)
        for bars, tables in found.items()
    }


def find_repeated(part: tuple[int, int], songs: list[str], out: str) -> Iterator[tuple[int, Repeated]]:
    """(shard number, `Repeated`) of every shard of songs that loses windows of the part: a length and a partition.

    Of a window's songs one keeps it: training wins over validation, then the smallest song id wins.
    """
    bars, partition = part
    parts = [read_row_group(index_path(out, bars, shard, len(songs)), partition) for shard in range(len(songs))]
    ends = np.cumsum([len(part) for part in parts])
    index = pa.concat_tables(parts)
    high, low, song, validation = (index[name].to_numpy() for name in ("hash_high", "hash_low", "song", "validation"))
    tied = _tied(high)
    shard = np.searchsorted(ends, tied, side="right")
    rank = _rank(shard, song[tied], songs)
    order = np.lexsort((rank, validation[tied], low[tied], high[tied]))
    first, second = tied[order[:-1]], tied[order[1:]]
    lost = second[(high[first] == high[second]) & (low[first] == low[second])]
    shard = np.searchsorted(ends, lost, side="right")
    for loser in np.unique(shard):
        yield int(loser), Repeated(bars, partition, lost[shard == loser] - (ends[loser] - len(parts[loser])))


def _tied(high: NDArray[np.uint64]) -> Rows:
    """The rows, ascending, whose half of a hash stands in more than one."""
    order = np.argsort(high)
    same = high[order[1:]] == high[order[:-1]]
    tied = np.zeros(len(order), dtype=bool)
    tied[order[1:][same]] = tied[order[:-1][same]] = True
    return np.flatnonzero(tied)


def _rank(shard: Rows, song: NDArray[np.int32], songs: list[str]) -> Rows:
    """The place of each (shard, song) among all those here, by msd_id and md5."""
    identities = np.empty((len(shard), 2), dtype=object)
    for one in np.unique(shard):
        table = pa.concat_tables(read_row_groups(songs[one], ["msd_id", "md5"]))
        here = shard == one
        for column, name in enumerate(("msd_id", "md5")):
            identities[here, column] = table[name].to_numpy()[song[here]]
    keys = list(map(tuple, identities))
    place = {identity: number for number, identity in enumerate(sorted(set(keys)))}
    return np.array([place[key] for key in keys], dtype=np.intp)


def read_index(path: str, repeated: Iterable[Repeated]) -> pa.Table:
    """The index of one shard in the order of its songs, arrangements and bars, without the windows that it loses."""
    lost = {part.partition: part.rows for part in repeated}
    kept = []
    for partition, table in enumerate(read_row_groups(path)):
        keeps = np.ones(len(table), dtype=bool)
        keeps[lost.get(partition, [])] = False
        kept.append(table.filter(pa.array(keeps)))
    return pa.concat_tables(kept).sort_by([(name, "ascending") for name in ("song", "arrangement", "bar")])
