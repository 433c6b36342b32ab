"""Whether speed costs quality: losses after the same updates, of the published model's port and of this project.

    python -m benchmarks.quality WINDOWS --recipe demo --updates 1000 --seeds 0 1 2

WINDOWS is a folder of window shards. Every system is trained with the recipe's sizes and schedule, stretched over the
updates, once a seed; what was measured stands in docs/performance.md.
"""

import argparse
from pathlib import Path
from statistics import mean, stdev

import torch

from benchmarks.training import Kind, System, describe, print_table, systems
from model.autoencoder import reconstruction_loss
from model.data import SPLITS, WindowSet, read_provenance, read_windows
from model.run import RunConfig, read_recipe
from music.tokens import TRACKS

VALIDATION_WINDOWS = 8192
BATCH = 256


def trained(kind: Kind, folder: Path, training: WindowSet, arguments: argparse.Namespace, seed: int) -> System:
    """A system after all updates."""
    config = RunConfig(
        max_minutes=None, patience=None, keep="last", tracks=TRACKS, onsets="starts", decoder="parallel",
        prior="flower", regulariser="adversary", recipe=arguments.recipe, updates=arguments.updates, seed=seed,
        precision="float32", cpu_threads=arguments.cpu_threads,
    )  # fmt: skip
    data = read_provenance(folder)
    torch.manual_seed(seed)
    system = kind(*read_recipe(config, data.bars, len(data.genres)), training)
    torch.use_deterministic_algorithms(system.deterministic)
    for _ in range(arguments.updates):
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
    parser.add_argument("--updates", type=int, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0 takes all cores")
    arguments = parser.parse_args()
    if arguments.cpu_threads:
        torch.set_num_threads(arguments.cpu_threads)
    describe()
    training, validation = (read_windows(arguments.windows, split) for split in SPLITS)
    validation = validation.spread(VALIDATION_WINDOWS)
    rows = []
    for kind in systems():
        measured = []
        for seed in arguments.seeds:
            system = trained(kind, arguments.windows, training, arguments, seed)
            measured.append(judged(system, validation))
            print(f"{kind.name}, seed {seed}: {measured[-1]}", flush=True)
        columns = list(zip(*measured, strict=True))
        rows.append(
            [kind.name] + [f"{mean(of):.4f} ± {stdev(of):.4f}" if len(of) > 1 else f"{of[0]:.4f}" for of in columns]
        )
    print_table(["system", "loss, nats a step", "accuracy"], rows)


if __name__ == "__main__":
    main()
