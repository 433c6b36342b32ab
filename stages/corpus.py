"""Stage `corpus`: Lakh's archives, or a folder of MIDI files -> Parquet, with a row for each file."""

from pipelines.corpus.write import CorpusConfig, write_corpus
from stages.shared.beam import Folder, writing
from stages.shared.command import run
from stages.shared.settings import PARAMS, read_settings


def main(out: Folder) -> None:
    """Streams the corpus at `corpus.path` into shards."""
    config = read_settings(CorpusConfig, PARAMS, "corpus")
    with writing(out) as folder:
        files = write_corpus(config, folder)
    print(f"{files} files from {config.path}")


if __name__ == "__main__":
    run(main)
