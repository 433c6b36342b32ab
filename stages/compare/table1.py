"""Table 1 for several models beside the paper's, from the files that part `reconstruction` wrote for each."""

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

Column = dict[str, Any]
"""A model's column of Table 1: the content of `FILE`."""


def read_columns(runs: Sequence[Run]) -> dict[str, Column]:
    """Returns the columns by the name of the run, without runs that have none."""
    files = {run.name: run.results / FILE for run in runs}
    return {name: read_json(file, "make part reconstruction again") for name, file in files.items() if file.exists()}


def comparison_tables(columns: dict[str, Column]) -> list[Table]:
    """Returns Table 1 and a table of all measures, as means over the tracks; no tables if there are no columns."""
    if not columns:
        return []
    accuracies = {name: _accuracies(column) for name, column in columns.items()}
    return [comparison_table(accuracies), _table_of_means(columns)]


def _accuracies(column: Column) -> dict[str, Estimate]:
    """Returns the accuracies by the rows of Table 1."""
    config = ModelConfig(**column["model"] | {"tracks": tuple(column["model"]["tracks"])})
    return {row: Estimate(**column["measures"]["accuracy"][name]) for name, row in row_names(config).items()}


def _table_of_means(columns: dict[str, Column]) -> Table:
    measured: list[list[Cell]] = [
        [meaning, *(_mean(column["measures"], name) for column in columns.values())]
        for name, meaning in MEASURES.items()
        if any(name in column["measures"] for column in columns.values())
    ]
    data: list[list[Cell]] = [
        [label, *(column[key] for column in columns.values())]
        for label, key in (("Split by", "split"), ("Validation windows", "windows"), ("Their songs", "songs"))
    ]
    return Table(
        "Means over the tracks of all measures, with 95% intervals over songs; below them, the validation data.",
        ["share of", *columns],
        measured + data,
    )


def _mean(measures: dict[str, Any], name: str) -> Cell:
    return Estimate(**measures[name]["mean"]).text() if name in measures else None
