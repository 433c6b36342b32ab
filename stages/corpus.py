"""Stage `corpus`: Lakh's archives, or a folder of MIDI files -> Parquet, with a row for each file."""

from pipelines.corpus.remarks import Remark
from pipelines.corpus.write import CorpusConfig, write_corpus
from pipelines.shards import read_manifest
from stages.shared.beam import Folder, writing
from stages.shared.command import run
from stages.shared.settings import PARAMS, read_settings


def main(out: Folder) -> None:
    """Streams the corpus at `corpus.path` into shards, and says what was not read or has no tags."""
    config = read_settings(CorpusConfig, PARAMS, "corpus")
    with writing(out) as folder:
        files = write_corpus(config, folder)
        remarks = [Remark(**remark) for remark in read_manifest(folder)["remarks"]]
    print(f"{files} files from {config.path}", *remarks, sep="\n")


if __name__ == "__main__":
    run(main)
