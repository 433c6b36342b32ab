"""Reads a folder of MIDI files, with tags from a CSV file or its folders' names. Every file is its own song."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from music.progress import Progress
from music.score import Reason, Refused
from pipelines.corpus.metadata import Metadata
from pipelines.corpus.remarks import Remarks
from pipelines.corpus.rows import readable_row, refused_row
from pipelines.corpus.tags import TAGS, read_tags, tags_of_folders
from pipelines.corpus.walk import find_files, unreadable
from pipelines.shards import Row


def read_folder(folder: Path, max_bytes: int, remarks: Remarks) -> Iterator[Row]:
    """Yields a row for every MIDI file below the folder; the song's id is the file's path.

    What cannot be read is a row with the reason; `find_files` says what is looked for, and which links are followed.
    The tags come from tags.csv (columns path and tags, the tags separated by "|"; columns artist and title if it has
    them), or without it from the names of the folders that the file is in. max_bytes: larger files are refused. Raises
    `InputError` for a tags.csv that cannot be applied.
    """
    found = find_files(folder, remarks)
    names = {file.name for file in found if not file.refused}
    listed = os.path.lexists(folder / TAGS)
    metadata = read_tags(folder, names, remarks) if listed else tags_of_folders(names, remarks)
    with Progress(f"reading {folder}", len(found), "file") as progress:
        for done, file in enumerate(found, 1):
            try:
                if file.refused:
                    raise file.refused
                midi = _read(file.path, max_bytes)
            except Refused as refusal:
                yield refused_row(file.name, "", file.name, refusal.reason, refusal.detail)
            else:
                md5 = hashlib.md5(midi, usedforsecurity=False).hexdigest()
                yield readable_row(file.name, md5, file.name, midi, metadata.get(file.name, Metadata()))
            progress.to(done)


def _read(path: Path, max_bytes: int) -> bytes:
    """Returns the file's bytes. Raises `Refused`."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise Refused(Reason.TOO_LARGE, f"{size} bytes, at most {max_bytes}")
        return path.read_bytes()
    except OSError as error:
        raise unreadable(error) from error
