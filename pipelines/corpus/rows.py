"""Makes rows of `pipelines.shards.FILES`: of a file that can be read, or of one that is refused unread."""

from dataclasses import asdict

from music.score import Reason
from pipelines.corpus.metadata import Metadata
from pipelines.shards import Row


def printable(name: str) -> str:
    """Returns the name as text that a table can hold: bytes that are not UTF-8 are escaped, and so are backslashes.

    Different names stay different.
    """
    return name.replace("\\", r"\\").encode("utf-8", "backslashreplace").decode()


def readable_row(msd_id: str, md5: str, path: str, midi: bytes, metadata: Metadata) -> Row:
    """Returns the row of a file that is to be read."""
    return {"msd_id": msd_id, "md5": md5, "path": path, "midi": midi, **asdict(metadata)}


def refused_row(msd_id: str, md5: str, path: str, reason: Reason, detail: str) -> Row:
    """Returns the row of a file that is refused unread."""
    return {"msd_id": msd_id, "md5": md5, "path": path, "midi": None, "reason": str(reason), "detail": detail}
