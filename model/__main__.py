"""Training on a machine that has torch, numpy, pyarrow, safetensors and tqdm alone: no DVC, no Beam.

    python -m model WINDOWS OUT --recipe paper --max-minutes 50
    torchrun --nproc-per-node 4 -m model WINDOWS OUT --recipe paper --max-minutes 50

WINDOWS is a folder of shards such as data/windows/16bar. OUT is created. It gets the weights (model.safetensors,
model.json), the curves (curves.csv), the accuracies beside their baselines (accuracy.json) and, with --compact, a copy
of a quarter of the size (compact) with its accuracies. The minutes are those of training, without reading the windows,
training the flow and evaluating the model. Stopped in training by Ctrl-C or SIGTERM, it leaves a snapshot in runs; the
same command goes on from there.
"""

import argparse
import csv
import sys
from pathlib import Path
from typing import get_args

from safetensors import SafetensorError

from model.checkpoint import load, save, save_compact
from model.config import Keep, NetworkName, Onsets, Precision, PriorName, Regulariser, RunConfig
from model.data import Dataset
from model.evaluation import by_track, evaluate, format_measures
from model.recipes import RECIPES
from model.training.run import train_on
from model.training.snapshots import Metrics
from model.training.workers import device, process_group
from music.errors import InputError
from music.json_files import write_json
from music.tokens import TRACKS


def main() -> None:
    """Reads the command line and trains; if there are several processes, the first writes the results."""
    arguments = vars(_parser().parse_args())
    windows, out, compact = (arguments.pop(name) for name in ("windows", "out", "compact"))
    try:
        config = RunConfig(**arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    try:
        _run(windows, out, config, compact)
    except (InputError, OSError, SafetensorError) as error:
        sys.exit(f"error: {error}")


def _run(windows: Path, out: Path, config: RunConfig, compact: bool) -> None:
    folders = {"validation windows": out} | ({"validation windows, compact copy": out / "compact"} if compact else {})
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    history: list[tuple[int, Metrics]] = []
    with process_group() as workers:
        run = train_on(windows, config, lambda *record: history.append(record), workers, device())
    if not workers.first:
        return
    save(out, run.model, run.description)
    _write_curves(out / "curves.csv", history)
    if compact:
        save_compact(out / "compact", run.model, run.description)
    for title, folder in folders.items():
        _evaluate(title, folder, run.windows)
    run.snapshots.remove()


def _evaluate(title: str, folder: Path, windows: Dataset) -> None:
    """Writes and prints the accuracies of the checkpoint in the folder."""
    model, description = load(folder)
    counts = evaluate(model.to(device()), windows.training, windows.validation)
    accuracy = by_track(counts, description.model.tracks)
    write_json(folder / "accuracy.json", accuracy)
    print(format_measures(title, accuracy))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("windows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipe", required=True, help=f"sizes and schedule: an entry of {RECIPES}")
    parser.add_argument("--tracks", nargs="+", choices=TRACKS, default=TRACKS)
    parser.add_argument("--onsets", choices=get_args(Onsets), default="starts")
    parser.add_argument("--network", choices=get_args(NetworkName), default="attention")
    parser.add_argument("--prior", choices=get_args(PriorName), default="flower")
    parser.add_argument("--regulariser", choices=get_args(Regulariser), default="wgan_gp")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--updates", type=int, help="stretch the recipe's schedule to this many updates")
    length.add_argument("--max-minutes", type=float, help="fit the schedule to this time")
    parser.add_argument("--patience", type=int, help="end after this many validations without a lower loss")
    parser.add_argument("--keep", choices=get_args(Keep), default="last", help="which weights are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=get_args(Precision), default="float32", help="in training")
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    parser.add_argument("--compact", action="store_true", help="write a copy with 8 bits a weight too")
    return parser


def _write_curves(path: Path, history: list[tuple[int, Metrics]]) -> None:
    names = list(dict.fromkeys(name for _, metrics in history for name in metrics))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["update", *names])
        writer.writeheader()
        writer.writerows({"update": update} | metrics for update, metrics in history)


if __name__ == "__main__":
    main()
