"""Archives in the form of Lakh's, made of the members that a test needs."""

import io
import tarfile
from pathlib import Path

import h5py
import numpy as np

MSD_ID = "TRAAAAA0123456789A"
MD5 = "0123456789abcdef0123456789abcdef"
NAME = f"lmd_matched/A/A/A/{MSD_ID}/{MD5}.mid"


def member(name: str, data: bytes = b"MThd", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
    info.linkname = "/etc/passwd"
    return info, data


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))


def hdf5(terms: list[str] | None) -> bytes:
    """A file of the Million Song Dataset, without the tags' weights, which nothing reads."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        song = np.array([(b"Ann", b"A Song")], dtype=[("artist_name", "S9"), ("title", "S9")])
        root.create_dataset("metadata/songs", data=song)
        if terms is not None:
            root.create_dataset("metadata/artist_terms", data=np.array([t.encode() for t in terms], dtype="S20"))
    return file.getvalue()
