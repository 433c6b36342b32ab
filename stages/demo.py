"""Stage `demo`: makes the demo corpus."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.corpus.demo.corpus import DemoConfig, write_demo
from stages.shared.command import atomic_directory, run
from stages.shared.settings import PARAMS, read_settings


def main(out: Annotated[Path, Option()]) -> None:
    """Writes the two archives of the demo corpus."""
    config = read_settings(DemoConfig, PARAMS, "demo")
    with atomic_directory(out) as partial:
        write_demo(partial, config)


if __name__ == "__main__":
    run(main)
