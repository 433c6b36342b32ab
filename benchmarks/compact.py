"""What a compact copy costs in accuracy, by its bits a weight, rounded and no more.

    python -m benchmarks.compact MODEL WINDOWS --bits 8 4 3 2.3 2

MODEL is the folder of a checkpoint, WINDOWS the folder of shards it was trained on. At the paper's size 48 MB are 2.3
bits a weight, and `python -m model` fits the model to them. What was measured stands in docs/performance.md.
"""

import argparse
from pathlib import Path

from benchmarks.training import DEVICE, print_table
from model.checkpoint import load_for
from model.compact import expand, finest_step, pack
from model.data import SPLITS, read_windows
from model.evaluation import by_track, evaluate

VALIDATION_WINDOWS = 8192
MEASURES = ("accuracy", "onset_accuracy", "note_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("windows", type=Path)
    parser.add_argument("--bits", type=float, nargs="+", required=True)
    arguments = parser.parse_args()
    model, description = load_for(arguments.model, arguments.windows)
    model.to(DEVICE)
    training, validation = (read_windows(arguments.windows, split).seen_by(description.model) for split in SPLITS)
    validation = validation.spread(VALIDATION_WINDOWS)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    numbers = sum(weight.numel() for weight in weights.values())
    print(f"{numbers} weights")
    rows = []
    for bits in (32, *arguments.bits):
        if bits < 32:
            step = finest_step(weights, int(numbers * bits / 8))
            model.load_state_dict(expand(pack(weights, step)))
        shares = by_track(evaluate(model, training, validation), description.model.tracks)
        rows.append([f"{bits:g}", *(f"{shares[measure]['mean']:.4f}" for measure in MEASURES)])
    print_table(["bits", *MEASURES], rows)


if __name__ == "__main__":
    main()
