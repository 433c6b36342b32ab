"""Table 1 of the paper at one size: every model trained for the same minutes, on both lengths, splits and seeds.

    python -m benchmarks.table1 BY_SONG BY_WINDOW OUT --minutes 1.5 3

BY_SONG and BY_WINDOW are folders such as data/windows, with 2bar and 16bar in them: split by songs, and by windows as
in the paper. The minutes are those of a model of 2 bars and of one of 16: on a CPU they count the time of its cores
and not what other programs take, so that all models have the same. OUT gets a file of accuracies for each training; a
training whose file is there is not made again, so that a command that was stopped goes on.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean
from time import monotonic, process_time

from benchmarks.training import DEVICE, Mixed, describe, print_table, train
from model.config import NetworkName, PriorName, Regulariser, RunConfig
from model.data import read_provenance, read_windows
from model.evaluation import by_track, column_names, evaluate
from model.recipes import read_recipe
from model.training.run import prepare_torch, train_on
from model.training.workers import ALONE
from music.json_files import read_json, write_json
from music.tokens import TRACKS

COLUMNS: dict[str, tuple[NetworkName, PriorName, Regulariser]] = {
    "MusAE, Gaussian": ("recurrent", "gaussian", "wgan_gp"),
    "MusAE, mixture": ("recurrent", "flower", "wgan_gp"),
    "MusicVAE, flat": ("flat", "gaussian", "kl"),
    "MusicVAE, hierarchical": ("hierarchical", "gaussian", "kl"),
    "attention, Gaussian": ("attention", "gaussian", "wgan_gp"),
    "attention, mixture": ("attention", "flower", "wgan_gp"),
}
"""The models: network, prior and regulariser."""
LENGTHS = (2, 16)
SPLITS = ("by_song", "by_window")
WARM_UP, TIMED = 2, 10
"""The numbers of updates before any that are timed, and of those that are timed."""
VALIDATION_WINDOWS = 2048
"""The number of validation windows, evenly spaced over the songs, that a model is judged on."""


@dataclass(frozen=True)
class Training:
    """One model of the table, before it is trained."""

    split: str
    bars: int
    seed: int
    column: str

    @property
    def file(self) -> str:
        """The name of the file of its accuracies."""
        return f"{self.split}-{self.bars}bar-{self.column}-seed{self.seed}.json".replace(", ", "-").replace(" ", "-")


def main() -> None:
    """Reads the command line, trains what is not trained yet, and prints a table for each split and length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("by_song", type=Path)
    parser.add_argument("by_window", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, nargs=2, required=True, metavar=("OF_2_BARS", "OF_16_BARS"))
    parser.add_argument("--recipes", nargs=2, default=("table1_2bar", "table1_16bar"))
    parser.add_argument("--columns", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--cpu-threads", type=int, default=1, help="0 takes all cores")
    arguments = parser.parse_args()
    describe()
    for seed, split, bars, column in product(arguments.seeds, SPLITS, LENGTHS, arguments.columns):
        training = Training(split, bars, seed, column)
        if not (arguments.out / training.file).exists():
            train_and_judge(training, arguments)
    for split, bars in product(SPLITS, LENGTHS):
        print(f"\n{split}, {bars} bars")
        header = ["model", *(f"{track} {measure}" for measure in ("accuracy", "F1") for track in column_names(TRACKS))]
        rows = [[column, *scores(split, bars, column, arguments)] for column in arguments.columns]
        print_table([*header, "updates"], rows)


def updates_within(minutes: float, folder: Path, config: RunConfig) -> int:
    """Returns how many updates a model makes in this time, by the time that a few take."""
    data = read_provenance(folder)
    model_config, schedule = read_recipe(config, data.bars, len(data.genres))
    prepare_torch(config.cpu_threads)
    system = Mixed(model_config, schedule, read_windows(folder, model_config).training)
    train(system, WARM_UP)
    clock = monotonic if DEVICE.type == "cuda" else process_time
    began = clock()
    train(system, TIMED)
    return max(int(60 * minutes * TIMED / (clock() - began)), 1)


def train_and_judge(training: Training, arguments: argparse.Namespace) -> None:
    """Trains and judges a model, and writes its accuracies."""
    length = LENGTHS.index(training.bars)
    network, prior, regulariser = COLUMNS[training.column]
    config = RunConfig(
        tracks=TRACKS, onsets="starts", network=network, prior=prior, regulariser=regulariser,
        recipe=arguments.recipes[length], updates=None, max_minutes=None, patience=None, keep="last",
        seed=training.seed, precision="bfloat16", cpu_threads=arguments.cpu_threads,
    )  # fmt: skip
    folder = vars(arguments)[training.split] / f"{training.bars}bar"
    updates = updates_within(arguments.minutes[length], folder, config)
    run = train_on(folder, replace(config, updates=updates), lambda *_: None, ALONE, DEVICE)
    validation = run.windows.validation.evenly_spaced(VALIDATION_WINDOWS)
    measures = by_track(evaluate(run.model, run.windows.training, validation), TRACKS)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(arguments.out / training.file, measures | {"updates": updates})
    run.snapshots.remove()
    print(f"{training}: accuracy {measures['accuracy']['mean']:.3f}, F1 {measures['note_f1']['mean']:.3f}", flush=True)


def scores(split: str, bars: int, column: str, arguments: argparse.Namespace) -> list[str]:
    """Returns a row of a table: the mean over seeds of each accuracy and F1, its half range, and the updates."""
    files = [arguments.out / Training(split, bars, seed, column).file for seed in arguments.seeds]
    runs = [read_json(file, "train the model") for file in files]
    return [
        *(
            mean_and_half_range([run[measure][track] for run in runs])
            for measure in ("accuracy", "note_f1")
            for track in column_names(TRACKS)
        ),
        f"{mean(run['updates'] for run in runs):.0f}",
    ]


def mean_and_half_range(values: Sequence[float]) -> str:
    """Returns the mean and half the difference between the highest and the lowest value, as text."""
    return f"{mean(values):.3f} ± {(max(values) - min(values)) / 2:.3f}"


if __name__ == "__main__":
    main()
