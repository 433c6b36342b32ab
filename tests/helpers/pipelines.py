"""Everything that the pipelines make of a corpus, for tests to compare."""

import json
from pathlib import Path

from pipelines.beam.runners import BeamConfig
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.genres import GenresConfig, write_genres
from pipelines.shards import read_row_groups, shard_paths
from pipelines.songs import SongsConfig, write_songs
from pipelines.split import SplitConfig
from pipelines.windows import WindowsConfig, write_windows

LOCAL = BeamConfig("FnApiRunner", workers=1)
WINDOWS = WindowsConfig(bars=[1, 2], cap=64, transposition=(-5, 6), seed=0, split=SplitConfig("song", 0.3, 0))
SHARDS = 3


def make(corpus: Path, out: Path, where: BeamConfig = LOCAL, config: WindowsConfig = WINDOWS) -> Path:
    """All shards and genres of a corpus."""
    for name in ("corpus", "songs", "windows"):
        (out / name).mkdir(parents=True)
    write_corpus(CorpusConfig(str(corpus), SHARDS, 1_000_000), str(out / "corpus"))
    write_songs(str(out / "corpus"), str(out / "songs"), SongsConfig("musae"), where)
    write_genres(str(out / "songs"), str(out / "genres.json"), GenresConfig(8), where)
    genres = json.loads((out / "genres.json").read_text())["genres"]
    write_windows(str(out / "songs"), genres, str(out / "windows"), config, where)
    return out


def rows(folder: Path, kind: str) -> list[dict]:
    return [r for path in shard_paths(str(folder), kind) for group in read_row_groups(path) for r in group.to_pylist()]


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
