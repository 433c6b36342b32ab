"""Compares the quality of the published model's port and of this project after the same number of windows.

    python -m benchmarks.quality WINDOWS --recipe demo --seen 32000 --batch 32 128 --seeds 0 1 2

WINDOWS is a folder of window shards. Every system is trained once for each batch size and seed, with the recipe's sizes
and its schedule stretched over the updates that see this many windows. The learning rate is the recipe's for the
recipe's batch size, and grows with the square root of the batch. The results are in docs/performance.md.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import torch

from benchmarks.training import DEVICE, System, SystemType, describe, print_table, systems
from model.autoencoder import reconstruction_loss
from model.config import ModelConfig, RunConfig, TrainingConfig
from model.data import WindowSet, read_provenance, read_windows
from model.recipes import read_recipe
from model.training.run import prepare_torch
from music.tokens import TRACKS

VALIDATION_WINDOWS = 8192
BATCH = 256


def recipe(folder: Path, arguments: argparse.Namespace) -> tuple[ModelConfig, TrainingConfig]:
    """Returns the configuration of MusAE in the sizes of the recipe, and the recipe's schedule."""
    config = RunConfig(
        tracks=TRACKS, onsets="starts", network="recurrent", prior="flower", regulariser="wgan_gp",
        recipe=arguments.recipe, updates=None, max_minutes=None, patience=None, keep="last", seed=0,
        precision="float32", cpu_threads=arguments.cpu_threads,
    )  # fmt: skip
    data = read_provenance(folder)
    return read_recipe(config, data.bars, len(data.genres))


def train_system(
    kind: SystemType, training: WindowSet, config: ModelConfig, schedule: TrainingConfig, updates: int
) -> System:
    """Trains a new system for this many updates; the schedule, its batch and its seed are those of the run."""
    torch.manual_seed(schedule.seed)
    system = kind(config, schedule.stretched(updates), training)
    torch.use_deterministic_algorithms(system.deterministic)
    for _ in range(updates):
        system.update()
    return system


def loss_and_accuracy(system: System, validation: WindowSet) -> tuple[float, float]:
    """Returns the loss of the mean codes, in nats a step summed over the tracks, and their accuracy."""
    losses, hits = [], []
    for tokens in torch.split(validation.tokens, BATCH):
        logits = system.reconstruct(tokens)
        losses.append(reconstruction_loss(logits, tokens).item() * len(tokens))
        hits.append((logits.argmax(dim=-1) == tokens).float().mean().item() * len(tokens))
    return sum(losses) / len(validation), sum(hits) / len(validation)


def main() -> None:
    """Reads the command line, and trains and evaluates each system."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("windows", type=Path)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--seen", type=int, required=True, help="training windows, counted each time they are seen")
    parser.add_argument("--batch", type=int, nargs="+", required=True, help="one or several sizes")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    arguments = parser.parse_args()
    prepare_torch(arguments.cpu_threads)
    describe()
    config, schedule = recipe(arguments.windows, arguments)
    windows = read_windows(arguments.windows, config)
    validation = windows.validation.evenly_spaced(VALIDATION_WINDOWS).to(DEVICE)
    if len(windows.training) < max(arguments.batch):
        parser.error(f"{len(windows.training)} training windows, fewer than a batch")
    rows = []
    for kind, batch in product(systems(), arguments.batch):
        rate = schedule.learning_rate * math.sqrt(batch / schedule.batch)
        measured = []
        for seed in arguments.seeds:
            run = replace(schedule, batch=batch, learning_rate=rate, seed=seed)
            measured.append(
                loss_and_accuracy(
                    train_system(kind, windows.training, config, run, arguments.seen // batch), validation
                )
            )
            print(f"{kind.name}, batches of {batch}, seed {seed}: {measured[-1]}", flush=True)
        rows.append([kind.name, str(batch), *map(mean_and_deviation, zip(*measured, strict=True))])
    print_table(["system", "batch", "loss, nats a step", "accuracy"], rows)


def mean_and_deviation(values: Sequence[float]) -> str:
    """Returns the mean, and the standard deviation where there are several values, as text."""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
