"""Stage `corpus`: archives or a folder of MIDI -> Parquet rows, one a file."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.corpora import CorpusConfig, write_corpus
from stages.command import replacing, run
from stages.settings import PARAMS, read_settings


def main(out: Annotated[Path, Option()]) -> None:
    """Streams the corpus at `corpus.path` into shards."""
    config = read_settings(CorpusConfig, PARAMS, "corpus")
    with replacing(out) as partial:
        files = write_corpus(config, str(partial))
    print(f"{files} files from {config.path}")


if __name__ == "__main__":
    run(main)
