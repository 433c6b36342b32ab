"""Stages `analyse@PART`: a trained model and its windows -> one part of the analysis."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.parts import analyse
from analysis.shared.context import read_context
from music.json_files import write_json
from stages.shared.command import atomic_directory, run


def main(
    part: Annotated[str, Argument()],
    model: Annotated[Path, Option()],
    windows: Annotated[Path, Option()],
    out: Annotated[Path, Option()],
    metrics: Annotated[Path, Option()],
    cpu_threads: Annotated[int, Option()],
) -> None:
    """Writes a section of the report into a folder, and its numbers as metrics."""
    context = read_context(model, windows, cpu_threads)
    with atomic_directory(out) as partial:
        section = analyse(part, context, partial)
    write_json(metrics, section.metrics)
    for line in section.missing:
        print(line)


if __name__ == "__main__":
    run(main)
