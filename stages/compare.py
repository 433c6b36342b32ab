"""Two or more trained and analysed models on one page: what differs in numbers, parameters, pictures and music.

    python -m stages.compare A B --page comparison.html --table table1.md

A and B are each a folder that `python -m analysis` wrote, or `workspace`, or a branch, tag, commit or experiment.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from typer import Argument, Option

from analysis.parts import PARTS
from analysis.reconstruction.table1 import markdown
from analysis.shared.section import Figure
from music.errors import InputError
from music.json_files import write_json
from stages.pages.curves import draw_curves
from stages.pages.render import write_page
from stages.shared.command import run
from stages.shared.revisions import opened
from stages.shared.runs import Run, environment, flatten, parameters
from stages.shared.table1 import read_columns, tables

TRAINING = "training"
BETTER = {
    "training.validation_accuracy": 1,
    "training.validation_loss": -1,
    "reconstruction.accuracy": 1,
    "reconstruction.onset_accuracy": 1,
    "reconstruction.note_f1": 1,
    "posterior.mean_error": -1,
    "posterior.covariance_error": -1,
    "posterior.two_sample_accuracy": -1,
    "posterior.dead_share": -1,
    "posterior.copies": -1,
    "control.monotonicity": 1,
}
"""1 where more is better, -1 where less is, by part and number; of all other numbers a difference is neither.

Nor of consistency and restrictiveness, which are perfect where nothing moves.
"""


@dataclass(frozen=True)
class Row:
    """A number of every run; None where a run does not have it."""

    name: str
    values: list[float | None]
    differences: list[float | None]
    """From the first run, of the others."""
    direction: int
    """As in `BETTER`."""


def main(
    runs: Annotated[list[str], Argument(help="folders or revisions; differences are from the first")],
    page: Annotated[Path, Option()],
    table: Annotated[Path | None, Option(help="Table 1 as Markdown, and beside it as JSON")] = None,
) -> None:
    """Writes the page, and Table 1 of all runs."""
    if len(runs) < 2:
        raise InputError("A comparison takes two runs or more: name another folder or revision (dvc exp show)")
    with ExitStack() as stack:
        opened_runs = [stack.enter_context(opened(name)) for name in runs]
        columns = read_columns(opened_runs)
        _write(page, opened_runs, columns, Path(stack.enter_context(TemporaryDirectory())) / "curves.png")
    if table:
        table.write_text("\n".join(markdown(of) for of in tables(columns)), encoding="utf-8")
        write_json(table.with_suffix(".json"), columns)
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


def _write(page: Path, runs: Sequence[Run], columns: dict[str, Any], curves: Path) -> None:
    same_data = len({of.description["data"]["digest"] for of in runs}) == 1
    recorded = {of.name: of.curves for of in runs if of.curves}
    if recorded:
        draw_curves(curves, recorded)
    write_page(
        page,
        "compare.html",
        runs=runs,
        same_data=same_data,
        tables=tables(columns),
        numbers={part: list(rows(part, runs)) for part in (TRAINING, *PARTS)},
        differing=differing([{**parameters(of), "environment": environment(of)} for of in runs]),
        figures={part: figures(part, runs) for part in PARTS},
        curves=curves if recorded else None,
    )


def rows(part: str, runs: Sequence[Run]) -> Iterator[Row]:
    """All numbers of a part, or of the training."""
    numbers = [dict(flatten(_metrics(part, of))) for of in runs]
    for name in dict.fromkeys(name for of_run in numbers for name in of_run):
        values = [of_run.get(name) for of_run in numbers]
        first = values[0]
        differences = [None if value is None or first is None else value - first for value in values[1:]]
        full = f"{part}.{name}"
        direction = next((way for start, way in BETTER.items() if f"{full}.".startswith(f"{start}.")), 0)
        yield Row(name, values, differences, direction)


def _metrics(part: str, of: Run) -> dict[str, Any]:
    if part == TRAINING:
        metrics: dict[str, Any] = of.description["metrics"]
        return metrics
    return of.sections[part].metrics if part in of.sections else {}


def differing(settings: Sequence[dict[str, dict[str, Any]]]) -> dict[str, dict[str, list[Any]]]:
    """The values of each run, by file and name, where they differ; of the files that all runs have."""
    files = [file for file in settings[0] if all(of.get(file) for of in settings)]
    return {file: dict(_differing([of[file] for of in settings])) for file in files}


def _differing(settings: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    for name in dict.fromkeys(name for of_run in settings for name in of_run):
        values = [of_run.get(name) for of_run in settings]
        if any(value != values[0] for value in values):
            yield name, values


def figures(part: str, runs: Sequence[Run]) -> list[list[Figure | None]]:
    """The figures of the same name, one a run; None where a run does not have it."""
    of_runs = [{of.picture: of for of in run.sections[part].figures} if part in run.sections else {} for run in runs]
    names = dict.fromkeys(name for of_run in of_runs for name in of_run)
    return [[of_run.get(name) for of_run in of_runs] for name in names]


if __name__ == "__main__":
    run(main)
