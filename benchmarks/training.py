"""The model half: windows per second beside the published model's port, share of the hardware's peak, a profile.

    python -m benchmarks.training WINDOWS... --batch 256

WINDOWS are folders of window shards, one for each length. A GPU is used where there is one, and no more packages than
training needs. The results are in docs/performance.md.
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Protocol, get_args

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from benchmarks.operations import count_operations
from benchmarks.published import PianoRolls, Published
from model.config import ModelConfig, Precision, PriorName, TrainingConfig
from model.data import WindowSet, read_provenance, read_windows
from model.training.first_weights import untrained
from model.training.precision import check_precision
from model.training.run import prepare_torch
from model.training.step import Optimisers
from model.training.updates import Updates
from model.training.validation import teacher_forced
from music.errors import InputError
from music.tokens import TRACKS

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
OPERATORS = 12
"""Rows of the profile."""


class System(Protocol):
    """A model in training."""

    name: str
    deterministic: bool

    def update(self) -> None:
        """Loads a batch, and makes one update of the autoencoder with its updates of the critic."""

    def reconstruct(self, tokens: Tensor) -> Tensor:
        """Returns the logits of the mean codes, (batch, tracks, steps, 130); tokens: (batch, tracks, steps) uint8."""


class Ours:
    """The training of this project, as `model.training.loop` runs it."""

    name = "this project"
    precision: Precision = "float32"
    deterministic = True

    def __init__(self, config: ModelConfig, training: TrainingConfig, windows: WindowSet, graph: bool = True) -> None:
        self._training = replace(training, precision=self.precision)
        self._model = untrained(config).to(DEVICE)
        optimisers = Optimisers.for_model(self._model, training)
        self._updates = Updates(self._model, windows.to(DEVICE), self._training, optimisers, graph=graph)
        self._update = 0

    def update(self) -> None:
        self._updates.make(self._update, self._training)
        self._update += 1

    def reconstruct(self, tokens: Tensor) -> Tensor:
        return teacher_forced(self._model, tokens)[1]


class Mixed(Ours):
    """The training of this project in mixed precision."""

    name = "this project, bfloat16"
    precision: Precision = "bfloat16"


class Port:
    """`benchmarks.published` with PyTorch's data loader."""

    name = "published, ported"
    deterministic = False

    def __init__(self, config: ModelConfig, training: TrainingConfig, windows: WindowSet, graph: bool = False) -> None:
        self._training = training
        self._published = Published(config, training, DEVICE)
        self._generator = torch.Generator(DEVICE).manual_seed(training.seed)
        pinned = DEVICE.type == "cuda"
        loader = DataLoader(PianoRolls(windows), training.batch, shuffle=True, drop_last=True, pin_memory=pinned)
        self._batches = _endlessly(loader)
        self._update = 0

    def update(self) -> None:
        rolls, states, genres = (tensor.to(DEVICE, non_blocking=True) for tensor in next(self._batches))
        self._published.step(rolls, states, genres, self._training.beta(self._update), self._generator)
        self._update += 1

    def reconstruct(self, tokens: Tensor) -> Tensor:
        return self._published.reconstruct(tokens.long())


def _endlessly(loader: DataLoader[Any]) -> Iterator[list[Tensor]]:
    while True:
        yield from loader


SystemType = type[Port] | type[Ours]


def systems() -> list[SystemType]:
    """Returns the systems that the device can train; the first is the port, the baseline."""
    try:
        check_precision(Mixed.precision, DEVICE)
    except InputError:
        return [Port, Ours]
    return [Port, Ours, Mixed]


def measure_seconds(work: Callable[[], object], times: int = 1) -> float:
    """Returns the seconds that the device takes to do the work this many times."""
    _synchronise()
    began = time.perf_counter()
    for _ in range(times):
        work()
    _synchronise()
    return time.perf_counter() - began


def _synchronise() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def train(system: System, updates: int) -> float:
    """Trains for this many updates and returns the seconds per update."""
    torch.use_deterministic_algorithms(system.deterministic)
    return measure_seconds(system.update, updates) / updates


def peak(precision: torch.dtype) -> float:
    """Returns the operations per second of one large matrix product."""
    side = 8192 if DEVICE.type == "cuda" else 2048
    factors = torch.randn(2, side, side, device=DEVICE, dtype=precision)
    torch.mm(*factors)
    return 2 * side**3 / min(measure_seconds(lambda: torch.mm(*factors)) for _ in range(10))


def profiled(system: System, updates: int) -> str:
    """Returns a table of the operators, or on a GPU of the kernels, that take most of the time."""
    train(system, 1)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if DEVICE.type == "cuda" else [])]
    with profile(activities=activities) as profiler:
        train(system, updates)
    table: str = profiler.key_averages().table(
        sort_by=f"self_{DEVICE.type}_time_total", row_limit=OPERATORS, max_name_column_width=60
    )
    return table


def measure_systems(folder: Path, config: ModelConfig, training: TrainingConfig, arguments: argparse.Namespace) -> None:
    """Prints the speed of all systems, which train alternately, and then profiles each."""
    began = time.perf_counter()
    windows = read_windows(folder, config).training
    print(f"{len(windows)} training windows, read in {time.perf_counter() - began:.1f} s", flush=True)
    started: list[System] = [system(config, training, windows) for system in systems()]
    for system in started:
        train(system, arguments.warm_up)
    rounds = [[train(system, arguments.updates) for system in started] for _ in range(arguments.repetitions)]
    times = list(zip(*rounds, strict=True))
    operations = count_operations(config, training).total
    peaks = {name: peak(precision) for name, precision in (("float32", torch.float32), ("bfloat16", torch.bfloat16))}
    rows = []
    for system, seconds in zip(started, times, strict=True):
        middle = median(seconds)
        shares = [f"{operations / middle / peak_rate:.1%}" for peak_rate in peaks.values()]
        speeds = [f"{training.batch / middle:.1f}", f"{median(times[0]) / middle:.2f}", f"{1000 * middle:.1f}"]
        rows.append([system.name, *speeds, f"{(max(seconds) - min(seconds)) / middle:.0%}", *shares])
    header = ["system", "windows/s", "times the port", "ms an update", "longest less shortest"]
    print_table([*header, *(f"of the {name} peak" for name in peaks)], rows)
    for kind in systems():
        print(
            f"\n{kind.name}\n{profiled(kind(config, training, windows, graph=False), arguments.profiled)}", flush=True
        )


def print_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Prints a table in Markdown."""
    header = list(header)
    print()
    for cells in (header, ["---"] * len(header), *rows):
        print(f"| {' | '.join(cells)} |", flush=True)


def describe() -> None:
    """Prints what the figures depend on."""
    gpu = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}" if DEVICE.type == "cuda" else "no GPU"
    print(f"{gpu}; {platform.processor() or platform.machine()}; {torch.get_num_threads()} threads")
    print(f"torch {torch.__version__}, Python {platform.python_version()}")


def main() -> None:
    """Reads the command line and measures each length of windows and each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("windows", type=Path, nargs="+")
    parser.add_argument("--hidden-size", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--latent", type=int, default=512)
    parser.add_argument("--prior", choices=get_args(PriorName), default="flower")
    parser.add_argument("--batch", type=int, nargs="+", default=[256], help="one or several sizes")
    parser.add_argument("--warm-up", type=int, default=5, help="updates before any that are timed")
    parser.add_argument("--updates", type=int, default=10, help="updates timed together")
    parser.add_argument("--repetitions", type=int, default=5, help="times that the systems take turns; medians count")
    parser.add_argument("--profiled", type=int, default=3, help="updates in the profile")
    arguments = parser.parse_args()
    prepare_torch(cpu_threads=0)
    describe()
    for folder, batch in product(arguments.windows, arguments.batch):
        config, training = configs(folder, batch, arguments)
        print(f"\n## {config.bars} bars, batches of {batch}", flush=True)
        try:
            measure_systems(folder, config, training, arguments)
        except torch.OutOfMemoryError:
            print("\nThe systems do not fit into memory together.", flush=True)


def configs(folder: Path, batch: int, arguments: argparse.Namespace) -> tuple[ModelConfig, TrainingConfig]:
    """Returns the configuration of MusAE in the sizes asked for, and its schedule."""
    data = read_provenance(folder)
    config = ModelConfig(
        bars=data.bars, tracks=TRACKS, onsets="starts", network="recurrent", prior=arguments.prior,
        regulariser="wgan_gp", genres=len(data.genres), hidden_size=arguments.hidden_size, layers=arguments.layers,
        latent=arguments.latent,
    )  # fmt: skip
    training = TrainingConfig(
        updates=1, batch=batch, learning_rate=1e-4, decay=1e-4, beta_every=1, free_bits=0.0, evaluate_every=1,
        precision="float32", seed=0,
    )  # fmt: skip
    return config, training


if __name__ == "__main__":
    main()
