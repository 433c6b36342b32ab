"""The accuracy that a compact copy loses, by its bits per weight.

    python -m benchmarks.compact MODEL WINDOWS

MODEL is the folder of a checkpoint, WINDOWS the folder of shards that it was trained on. The copy that is written has 8
bits a weight; 4 bits are rounded for comparison only. The results are in docs/performance.md.
"""

import argparse
from pathlib import Path

from benchmarks.training import DEVICE, print_table
from model.checkpoint import load_for
from model.compact import Weights, round_rows
from model.data import read_windows
from model.evaluation import by_track, evaluate
from model.threads import use_threads

VALIDATION_WINDOWS = 8192
MEASURES = ("accuracy", "onset_accuracy", "note_f1")


def round_weights(weights: Weights, bits: int) -> Weights:
    """Returns the weights with matrices rounded to this many bits."""
    copy = dict(weights)
    for name, weight in weights.items():
        if weight.ndim == 2:
            steps, sizes = round_rows(weight, largest=2 ** (bits - 1) - 1)
            copy[name] = steps * sizes
    return copy


def main() -> None:
    """Reads the command line and prints a row for each copy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("windows", type=Path)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    arguments = parser.parse_args()
    use_threads(arguments.cpu_threads)
    model, description = load_for(arguments.model, arguments.windows)
    model.to(DEVICE)
    windows = read_windows(arguments.windows, description.model)
    validation = windows.validation.evenly_spaced(VALIDATION_WINDOWS)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    copies = {"as trained": weights} | {f"{bits} bits": round_weights(weights, bits) for bits in (8, 4)}
    rows = []
    for name, copy in copies.items():
        model.load_state_dict(copy)
        shares = by_track(evaluate(model, windows.training, validation), description.model.tracks)
        rows.append([name, *(f"{shares[measure]['mean']:.4f}" for measure in MEASURES)])
    print(f"{sum(weight.numel() for weight in weights.values())} weights")
    print_table(["copy", *MEASURES], rows)


if __name__ == "__main__":
    main()
