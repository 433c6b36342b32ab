"""Training on a machine that has torch, numpy, pyarrow, safetensors and tqdm alone: no DVC, no Beam.

    python -m model WINDOWS OUT --recipe paper --max-minutes 50
    torchrun --nproc-per-node 4 -m model WINDOWS OUT --recipe paper --max-minutes 50

WINDOWS is a folder of shards such as data/windows/16bar. OUT is made, with the weights (model.safetensors, model.json),
the curves (curves.csv), accuracies beside their baselines (accuracy.json) and a copy of the weights of at most 48 MB
with what it costs in accuracy (compact). Told to stop (Ctrl-C, SIGTERM), it leaves a snapshot in runs; the same command
goes on from there.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import get_args

from model.checkpoint import load, save, save_compact
from model.config import Decoder, Onsets, Prior, Regulariser
from model.data import SPLITS, read_windows
from model.evaluation import evaluate
from model.run import RECIPES, RunConfig, train_on
from model.snapshots import Metrics
from model.training import Keep
from model.workers import device, together
from music.errors import InputError
from music.tokens import TRACKS


def main() -> None:
    """Reads the command line and trains; of several processes the first writes what came of it."""
    arguments = vars(_parser().parse_args())
    windows, out = arguments.pop("windows"), arguments.pop("out")
    history: list[tuple[int, Metrics]] = []
    try:
        config = RunConfig(**arguments)
        with together() as workers:
            trained = train_on(windows, config, lambda *record: history.append(record), workers, device())
        if workers.first:
            model, description, snapshots = trained
            compact = out / "compact"
            compact.mkdir(parents=True, exist_ok=True)
            save(out, model, description)
            save_compact(compact, model, description)
            _write_curves(out / "curves.csv", history)
            sets = [read_windows(windows, split).seen_by(description.model) for split in SPLITS]
            for folder, judged in ((out, model), (compact, load(compact)[0].to(device()))):
                accuracy = evaluate(judged, *sets).by_track(config.tracks)
                (folder / "accuracy.json").write_text(json.dumps(accuracy, indent=1) + "\n", encoding="utf-8")
                for measure, of_track in accuracy.items():
                    print(f"{measure:16}", *(f"{name} {value:.3f}" for name, value in of_track.items()))
            snapshots.remove()
    except (InputError, ValueError) as error:
        sys.exit(f"error: {error}")


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
    parser.add_argument("--regulariser", choices=get_args(Regulariser), default="adversary")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--updates", type=int, help="the schedule is stretched over so many; else the recipe's")
    length.add_argument("--max-minutes", type=float, help="the schedule is fitted to so much time")
    parser.add_argument("--patience", type=int, help="end after so many validations without a lower loss")
    parser.add_argument("--keep", choices=get_args(Keep), default="last", help="which weights")
    parser.add_argument("--seed", type=int, default=0)
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
