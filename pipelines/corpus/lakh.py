"""Reads Lakh's two archives, lmd_matched.tar.gz and lmd_matched_h5.tar.gz, or others of the same form.

They are streamed: nothing is unpacked to disk, and no name inside them is used as a path.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from apache_beam.io.filesystems import FileSystems

from music.errors import InputError
from music.score import Reason, Refused
from pipelines.corpus.archives import read_members
from pipelines.corpus.metadata import Metadata
from pipelines.corpus.remarks import Remarks
from pipelines.corpus.rows import printable, readable_row, refused_row
from pipelines.isolation import call_all
from pipelines.shards import Row

MIDI_ARCHIVE = "lmd_matched.tar.gz"
METADATA_ARCHIVE = "lmd_matched_h5.tar.gz"
MAX_METADATA_BYTES = 16_000_000

_MIDI_NAME = re.compile(r"(?:[^/]+/)*(TR[A-Z0-9]{16})/([0-9a-f]{32})\.mid")
_METADATA_NAME = re.compile(r"(?:[^/]+/)*(TR[A-Z0-9]{16})\.h5")


def has_archive(folder: str, name: str) -> bool:
    """Returns whether the folder, which may be remote, has the archive. Raises `InputError` for an unknown scheme."""
    try:
        return bool(FileSystems.exists(FileSystems.join(folder, name)))
    except ValueError as error:  # Beam does not know the scheme, or needs an extra for it
        raise InputError(f"{folder}: {error}") from error


def read_archives(folder: str, max_bytes: int, remarks: Remarks) -> Iterator[Row]:
    """Yields a row for every member of the MIDI archive, even if several have the same name.

    max_bytes: larger files are refused. The remarks count songs whose metadata is missing or damaged, and what lies
    beside the archives in a local folder. Raises `InputError` for an archive that is missing or damaged.
    """
    metadata_archive = FileSystems.join(folder, METADATA_ARCHIVE)
    if not has_archive(folder, METADATA_ARCHIVE):
        raise InputError(
            f"{metadata_archive}: no such archive; it belongs beside {MIDI_ARCHIVE} (make lakh downloads both)"
        )
    if Path(folder).is_dir():
        for entry in sorted({path.name for path in Path(folder).iterdir()} - {MIDI_ARCHIVE, METADATA_ARCHIVE}):
            remarks.add(f"files and folders not read, because they lie beside {MIDI_ARCHIVE}", printable(entry))
    metadata = read_metadata(metadata_archive, remarks)
    for member, midi in read_members(FileSystems.join(folder, MIDI_ARCHIVE), max_bytes):
        name = _MIDI_NAME.fullmatch(member.name)
        path = printable(member.name)
        msd_id, md5 = name.groups() if name else (path, "")
        if not member.isfile() or member.issparse():
            yield refused_row(msd_id, md5, path, Reason.NOT_A_FILE, "a link, a device or a sparse file")
        elif not name or ".." in PurePosixPath(member.name).parts:
            yield refused_row(msd_id, md5, path, Reason.UNEXPECTED_NAME, "not .../TR<16>/<md5>.mid")
        elif midi is None:
            yield refused_row(msd_id, md5, path, Reason.TOO_LARGE, f"{member.size} bytes, at most {max_bytes}")
        else:
            if msd_id not in metadata:
                remarks.add(f"files without tags, because their songs have no HDF5 file in {METADATA_ARCHIVE}", path)
            yield readable_row(msd_id, md5, path, midi, metadata.get(msd_id, Metadata()))


def read_metadata(path: str, remarks: Remarks) -> dict[str, Metadata]:
    """Reads an archive of Million Song Dataset files, on all cores; returns the metadata of each song by its id.

    A song whose file is damaged has empty metadata. The remarks count those, songs without tags, and other members.
    """
    metadata: dict[str, Metadata] = {}
    for (msd_id, name), answer in call_all(
        "pipelines.corpus.metadata:read_hdf5", _metadata_files(path, remarks), os.cpu_count() or 1
    ):
        if isinstance(answer, Refused):
            remarks.add("HDF5 files that cannot be read, so that their songs have no tags", f"{name}: {answer.detail}")
            metadata.setdefault(msd_id, Metadata())
            continue
        if msd_id in metadata:
            remarks.add("HDF5 files of a song that has another, of which the last counts", name)
        metadata[msd_id] = Metadata(*json.loads(answer))
        if not metadata[msd_id].terms:
            remarks.add("HDF5 files with no artist_terms, so that their songs have no tags", name)
    return metadata


def _metadata_files(path: str, remarks: Remarks) -> Iterator[tuple[tuple[str, str], bytes]]:
    """Yields ((song id, member's name), contents)."""
    for member, data in read_members(path, MAX_METADATA_BYTES):
        name = _METADATA_NAME.fullmatch(member.name)
        if name and data is not None:
            yield (name[1], member.name), data
        else:
            kind = f"files .../TR<16>.h5 of at most {MAX_METADATA_BYTES} bytes"
            remarks.add(f"members of {METADATA_ARCHIVE} not read, because they are not {kind}", printable(member.name))
