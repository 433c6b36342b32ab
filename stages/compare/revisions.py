"""Runs opened by name: a folder of results, or a revision that DVC knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.scm import RevError, SCMError
from dvc_data.index import DataIndexDirError

from analysis.parts import PARTS
from model.checkpoint import DESCRIPTION
from music.errors import InputError
from stages.shared.runs import Run, read_run

WORKSPACE = "workspace"
RESULTS = "results"
MODEL = "models/musae"
PARAMS = "params.yaml"


@contextmanager
def open_run(name: str) -> Iterator[Run]:
    """Reads a run; its files exist until the context ends.

    name: a folder that `python -m analysis` wrote, or `workspace`, or a branch, tag, commit or experiment, whose
    results are copied out of DVC's cache. Raises `InputError`.
    """
    if name == WORKSPACE:
        yield _read(name, Path())
    elif Path(name).is_dir():
        folder = Path(name)
        manifest = folder if (folder / "manifest.json").exists() else None
        yield read_run(name, folder, folder, manifest, None)
    else:
        with TemporaryDirectory() as temporary:
            _fetch(name, Path(temporary))
            yield _read(name, Path(temporary))


def _read(name: str, root: Path) -> Run:
    return read_run(name, root / RESULTS, root / MODEL, None, root / PARAMS)


def _fetch(revision: str, root: Path) -> None:
    """Copies what `_read` needs of a revision; below `root` the paths are those of the project."""
    files = DVCFileSystem(rev=revision)
    path = PARAMS
    try:
        parts = [path for path in (f"{RESULTS}/{part}" for part in PARTS) if files.exists(path)]
        for path in (PARAMS, f"{MODEL}/{DESCRIPTION}", f"{RESULTS}/training", *parts):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            files.get(path, str(root / path), recursive=True)
    except RevError as error:
        raise InputError(f"{revision}: no folder and no revision of this name; see dvc exp show") from error
    except (SCMError, NotDvcRepoError) as error:
        raise InputError(f"{revision}: no such folder; for a revision, run in the project's folder") from error
    except (DvcException, DataIndexDirError, OSError) as error:
        raise InputError(f"{revision}: {path} is not in DVC's cache; dvc fetch, or run that experiment") from error
