"""A song's metadata, and how it is read from a file of the Million Song Dataset.

HDF5's C library reads the file, in an isolated process, which imports only this module and its dependencies.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from h5py import h5d, h5f, h5g, h5s, h5t
from numpy.typing import NDArray

from music.score import Reason, Refused

_SONG = np.dtype([("artist_name", "S1024"), ("title", "S1024")])
_TERM = np.dtype("S256")
_TYPES = {kind: h5t.py_create(kind) for kind in (_SONG, _TERM)}


@dataclass(frozen=True)
class Metadata:
    """What is known about a song besides its notes; an unknown field is empty."""

    artist: str = ""
    title: str = ""
    terms: list[str] = field(default_factory=list)
    """Genre tags, as they are spelt in the source."""


def read_hdf5(data: bytes) -> bytes:
    """Returns the fields of `Metadata`, in order, as JSON; a file may have no tags. Raises `Refused`.

    It uses h5py's low-level interface, and reads two of the twenty fields: h5py's own objects take five times as long.
    """
    try:
        group = h5g.open(h5f.open_file_image(data), b"metadata")
        artist, title = _text(_read(group, b"songs", _SONG)[:1].tolist()[0])
        terms = _text(_read(group, b"artist_terms", _TERM).tolist()) if b"artist_terms" in group else []
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise Refused(Reason.UNREADABLE, f"not a Million Song Dataset file with /metadata/songs ({error})") from error
    return json.dumps([artist, title, terms]).encode()


def _read(group: h5g.GroupID, name: bytes, kind: np.dtype[Any]) -> NDArray[Any]:
    dataset = h5d.open(group, name)
    if dataset.shape is None:  # HDF5's empty dataset
        return np.empty(0, kind)
    values = np.empty(dataset.shape, kind)
    dataset.read(h5s.ALL, h5s.ALL, values, _TYPES[kind])
    return values


def _text(values: list[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]
