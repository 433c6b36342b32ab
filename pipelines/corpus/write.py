"""Writes a corpus, Lakh's archives or a folder of MIDI files, as rows of Parquet shards."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import pyarrow as pa

from music.errors import InputError
from music.settings import Settings, at_least, from_to
from pipelines.corpus.folder import read_folder
from pipelines.corpus.lakh import MIDI_ARCHIVE, has_archive, read_archives
from pipelines.corpus.remarks import Remarks
from pipelines.shards import FILES, Row, Shard, ShardWriter, shard_name, shard_of, shard_writers, write_manifest

BUFFER_BYTES = 1 << 28
"""The MIDI that waits to be written, in all shards together, takes at most this much memory."""
ROW_GROUP_BYTES = 8_000_000
"""A row group holds about this much MIDI at most."""


@dataclass(frozen=True)
class CorpusConfig(Settings):
    """Section `corpus` of params.yaml."""

    path: str
    """A folder with Lakh's two archives, which may be remote, or a local folder of MIDI files."""
    shards: Annotated[int, from_to(1, 10_000)]
    max_file_bytes: Annotated[int, at_least(1)]
    """Larger files are refused."""


def write_corpus(config: CorpusConfig, out: str) -> int:
    """Streams the corpus into shards, by hash of the song id; returns how many files it has.

    The manifest has what there is to say about the corpus. Raises `InputError`.
    """
    schemas = {shard_name("files", index, config.shards): FILES for index in range(config.shards)}
    size = min(BUFFER_BYTES // config.shards, ROW_GROUP_BYTES)
    remarks = Remarks()
    rows = _read(config, remarks)
    readable = 0
    with shard_writers(out, schemas) as writers:
        buffers = [_Buffer(writer, size) for writer in writers]
        for row in rows:
            buffers[shard_of(str(row["msd_id"]), config.shards)].add(row)
            if "reason" in row:
                remarks.add(f"refused unread, as {row['reason']}", f"{row['path']}: {row['detail']}")
            else:
                readable += 1
        written = [buffer.close() for buffer in buffers]
    collected = remarks.collected()
    if not readable:
        seen = f" ({'; '.join(map(str, collected))})" if collected else ""
        raise InputError(f"{config.path}: no MIDI file in it that can be read{seen}; set corpus.path to other music")
    files = sum(shard.rows for shard in written)
    write_manifest(out, written, config=asdict(config), files=files, remarks=[asdict(remark) for remark in collected])
    return files


def _read(config: CorpusConfig, remarks: Remarks) -> Iterator[Row]:
    if has_archive(config.path, MIDI_ARCHIVE):
        return read_archives(config.path, config.max_file_bytes, remarks)
    if Path(config.path).is_dir():
        return read_folder(Path(config.path), config.max_file_bytes, remarks)
    raise InputError(f"{config.path}: no such folder; set corpus.path to Lakh's two archives or a folder of MIDI files")


class _Buffer:
    """Collects the rows of a shard into row groups of about `size` bytes of MIDI."""

    def __init__(self, writer: ShardWriter, size: int) -> None:
        self._writer, self._size = writer, size
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, row: Row) -> None:
        """Takes a row, and writes the row group once it is large enough."""
        self._rows.append(row)
        midi = row["midi"]
        self._bytes += len(midi) if isinstance(midi, bytes) else 0
        if self._bytes > self._size:
            self._flush()

    def _flush(self) -> None:
        self._writer.write(pa.Table.from_pylist(self._rows, schema=FILES))
        self._rows, self._bytes = [], 0

    def close(self) -> Shard:
        """Writes the last row group and finishes the shard."""
        self._flush()
        return self._writer.close()
