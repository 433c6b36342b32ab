"""Stage `scales`: a trained model and its windows -> the model as `musae` takes it, with what edits need to know."""

from pathlib import Path
from typing import Annotated

from typer import Option

from analysis.shared.context import read_context
from stages.shared.command import atomic_directory, run
from stages.shared.scaled import write_scaled


def main(
    model: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    out: Annotated[Path, Option(help="gets a compact copy of the model, and its scales")],
    cpu_threads: Annotated[int, Option()],
) -> None:
    """Writes a compact copy of a trained model, and measures the scales of edits on its training windows."""
    context = read_context(model, windows, cpu_threads)
    with atomic_directory(out) as partial:
        write_scaled(context, partial)


if __name__ == "__main__":
    run(main)
