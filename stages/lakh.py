"""Downloads Lakh's two archives, which `corpus.path` can then name; `make lakh` runs it."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from pipelines.corpus.download import ADDRESS, download_lakh
from stages.shared.command import run


def main(folder: Annotated[Path, Argument()], address: Annotated[str, Option(help="Of a mirror.")] = ADDRESS) -> None:
    """Downloads the archives that the folder lacks."""
    download_lakh(folder, address)


if __name__ == "__main__":
    run(main)
