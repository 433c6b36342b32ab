"""Reads a folder of MIDI files, with tags from a CSV file or its folders' names. Every file is its own song."""

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from music.errors import InputError
from music.progress import Progress
from music.score import Reason
from pipelines.corpus.metadata import Metadata
from pipelines.corpus.rows import printable, readable_row, refused_row
from pipelines.shards import Row

TAGS = "tags.csv"
TAG_SEPARATOR = "|"
MIDI_SUFFIXES = {".mid", ".midi", ".kar"}


def read_folder(folder: Path, max_bytes: int) -> Iterator[Row]:
    """Yields a row for every MIDI file below the folder; the song's id is the file's path.

    The tags come from tags.csv (columns path and tags, the tags separated by "|"; columns artist and title if it has
    them), or without it from the names of the folders that the file is in. max_bytes: larger files are refused.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    metadata = _read_tags(folder) if (folder / TAGS).exists() else None
    with Progress(f"reading {folder}", len(paths), "file") as progress:
        for done, path in enumerate(paths, 1):
            name = printable(path.relative_to(folder).as_posix())
            if not path.is_file():
                yield refused_row(name, "", name, Reason.NOT_A_FILE, "not a regular file")
            elif path.stat().st_size > max_bytes:
                yield refused_row(name, "", name, Reason.TOO_LARGE, f"{path.stat().st_size} bytes, at most {max_bytes}")
            else:
                midi = path.read_bytes()
                md5 = hashlib.md5(midi, usedforsecurity=False).hexdigest()
                folders = list(PurePosixPath(name).parts[:-1])
                file_metadata = Metadata(terms=folders) if metadata is None else metadata.get(name, Metadata())
                yield readable_row(name, md5, name, midi, file_metadata)
            progress.to(done)


def _read_tags(folder: Path) -> dict[str, Metadata]:
    """Returns the metadata of each file by its path. Raises `InputError`."""
    try:
        text = (folder / TAGS).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{folder / TAGS}: not UTF-8 ({error}); save it as UTF-8") from error
    metadata = {}
    with io.StringIO(text, newline="") as file:
        rows = csv.DictReader(file)
        if not {"path", "tags"} <= set(rows.fieldnames or ()):
            raise InputError(f"{folder / TAGS}: its first line must name the columns path and tags (artist, title)")
        for row in rows:
            if not row["path"] or not (folder / row["path"]).is_file():
                raise InputError(f"{folder / TAGS}, line {rows.line_num}: no file {row['path']!r} in {folder}")
            terms = [tag.strip() for tag in (row["tags"] or "").split(TAG_SEPARATOR) if tag.strip()]
            path = PurePosixPath(row["path"]).as_posix()
            metadata[path] = Metadata(row.get("artist") or "", row.get("title") or "", terms)
    return metadata
