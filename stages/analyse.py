"""Stages `analyse@PART`: a trained model and its windows -> one part of the analysis."""

import shutil
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
    results: Annotated[Path, Option(help="gets PART, PART.json, and pictures/PART for dvc plots show")],
    cpu_threads: Annotated[int, Option()],
) -> None:
    """Writes a section of the report into a folder, its metrics beside it, and a copy of its pictures."""
    context = read_context(model, windows, cpu_threads)
    with atomic_directory(results / part) as folder, atomic_directory(results / "pictures" / part) as pictures:
        section = analyse(part, context, folder)
        for figure in section.figures:
            shutil.copy(folder / figure.picture, pictures)
    write_json(results / f"{part}.json", section.metrics)
    for line in section.missing:
        print(line)


if __name__ == "__main__":
    run(main)
