"""Compares two or more trained and analysed models on one page: metrics, parameters, pictures and music.

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
from stages.compare.revisions import open_run
from stages.compare.table1 import comparison_tables, read_columns
from stages.pages.curves import draw_curves
from stages.pages.render import write_page
from stages.shared.command import run
from stages.shared.runs import TRAINING, Run, collect_metrics, environment, flatten, is_interval_end, parameters

DIRECTIONS = {
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
    "control.mean_monotonicity": 1,
    "control.gain_over_random": 1,
    "editability.arrived": 1,
    "editability.note_f1": 1,
    "editability.note_f1_of_notes": 1,
    "editability.note_f1_of_drums": 1,
    "editability.drift": -1,
}
"""1 for a metric, or a group of metrics, of which more is better; -1 where less is better.

A difference of any other metric is neither. Among them are consistency and restrictiveness, which are perfect for a
model in which nothing moves.
"""


@dataclass(frozen=True)
class ComparedMetric:
    """One metric of every run; None for a run that does not have it."""

    name: str
    values: list[float | None]
    differences: list[float | None]
    """Each run's value minus the first run's, for all runs but the first."""
    direction: int
    """1 if more is better, -1 if less is better, 0 if neither."""


def main(
    runs: Annotated[list[str], Argument(help="folders or revisions; differences are from the first")],
    page: Annotated[Path, Option()],
    table: Annotated[Path | None, Option(help="Table 1 as Markdown, and as JSON beside it")] = None,
) -> None:
    """Writes the page, and Table 1 of all runs."""
    if len(runs) < 2:
        raise InputError("A comparison takes two runs or more: name another folder or revision (dvc exp show)")
    with ExitStack() as stack:
        opened = [stack.enter_context(open_run(name)) for name in runs]
        columns = read_columns(opened)
        _write(page, opened, columns, Path(stack.enter_context(TemporaryDirectory())) / "curves.png")
    if table:
        table.write_text("\n".join(markdown(item) for item in comparison_tables(columns)), encoding="utf-8")
        write_json(table.with_suffix(".json"), columns)
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


def _write(page: Path, runs: Sequence[Run], columns: dict[str, Any], curves: Path) -> None:
    recorded = {run.name: run.curves for run in runs if run.curves}
    if recorded:
        draw_curves(curves, recorded)
    write_page(
        page,
        "compare.html",
        runs=runs,
        same_data=len({run.description["data"]["digest"] for run in runs}) == 1,
        tables=comparison_tables(columns),
        metrics={part: list(compare_metrics(part, runs)) for part in (TRAINING, *PARTS)},
        differing=differing([{**parameters(run), "environment": environment(run)} for run in runs]),
        figures={part: figures(part, runs) for part in PARTS},
        curves=curves if recorded else None,
    )


def compare_metrics(part: str, runs: Sequence[Run]) -> Iterator[ComparedMetric]:
    """Yields every metric that some run has of a part of the analysis, or of the training."""
    by_run = [dict(flatten(collect_metrics(run).get(part, {}))) for run in runs]
    names = _names(by_run)
    for name in (name for name in names if not is_interval_end(name, names)):
        first, *others = values = [metrics_of_run.get(name) for metrics_of_run in by_run]
        differences = [None if value is None or first is None else value - first for value in others]
        full_name = f"{part}.{name}."
        directions = (sign for group, sign in DIRECTIONS.items() if full_name.startswith(f"{group}."))
        yield ComparedMetric(name, values, differences, next(directions, 0))


def differing(settings: Sequence[dict[str, dict[str, Any]]]) -> dict[str, dict[str, list[Any]]]:
    """Returns the settings that are not the same in all runs: their values, a list of one for each run.

    settings: a dictionary for each run, by file and then by name. Files that not all runs have are left out.
    """
    files = [file for file in settings[0] if all(by_file.get(file) for by_file in settings)]
    return {file: dict(_differing([by_file[file] for by_file in settings])) for file in files}


def _differing(settings: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    for name in _names(settings):
        values = [settings_of_run.get(name) for settings_of_run in settings]
        if any(value != values[0] for value in values):
            yield name, values


def figures(part: str, runs: Sequence[Run]) -> list[list[Figure | None]]:
    """Returns the figures of the same name side by side, one for each run; None for a run that does not have it."""
    by_run = [
        {figure.picture: figure for figure in run.sections[part].figures} if part in run.sections else {}
        for run in runs
    ]
    return [[figures_of_run.get(name) for figures_of_run in by_run] for name in _names(by_run)]


def _names(by_run: Sequence[dict[str, Any]]) -> list[str]:
    """Returns the keys of all dictionaries, each once, in the order in which they first appear."""
    return list(dict.fromkeys(name for values in by_run for name in values))


if __name__ == "__main__":
    run(main)
