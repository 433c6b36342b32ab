"""Reads a file from outside first in a process of its own, where a crash, a hang or a flood of memory harms nothing."""

import subprocess
import sys

from music.editing.song import open_song
from music.errors import InputError

SECONDS = 20
"""The time limit. The slowest file of 2 MB takes a few seconds, so this is a hang."""
MEMORY_BYTES = 2 << 30
"""The address space of the process; only Linux and other Unix systems can limit it."""


def check(data: bytes, name: str) -> None:
    """Raises `InputError` if a file cannot be opened for editing."""
    try:
        done = subprocess.run([sys.executable, "-m", __name__, name], input=data, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{name}: takes more than {SECONDS} seconds to read; choose another file") from error
    if done.returncode == 1:
        raise InputError(done.stdout.decode())
    if done.returncode:
        raise InputError(f"{name}: cannot be read: the reader ended with {done.returncode}; choose another file")


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _main(name: str) -> None:
    """Opens the song on standard input; the error goes to standard output, and then the exit code is 1."""
    _limit_memory()
    try:
        open_song(sys.stdin.buffer.read(), name)
    except InputError as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.exit(1)


if __name__ == "__main__":
    _main(sys.argv[1])
