"""What a floor of noise and the pull toward the prior cost in accuracy, and give in prior fit and in edits.

    python -m benchmarks.trade_off WINDOWS OUT --updates 800

WINDOWS is a folder of window shards. Variants of the recipe, which differ in the floor, in the pull and in denoising,
are trained for the same number of updates, without a flow, which changes neither reconstruction nor edits. OUT gets a
file of measures for each training, a table and a picture. A training whose file is there is not made again, and one
that was stopped goes on from its last snapshot. The results are in docs/results.md.
"""

import argparse
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from statistics import mean
from time import monotonic

import numpy as np

from benchmarks.table1 import mean_and_half_range
from benchmarks.trade_off.measures import EDITS, Measures, measure
from benchmarks.trade_off.picture import draw
from benchmarks.trade_off.variants import VARIANTS, Trial, run_config, train_variant
from benchmarks.training import describe, print_table
from model.training.snapshots import Snapshots
from music.json_files import read_json, write_json

COLUMNS = {
    "accuracy": ["accuracy"],
    "note F1": ["note_f1"],
    "told apart": ["two_sample"],
    "spread": ["spread"],
    "least": ["spread_least"],
    "greatest": ["spread_greatest"],
    "way back": ["way_back"],
    "edits arrived": ["edit_arrived"],
    **{f"note F1, {name}": [f"note_f1 of {name} {change:+g}" for change in EDITS.changes] for name in EDITS.attributes},
    "note F1, all": ["edit_note_f1"],
    "gain toward genres": ["genre_gain"],
    "note F1, genres": ["genre_note_f1"],
}
"""The columns of the table, and the measures whose mean is in each."""
PICTURE = "trade-off.png"


def main() -> None:
    """Reads the command line, trains and measures what is not there yet, and prints and draws the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("windows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipe", default="laptop_2bar")
    parser.add_argument("--updates", type=int, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--cpu-threads", type=int, default=1, help="0 takes all cores")
    arguments = parser.parse_args()
    describe()
    trials = [Trial(variant, seed, arguments.updates) for seed, variant in product(arguments.seeds, VARIANTS)]
    for trial in trials:
        if not file_of(trial, arguments.out).exists():
            make(trial, arguments)
    results = {trial: read_measures(file_of(trial, arguments.out)) for trial in trials}
    print_table(["", *COLUMNS], rows(results))
    draw(arguments.out / PICTURE, results)


def file_of(trial: Trial, out: Path) -> Path:
    """Returns the path of the file of a trial's measures."""
    return out / f"{trial.stem}.json"


def read_measures(file: Path) -> Measures:
    """Reads the measures of a trial; what was not defined is NaN."""
    measures = read_json(file, "remove it, and measure again")
    return {name: np.nan if value is None else value for name, value in measures.items()}


def make(trial: Trial, arguments: argparse.Namespace) -> None:
    """Trains and measures a model, and writes its measures."""
    began = monotonic()
    snapshots = Snapshots(arguments.out / trial.stem)
    config = run_config(trial, arguments.recipe, arguments.cpu_threads)
    context = train_variant(arguments.windows, trial, config, snapshots)
    trained = monotonic()
    measures = measure(context)
    write_json(file_of(trial, arguments.out), measures)
    snapshots.remove()
    shown = " ".join(f"{name} {value:.3f}" for name, value in columns(measures).items())
    print(f"{trial.stem}: {trained - began:.0f} + {monotonic() - trained:.0f} s, {shown}", flush=True)


def columns(measures: Measures) -> dict[str, float]:
    """Returns what a model has in each column of the table."""
    return {column: mean(measures[name] for name in names) for column, names in COLUMNS.items()}


def rows(results: Mapping[Trial, Measures]) -> Iterator[list[str]]:
    """Yields a row for each variant: means over its seeds, with half their range."""
    for variant in VARIANTS:
        seeds = [columns(measures) for trial, measures in results.items() if trial.variant == variant]
        yield [variant.name, *(mean_and_half_range([seed[column] for seed in seeds]) for column in COLUMNS)]


if __name__ == "__main__":
    main()
