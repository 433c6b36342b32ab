"""Table 1 of several models of ours beside the paper's, of what part `reconstruction` left of each."""

from collections.abc import Sequence
from typing import Any

from analysis.reconstruction.paper import row_names
from analysis.reconstruction.table1 import comparison_table
from analysis.shared.bootstrap import Estimate
from analysis.shared.section import Cell, Table
from model.config import ModelConfig
from model.evaluation import MEASURES
from music.json_files import read_json
from stages.shared.runs import Run

FILE = "reconstruction/table1.json"


def read_columns(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """By the run's name, of the runs that have one."""
    files = {of.name: of.results / FILE for of in runs}
    return {name: read_json(file, "make part reconstruction again") for name, file in files.items() if file.exists()}


def tables(columns: dict[str, dict[str, Any]]) -> list[Table]:
    """Table 1, and means over the tracks of all that was measured; none for no columns."""
    if not columns:
        return []
    accuracies = {name: _by_row(column) for name, column in columns.items()}
    return [comparison_table(accuracies), _of_all_measures(columns)]


def _by_row(column: dict[str, Any]) -> dict[str, Estimate]:
    config = ModelConfig(**column["model"] | {"tracks": tuple(column["model"]["tracks"])})
    return {row: Estimate(**column["measures"]["accuracy"][name]) for name, row in row_names(config).items()}


def _of_all_measures(columns: dict[str, dict[str, Any]]) -> Table:
    about: list[list[Cell]] = [
        [name.capitalize(), *(of[key] for of in columns.values())]
        for name, key in (("split by", "split"), ("validation windows", "windows"), ("songs of theirs", "songs"))
    ]
    measured: list[list[Cell]] = [
        [meaning, *(_mean(of["measures"], name) for of in columns.values())]
        for name, meaning in MEASURES.items()
        if any(name in of["measures"] for of in columns.values())
    ]
    return Table(
        "Means over the tracks of all that was measured, with 95% intervals over songs; and what it was measured on.",
        ["share of", *columns],
        measured + about,
    )


def _mean(measures: dict[str, Any], name: str) -> Cell:
    return Estimate(**measures[name]["mean"]).text() if name in measures else None
