import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from music.writing import write
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.shards import shard_paths
from pipelines.songs import ReadSongs, SongsConfig
from tests.helpers.songs import FOUR_FOUR, Song, band


def test_the_runner_counts_songs_and_refusals(tmp_path):
    for name, data in {
        "a": write(band()),
        "b": write(band(pitch=61)),
        "c": b"",
        "d": write(Song(480, FOUR_FOUR, ())),
    }.items():
        (tmp_path / f"{name}.mid").write_bytes(data)
    for name in ("corpus", "songs"):
        (tmp_path / name).mkdir()
    write_corpus(CorpusConfig(str(tmp_path), 2, 100_000), str(tmp_path / "corpus"))
    with beam.Pipeline(FnApiRunner()) as pipeline:
        paths = shard_paths(str(tmp_path / "corpus"), "files")
        _ = pipeline | ReadSongs(paths, str(tmp_path / "songs"), SongsConfig("symusic"))
    counters = pipeline.result.metrics().query(beam.metrics.MetricsFilter().with_namespace("songs"))["counters"]
    counts = {counter.key.metric.name: counter.committed for counter in counters}
    assert counts == {"kept": 2, "unreadable": 1, "no_notes": 1}
