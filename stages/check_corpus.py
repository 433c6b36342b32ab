"""Stage `check_corpus`: names what DVC cannot read in the corpus's folder, before DVC stops there without saying so.

DVC hashes the folder before stage `corpus` starts, and follows links to files, not to folders.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from typer import Option

from music.errors import InputError
from pipelines.beam.storage import is_remote
from pipelines.corpus.rows import printable
from stages.shared.command import run
from stages.shared.settings import PARAMS, read_value

DEMO = Path("data/demo")
"""The folder that stage `demo` makes, perhaps later."""


def main(out: Annotated[Path, Option()]) -> None:
    """Writes a file, which stage `corpus` waits for, if DVC can read the folder at `corpus.path`."""
    path = read_value(str, PARAMS, "corpus", "path")
    if not is_remote(path):
        check(Path(path))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("checked\n")


def check(folder: Path) -> None:
    """Raises `InputError` if there is no such folder, or a file in it that DVC cannot read."""
    if folder != DEMO and not folder.is_dir():
        raise InputError(f"{folder}: no such folder; set corpus.path to Lakh's two archives or a folder of MIDI files")
    faults = list(find_faults(folder))
    if faults:
        raise InputError(faults[0] + (f" (and {len(faults) - 1} more files that it cannot read)" if faults[1:] else ""))


def find_faults(folder: Path) -> Iterator[str]:
    """Yields a line for each file below the folder that DVC cannot read: which file, why, and what to do."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            fault = _fault(path)
            if fault:
                yield f"{printable(str(path))}: {fault}"


def _fault(path: Path) -> str | None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "its path is not UTF-8, which DVC cannot read; rename it"
    if not path.exists():
        return "a link to a file that is not there, which DVC cannot read; remove it"
    if not path.is_file():
        return "not a regular file, so DVC cannot read it; remove it"
    if not os.access(path, os.R_OK):
        return "DVC has no permission to read it; give it, or remove the file"
    if path.name == ".dvcignore":
        return "DVC reads no folder that has such a file; remove it"
    return None


if __name__ == "__main__":
    run(main)
