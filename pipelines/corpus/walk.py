"""Finds the MIDI files under a folder, and accounts for everything else that is there."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from music.score import Reason, Refused
from pipelines.corpus.remarks import Remarks
from pipelines.corpus.rows import printable
from pipelines.corpus.tags import TAGS

MIDI_SUFFIXES = (".kar", ".mid", ".midi", ".rmi")
UNWATCHED = {".dvc", ".git", ".hg"}
"""Folders of version control. git-annex keeps files in .git, and has a link to each of them in the file's place."""

LIMITS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors of a machine or process that is at its limit."""


@dataclass(frozen=True)
class Found:
    """A MIDI file, or something that may be or hold one, but cannot be read."""

    path: Path
    name: str
    """The path within the folder, as a table can hold it."""
    refused: Refused | None
    """Why it cannot be read; None for a file that can."""


def find_files(folder: Path, remarks: Remarks) -> list[Found]:
    """Returns the MIDI files under the folder, and what may be or hold one but cannot be read, sorted by path.

    A link to a file counts as a copy of the file, wherever it leads, because DVC and git-annex may make every file a
    link. A link to a folder is not followed, because DVC does not notice changes behind it; so there are no circles.
    The remarks count links out of the folder, and files with other names than a MIDI file's.
    """
    root = folder.resolve()
    found = []
    for path, refused in sorted(_walk(folder), key=lambda seen: seen[0]):
        name = printable(path.relative_to(folder).as_posix())
        if refused or path.name.lower().endswith(MIDI_SUFFIXES):
            found.append(Found(path, name, refused))
            if not refused and path.is_symlink() and not path.resolve().is_relative_to(root):
                remarks.add("files read through links out of the folder", name)
        elif name != TAGS:
            remarks.add(f"files not read, because their names do not end in {', '.join(MIDI_SUFFIXES)}", name)
    return found


def _walk(folder: Path) -> Iterator[tuple[Path, Refused | None]]:
    """Yields every file under the folder, and everything that cannot be read, with the reason."""
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        try:
            paths = list(inside.iterdir())
        except OSError as error:
            yield inside, unreadable(error, "a folder: ")
            continue
        for path in paths:
            is_folder, refused = _look(path)
            if is_folder:
                waiting.append(path)
            else:
                yield path, refused


def _look(path: Path) -> tuple[bool, Refused | None]:
    """Returns whether the path is a folder that is read, and otherwise why it cannot be read, if it cannot."""
    try:
        link, mode = path.is_symlink(), path.stat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return False, Refused(Reason.NOT_A_FILE, f"a broken link: {error.strerror}")
        return False, unreadable(error)
    if S_ISDIR(mode) and link:
        return False, Refused(Reason.NOT_A_FILE, "a link to a folder is not followed; put the folder in its place")
    if S_ISDIR(mode) and path.name in UNWATCHED:
        return False, Refused(Reason.NOT_A_FILE, "a folder of version control")
    if S_ISDIR(mode):
        return True, None
    return False, None if S_ISREG(mode) else Refused(Reason.NOT_A_FILE, "a device, a pipe or a socket")


def unreadable(error: OSError, what: str = "") -> Refused:
    """Returns the error as the reason why a file or folder is refused; raises it if it says nothing about the file."""
    if error.errno in LIMITS:
        raise error
    return Refused(Reason.UNREADABLE, f"{what}{error.strerror}")
