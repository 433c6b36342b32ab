"""Where MIDI comes from: Lakh's two archives, or a folder of files. Both become the same rows of Parquet shards.

The archives are streamed: nothing of them is unpacked to disk, and no name inside them is used as a path.
"""

import csv
import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

import h5py
import numpy as np
import pyarrow as pa
from tqdm.utils import CallbackIOWrapper

from music.errors import InputError
from music.progress import Progress
from music.song import Reason
from pipelines.shards import FILES, Shard, ShardWriter, shard_name, shard_of, shard_writers, write_manifest

MIDI_ARCHIVE = "lmd_matched.tar.gz"
METADATA_ARCHIVE = "lmd_matched_h5.tar.gz"
TAGS = "tags.csv"
TAG_SEPARATOR = "|"
MIDI_SUFFIXES = {".mid", ".midi", ".kar"}
MAX_METADATA_BYTES = 64_000_000
BATCH_BYTES = 8_000_000

_MIDI_NAME = re.compile(r"(?:[^/]+/)*(TR[A-Z0-9]{16})/([0-9a-f]{32})\.mid")
_METADATA_NAME = re.compile(r"(?:[^/]+/)*(TR[A-Z0-9]{16})\.h5")


@dataclass(frozen=True)
class Metadata:
    """What is known of a song besides its notes; tags with the weights that listeners gave them."""

    artist: str = ""
    title: str = ""
    terms: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


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
    folder = Path(config.path)
    if (folder / MIDI_ARCHIVE).exists():
        rows = read_archives(folder, config.max_file_bytes)
    elif folder.is_dir():
        rows = read_folder(folder, config.max_file_bytes)
    else:
        raise InputError(f"{folder}: no such folder; set corpus.path to Lakh's two archives or a folder of MIDI files")
    schemas = {shard_name("files", index, config.shards): FILES for index in range(config.shards)}
    with shard_writers(out, schemas) as writers:
        batches = [_Batch(writer) for writer in writers]
        for row in rows:
            batches[shard_of(str(row["msd_id"]), config.shards)].add(row)
        written = [batch.close() for batch in batches]
    files = sum(shard.rows for shard in written)
    if not files:
        raise InputError(f"{folder}: neither {MIDI_ARCHIVE} nor any MIDI file in it; set corpus.path to one that has")
    write_manifest(out, written, config=asdict(config), files=files)
    return files


class _Batch:
    """Gathers rows into row groups of about `BATCH_BYTES`."""

    def __init__(self, writer: ShardWriter) -> None:
        self._writer = writer
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        midi = row["midi"]
        self._bytes += len(midi) if isinstance(midi, bytes) else 0
        if self._bytes > BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._writer.write(pa.Table.from_pylist(self._rows, schema=FILES))
        self._rows, self._bytes = [], 0

    def close(self) -> Shard:
        self._flush()
        return self._writer.close()


def read_archives(folder: Path, max_bytes: int) -> Iterator[Row]:
    """Rows of `FILES` from lmd_matched.tar.gz and lmd_matched_h5.tar.gz, or archives of their form."""
    known = read_metadata(folder / METADATA_ARCHIVE)
    for member, midi in _members(folder / MIDI_ARCHIVE, max_bytes):
        name = _MIDI_NAME.fullmatch(member.name)
        parts = PurePosixPath(member.name).parts
        path = _printable(member.name)
        msd_id, md5 = name.groups() if name else (path, "")
        metadata = known.get(msd_id, Metadata())
        if not member.isfile():
            yield _refused(msd_id, md5, path, Reason.NOT_A_FILE, "a link or a device")
        elif not name or ".." in parts:
            yield _refused(msd_id, md5, path, Reason.UNEXPECTED_NAME, "not .../TR<16>/<md5>.mid")
        elif midi is None:
            yield _refused(msd_id, md5, path, Reason.TOO_LARGE, f"{member.size} bytes, at most {max_bytes}")
        else:
            yield _row(msd_id, md5, path, midi, metadata)


def read_metadata(path: Path) -> dict[str, Metadata]:
    """Artist, title and tags of each track, from an archive of Million Song Dataset files."""
    known = {}
    for member, data in _members(path, MAX_METADATA_BYTES):
        name = _METADATA_NAME.fullmatch(member.name)
        if name and data is not None:
            known[name[1]] = _read_hdf5(f"{path}: {member.name}", data)
    return known


def _read_hdf5(name: str, data: bytes) -> Metadata:
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            song = file["metadata/songs"][0]
            terms = [term.decode("utf-8", "replace") for term in file["metadata/artist_terms"][:]]
            weights = np.asarray(file["metadata/artist_terms_weight"][:], dtype=float).tolist()
            artist, title = (song[key].decode("utf-8", "replace") for key in ("artist_name", "title"))
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{name}: not a Million Song Dataset file with /metadata/songs, artist_terms and artist_terms_weight "
            f"({error}); take it out of the archive or get the archive again"
        ) from error
    return Metadata(artist, title, terms, weights)


def _members(path: Path, max_bytes: int) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """Every member of the archive that is no folder, in order, while it streams past.

    With its bytes, or None for what is no regular file or larger than `max_bytes`.
    """
    if not path.exists():
        raise InputError(f"{path}: no such archive; it belongs beside {MIDI_ARCHIVE} (make lakh downloads both)")
    read = 0
    with path.open("rb") as file, Progress(f"reading {path.name}", path.stat().st_size, "B", scale=True) as progress:

        def advance(size: int) -> None:
            nonlocal read
            read += size
            progress.to(read)

        # tarfile's own "r|gz" takes a cut for the end of the archive, and never compares the checksum.
        unpacked = gzip.GzipFile(fileobj=CallbackIOWrapper(advance, file))
        try:
            with tarfile.open(fileobj=unpacked, mode="r|") as archive:
                for member in archive:
                    if member.isdir():
                        continue
                    file_inside = archive.extractfile(member) if member.isreg() else None
                    yield member, file_inside.read() if file_inside and member.size <= max_bytes else None
            while unpacked.read(BATCH_BYTES):
                pass
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise InputError(f"{path}: cut short or damaged ({error}); get it again (Lakh's: make lakh)") from error


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
