"""Training on a machine that has torch, numpy, pyarrow, safetensors and tqdm alone: no DVC, no Beam.

    python -m model WINDOWS OUT --recipe paper --max-minutes 50
    torchrun --nproc-per-node 4 -m model WINDOWS OUT --recipe paper --max-minutes 50

WINDOWS is a folder of shards such as data/windows/16bar. OUT is made, with the weights (model.safetensors, model.json),
the curves (curves.csv), accuracies beside their baselines (accuracy.json) and a copy of the weights of at most 48 MB
with what it costs in accuracy (compact). The minutes are those of training; on top come reading the windows before,
fitting the copy of a large model to its few bits (a twentieth of them), and judging both on all windows. Told to stop
(Ctrl-C, SIGTERM) in training, it leaves a snapshot in runs; the same command goes on from there.
"""

import argparse
import csv
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

from safetensors import SafetensorError

from model.checkpoint import load, save, save_compact
from model.compact import MOST_BYTES
from model.config import Decoder, Onsets, Prior, Regulariser
from model.data import SPLITS, read_windows
from model.evaluation import by_track, evaluate, lines
from model.refining import compacted
from model.training.loop import Keep
from model.training.precision import Precision
from model.training.run import RECIPES, RunConfig, train_on
from model.training.snapshots import Metrics
from model.training.workers import device, together
from music.errors import InputError
from music.tokens import TRACKS


def main() -> None:
    """Reads the command line and trains; of several processes the first writes what came of it."""
    parser = _parser()
    arguments = vars(parser.parse_args())
    windows, out = arguments.pop("windows"), arguments.pop("out")
    try:
        config = RunConfig(**arguments)
    except ValueError as error:
        parser.error(str(error))
    try:
        _run(windows, out, config)
    except (InputError, OSError, SafetensorError) as error:
        sys.exit(f"error: {error}")


def _run(windows: Path, out: Path, config: RunConfig) -> None:
    compact = out / "compact"
    compact.mkdir(parents=True, exist_ok=True)
    history: list[tuple[int, Metrics]] = []
    with together() as workers:
        model, description, snapshots = train_on(
            windows, config, lambda *record: history.append(record), workers, device()
        )
        training, validation = (read_windows(windows, split).seen_by(description.model) for split in SPLITS)
        if workers.first:
            save(out, model, description)
            _write_curves(out / "curves.csv", history)
        packed, metrics = compacted(model, training, validation, description.training, MOST_BYTES, workers)
    if not workers.first:
        return
    save_compact(compact, packed, replace(description, metrics=metrics))
    for title, folder in (("of the validation windows", out), ("of the same, the compact copy", compact)):
        accuracy = by_track(evaluate(load(folder)[0].to(device()), training, validation), config.tracks)
        (folder / "accuracy.json").write_text(json.dumps(accuracy, indent=1) + "\n", encoding="utf-8")
        print(lines(title, accuracy))
    snapshots.remove()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("windows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipe", required=True, help=f"sizes and schedule: an entry of {RECIPES}")
    parser.add_argument("--tracks", nargs="+", choices=TRACKS, default=TRACKS)
    parser.add_argument("--onsets", choices=get_args(Onsets), default="starts")
    parser.add_argument("--decoder", choices=get_args(Decoder), default="parallel")
    parser.add_argument("--prior", choices=get_args(Prior), default="flower")
    parser.add_argument("--regulariser", choices=get_args(Regulariser), default="wgan_gp")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--updates", type=int, help="the schedule is stretched over so many; else the recipe's")
    length.add_argument("--max-minutes", type=float, help="the schedule is fitted to so much time")
    parser.add_argument("--patience", type=int, help="end after so many validations without a lower loss")
    parser.add_argument("--keep", choices=get_args(Keep), default="last", help="which weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=get_args(Precision), default="float32", help="of the LSTMs in training")
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    return parser


def _write_curves(path: Path, history: list[tuple[int, Metrics]]) -> None:
    names = list(dict.fromkeys(name for _, metrics in history for name in metrics))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["update", *names])
        writer.writeheader()
        writer.writerows({"update": update} | metrics for update, metrics in history)


if __name__ == "__main__":
    main()
