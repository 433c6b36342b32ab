"""The numbers of the data report: what came in, what was kept, and what the windows hold.

Numbers that need every token come from the manifests. Of the shards only small columns are read, row group by row
group.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.shards import read_row_groups, shard_paths
from pipelines.statistics.census import Census, GenreCounts, SongCounts, TagCounts, genre_counts
from pipelines.statistics.checks import Check, Source, read_manifests
from pipelines.statistics.window_counts import WindowCounts, count_windows

REFUSED_SHOWN = 3
"""The number of files named as examples for each reason."""


@dataclass(frozen=True)
class Refusal:
    """The files refused for one reason."""

    reason: str
    files: int
    examples: list[dict[str, str]]
    """The first few of them, as rows of `REFUSED`."""


@dataclass(frozen=True)
class Statistics:
    """All numbers of the data report."""

    files: int
    kept: int
    refused: int
    checks: list[Check]
    sources: list[Source]
    remarks: list[dict[str, Any]]
    """What was not read or has no tags, from the manifest of the corpus: `what`, `count` and `examples` of each."""
    refusals: list[Refusal]
    songs: SongCounts
    tags: TagCounts
    genres: list[GenreCounts]
    windows: list[WindowCounts]


def read_statistics(corpus: str, songs: str, genres: Mapping[str, Any], windows: list[str]) -> Statistics:
    """Counts what the folders of shards hold.

    genres: the document that stage `genres` writes; windows: a folder for each length. Raises `InputError` for a folder
    that is unfinished, or was not made from the others.
    """
    manifests = read_manifests(corpus, songs, genres, windows)
    refusals = _read_refusals(songs)
    census = Census(songs, genres["genres"])
    files, kept = manifests.corpus["files"], manifests.songs["kept"]
    refused = sum(refusal.files for refusal in refusals)
    return Statistics(
        files=files,
        kept=kept,
        refused=refused,
        checks=[
            Check(f"{files:,} files of the corpus = {kept:,} kept + {refused:,} refused", files == kept + refused),
            Check(f"{kept:,} files kept have a row each", census.files == kept),
            Check(
                f"{refused:,} files refused have a row each, with the reason",
                {refusal.reason: refusal.files for refusal in refusals} == manifests.songs["refused"],
            ),
        ],
        sources=manifests.sources,
        remarks=manifests.corpus["remarks"],
        refusals=refusals,
        songs=census.song_counts(),
        tags=census.tag_counts(genres["share_of_tags"]),
        genres=genre_counts(genres),
        windows=[count_windows(folder, manifest, census) for folder, manifest in manifests.windows.items()],
    )


def _read_refusals(songs: str) -> list[Refusal]:
    counts: Counter[str] = Counter()
    examples = defaultdict(list)
    for path in shard_paths(songs, "refused"):
        for group in read_row_groups(path):
            for row in group.to_pylist():
                counts[row["reason"]] += 1
                if counts[row["reason"]] <= REFUSED_SHOWN:
                    examples[row["reason"]].append(row)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Refusal(reason, files, examples[reason]) for reason, files in ordered]
