"""Where MIDI comes from: Lakh's two archives, or a folder of files. Both become the same rows of Parquet shards.

The archives are streamed: nothing of them is unpacked to disk, and no name inside them is used as a path.
"""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
from apache_beam.io.filesystems import FileSystems

from music.errors import InputError
from music.progress import Progress
from music.song import Reason, Refused
from pipelines.corpus.archives import read_members
from pipelines.corpus.metadata import Metadata
from pipelines.isolation import call_all
from pipelines.shards import FILES, Shard, ShardWriter, shard_name, shard_of, shard_writers, write_manifest

MIDI_ARCHIVE = "lmd_matched.tar.gz"
METADATA_ARCHIVE = "lmd_matched_h5.tar.gz"
TAGS = "tags.csv"
TAG_SEPARATOR = "|"
MIDI_SUFFIXES = {".mid", ".midi", ".kar"}
MAX_METADATA_BYTES = 16_000_000
BUFFER_BYTES = 1 << 28
"""Of MIDI that waits to be written, for all shards together."""
ROW_GROUP_BYTES = 8_000_000
"""Of MIDI, at most."""

_MIDI_NAME = re.compile(r"(?:[^/]+/)*(TR[A-Z0-9]{16})/([0-9a-f]{32})\.mid")
_METADATA_NAME = re.compile(r"(?:[^/]+/)*(TR[A-Z0-9]{16})\.h5")


@dataclass(frozen=True)
class CorpusConfig:
    """Section `corpus` of params.yaml."""

    path: str
    shards: int
    max_file_bytes: int

    def __post_init__(self) -> None:
        if not 1 <= self.shards <= 10_000:
            raise ValueError("shards must be from 1 to 10000")
        if self.max_file_bytes < 1:
            raise ValueError("max_file_bytes must be at least 1")


Row = dict[str, object]


def write_corpus(config: CorpusConfig, out: str) -> int:
    """Streams the corpus into `config.shards` Parquet shards, by hash of the song id; returns how many files."""
    folder = config.path
    if _has(folder, MIDI_ARCHIVE):
        rows = read_archives(folder, config.max_file_bytes)
    elif Path(folder).is_dir():
        rows = read_folder(Path(folder), config.max_file_bytes)
    else:
        raise InputError(f"{folder}: no such folder; set corpus.path to Lakh's two archives or a folder of MIDI files")
    schemas = {shard_name("files", index, config.shards): FILES for index in range(config.shards)}
    with shard_writers(out, schemas) as writers:
        size = min(BUFFER_BYTES // config.shards, ROW_GROUP_BYTES)
        batches = [_Batch(writer, size) for writer in writers]
        for row in rows:
            batches[shard_of(str(row["msd_id"]), config.shards)].add(row)
        written = [batch.close() for batch in batches]
    files = sum(shard.rows for shard in written)
    if not files:
        raise InputError(f"{folder}: neither {MIDI_ARCHIVE} nor any MIDI file in it; set corpus.path to one that has")
    write_manifest(out, written, config=asdict(config), files=files)
    return files


def _has(folder: str, name: str) -> bool:
    try:
        return bool(FileSystems.exists(FileSystems.join(folder, name)))
    except ValueError as error:  # a kind of address that Beam does not know, or not without an extra
        raise InputError(f"{folder}: {error}") from error


class _Batch:
    """Gathers rows into row groups of about so many bytes of MIDI."""

    def __init__(self, writer: ShardWriter, size: int) -> None:
        self._writer, self._size = writer, size
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        midi = row["midi"]
        self._bytes += len(midi) if isinstance(midi, bytes) else 0
        if self._bytes > self._size:
            self._flush()

    def _flush(self) -> None:
        self._writer.write(pa.Table.from_pylist(self._rows, schema=FILES))
        self._rows, self._bytes = [], 0

    def close(self) -> Shard:
        self._flush()
        return self._writer.close()


def read_archives(folder: str, max_bytes: int) -> Iterator[Row]:
    """Rows of `FILES` from lmd_matched.tar.gz and lmd_matched_h5.tar.gz, or archives of their form.

    Members of the same name are a row each.
    """
    metadata_archive = FileSystems.join(folder, METADATA_ARCHIVE)
    if not _has(folder, METADATA_ARCHIVE):
        raise InputError(
            f"{metadata_archive}: no such archive; it belongs beside {MIDI_ARCHIVE} (make lakh downloads both)"
        )
    known = read_metadata(metadata_archive)
    for member, midi in read_members(FileSystems.join(folder, MIDI_ARCHIVE), max_bytes):
        name = _MIDI_NAME.fullmatch(member.name)
        parts = PurePosixPath(member.name).parts
        path = _printable(member.name)
        msd_id, md5 = name.groups() if name else (path, "")
        metadata = known.get(msd_id, Metadata())
        if not member.isfile() or member.issparse():
            yield _refused(msd_id, md5, path, Reason.NOT_A_FILE, "a link, a device or a sparse file")
        elif not name or ".." in parts:
            yield _refused(msd_id, md5, path, Reason.UNEXPECTED_NAME, "not .../TR<16>/<md5>.mid")
        elif midi is None:
            yield _refused(msd_id, md5, path, Reason.TOO_LARGE, f"{member.size} bytes, at most {max_bytes}")
        else:
            yield _row(msd_id, md5, path, midi, metadata)


def read_metadata(path: str) -> dict[str, Metadata]:
    """Artist, title and tags of each track, from an archive of Million Song Dataset files, on all cores."""
    known = {}
    for (msd_id, name), answer in call_all(
        "pipelines.corpus.metadata:read_hdf5", _metadata_files(path), os.cpu_count() or 1
    ):
        if isinstance(answer, Refused):
            raise InputError(f"{path}: {name}: {answer.detail}; take it out of the archive or get the archive again")
        known[msd_id] = Metadata(*json.loads(answer))
    return known


def _metadata_files(path: str) -> Iterator[tuple[tuple[str, str], bytes]]:
    """(track id, name), contents."""
    for member, data in read_members(path, MAX_METADATA_BYTES):
        name = _METADATA_NAME.fullmatch(member.name)
        if not name:
            continue
        if data is None:
            raise InputError(f"{path}: {member.name}: no file of at most {MAX_METADATA_BYTES} bytes; take it out")
        yield (name[1], member.name), data


def read_folder(folder: Path, max_bytes: int) -> Iterator[Row]:
    """Rows of `FILES` from every MIDI file below the folder; the song id is the path.

    Tags come from tags.csv (columns path and tags, tags separated by "|"; artist and title where given), else
    from the names of the folders that the file is in.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    known = _read_tags(folder) if (folder / TAGS).exists() else None
    with Progress(f"reading {folder}", len(paths), "file") as progress:
        for done, path in enumerate(paths, 1):
            name = _printable(path.relative_to(folder).as_posix())
            folders = list(PurePosixPath(name).parts[:-1])
            metadata = known.get(name, Metadata()) if known is not None else _tagged(folders)
            if not path.is_file():
                yield _refused(name, "", name, Reason.NOT_A_FILE, "not a regular file")
            elif path.stat().st_size > max_bytes:
                detail = f"{path.stat().st_size} bytes, at most {max_bytes}"
                yield _refused(name, "", name, Reason.TOO_LARGE, detail)
            else:
                midi = path.read_bytes()
                yield _row(name, hashlib.md5(midi, usedforsecurity=False).hexdigest(), name, midi, metadata)
            progress.to(done)


def _tagged(terms: list[str], artist: str = "", title: str = "") -> Metadata:
    return Metadata(artist, title, terms, [1.0] * len(terms))


def _read_tags(folder: Path) -> dict[str, Metadata]:
    try:
        text = (folder / TAGS).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{folder / TAGS}: not UTF-8 ({error}); save it as UTF-8") from error
    known = {}
    with io.StringIO(text, newline="") as file:
        rows = csv.DictReader(file)
        if not {"path", "tags"} <= set(rows.fieldnames or ()):
            raise InputError(f"{folder / TAGS}: its first line must name the columns path and tags (artist, title)")
        for row in rows:
            if not row["path"] or not (folder / row["path"]).is_file():
                raise InputError(f"{folder / TAGS}, line {rows.line_num}: no file {row['path']!r} in {folder}")
            terms = [tag.strip() for tag in (row["tags"] or "").split(TAG_SEPARATOR) if tag.strip()]
            path = PurePosixPath(row["path"]).as_posix()
            known[path] = _tagged(terms, row.get("artist") or "", row.get("title") or "")
    return known


def _printable(name: str) -> str:
    """The name as text for a table: bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "backslashreplace").decode()


def _row(msd_id: str, md5: str, path: str, midi: bytes, metadata: Metadata) -> Row:
    return {"msd_id": msd_id, "md5": md5, "path": path, "midi": midi, **asdict(metadata)}


def _refused(msd_id: str, md5: str, path: str, reason: Reason, detail: str) -> Row:
    return {"msd_id": msd_id, "md5": md5, "path": path, "midi": None, "reason": str(reason), "detail": detail}
