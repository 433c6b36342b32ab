"""Whether speed costs quality: losses after as many windows, of the published model's port and of this project.

    python -m benchmarks.quality WINDOWS --recipe demo --seen 32000 --batch 32 128 --seeds 0 1 2

WINDOWS is a folder of window shards. Every system is trained with the recipe's sizes and schedule, stretched over the
updates that it takes to see so many windows, once a batch size and seed; the learning rate is the recipe's for its own
batch size, and grows with the square root of the batch. What was measured stands in docs/performance.md.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import torch

from benchmarks.training import DEVICE, Kind, System, describe, prepare, print_table, systems
from model.autoencoder import reconstruction_loss
from model.data import SPLITS, WindowSet, read_provenance, read_windows
from model.training.run import RunConfig, read_recipe
from music.tokens import TRACKS

VALIDATION_WINDOWS = 8192
BATCH = 256


def trained(
    kind: Kind, folder: Path, training: WindowSet, arguments: argparse.Namespace, batch: int, seed: int
) -> System:
    """A system after all updates."""
    updates = arguments.seen // batch
    config = RunConfig(
        max_minutes=None, patience=None, keep="last", tracks=TRACKS, onsets="starts", decoder="parallel",
        prior="flower", regulariser="wgan_gp", recipe=arguments.recipe, updates=updates, seed=seed,
        precision="float32", cpu_threads=arguments.cpu_threads,
    )  # fmt: skip
    data = read_provenance(folder)
    torch.manual_seed(seed)
    model, schedule = read_recipe(config, data.bars, len(data.genres))
    rate = schedule.learning_rate * math.sqrt(batch / schedule.batch)
    system = kind(model, replace(schedule, batch=batch, learning_rate=rate), training)
    torch.use_deterministic_algorithms(system.deterministic)
    for _ in range(updates):
        system.update()
    return system


def judged(system: System, validation: WindowSet) -> tuple[float, float]:
    """The loss in nats a step, all tracks together, and the accuracy, of the mean codes."""
    losses, hits = [], []
    for tokens in torch.split(validation.tokens, BATCH):
        logits = system.reconstruct(tokens)
        losses.append(reconstruction_loss(logits, tokens).item() * len(tokens))
        hits.append((logits.argmax(dim=-1) == tokens).float().mean().item() * len(tokens))
    return sum(losses) / len(validation), sum(hits) / len(validation)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("windows", type=Path)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--seen", type=int, required=True, help="training windows, each as often as it comes")
    parser.add_argument("--batch", type=int, nargs="+", required=True, help="one or several sizes")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    arguments = parser.parse_args()
    if arguments.cpu_threads:
        torch.set_num_threads(arguments.cpu_threads)
    prepare()
    describe()
    training, validation = (read_windows(arguments.windows, split) for split in SPLITS)
    validation = validation.spread(VALIDATION_WINDOWS).to(DEVICE)
    if len(training) < max(arguments.batch):
        parser.error(f"{len(training)} training windows, fewer than a batch")
    rows = []
    for kind, batch in product(systems(), arguments.batch):
        measured = []
        for seed in arguments.seeds:
            system = trained(kind, arguments.windows, training, arguments, batch, seed)
            measured.append(judged(system, validation))
            print(f"{kind.name}, batches of {batch}, seed {seed}: {measured[-1]}", flush=True)
        rows.append([kind.name, str(batch), *map(spread, zip(*measured, strict=True))])
    print_table(["system", "batch", "loss, nats a step", "accuracy"], rows)


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
