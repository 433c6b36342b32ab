"""Files of the command: read with clear errors, written all or none, and never over the input."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from music.editing.song import Song, open_song
from music.errors import InputError


def read_song(path: Path) -> Song:
    """Opens the song in a file. Raises `InputError`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check its name") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a MIDI file") from error
    return open_song(data, path.name)


def check_targets(targets: Sequence[Path], inputs: Sequence[Path], force: bool) -> None:
    """Raises `InputError` for a target that is an input, or that exists and may not be replaced."""
    if len(set(targets)) < len(targets):
        raise InputError(f"{targets[0]}: MIDI, sound and picture would have one name; give --out a name with .mid")
    for target in targets:
        if any(target.exists() and target.samefile(one) for one in inputs):
            raise InputError(f"{target}: is the song itself, which is never overwritten; give another --out")
        above = next(folder for folder in target.absolute().parents if folder.exists())
        if not above.is_dir():
            raise InputError(f"{above}: is no folder; give another --out")
        if target.is_dir():
            raise InputError(f"{target}: is a folder; give the name of a file to --out")
        if target.exists() and not force:
            raise InputError(f"{target}: exists already; give another --out, or --force to replace it")


def write_files(files: Mapping[Path, bytes]) -> None:
    """Writes files, and their folders: first all of them under temporary names, so that none appears if one fails."""
    partial = {target: target.with_name(f".{target.name}.partial") for target in files}
    try:
        for target, data in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial[target].write_bytes(data)
        for target, path in partial.items():
            path.replace(target)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written ({os.strerror(error.errno or 0)})") from error
    finally:
        for path in partial.values():
            with suppress(OSError):  # those that could not be written
                path.unlink()
