"""Makes folders available to all workers: on this machine's disk, or as copies in a storage."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from apache_beam.io.filesystems import FileSystems

from music.progress import Progress
from pipelines.shards import MANIFEST, PARTIAL, read_manifest


def is_remote(folder: str) -> bool:
    """Returns whether the folder is named by a URI, for example gs://bucket/musae."""
    return "://" in folder


def location(folder: str) -> str:
    """Returns a name of the folder that does not depend on the working directory: an absolute path, or the URI."""
    return folder.rstrip("/") if is_remote(folder) else str(Path(folder).resolve())


def publish(folder: str, storage: str) -> str:
    """Returns the folder if there is no storage, otherwise its copy in the storage, which is made once.

    Raises `InputError` if the folder has no manifest.
    """
    if not storage or is_remote(folder):
        return folder
    copy = f"{storage}/{read_manifest(folder)['digest']}"
    if not FileSystems.exists(f"{copy}/{MANIFEST}"):
        _copy(folder, copy)
    return copy


@contextmanager
def workplace(out: str, storage: str) -> Iterator[str]:
    """Yields the folder where workers write: `out` itself, or a new folder in the storage, copied to `out` at the end.

    Unfinished files, left by attempts that were broken off, are deleted.
    """
    if not storage:
        try:
            yield out
        finally:
            FileSystems.delete([file for file in _files(out) if file.endswith(PARTIAL)])
        return
    folder = f"{storage}/{uuid4().hex}"
    _make(folder)
    try:
        yield folder
        _copy(folder, out)
    finally:
        FileSystems.delete([*_files(folder), folder])


def _copy(source: str, target: str) -> None:
    """Copies the finished files of a folder and of the folders in it, the manifests last."""
    names = [file.removeprefix(f"{source}/") for file in _files(source) if not file.endswith(PARTIAL)]
    with Progress(f"copying to {target}", len(names), "file") as progress:
        for done, name in enumerate(sorted(names, key=lambda name: name.endswith(MANIFEST)), 1):
            partial = f"{target}/{name}.{uuid4().hex}{PARTIAL}"
            with FileSystems.open(f"{source}/{name}") as original, FileSystems.create(partial) as copy:
                shutil.copyfileobj(original, copy)
            FileSystems.rename([partial], [f"{target}/{name}"])
            progress.to(done)


def _files(folder: str) -> list[str]:
    return [file.path for file in FileSystems.match([f"{folder}/**"])[0].metadata_list]


def _make(folder: str) -> None:
    if not FileSystems.exists(folder):
        FileSystems.mkdirs(folder)
