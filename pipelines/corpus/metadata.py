"""What is known of a song besides its notes, and how a Million Song Dataset file tells it.

HDF5's C library reads the file, in an isolated process: this and what it imports is all that the process needs.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from h5py import h5d, h5f, h5g, h5s, h5t
from numpy.typing import NDArray

from music.song import Reason, Refused

_SONG = np.dtype([("artist_name", "S1024"), ("title", "S1024")])
_TERM = np.dtype("S256")
_WEIGHT = np.dtype(np.float64)
_TYPES = {kind: h5t.py_create(kind) for kind in (_SONG, _TERM, _WEIGHT)}


@dataclass(frozen=True)
class Metadata:
    """Who plays what; tags with the weights that listeners gave them."""

    artist: str = ""
    title: str = ""
    terms: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


def read_hdf5(data: bytes) -> bytes:
    """The fields of `Metadata`, in order, as JSON. Raises `Refused`.

    Through h5py's low-level interface, and two fields of the twenty: h5py's own objects take five times as long.
    """
    try:
        group = h5g.open(h5f.open_file_image(data), b"metadata")
        artist, title = _text(_read(group, b"songs", _SONG)[:1].tolist()[0])
        terms = _text(_read(group, b"artist_terms", _TERM).tolist())
        weights = _read(group, b"artist_terms_weight", _WEIGHT).tolist()
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        needed = "a Million Song Dataset file with /metadata/songs, artist_terms and artist_terms_weight"
        raise Refused(Reason.UNREADABLE, f"not {needed} ({error})") from error
    return json.dumps([artist, title, terms, weights]).encode()


def _read(group: h5g.GroupID, name: bytes, kind: np.dtype[Any]) -> NDArray[Any]:
    dataset = h5d.open(group, name)
    values = np.empty(dataset.shape, kind)
    dataset.read(h5s.ALL, h5s.ALL, values, _TYPES[kind])
    return values


def _text(values: list[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]
