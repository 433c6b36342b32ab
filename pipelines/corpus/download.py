"""Downloads Lakh's two archives.

A download that was cut short continues where it stopped, and an archive gets its name only if its checksum is right.
Addresses: https://colinraffel.com/projects/lmd/. Checksums: as published with muspy and resolv-data.
"""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from music.errors import InputError
from music.progress import Progress
from pipelines.corpus.lakh import METADATA_ARCHIVE, MIDI_ARCHIVE

ADDRESS = "http://hog.ee.columbia.edu/craffel/lmd/"
SHA256: Mapping[str, str] = MappingProxyType(
    {
        MIDI_ARCHIVE: "621ff830aed771f469e5bfa13dc12a33c6ed69090adeda63d0b5c47783af0191",
        METADATA_ARCHIVE: "049c62c0d90c7fd2a29352a1c745d12fb53019dcf2e74a3b29953f046aef3d1b",
    }
)
BLOCK = 1 << 20
TIMEOUT_SECONDS = 60


def download_lakh(folder: Path, address: str = ADDRESS) -> None:
    """Fetches the archives that the folder lacks. address: the folder on the server. Raises `InputError`."""
    for name, sha256 in SHA256.items():
        download(address + name, folder / name, sha256)


def download(address: str, path: Path, sha256: str) -> None:
    """Fetches a file to `path`, unless it exists. Raises `InputError`; what has arrived by then is kept."""
    if path.exists():
        return
    partial = path.with_name(path.name + ".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        _fetch(request, partial)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the server has nothing beyond what has arrived
            raise InputError(f"{address}: {error}; try again, or put the file at {path}") from error
    except OSError as error:
        raise InputError(f"{address}: {error}; run again to continue, or put the file at {path}") from error
    actual = _sha256(partial)
    if actual != sha256:
        partial.unlink()
        raise InputError(f"{address}: its SHA-256 is {actual}, not {sha256}; it was deleted, run again")
    partial.rename(path)


def _fetch(request: urllib.request.Request, partial: Path) -> None:
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        resumes = answer.status == 206  # otherwise the server sends everything again
        done = partial.stat().st_size if resumes else 0
        rest = answer.headers["Content-Length"]
        total = done + int(rest) if rest else done
        with (
            partial.open("ab" if resumes else "wb") as file,
            Progress(partial.stem, total, "B", scale=True) as progress,
        ):
            while block := answer.read(BLOCK):
                file.write(block)
                done += len(block)
                progress.to(done)
        if done < total:
            raise ConnectionError(f"cut short after {done} of {total} bytes")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
