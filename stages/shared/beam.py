"""What the stages that write shards share: folders that may lie in a storage, and an output that appears whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from apache_beam.io.filesystems import FileSystems
from typer import Option

from music.errors import InputError
from pipelines.beam.storage import is_remote, location, workplace
from stages.shared.command import atomic_directory

Folder = Annotated[str, Option(parser=location, metavar="FOLDER")]
"""A path, or a URI such as gs://bucket/folder."""


@contextmanager
def writing(out: str, storage: str = "") -> Iterator[str]:
    """Where workers write what becomes `out`: a folder whose files take its place in the end, or a remote `out` itself.

    Raises `InputError` where a remote `out` is whole already: it cannot be replaced at one stroke.
    """
    if not is_remote(out):
        with atomic_directory(Path(out)) as partial, workplace(str(partial), storage) as folder:
            yield folder
        return
    if FileSystems.match([FileSystems.join(out, "**.json")])[0].metadata_list:
        raise InputError(f"{out}: has a finished output, which is not written over; delete it or name another folder")
    with workplace(out, storage="") as folder:
        yield folder
