"""Trains, evaluates, times and profiles the network of attention on a GPU, in one call.

    python -m benchmarks.gpu BY_SONG BY_WINDOW OUT --minutes 6

BY_SONG and BY_WINDOW are folders such as data/windows, with 2bar and 16bar in them: split by songs, and by windows as
in the paper. OUT gets the models and their accuracies. The minutes are those of training, all models together, without
their flows; these, reading, evaluating and timing come on top.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import torch

from benchmarks.operations import count_operations
from benchmarks.training import DEVICE, Mixed, describe, peak, print_table, profiled, train
from model.checkpoint import save
from model.config import RunConfig
from model.data import read_provenance, read_windows
from model.evaluation import by_track, evaluate
from model.recipes import read_recipe
from model.training.run import prepare_torch, train_on
from model.training.snapshots import Metrics
from model.training.workers import ALONE
from music.json_files import write_json
from music.tokens import TRACKS

RUNS = (
    ("by_song", "gpu_16bar", 0.35),
    ("by_song", "gpu_16bar_512", 0.25),
    ("by_window", "gpu_16bar", 0.15),
    ("by_song", "gpu_2bar", 0.15),
    ("by_window", "gpu_2bar", 0.1),
)
"""The split, the recipe, and the share of the minutes of each training."""
GOAL = 0.92
"""The accuracy of a validation in training that a run is timed to."""
COLUMNS = (*TRACKS, "mean")
WARM_UP, TIMED, REPETITIONS, PROFILED = 5, 10, 3, 3
"""The numbers of updates before any that are timed, timed together, repetitions, and updates in a profile."""


def main() -> None:
    """Reads the command line, and prints tables in Markdown and a profile for each length of windows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("by_song", type=Path)
    parser.add_argument("by_window", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--recipe", help="for all, in place of those for a GPU: a small one to try the script")
    arguments = parser.parse_args()
    describe()
    scores = [f"{track} {score}" for score in ("accuracy", "F1") for track in COLUMNS]
    rows = [train_and_evaluate(arguments, *run) for run in RUNS]
    print_table(["split", "recipe", "minutes", "updates", f"minutes to {GOAL}", *scores], rows)
    print_table(
        ["recipe", "batch", "ms an update", "windows/s", "of a bfloat16 product's rate"],
        [measure_speed(arguments, recipe) for recipe in ("gpu_2bar", "gpu_16bar")],
    )


def run_config(arguments: argparse.Namespace, recipe: str, minutes: float | None) -> RunConfig:
    """Returns the settings of a run of the recipe, or of the one that the command line gives for all."""
    return RunConfig(
        tracks=TRACKS, onsets="starts", network="attention", prior="flower", regulariser="wgan_gp",
        recipe=arguments.recipe or recipe, updates=None, max_minutes=minutes, patience=None, keep="last",
        seed=0, precision="bfloat16", cpu_threads=0,
    )  # fmt: skip


def length(recipe: str) -> str:
    """Returns the name of the folder with the windows that a recipe for a GPU is made for: 2bar or 16bar."""
    return recipe.split("_")[1]


def train_and_evaluate(arguments: argparse.Namespace, split: str, recipe: str, share: float) -> list[str]:
    """Trains and saves a model; returns its row of the table."""
    folder, out = vars(arguments)[split] / length(recipe), arguments.out / f"{split}-{recipe}"
    minutes = share * arguments.minutes
    began, reached = time.monotonic(), []

    def log(_: int, metrics: Metrics) -> None:
        if metrics.get("validation_accuracy", 0) >= GOAL:
            reached.append(time.monotonic() - began)

    run = train_on(folder, run_config(arguments, recipe, minutes), log, ALONE, DEVICE)
    out.mkdir(parents=True, exist_ok=True)
    save(out, run.model, run.description)
    measures = by_track(evaluate(run.model, run.windows.training, run.windows.validation), TRACKS)
    write_json(out / "accuracy.json", measures)
    run.snapshots.remove()
    to_goal = f"{reached[0] / 60:.1f}" if reached else "not reached"
    scores = [f"{measures[name][track]:.3f}" for name in ("accuracy", "note_f1") for track in COLUMNS]
    return [split, recipe, f"{minutes:.1f}", str(run.description.training.updates), to_goal, *scores]


def measure_speed(arguments: argparse.Namespace, recipe: str) -> list[str]:
    """Times updates in mixed precision, prints a profile, and returns the row of the table."""
    folder = arguments.by_song / length(recipe)
    data = read_provenance(folder)
    config, schedule = read_recipe(run_config(arguments, recipe, None), data.bars, len(data.genres))
    prepare_torch(cpu_threads=0)
    windows = read_windows(folder, config).training
    system = Mixed(config, schedule, windows)
    train(system, WARM_UP)
    seconds = median(train(system, TIMED) for _ in range(REPETITIONS))
    share = count_operations(config, schedule).total / seconds / peak(torch.bfloat16)
    print(f"\n{recipe}\n{profiled(Mixed(config, schedule, windows, graph=False), PROFILED)}", flush=True)
    batch = schedule.batch
    return [recipe, str(batch), f"{1000 * seconds:.1f}", f"{batch / seconds:.0f}", f"{share:.1%}"]


if __name__ == "__main__":
    main()
