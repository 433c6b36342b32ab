"""Songs -> genres: the most frequent tags, how often they occur together, and their order around the circle."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Annotated

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from music.arrays import FloatArray, IntArray
from music.errors import InputError
from music.settings import Settings, from_to
from pipelines.beam.runners import BeamConfig, add_to_counters, run_pipeline
from pipelines.shards import read_manifest, read_row_groups, shard_paths, write_text

TagSets = dict[tuple[str, ...], int]
"""How many songs have exactly these tags, which are sorted."""


@dataclass(frozen=True)
class GenresConfig(Settings):
    """Section `genres` of params.yaml."""

    count: Annotated[int, from_to(1, 255)]
    """The size of the vocabulary, at most."""


def normalise(tag: str) -> str:
    """Returns one spelling of a tag: "Hip-Hop " and "hip hop" are the same."""
    return " ".join(tag.lower().replace("-", " ").replace("_", " ").split())


def write_genres(songs: str, out: str, config: GenresConfig, where: BeamConfig) -> None:
    """Counts the tags of all songs kept and writes genres.json, whose path is `out`."""
    inputs = shard_paths(songs, "songs")
    digest = read_manifest(songs)["digest"]

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "shards of songs" >> beam.Create(inputs)
            | "one per worker" >> beam.Reshuffle()
            | "count" >> beam.Map(count_tag_sets)
            | "sum" >> beam.CombineGlobally(_sum)
            | "write" >> beam.Map(_write_document, config, digest, out)
        )

    run_pipeline(build, where, "genres", out, 1)


def read_genres(path: str) -> list[str]:
    """Returns the vocabulary, in circle order, from the file that `write_genres` wrote. Raises `InputError`."""
    if not FileSystems.exists(path):
        raise InputError(f"{path}: no such file; run dvc repro genres")
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        genres: list[str] = json.loads(file.read())["genres"]
    return genres


def count_tag_sets(path: str) -> TagSets:
    """Counts the tag sets of a shard of songs; a song counts once, however many files it has."""
    terms = {
        row["msd_id"]: row["terms"] for group in read_row_groups(path, ["msd_id", "terms"]) for row in group.to_pylist()
    }
    tag_sets = Counter(tuple(sorted({normalise(term) for term in spellings} - {""})) for spellings in terms.values())
    add_to_counters("genres", {"songs": tag_sets.total(), "songs_without_tags": tag_sets[()]})
    return tag_sets


def _sum(counted: Iterable[TagSets]) -> TagSets:
    total: Counter[tuple[str, ...]] = Counter()
    for tag_sets in counted:
        total.update(tag_sets)
    return total


def most_common(counts: Counter[str], count: int) -> list[str]:
    """Returns the `count` most frequent tags; ties in alphabetical order."""
    return sorted(counts, key=lambda tag: (-counts[tag], tag))[:count]


def _write_document(tag_sets: TagSets, config: GenresConfig, digest: str, out: str) -> None:
    counts: Counter[str] = Counter()
    for tags, songs in tag_sets.items():
        counts.update(dict.fromkeys(tags, songs))
    common = most_common(counts, config.count)
    matrix = co_occurrence(common, tag_sets)
    order = circle(matrix)
    document = {
        "songs_digest": digest,
        "config": asdict(config),
        "genres": [common[i] for i in order],
        "songs_with_genre": [counts[common[i]] for i in order],
        "co_occurrence": matrix[np.ix_(order, order)].tolist(),
        "songs": sum(tag_sets.values()),
        "songs_without_tags": tag_sets.get((), 0),
        "share_of_tags": sum(counts[tag] for tag in common) / max(counts.total(), 1),
    }
    write_text(out, json.dumps(document, indent=1) + "\n")


def co_occurrence(tags: list[str], tag_sets: TagSets) -> IntArray:
    """Returns (tags, tags): how many songs have both tags; on the diagonal, how many have the tag."""
    place = {tag: i for i, tag in enumerate(tags)}
    matrix = np.zeros((len(tags), len(tags)), dtype=np.int64)
    for song_tags, songs in tag_sets.items():
        places = [place[tag] for tag in song_tags if tag in place]
        matrix[np.ix_(places, places)] += songs
    return matrix


def genre_similarity(co_occurrence: IntArray) -> FloatArray:
    """Returns (genres, genres): the cosine similarity of genres, as sets of songs.

    It is rounded, so that it is the same on every machine.
    """
    norms = np.sqrt(np.diag(co_occurrence))
    rounded: FloatArray = np.round(co_occurrence / np.outer(norms, norms), 6)
    return rounded


def circle(co_occurrence: IntArray) -> list[int]:
    """Returns an order around the circle in which tags that occur together are neighbours, and which begins with tag 0.

    It is the closed tour with the greatest sum of similarities among the tours that start at each tag, go to the most
    similar tag next, and are then improved by 2-opt. Of its two directions, the one with the lower second tag is taken.
    """
    if not len(co_occurrence):
        return []
    similarity = genre_similarity(co_occurrence)
    tours = [_two_opt(_nearest(similarity, start), similarity) for start in range(len(similarity))]
    best = max(tours, key=lambda tour: round(_length(tour, similarity), 4))
    first = best.index(0)
    turned = best[first:] + best[:first]
    backwards = turned[:1] + turned[:0:-1]
    return min(turned, backwards)


def _length(tour: list[int], similarity: FloatArray) -> float:
    """Returns the sum of the similarities of neighbours."""
    return float(similarity[tour, tour[1:] + tour[:1]].sum())


def _nearest(similarity: FloatArray, start: int) -> list[int]:
    """Returns the tour that always goes on to the most similar tag that is left."""
    tour = [start]
    left = [i for i in range(len(similarity)) if i != start]
    while left:
        nearest = max(left, key=lambda i: (similarity[tour[-1], i], -i))
        tour.append(nearest)
        left.remove(nearest)
    return tour


def _two_opt(tour: list[int], similarity: FloatArray) -> list[int]:
    """Reverses sections of the tour as long as that increases the sum of similarities."""
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
