"""Used by all stages that write shards: folders that may be remote, and an output that appears whole."""

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
    """Yields the folder that workers write to: one whose files replace `out` at the end, or a remote `out` itself.

    Raises `InputError` if a remote `out` is already finished, because it could not be replaced in one step.
    """
    if not is_remote(out):
        with atomic_directory(Path(out)) as partial, workplace(str(partial), storage) as folder:
            yield folder
        return
    if FileSystems.match([FileSystems.join(out, "**.json")])[0].metadata_list:
        raise InputError(f"{out}: has a finished output, which is never overwritten; delete it or name another folder")
    with workplace(out, storage="") as folder:
        yield folder
