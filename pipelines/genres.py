"""Songs -> genres: the commonest tags, how often they stand together, and their order on the circle."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from numpy.typing import NDArray

from music.errors import InputError
from pipelines.beam.runners import BeamConfig, run
from pipelines.shards import read_manifest, read_row_groups, shard_paths, write_text

Taggings = dict[tuple[str, ...], int]
"""How many songs have just these tags, sorted."""


@dataclass(frozen=True)
class GenresConfig:
    """Section `genres` of params.yaml."""

    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 255:
            raise ValueError("count must be from 1 to 255")


def normalise(tag: str) -> str:
    """One spelling of a tag: "Hip-Hop " and "hip hop" are the same."""
    return " ".join(tag.lower().replace("-", " ").replace("_", " ").split())


def write_genres(songs: str, out: str, config: GenresConfig, where: BeamConfig) -> None:
    """Counts the tags of all songs kept and writes genres.json."""
    inputs = shard_paths(songs, "songs")
    digest = read_manifest(songs)["digest"]

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "shards of songs" >> beam.Create(inputs)
            | "one a worker" >> beam.Reshuffle()
            | "count" >> beam.Map(count_taggings)
            | "sum" >> beam.CombineGlobally(_sum)
            | "write" >> beam.Map(_write_document, config, digest, out)
        )

    run(build, where, "genres", out, 1)


def read_genres(path: str) -> list[str]:
    """The vocabulary, in circle order, that `write_genres` left."""
    if not FileSystems.exists(path):
        raise InputError(f"{path}: no such file; run dvc repro genres")
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        genres: list[str] = json.loads(file.read())["genres"]
    return genres


def count_taggings(path: str) -> Taggings:
    """How many songs of a shard have just these tags; the MIDI versions of one song count once."""
    terms = {
        song["msd_id"]: song["terms"]
        for group in read_row_groups(path, ["msd_id", "terms"])
        for song in group.to_pylist()
    }
    return Counter(tuple(sorted({normalise(term) for term in of_song} - {""})) for of_song in terms.values())


def _sum(counted: Iterable[Taggings]) -> Taggings:
    total: Counter[tuple[str, ...]] = Counter()
    for taggings in counted:
        total.update(taggings)
    return total


def most_common(counts: Counter[str], count: int) -> list[str]:
    """The `count` commonest tags; equal counts in order of name."""
    return sorted(counts, key=lambda tag: (-counts[tag], tag))[:count]


def _write_document(taggings: Taggings, config: GenresConfig, digest: str, out: str) -> None:
    counts: Counter[str] = Counter()
    for tags, songs in taggings.items():
        counts.update(dict.fromkeys(tags, songs))
    common = most_common(counts, config.count)
    matrix = co_occurrence(common, taggings)
    order = circle(matrix)
    document = {
        "songs_digest": digest,
        "config": asdict(config),
        "genres": [common[i] for i in order],
        "songs_with_genre": [counts[common[i]] for i in order],
        "co_occurrence": matrix[np.ix_(order, order)].tolist(),
        "songs": sum(taggings.values()),
        "songs_without_tags": taggings.get((), 0),
        "share_of_tags": sum(counts[tag] for tag in common) / max(counts.total(), 1),
    }
    write_text(out, json.dumps(document, indent=1) + "\n")


def co_occurrence(tags: list[str], taggings: Taggings) -> NDArray[np.int64]:
    """(tags, tags) songs that have both tags; on the diagonal, songs that have the tag."""
    place = {tag: i for i, tag in enumerate(tags)}
    matrix = np.zeros((len(tags), len(tags)), dtype=np.int64)
    for of_song, songs in taggings.items():
        here = [place[tag] for tag in of_song if tag in place]
        matrix[np.ix_(here, here)] += songs
    return matrix


def similarity(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """(genres, genres) cosine similarity, from the songs that have both tags; rounded, to be equal on every machine."""
    norms = np.sqrt(np.diag(matrix))
    rounded: NDArray[np.float64] = np.round(matrix / np.outer(norms, norms), 6)
    return rounded


def circle(matrix: NDArray[np.int64]) -> list[int]:
    """An order around the circle in which tags that stand together are neighbours; begins at the first tag.

    The closed tour of greatest summed similarity that nearest neighbours from each start, improved by 2-opt, find.
    """
    if not len(matrix):
        return []
    near = similarity(matrix)
    tours = [_two_opt(_nearest(near, start), near) for start in range(len(matrix))]
    best = max(tours, key=lambda tour: round(_length(tour, near), 4))
    first = best.index(0)
    turned = best[first:] + best[:first]
    backwards = turned[:1] + turned[:0:-1]
    return min(turned, backwards)


def _length(tour: list[int], similarity: NDArray[np.float64]) -> float:
    return float(similarity[tour, tour[1:] + tour[:1]].sum())


def _nearest(similarity: NDArray[np.float64], start: int) -> list[int]:
    tour = [start]
    left = [i for i in range(len(similarity)) if i != start]
    while left:
        nearest = max(left, key=lambda i: (similarity[tour[-1], i], -i))
        tour.append(nearest)
        left.remove(nearest)
    return tour


def _two_opt(tour: list[int], similarity: NDArray[np.float64]) -> list[int]:
    """Turns stretches of the tour around as long as that brings likelier neighbours together."""
    size = len(tour)
    improved = True
    while improved:
        improved = False
        for i, j in combinations(range(size), 2):
            a, b, c, d = tour[i], tour[(i + 1) % size], tour[j], tour[(j + 1) % size]
            if similarity[a, c] + similarity[b, d] > similarity[a, b] + similarity[c, d] + 1e-9:
                tour[i + 1 : j + 1] = reversed(tour[i + 1 : j + 1])
                improved = True
    return tour
