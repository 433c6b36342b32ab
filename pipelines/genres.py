"""Songs -> genres: the commonest tags, how often they stand together, and their order on the circle."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from numpy.typing import NDArray

from music.errors import InputError
from pipelines.runners import BeamConfig, run
from pipelines.shards import read_manifest, read_row_groups, shard_paths, write_text

Counts = dict[str, int]
Pairs = dict[tuple[str, str], int]


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
        tags = pipeline | beam.Create(inputs) | beam.Reshuffle() | beam.FlatMap(song_tags)
        _ = tags | WriteGenres(out, config, digest)

    run(build, where, "genres", out, 1)


def read_genres(path: str) -> list[str]:
    """The vocabulary, in circle order, that `write_genres` left."""
    if not FileSystems.exists(path):
        raise InputError(f"{path}: no such file; run dvc repro genres")
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        genres: list[str] = json.loads(file.read())["genres"]
    return genres


def song_tags(path: str) -> Iterator[tuple[str, ...]]:
    """The normalised tags of each song of a shard, sorted; the MIDI versions of one song count once."""
    previous = None
    for group in read_row_groups(path, ["msd_id", "terms"]):
        for song in group.to_pylist():
            if song["msd_id"] != previous:
                yield tuple(sorted({normalise(term) for term in song["terms"]} - {""}))
            previous = song["msd_id"]


class WriteGenres(beam.PTransform):  # type: ignore[misc]
    """The tags of each song -> genres.json."""

    def __init__(self, out: str, config: GenresConfig, digest: str) -> None:
        super().__init__()
        self._out, self._config, self._digest = out, config, digest

    def expand(self, tags: beam.PCollection[tuple[str, ...]]) -> beam.PCollection[None]:
        counts = tags | "tags" >> beam.FlatMap(list) | "count tags" >> beam.combiners.Count.PerElement()
        common = counts | "all counts" >> beam.combiners.ToDict() | beam.Map(most_common, self._config.count)
        pairs = (
            tags
            | "pairs" >> beam.FlatMap(_pairs, beam.pvalue.AsSingleton(common))
            | "count pairs" >> beam.combiners.Count.PerElement()
            | "all pairs" >> beam.combiners.ToDict()
        )
        songs = tags | "songs" >> beam.combiners.Count.Globally()
        untagged = tags | beam.Filter(lambda of_song: not of_song) | "untagged" >> beam.combiners.Count.Globally()
        given = counts | beam.Values() | "tags given" >> beam.CombineGlobally(sum)
        return common | beam.Map(
            _write_document,
            pairs=beam.pvalue.AsSingleton(pairs),
            songs=beam.pvalue.AsSingleton(songs),
            untagged=beam.pvalue.AsSingleton(untagged),
            given=beam.pvalue.AsSingleton(given),
            provenance={"songs_digest": self._digest, "config": asdict(self._config)},
            out=self._out,
        )


def most_common(counts: Counts, count: int) -> Counts:
    """The `count` commonest tags; equal counts in order of name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:count])


def _pairs(tags: tuple[str, ...], common: Counts) -> Iterator[tuple[str, str]]:
    yield from combinations([tag for tag in tags if tag in common], 2)


def _write_document(
    common: Counts, pairs: Pairs, songs: int, untagged: int, given: int, provenance: dict[str, object], out: str
) -> None:
    matrix = co_occurrence(common, pairs)
    order = circle(matrix)
    names = list(common)
    document = {
        **provenance,
        "genres": [names[i] for i in order],
        "songs_with_genre": [common[names[i]] for i in order],
        "co_occurrence": matrix[np.ix_(order, order)].tolist(),
        "songs": songs,
        "songs_without_tags": untagged,
        "share_of_tags": sum(common.values()) / max(given, 1),
    }
    write_text(out, json.dumps(document, indent=1) + "\n")


def co_occurrence(common: Counts, pairs: Pairs) -> NDArray[np.int64]:
    """(genres, genres) songs that have both tags; on the diagonal, songs that have the tag."""
    index = {tag: i for i, tag in enumerate(common)}
    matrix = np.diag(np.array(list(common.values()), dtype=np.int64))
    for (a, b), count in pairs.items():
        matrix[index[a], index[b]] = matrix[index[b], index[a]] = count
    return matrix


def circle(matrix: NDArray[np.int64]) -> list[int]:
    """An order around the circle in which tags that stand together are neighbours; begins at the first tag.

    The closed tour of greatest summed cosine similarity that nearest neighbours from each start, improved by
    2-opt, find. Similarities are rounded, so that equal ones are equal on every machine.
    """
    if not len(matrix):
        return []
    diagonal = np.sqrt(np.diag(matrix))
    similarity = np.round(matrix / np.outer(diagonal, diagonal), 6)
    tours = [_two_opt(_nearest(similarity, start), similarity) for start in range(len(matrix))]
    best = max(tours, key=lambda tour: round(_length(tour, similarity), 4))
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
