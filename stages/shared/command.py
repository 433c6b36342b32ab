"""Runs stages as commands: options, errors, and output that appears whole or not at all."""

import errno
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from music.errors import InputError

REMEDIES = {
    errno.ENOSPC: "make room and run again: what was there before is unchanged",
    errno.EDQUOT: "make room and run again: what was there before is unchanged",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f) and run again: what was there before is unchanged",
    errno.EMFILE: "raise the limit of open files (ulimit -n), or lower corpus.shards",
}
"""What to do about errors of the operating system that the user can fix."""


def run(main: Callable[..., None]) -> None:
    """Runs the `main` of a stage with the options of the command line.

    An error that the user can fix is printed in one line, and the exit code is 1.
    """
    logging.basicConfig(level=logging.ERROR)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except InputError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        for code, remedy in REMEDIES.items():
            if os.strerror(code) in str(error):  # Beam passes on errors of its workers as text
                sys.exit(f"error: {os.strerror(code)}; {remedy}")
        raise


@contextmanager
def atomic_directory(out: Path) -> Iterator[Path]:
    """Yields an empty folder to write into, which replaces `out` at the end; after an error `out` is unchanged."""
    out = out.resolve()  # workers may run elsewhere
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    old = out.with_name(f".{out.name}.old.partial")
    if old.exists() and not out.exists():  # a run was killed between the two renames below
        old.rename(out)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)
