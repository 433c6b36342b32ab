"""Streams a .tar.gz that may be damaged or malicious: nothing is unpacked to disk, and time and memory are bounded."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tqdm.utils import CallbackIOWrapper

from music.errors import InputError
from music.progress import Progress

MAX_RATIO = 100
"""Unpacked bytes for each packed byte: Lakh's archives have 4 to 40, a compression bomb up to 1,000."""
MAX_BURST = 1 << 28
"""Unpacked bytes that are allowed at any ratio."""
MAX_SKIP = 1 << 30
"""Bytes from one header to the next, at most."""
MAX_HEADER_BYTES = 1 << 16
BLOCK = 1 << 18


def read_members(path: str, max_bytes: int) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """Yields every member of the archive except folders, in order, with its bytes.

    The bytes are None for a member that is not a regular file, or is larger than `max_bytes`. Raises `InputError` for
    an archive that is cut short, damaged, or a compression bomb.
    """
    size = FileSystems.get_filesystem(path).size(path)
    with (
        FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file,
        Progress(f"reading {FileSystems.split(path)[1]}", size, "B", scale=True) as progress,
    ):
        stream = _Stream(file, progress)
        place = ""
        try:
            with tarfile.TarFile(fileobj=stream) as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # otherwise tarfile keeps them all
                    place = member.name
                    if not member.isdir():
                        whole = member.isreg() and not member.issparse() and 0 <= member.size <= max_bytes
                        yield member, stream.take(member.size) if whole else None
            stream.end()
        except _TooMuchError as error:
            raise InputError(f"{path}: at {place!r}: {error}; take that out, or get the archive again") from error
        except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, LookupError, RecursionError) as error:
            raise InputError(f"{path}: cut short or damaged ({error}); get it again (Lakh's: make lakh)") from error


class _TooMuchError(Exception):
    """Raised where the archive needs more time or memory than a corpus does."""


class _Stream(io.RawIOBase):
    """The unpacked bytes of a .tar.gz, which tarfile reads forward only.

    tarfile's own mode "r|gz" takes a file cut short for the end of the archive, never compares the checksum, and loops
    forever if a size is negative.
    """

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._progress = progress
        self._packed = self._position = 0
        self._allowance = MAX_BURST
        self._unpacked = gzip.GzipFile(fileobj=CallbackIOWrapper(self._count, file))

    def _count(self, size: int) -> None:
        self._packed += size
        self._allowance = min(self._allowance + MAX_RATIO * size, MAX_BURST)
        self._progress.to(self._packed)

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Reads a header, or what belongs to one."""
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise _TooMuchError(f"a header of {size} bytes")
        return self._take(size)

    def take(self, size: int) -> bytes:
        """Reads the contents of a member."""
        data = self._take(size)
        if len(data) < size:
            raise EOFError("it ends within a member")
        return data

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        if not 0 <= position - self._position <= MAX_SKIP:
            raise _TooMuchError(f"{position - self._position} bytes to its end")
        while self._position < position:
            self.take(min(BLOCK, position - self._position))
        return self._position

    def end(self) -> None:
        """Reads what follows the last member, which must be zeros, up to the checksum, which is compared."""
        while rest := self._take(BLOCK):
            if rest.strip(b"\0"):
                raise tarfile.ReadError("the header after the last member is damaged")

    def _take(self, size: int) -> bytes:
        data = self._unpacked.read(size)
        self._position += len(data)
        self._allowance -= len(data)
        if self._allowance < 0:
            raise _TooMuchError(f"a compression bomb, over {MAX_RATIO} times its packed size")
        return data
