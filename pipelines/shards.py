"""Parquet shards: their schemas, a writer that leaves whole files or none, and the manifest that is written last.

A folder without a manifest is unfinished, and is not read.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from music.errors import InputError
from music.tokens import STEPS_PER_BAR, TRACKS

Row = dict[str, Any]
"""A row of one of the tables below, by column."""

MANIFEST = "manifest.json"
PARTIAL = ".partial"
"""The ending of the names of unfinished files."""
IDENTITY = ("msd_id", "md5")
"""The song's id and the file's MD5, which together identify a file: a song may have several."""
_IDENTITY = [(name, pa.string()) for name in IDENTITY]
_METADATA = [("artist", pa.string()), ("title", pa.string()), ("terms", pa.list_(pa.string()))]
_REFUSAL = [("reason", pa.string()), ("detail", pa.string())]

FILES = pa.schema([*_IDENTITY, ("path", pa.string()), ("midi", pa.binary()), *_METADATA, *_REFUSAL])
"""A row for each file of the corpus. If the file was refused unread, `midi` is null and `reason` is not."""

SONGS = pa.schema(
    [
        *_IDENTITY,
        *_METADATA,
        ("meter_notation", pa.string()),
        ("steps", pa.int32()),
        ("counts", pa.list_(pa.int16(), 3)),
        ("tokens", pa.binary()),
    ]
)
"""A row for each file kept, so a song has as many rows as it has such files.

`meter_notation` is a `music.score.MeterNotation`, `tokens` are (tracks, steps) bytes, and `counts` says how many drum,
bass and guitar/piano tracks they have.
"""

REFUSED = pa.schema([*_IDENTITY, ("path", pa.string()), *_REFUSAL])
"""A row for each file refused."""


def windows_schema(bars: int) -> pa.Schema:
    """Returns the schema of windows of `bars` bars, a row for each; `genres` are indices into the vocabulary.

    `tokens` are (4, 16 * bars) bytes as the file has them, and `shift` is how many semitones training transposes them.
    Untransposed, the overlapping windows of a file stay alike, and compress twice as well.
    """
    return pa.schema(
        [
            ("tokens", pa.binary(len(TRACKS) * STEPS_PER_BAR * bars)),
            *_IDENTITY,
            ("bar", pa.int32()),
            ("tracks", pa.list_(pa.int16(), 3)),
            ("shift", pa.int8()),
            ("genres", pa.list_(pa.uint8())),
        ]
    )


@dataclass(frozen=True)
class Shard:
    """A written shard: its file name, its number of rows, and the SHA-256 of its bytes."""

    name: str
    rows: int
    sha256: str


def shard_of(identity: str, shards: int) -> int:
    """Returns the number of the shard that a song belongs to, which depends only on the song's id."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "big") % shards


def shard_name(kind: str, index: int, shards: int) -> str:
    """Returns the file name of a shard, for example songs-00003-of-00016.parquet."""
    return f"{kind}-{index:05d}-of-{shards:05d}.parquet"


def windows_folder(out: str, bars: int) -> str:
    """Returns the folder, in `out`, of the windows that are `bars` long."""
    path: str = FileSystems.join(out, f"{bars}bar")
    return path


class ShardWriter:
    """Writes a shard under a temporary name, and renames it in `close`.

    No two writers have the same temporary name, so a runner may repeat a bundle, even twice at the same time.
    """

    def __init__(self, folder: str, name: str, schema: pa.Schema) -> None:
        self._path = FileSystems.join(folder, name)
        self._partial = _partial(self._path)
        self._file = _HashingFile(FileSystems.create(self._partial, compression_type=CompressionTypes.UNCOMPRESSED))
        names = [name for name in IDENTITY if name in schema.names]
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", use_dictionary=names, write_statistics=names
        )
        self._name, self._rows = name, 0
        self.schema = schema

    @property
    def closed(self) -> bool:
        """Whether the shard is finished."""
        return self._file.closed

    def write(self, table: pa.Table) -> None:
        """Appends the table as one row group."""
        self._writer.write_table(table, row_group_size=max(len(table), 1))
        self._rows += len(table)

    def close(self) -> Shard:
        """Ends the file and renames it."""
        self._writer.close()
        self._file.close()
        FileSystems.rename([self._partial], [self._path])
        return Shard(self._name, self._rows, self._file.sha256.hexdigest())

    def abandon(self) -> None:
        """Deletes the unfinished file, even if its end cannot be written."""
        for close in (self._writer.close, self._file.close):
            with suppress(Exception):
                close()
        FileSystems.delete([self._partial])


@contextmanager
def shard_writers(folder: str, schemas: Mapping[str, pa.Schema]) -> Iterator[tuple[ShardWriter, ...]]:
    """Yields a writer for each file name; after an error, no unfinished file is left."""
    writers: list[ShardWriter] = []
    try:
        for name, schema in schemas.items():
            writers.append(ShardWriter(folder, name, schema))
        yield tuple(writers)
    except BaseException:
        for writer in writers:
            if not writer.closed:
                writer.abandon()
        raise


class _HashingFile(io.RawIOBase):
    """A file that computes the SHA-256 of the bytes written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self._file.write(data)
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        if not self.closed:
            self._file.flush()

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()


def read_row_groups(path: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yields the row groups of the shard, in order."""
    with _parquet(path) as shard:
        for group in range(shard.num_row_groups):
            yield shard.read_row_group(group, columns=columns)


def read_row_group(path: str, group: int) -> pa.Table:
    """Returns one row group of the shard."""
    with _parquet(path) as shard:
        return shard.read_row_group(group)


@contextmanager
def _parquet(path: str) -> Iterator[pq.ParquetFile]:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        yield pq.ParquetFile(file)


def write_manifest(folder: str, shards: list[Shard], **provenance: Any) -> None:
    """Finishes the folder with a manifest: its shards, by name, and where they come from."""
    ordered = sorted(shards, key=lambda shard: shard.name)
    digest = hashlib.sha256("".join(shard.sha256 for shard in ordered).encode()).hexdigest()
    manifest = {"digest": digest, **provenance, "shards": [asdict(shard) for shard in ordered]}
    write_text(FileSystems.join(folder, MANIFEST), json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def write_text(path: str, text: str) -> None:
    """Writes a small file, which appears whole or not at all."""
    partial = _partial(path)
    with FileSystems.create(partial, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(text.encode())
    FileSystems.rename([partial], [path])


def _partial(path: str) -> str:
    return f"{path}.{uuid4().hex}{PARTIAL}"


def read_manifest(folder: str) -> dict[str, Any]:
    """Returns the folder's manifest. Raises `InputError` if there is none."""
    path = FileSystems.join(folder, MANIFEST)
    if not FileSystems.exists(path):
        raise InputError(f"{folder}: no {MANIFEST}, so the shards are unfinished; run the stage that writes them again")
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        manifest: dict[str, Any] = json.loads(file.read())
    return manifest


def shard_paths(folder: str, kind: str) -> list[str]:
    """Returns the paths of the shards of one kind that the manifest names, in order."""
    names = [shard["name"] for shard in read_manifest(folder)["shards"]]
    return [FileSystems.join(folder, name) for name in names if name.startswith(f"{kind}-")]
