"""Parquet shards: their schemas, a writer that leaves whole files or none, and the manifest that comes last.

A folder without its manifest is unfinished and is not read.
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

MANIFEST = "manifest.json"
PARTIAL = ".partial"
"""How the name of an unfinished file ends."""
_TEXTS = pa.list_(pa.string())
IDENTITY = ("msd_id", "md5")
"""What tells one song from another."""
_IDENTITY = [(name, pa.string()) for name in IDENTITY]
_METADATA = [("artist", pa.string()), ("title", pa.string()), ("terms", _TEXTS), ("weights", pa.list_(pa.float32()))]
_REFUSAL = [("reason", pa.string()), ("detail", pa.string())]

FILES = pa.schema([*_IDENTITY, ("path", pa.string()), ("midi", pa.binary()), *_METADATA, *_REFUSAL])
"""One row a file of the corpus; `midi` is null and `reason` stands where the file was refused unread."""

SONGS = pa.schema(
    [*_IDENTITY, *_METADATA, ("steps", pa.int32()), ("counts", pa.list_(pa.int16(), 3)), ("tokens", pa.binary())]
)
"""One row a song kept; `tokens` is (tracks, steps) bytes, `counts` how many drum, bass and guitar/piano tracks."""

REFUSED = pa.schema([*_IDENTITY, ("path", pa.string()), *_REFUSAL])
"""One row a file refused."""


def windows_schema(bars: int) -> pa.Schema:
    """One row a window; `genres` index the vocabulary.

    `tokens` is (4, 16 * bars) bytes as the song has them, and `shift` by how much training transposes them: so the
    windows of a song, which overlap, stay alike, and compress twice as well.
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
    """A written shard: its file name, how many rows, and the SHA-256 of its bytes."""

    name: str
    rows: int
    sha256: str


def shard_of(identity: str, shards: int) -> int:
    """The shard that a song belongs to: the same on any machine, for any order of arrival."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "big") % shards


def shard_name(kind: str, index: int, shards: int) -> str:
    """File name of one shard of `shards`, for example songs-00003-of-00016.parquet."""
    return f"{kind}-{index:05d}-of-{shards:05d}.parquet"


def windows_folder(out: str, bars: int) -> str:
    """Where the windows of so many bars lie."""
    path: str = FileSystems.join(out, f"{bars}bar")
    return path


class ShardWriter:
    """Writes one shard under a temporary name and gives it its own name in `close`.

    The temporary name is each writer's own, so a runner may try a bundle again, or twice at once.
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
        """Whether the file has its name."""
        return self._file.closed

    def write(self, table: pa.Table) -> None:
        """Appends the table as a row group."""
        self._writer.write_table(table, row_group_size=max(len(table), 1))
        self._rows += len(table)

    def close(self) -> Shard:
        """Ends the file and gives it its name."""
        self._writer.close()
        self._file.close()
        FileSystems.rename([self._partial], [self._path])
        return Shard(self._name, self._rows, self._file.sha256.hexdigest())

    def abandon(self) -> None:
        """Takes the unfinished file away, even where its end cannot be written."""
        for close in (self._writer.close, self._file.close):
            with suppress(Exception):
                close()
        FileSystems.delete([self._partial])


@contextmanager
def shard_writers(folder: str, schemas: Mapping[str, pa.Schema]) -> Iterator[tuple[ShardWriter, ...]]:
    """One writer a file name; on an error none of the files is left."""
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
    """Passes bytes on to a file and takes their SHA-256 on the way."""

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
    """The shard's row groups, one after another."""
    with _parquet(path) as shard:
        for group in range(shard.num_row_groups):
            yield shard.read_row_group(group, columns=columns)


def read_row_group(path: str, group: int) -> pa.Table:
    """One row group of the shard."""
    with _parquet(path) as shard:
        return shard.read_row_group(group)


@contextmanager
def _parquet(path: str) -> Iterator[pq.ParquetFile]:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        yield pq.ParquetFile(file)


def write_manifest(folder: str, shards: list[Shard], **provenance: Any) -> None:
    """Ends the folder: its shards by name, and where they come from."""
    ordered = sorted(shards, key=lambda shard: shard.name)
    digest = hashlib.sha256("".join(shard.sha256 for shard in ordered).encode()).hexdigest()
    manifest = {"digest": digest, **provenance, "shards": [asdict(shard) for shard in ordered]}
    write_text(FileSystems.join(folder, MANIFEST), json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def write_text(path: str, text: str) -> None:
    """Writes a small file that is there whole or not at all."""
    partial = _partial(path)
    with FileSystems.create(partial, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(text.encode())
    FileSystems.rename([partial], [path])


def _partial(path: str) -> str:
    return f"{path}.{uuid4().hex}{PARTIAL}"


def read_manifest(folder: str) -> dict[str, Any]:
    """The folder's manifest; raises `InputError` where there is none."""
    path = FileSystems.join(folder, MANIFEST)
    if not FileSystems.exists(path):
        raise InputError(f"{folder}: no {MANIFEST}, so the shards are not whole; run the stage that writes them again")
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        manifest: dict[str, Any] = json.loads(file.read())
    return manifest


def shard_paths(folder: str, kind: str) -> list[str]:
    """Paths of the shards of one kind that the manifest names, in order."""
    names = [shard["name"] for shard in read_manifest(folder)["shards"]]
    return [FileSystems.join(folder, name) for name in names if name.startswith(f"{kind}-")]
