"""What a compact copy costs in accuracy, by its bits a weight: merely rounded, and of a model that is fitted to it.

    python -m benchmarks.compact MODEL WINDOWS --bits 8 4 3 2.3

MODEL is the folder of a checkpoint, WINDOWS the folder of shards it was trained on. At the paper's size 48 MB are 2.3
bits a weight. What was measured stands in docs/performance.md.
"""

import argparse
from pathlib import Path

import torch

from benchmarks.training import DEVICE, print_table
from model.checkpoint import load_for
from model.compact import Weights, expand, finest_step, pack
from model.data import SPLITS, read_windows
from model.evaluation import by_track, evaluate
from model.refining import compacted
from model.training.workers import ALONE

VALIDATION_WINDOWS = 8192
MEASURES = ("accuracy", "onset_accuracy", "note_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("windows", type=Path)
    parser.add_argument("--bits", type=float, nargs="+", required=True)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    arguments = parser.parse_args()
    if arguments.cpu_threads:
        torch.set_num_threads(arguments.cpu_threads)
    model, description = load_for(arguments.model, arguments.windows)
    model.to(DEVICE)
    training, validation = (read_windows(arguments.windows, split).seen_by(description.model) for split in SPLITS)
    judged = validation.spread(VALIDATION_WINDOWS)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    numbers = sum(weight.numel() for weight in weights.values())

    def row(name: str, weights: Weights) -> list[str]:
        model.load_state_dict(weights)
        shares = by_track(evaluate(model, training, judged), description.model.tracks)
        return [name, *(f"{shares[measure]['mean']:.4f}" for measure in MEASURES)]

    rows = [row("as trained", weights)]
    for bits in arguments.bits:
        room = int(numbers * bits / 8)
        rows.append(row(f"{bits:g} bits, rounded", expand(pack(weights, finest_step(weights, room)))))
        model.load_state_dict(weights)
        packed, _ = compacted(model, training, validation, description.training, room, ALONE)
        rows.append(row(f"{bits:g} bits, fitted", expand(packed)))
    print(f"{numbers} weights")
    print_table(["copy", *MEASURES], rows)


if __name__ == "__main__":
    main()
