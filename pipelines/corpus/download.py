"""Downloads Lakh's two archives: python -m pipelines.corpus.download FOLDER.

A download that was cut short goes on where it stopped; an archive gets its name only when its checksum is right.
Addresses: https://colinraffel.com/projects/lmd/. Checksums: as published with muspy and resolv-data.
"""

import argparse
import hashlib
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from music.errors import InputError
from music.progress import Progress
from pipelines.corpus.write import METADATA_ARCHIVE, MIDI_ARCHIVE

ADDRESS = "http://hog.ee.columbia.edu/craffel/lmd/"
SHA256: Mapping[str, str] = MappingProxyType(
    {
        MIDI_ARCHIVE: "621ff830aed771f469e5bfa13dc12a33c6ed69090adeda63d0b5c47783af0191",
        METADATA_ARCHIVE: "049c62c0d90c7fd2a29352a1c745d12fb53019dcf2e74a3b29953f046aef3d1b",
    }
)
BLOCK = 1 << 20
TIMEOUT_SECONDS = 60


def download(address: str, path: Path, sha256: str) -> None:
    """Fetches one file into `path`, unless it is there. Raises `InputError`; what has come so far is kept."""
    if path.exists():
        return
    partial = path.with_name(path.name + ".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        _fetch(request, partial)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # nothing lies beyond what has come: it is whole
            raise InputError(f"{address}: {error}; try again, or put the file at {path}") from error
    except OSError as error:
        raise InputError(f"{address}: {error}; run again to go on, or put the file at {path}") from error
    found = _sha256(partial)
    if found != sha256:
        partial.unlink()
        raise InputError(f"{address}: its SHA-256 is {found}, not {sha256}; it was deleted, run again")
    partial.rename(path)


def _fetch(request: urllib.request.Request, partial: Path) -> None:
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        resumes = answer.status == 206  # else the server sends all of it again
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", default=ADDRESS, help="a mirror of the two archives")
    arguments = parser.parse_args()
    try:
        for name, sha256 in SHA256.items():
            download(arguments.address + name, arguments.folder / name, sha256)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
