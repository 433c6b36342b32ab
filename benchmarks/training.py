"""The model half: windows a second beside the published model's port, arithmetic, loading, start and memory.

    python -m benchmarks.training WINDOWS... --batch 256

WINDOWS are folders of window shards, one a length. It takes a GPU where there is one, and needs no more packages than
training does. What was measured stands in docs/performance.md.
"""

import argparse
import os
import platform
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import wraps
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, Protocol, TypeVar, get_args
from unittest.mock import patch

import torch
from torch import Tensor
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.data import DataLoader

import model.training.step
from benchmarks.operations import Operations, of_update
from benchmarks.published import PianoRolls, Published
from model.autoencoder import Autoencoder
from model.config import ModelConfig, Prior, TrainingConfig
from model.data import WindowSet, read_provenance, read_windows
from model.training.loop import teacher_forced
from model.training.precision import Precision, check_precision
from model.training.updates import Updates
from music.errors import InputError
from music.tokens import TRACKS

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PARTS = ("encoder", "decoders", "loss", "critic", "optimiser", "data")
REST = "other"
OPERATORS = 8

Part = tuple[object, str, str]
"""An object, its method, and the part of an update, one of `PARTS`, that the method is."""


class System(Protocol):
    """A model in training."""

    name: str
    deterministic: bool

    def batch(self) -> tuple[Tensor, ...]:
        """The next one, on the device."""

    def update(self) -> None:
        """One of the autoencoder, with those of the critic that come with it, and the loading of its batch."""

    def update_by_kernels(self) -> None:
        """The same, each kernel launched by itself: of a CUDA graph a profile cannot tell the parts."""

    def reconstruct(self, tokens: Tensor) -> Tensor:
        """The logits of the mean codes, (batch, tracks, steps, 130); tokens: (batch, tracks, steps) uint8."""

    def parts(self) -> list[Part]:
        """What to call what in a profile."""


class Ours:
    """`model.training.step`, as `model.training.loop` runs it."""

    name = "this project"
    precision: Precision = "float32"
    deterministic = True

    def __init__(self, config: ModelConfig, training: TrainingConfig, windows: WindowSet) -> None:
        self._training = replace(training, precision=self.precision)
        self._model = Autoencoder(config).to(DEVICE)
        self._optimisers = model.training.step.Optimisers.of(self._model, training)
        given = self._model, windows.to(DEVICE), self._training, self._optimisers
        self._updates, self._launched = Updates(*given), Updates(*given, graph=False)
        self._update = 0

    def batch(self) -> tuple[Tensor, ...]:
        self._updates.choose(self._update)
        return self._updates.batch()

    def update(self) -> None:
        self._make(self._updates)

    def update_by_kernels(self) -> None:
        self._make(self._launched)

    def _make(self, updates: Updates) -> None:
        updates.make(self._update, self._training)
        self._update += 1

    def reconstruct(self, tokens: Tensor) -> Tensor:
        return teacher_forced(self._model, tokens)[1]

    def parts(self) -> list[Part]:
        return [
            (self._model, "encode", "encoder"),
            (self._model, "decode", "decoders"),
            (model.training.step, "reconstruction_loss", "loss"),
            (self._model.critic, "forward", "critic"),
            (model.training.step, "critic_loss", "critic"),
            (self._optimisers.critic, "step", "critic"),
            (self._optimisers.autoencoder, "step", "optimiser"),
            (self._launched, "batch", "data"),
        ]


class Mixed(Ours):
    """The same in mixed precision."""

    name = "this project, bfloat16"
    precision: Precision = "bfloat16"


class Port:
    """`benchmarks.published` with PyTorch's data loader."""

    name = "published, ported"
    deterministic = False

    def __init__(self, config: ModelConfig, training: TrainingConfig, windows: WindowSet, workers: int = 0) -> None:
        self._training = training
        self._published = Published(config, training, DEVICE)
        self._generator = torch.Generator(DEVICE).manual_seed(training.seed)
        self._batches = _endlessly(
            DataLoader(
                PianoRolls(windows),
                training.batch,
                shuffle=True,
                drop_last=True,
                num_workers=workers,
                pin_memory=DEVICE.type == "cuda",
            )
        )
        self._update = 0

    def batch(self) -> tuple[Tensor, ...]:
        return tuple(tensor.to(DEVICE, non_blocking=True) for tensor in next(self._batches))

    def update(self) -> None:
        rolls, states, genres = self.batch()
        self._published.step(rolls, states, genres, self._training.beta(self._update), self._generator)
        self._update += 1

    update_by_kernels = update

    def reconstruct(self, tokens: Tensor) -> Tensor:
        return self._published.reconstruct(tokens.long())

    def parts(self) -> list[Part]:
        port = self._published
        return [
            (port.encoder, "forward", "encoder"),
            *((decoder, "forward", "decoders") for decoder in port.decoders),
            (torch.nn.functional, "cross_entropy", "loss"),
            (port.critic, "forward", "critic"),
            (port, "gradient_penalty", "critic"),
            (port.critic_optimiser, "step", "critic"),
            (port.autoencoder_optimiser, "step", "optimiser"),
            (port.generator_optimiser, "step", "optimiser"),
            (self, "batch", "data"),
        ]


def _endlessly(loader: DataLoader[Any]) -> Iterator[list[Tensor]]:
    while True:
        yield from loader


Kind = type[Port] | type[Ours]


def systems() -> list[Kind]:
    """Those that the device can train; the yardstick first."""
    try:
        check_precision(Mixed.precision, DEVICE)
    except InputError:
        return [Port, Ours]
    return [Port, Ours, Mixed]


def seconds_of(work: Callable[[], object], times: int = 1) -> float:
    """Until the device is done with it."""
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
    """Seconds an update."""
    torch.use_deterministic_algorithms(system.deterministic)
    return seconds_of(system.update, updates) / updates


@dataclass(frozen=True)
class Start:
    """A process that reads the shards and begins to train."""

    reading: float
    """Seconds to have all training windows in memory."""
    first_update: float
    """Seconds from then to the end of the first update."""
    memory: float
    """GB resident in main memory, at the peak of three updates."""
    device_memory: float
    """GB, likewise; 0 without a GPU."""


def start(system: Kind, folder: Path, config: ModelConfig, training: TrainingConfig) -> Start:
    """To be run in a process of its own."""
    began = time.perf_counter()
    windows = read_windows(folder, "train")
    read = time.perf_counter()
    begun = system(config, training, windows)
    train(begun, 1)
    first = time.perf_counter()
    train(begun, 2)
    allocated = torch.cuda.max_memory_allocated() if DEVICE.type == "cuda" else 0
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Start(read - began, first - read, resident / 1e9, allocated / 1e9)


Result = TypeVar("Result")


def in_a_process_of_its_own(function: Callable[..., Result], *arguments: object) -> Result:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peaks() -> dict[str, float]:
    """Operations a second of one large matrix product, by the precision of its factors."""
    if DEVICE.type == "cpu":
        return {"float32": _peak(2048, torch.float32), "bf16": _peak(2048, torch.bfloat16)}
    found = {}
    before = torch.get_float32_matmul_precision()
    for name, precision, kind in (
        ("float32", "highest", torch.float32),
        ("TF32", "high", torch.float32),
        ("bf16", "highest", torch.bfloat16),
    ):
        torch.set_float32_matmul_precision(precision)
        found[name] = _peak(8192, kind)
    torch.set_float32_matmul_precision(before)
    return found


def _peak(side: int, kind: torch.dtype) -> float:
    factors = torch.randn(2, side, side, device=DEVICE, dtype=kind)
    result = torch.empty(side, side, device=DEVICE, dtype=kind)

    def work() -> None:
        torch.mm(*factors, out=result)

    work()
    return 2 * side**3 / min(seconds_of(work) for _ in range(10))


@dataclass(frozen=True)
class Profile:
    """Of some updates: what the device, or without a GPU the main thread, spends its time on."""

    seconds: float
    """Busy, an update."""
    parts: dict[str, float]
    """Share of that, backward passes included."""
    operators: dict[str, float]
    """Share of the largest; of kernels, on a GPU."""


def profiled(system: System, updates: int) -> Profile:
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if DEVICE.type == "cuda" else [])]
    with ExitStack() as patches:
        for owner, method, part in system.parts():
            patches.enter_context(patch.object(owner, method, _labelled(getattr(owner, method), part)))
        torch.use_deterministic_algorithms(system.deterministic)
        system.update_by_kernels()
        with profile(activities=activities) as profiler:
            seconds_of(system.update_by_kernels, updates)
    parts: dict[str, float] = defaultdict(float)
    operators: dict[str, float] = defaultdict(float)
    for event, part in _in_parts(profiler.events()):
        for name, microseconds in _spent(event):
            parts[part] += microseconds
            operators[name] += microseconds
    busy = sum(parts.values())
    largest = sorted(operators, key=operators.__getitem__, reverse=True)[:OPERATORS]
    return Profile(
        busy / 1e6 / updates,
        {part: parts[part] / busy for part in (*PARTS, REST)},
        {name: operators[name] / busy for name in largest},
    )


def _labelled(function: Callable[..., Any], part: str) -> Callable[..., Any]:
    @wraps(function)
    def labelled(*arguments: Any, **named: Any) -> Any:
        with record_function(part):
            return function(*arguments, **named)

    return labelled


def _in_parts(events: list[FunctionEvent]) -> Iterator[tuple[FunctionEvent, str]]:
    """Each event of the processor with its part; a backward pass has that of the operator that it differentiates."""
    made_by: dict[tuple[int | None, int], str] = {}

    def part_of(event: FunctionEvent | None) -> str:
        while event is not None:
            if event.name in PARTS:
                return event.name
            if event.name.startswith("autograd::engine::evaluate_function"):
                return made_by.get((event.fwd_thread, event.sequence_nr), REST)
            event = event.cpu_parent
        return REST

    for event in sorted(events, key=lambda event: event.time_range.start):
        if event.device_type.name == "CPU":
            part = part_of(event)
            if event.sequence_nr >= 0 and not event.fwd_thread:
                made_by[event.thread, event.sequence_nr] = part
            yield event, part


def _spent(event: FunctionEvent) -> list[tuple[str, float]]:
    if DEVICE.type == "cuda":
        # A label has a shadow of its own name among the kernels.
        return [(kernel.name, kernel.duration) for kernel in event.kernels if kernel.name != event.name]
    return [(event.name, event.self_cpu_time_total)]


@dataclass(frozen=True)
class Measured:
    """One system at one length of windows and one size of batch."""

    name: str
    seconds: float
    """An update, the median of the repetitions."""
    spread: float
    """Longest less shortest, as a share of that."""
    loading: float
    """Seconds that a batch alone takes to be there."""
    profile: Profile


def measure(
    folder: Path, config: ModelConfig, training: TrainingConfig, arguments: argparse.Namespace
) -> list[Measured]:
    """All systems, taking turns."""
    windows = read_windows(folder, "train")
    if len(windows) < training.batch:
        raise InputError(f"{folder}: {len(windows)} training windows, fewer than a batch of {training.batch}")
    kinds = systems()
    begun: list[System] = [
        Port(config, training, windows, arguments.workers),
        *(kind(config, training, windows) for kind in kinds[1:]),
    ]
    for system in begun:
        train(system, arguments.warm_up)
    rounds = [[train(system, arguments.updates) for system in begun] for _ in range(arguments.repetitions)]
    return [
        Measured(
            system.name,
            median(times),
            (max(times) - min(times)) / median(times),
            seconds_of(system.batch, arguments.updates) / arguments.updates,
            profiled(system, arguments.profiled),
        )
        for system, times in zip(begun, zip(*rounds, strict=True), strict=True)
    ]


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    columns = list(columns)
    for cells in ("", columns, ["---"] * len(columns), *rows):
        print(f"| {' | '.join(cells)} |" if cells else "", flush=True)


def report(all_measured: list[Measured], operations: Operations, batch: int, peak: dict[str, float]) -> None:
    print(
        f"\nOperations of an update, counted once: {operations.total:.3e} (encoder {operations.encoder:.3e}, "
        f"decoders {operations.decoders:.3e}, critic {operations.critic:.3e})."
    )
    port = all_measured[0]
    print_table(
        [
            "system",
            "windows/s",
            "times the port",
            "ms an update",
            "spread",
            "ms to load a batch",
            "TFLOP/s",
            *(f"% of {n}" for n in peak),
        ],
        (
            [
                its.name,
                f"{batch / its.seconds:.1f}",
                f"{port.seconds / its.seconds:.2f}",
                f"{1000 * its.seconds:.1f}",
                f"{its.spread:.0%}",
                f"{1000 * its.loading:.2f}",
                f"{operations.total / its.seconds / 1e12:.4g}",
                *(f"{operations.total / its.seconds / most:.1%}" for most in peak.values()),
            ]
            for its in all_measured
        ),
    )
    print_table(
        ["where the time goes", *PARTS, REST, "busy"],
        (
            [its.name, *(f"{s:.1%}" for s in its.profile.parts.values()), f"{its.profile.seconds / its.seconds:.0%}"]
            for its in all_measured
        ),
    )
    for its in all_measured:
        operators = its.profile.operators.items()
        print_table(
            [f"{its.name}: operator", "share"], ([f"`{name[:80]}`", f"{share:.1%}"] for name, share in operators)
        )


def report_start(folder: Path, config: ModelConfig, training: TrainingConfig) -> None:
    """Of each system, in a process of its own, while the device's memory is free."""
    starts = {kind.name: in_a_process_of_its_own(start, kind, folder, config, training) for kind in systems()}
    print_table(
        ["start", "reading, s", "first update, s", "memory, GB", "of the device, GB"],
        (
            [name, *(f"{figure:.2f}" for figure in (its.reading, its.first_update, its.memory, its.device_memory))]
            for name, its in starts.items()
        ),
    )


def report_reading(folder: Path, repetitions: int, consumed: float) -> None:
    """Parquet to tensors, against what training consumes: windows a second."""
    windows = read_windows(folder, "train")
    seconds = median(seconds_of(lambda: read_windows(folder, "train")) for _ in range(repetitions))
    rate = len(windows) / seconds
    print(
        f"\nParquet to tensors: {len(windows)} windows in {seconds:.3f} s, {rate:.0f} windows/s, "
        f"{rate / consumed:.0f} times what the faster consumes; {windows.tokens.nbytes / 1e6:.1f} MB of tokens.",
        flush=True,
    )


def prepare() -> None:
    """As training does."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic algorithms
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def describe() -> None:
    if DEVICE.type == "cuda":
        print(f"Device: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")
    else:
        print(f"Device: {platform.processor() or platform.machine()}, no GPU")
    print(f"torch {torch.__version__}, Python {platform.python_version()}, threads: {torch.get_num_threads()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("windows", type=Path, nargs="+")
    parser.add_argument("--hidden-size", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--latent", type=int, default=512)
    parser.add_argument("--prior", choices=get_args(Prior), default="flower")
    parser.add_argument("--batch", type=int, nargs="+", default=[256], help="one or several sizes")
    parser.add_argument("--workers", type=int, default=0, help="of the port's data loader")
    parser.add_argument("--warm-up", type=int, default=5, help="updates before any that are timed")
    parser.add_argument("--updates", type=int, default=10, help="timed in one go")
    parser.add_argument("--repetitions", type=int, default=5, help="of that, the systems taking turns; medians count")
    parser.add_argument("--profiled", type=int, default=3, help="updates in the profile")
    arguments = parser.parse_args()
    prepare()
    describe()
    peak = peaks()
    print("Large matrix product:", ", ".join(f"{name} {rate / 1e12:.4g} TFLOP/s" for name, rate in peak.items()))
    report_start(arguments.windows[0], *configs(arguments.windows[0], arguments.batch[0], arguments))
    for folder, batch in product(arguments.windows, arguments.batch):
        config, training = configs(folder, batch, arguments)
        print(f"\n## {config.bars} bars, batches of {batch}", flush=True)
        try:
            measured = measure(folder, config, training, arguments)
        except torch.OutOfMemoryError:
            print("\nThey do not fit into memory together.", flush=True)
            continue
        report(measured, of_update(config, training), batch, peak)
        report_reading(folder, arguments.repetitions, batch / min(its.seconds for its in measured))


def configs(folder: Path, batch: int, arguments: argparse.Namespace) -> tuple[ModelConfig, TrainingConfig]:
    """Of MusAE on a folder of shards, at the sizes asked for."""
    data = read_provenance(folder)
    config = ModelConfig(
        bars=data.bars, tracks=TRACKS, onsets="starts", decoder="parallel", prior=arguments.prior,
        regulariser="wgan_gp", genres=len(data.genres), hidden_size=arguments.hidden_size, layers=arguments.layers,
        latent=arguments.latent,
    )  # fmt: skip
    training = TrainingConfig(
        updates=1, batch=batch, learning_rate=1e-4, decay=1e-4, clip=0, beta_every=1, critic_updates=5,
        gradient_penalty=10.0, kl_weight=0, free_bits=0, sampling_rate=0, sampling_every=1,
        evaluate_every=1, precision="float32", seed=0,
    )  # fmt: skip
    return config, training


if __name__ == "__main__":
    main()
