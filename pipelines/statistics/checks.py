"""Checks of the data, and of where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from music.errors import InputError
from pipelines.shards import read_manifest


@dataclass(frozen=True)
class Check:
    """Something that must be true of the data, and whether it is."""

    claim: str
    holds: bool


@dataclass(frozen=True)
class Source:
    """A folder of shards: its name, its digest, and the parameters that it was made with."""

    name: str
    digest: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Manifests:
    """The manifests of a corpus, of the songs made from it, and of the windows made from these."""

    corpus: dict[str, Any]
    songs: dict[str, Any]
    windows: dict[str, dict[str, Any]]
    """The manifests of the windows, one for each length, by the path of the folder."""
    sources: list[Source]
    """The sources of all these manifests, in this order."""


def read_manifests(corpus: str, songs: str, genres: Mapping[str, Any], windows: list[str]) -> Manifests:
    """Reads the manifests of the folders.

    genres: the document that stage `genres` writes. Raises `InputError` for a folder that is unfinished, or was not
    made from the others.
    """
    manifests = {folder: read_manifest(folder) for folder in (corpus, songs, *windows)}
    if manifests[songs]["corpus"] != manifests[corpus]["digest"]:
        raise InputError(f"{songs}: made from another corpus than {corpus}; run dvc repro songs")
    digest = manifests[songs]["digest"]
    if genres["songs_digest"] != digest:
        raise InputError(f"genres.json: made from other songs than {songs}; run dvc repro genres")
    for folder in windows:
        if manifests[folder]["songs"] != digest or manifests[folder]["genres"] != genres["genres"]:
            raise InputError(f"{folder}: made from other songs or genres than {songs}; run dvc repro windows")
    sources = [
        Source(PurePath(folder).name, manifest["digest"], manifest["config"]) for folder, manifest in manifests.items()
    ]
    return Manifests(manifests[corpus], manifests[songs], {folder: manifests[folder] for folder in windows}, sources)
