"""The index of windows. It finds windows that occur in several files, so that only one file keeps each.

While the windows of a length are made, an index shard lies beside each song shard's windows: a row for each window, a
row group for each partition of the hashes. To find repeats, one partition of every index shard is read at a time. So
hashes pass through files, not through Beam's shuffle, and memory grows with the size of a shard, not with the number of
shards.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from numpy.typing import NDArray

from music.windows import find_windows
from pipelines.beam.runners import add_to_counters
from pipelines.shards import IDENTITY, read_row_group, read_row_groups, shard_name, shard_writers, windows_folder
from pipelines.songs import read_songs
from pipelines.split import SplitConfig, split_limit, split_places

INDEX = pa.schema(
    [
        *((name, pa.uint64()) for name in ("hash_high", "hash_low")),
        *((name, pa.int32()) for name in ("file", "arrangement", "bar")),
        ("place", pa.float64()),
    ]
)
"""A row for each window; `file` is the row of the song shard, `arrangement` a number as in `ScoreBatch`, and `place` as
in `split_places`.
"""

SHARDS_PER_PARTITION = 64

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class IndexReport:
    """The numbers of windows and arrangements of a song shard, for one length."""

    passed: int
    """The number of windows that pass the rule of silence, including repeats."""
    unique_in_file: int
    """The number of these without repeats within a file."""
    arrangements: int
    arrangements_cut: int
    """Arrangements beyond the cap."""
    lowest_place: float
    highest_place: float
    """The windows' lowest and highest `split_places`; infinity and minus infinity if there are no windows."""


@dataclass(frozen=True)
class RepeatedWindows:
    """Windows of one index shard that are left out there, because another file keeps them."""

    bars: int
    partition: int
    rows: Rows
    """Rows of the partition's row group."""


def partitions(shards: int) -> int:
    """Returns the number of partitions of the hashes, which grows with the shards, so that a partition does not."""
    return -(-shards // SHARDS_PER_PARTITION)


def index_path(out: str, bars: int, shard: int, shards: int) -> str:
    """Returns the path of the index of a song shard's windows that are `bars` long."""
    path: str = FileSystems.join(windows_folder(out, bars), shard_name("index", shard, shards))
    return path


def index_songs(
    numbered: tuple[int, str], shards: int, out: str, lengths: Sequence[int], cap: int, split: SplitConfig
) -> dict[int, IndexReport]:
    """Writes the index of a song shard, given as (number, path), for each length; returns a report for each length."""
    shard, path = numbered
    tables: dict[int, list[pa.Table]] = {bars: [INDEX.empty_table()] for bars in lengths}
    passed: Counter[int] = Counter()
    files_before = arrangements = arrangements_cut = 0
    for rows, batch in read_songs(path, ["msd_id", "artist"]):
        identities = rows.to_pylist()
        for bars, found in zip(lengths, find_windows(batch, lengths, cap), strict=True):
            places = split_places(identities, found.scores, found.hashes, split)
            numbers = (found.scores + files_before, found.arrangements, found.bars)
            columns = [*found.hashes, *(number.astype(np.int32) for number in numbers), places]
            tables[bars].append(pa.table(columns, schema=INDEX))
            passed[bars] += found.passed
        files_before += len(rows)
        arrangements += int(batch.arrangements.sum())
        arrangements_cut += int(np.maximum(batch.arrangements - cap, 0).sum())
    reports = {}
    for bars, parts in tables.items():
        index = pa.concat_tables(parts)
        _write_index(index, index_path(out, bars, shard, shards), partitions(shards))
        add_to_counters("windows", {f"passed_{bars}bar": passed[bars], f"unique_in_file_{bars}bar": len(index)})
        places = index["place"].to_numpy()
        lowest, highest = places.min(initial=math.inf), places.max(initial=-math.inf)
        reports[bars] = IndexReport(passed[bars], len(index), arrangements, arrangements_cut, lowest, highest)
    return reports


def split_limits(indexed: Sequence[dict[int, IndexReport]], validation: float) -> dict[int, float]:
    """Returns the `split_limit` of each length, from the reports of all song shards."""
    return {
        bars: split_limit(
            min(reports[bars].lowest_place for reports in indexed),
            max(reports[bars].highest_place for reports in indexed),
            validation,
        )
        for bars in indexed[0]
    }


def _write_index(index: pa.Table, path: str, parts: int) -> None:
    """Writes the index, a row group for each of the partitions."""
    partition = index["hash_high"].to_numpy() % np.uint64(parts)
    folder, name = FileSystems.split(path)
    with shard_writers(folder, {name: INDEX}) as (writer,):
        for chosen in range(parts):
            writer.write(index.filter(pa.array(partition == chosen)))
        writer.close()


def find_repeated(
    part: tuple[int, int], songs: list[str], out: str, limits: dict[int, float]
) -> Iterator[tuple[int, RepeatedWindows]]:
    """Finds the windows of a (length, partition) that several files have; yields (shard number, windows it loses).

    One file keeps such a window: training wins over validation, then the smallest song id, then the smallest MD5.
    songs: the paths of all song shards; limits: as `split_limits` returns them.
    """
    bars, partition = part
    parts = [read_row_group(index_path(out, bars, shard, len(songs)), partition) for shard in range(len(songs))]
    ends = np.cumsum([len(part) for part in parts])
    index = pa.concat_tables(parts)
    high, low, file, place = (index[name].to_numpy() for name in ("hash_high", "hash_low", "file", "place"))
    tied = _tied(high)
    shard = np.searchsorted(ends, tied, side="right")
    rank = _rank(shard, file[tied], songs)
    order = np.lexsort((rank, place[tied] < limits[bars], low[tied], high[tied]))
    first, second = tied[order[:-1]], tied[order[1:]]
    lost = second[(high[first] == high[second]) & (low[first] == low[second])]
    add_to_counters("windows", {f"repeated_across_files_{bars}bar": len(lost)})
    shard = np.searchsorted(ends, lost, side="right")
    for loser in np.unique(shard):
        yield int(loser), RepeatedWindows(bars, partition, lost[shard == loser] - (ends[loser] - len(parts[loser])))


def _tied(high: NDArray[np.uint64]) -> Rows:
    """Returns the rows, ascending, whose half of a hash occurs more than once."""
    order = np.argsort(high)
    equal = high[order[1:]] == high[order[:-1]]
    tied = np.zeros(len(order), dtype=bool)
    tied[order[1:][equal]] = tied[order[:-1][equal]] = True
    return np.flatnonzero(tied)


def _rank(shard: Rows, file: NDArray[np.int32], songs: list[str]) -> Rows:
    """Returns the place of each (shard, file) among all those given, in order of `IDENTITY`."""
    identities = np.empty((len(shard), len(IDENTITY)), dtype=object)
    for number in np.unique(shard):
        table = pa.concat_tables(read_row_groups(songs[number], list(IDENTITY)))
        in_shard = shard == number
        for column, name in enumerate(IDENTITY):
            identities[in_shard, column] = table[name].to_numpy()[file[in_shard]]
    keys = list(map(tuple, identities))
    place = {identity: number for number, identity in enumerate(sorted(set(keys)))}
    return np.array([place[key] for key in keys], dtype=np.intp)


def read_index(path: str, repeated: Iterable[RepeatedWindows]) -> pa.Table:
    """Reads an index shard in order of file, arrangement and bar, without the windows that it loses."""
    lost = {part.partition: part.rows for part in repeated}
    kept = []
    for partition, table in enumerate(read_row_groups(path)):
        keeps = np.ones(len(table), dtype=bool)
        keeps[lost.get(partition, [])] = False
        kept.append(table.filter(pa.array(keeps)))
    return pa.concat_tables(kept).sort_by([(name, "ascending") for name in ("file", "arrangement", "bar")])
