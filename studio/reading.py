"""Reads a file from outside first in a process of its own, where a crash, a hang or a flood of memory harms nothing."""

import os
import subprocess
import sys
from contextlib import suppress

from music.editing.song import open_song
from music.errors import InputError

SECONDS = 10
"""The time limit. A file of 2 MB full of notes takes less than a second, so this is a hang."""
MEMORY_BYTES = 2 << 30
"""The address space of the process, where the system can limit it."""
REFUSED = 3
"""The exit code for a file that cannot be opened; any other than 0 is a crash."""


def check(data: bytes, name: str) -> None:
    """Raises `InputError` if a file cannot be opened for editing."""
    command = [sys.executable, "-P", "-m", __name__, name]  # -P: nothing is imported from the current folder
    threads = {"OPENBLAS_NUM_THREADS": "1"}  # each would take address space
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=SECONDS, env=os.environ | threads, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{name}: takes more than {SECONDS} seconds to read; choose another file") from error
    if done.returncode == REFUSED:
        raise InputError(done.stdout.decode())
    if done.returncode:
        raise InputError(f"{name}: cannot be read: the reader ended with {done.returncode}; choose another file")


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        with suppress(ValueError):  # macOS has no such limit
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _main(name: str) -> None:
    """Opens the song on standard input; the error goes to standard output, with the exit code `REFUSED`."""
    _limit_memory()
    try:
        open_song(sys.stdin.buffer.read(), name)
    except InputError as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.exit(REFUSED)


if __name__ == "__main__":
    _main(sys.argv[1])
