"""A folder of window shards -> a trained model, for stage `train` and for `python -m model`, where there is no DVC."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import model
import music
from model.autoencoder import Autoencoder
from model.checkpoint import VERSIONS, Description
from model.config import RunConfig
from model.data import Dataset, read_provenance, read_windows
from model.recipes import read_recipe
from model.training.loop import Log, TrainingLoop
from model.training.precision import check_precision
from model.training.snapshots import Snapshots
from model.training.workers import Workers

RUNS = Path("runs")
"""A folder of snapshots for each run, until the run has ended."""


@dataclass(frozen=True)
class TrainedRun:
    """What a run that has ended leaves."""

    model: Autoencoder
    """The trained model, in evaluation mode."""
    description: Description
    windows: Dataset
    snapshots: Snapshots
    """For the caller to remove once the model is saved."""


def train_on(windows: Path, config: RunConfig, log: Log, workers: Workers, device: torch.device) -> TrainedRun:
    """Trains on a folder of shards, from the snapshots of the same run where there are some.

    Raises `InputError` as `TrainingLoop` does, and for a recipe that does not fit.
    """
    data = read_provenance(windows)
    model_config, schedule = read_recipe(config, data.bars, len(data.genres))
    prepare_torch(config.cpu_threads)
    torch.use_deterministic_algorithms(True)
    check_precision(config.precision, device)
    torch.manual_seed(config.seed)
    autoencoder = Autoencoder(model_config).to(device)
    identity = [asdict(part) for part in (config, model_config, schedule, data)]
    key = hashlib.sha256(json.dumps([*identity, VERSIONS, device.type, workers.count, _code()]).encode()).hexdigest()
    snapshots = Snapshots(RUNS / key[:16])
    dataset = read_windows(windows, model_config)
    loop = TrainingLoop(autoencoder, dataset, schedule, config.stopping, snapshots, workers)
    metrics, schedule = loop.run(log)
    description = Description(model_config, schedule, data, metrics, VERSIONS)
    return TrainedRun(autoencoder.eval(), description, dataset, snapshots)


def prepare_torch(cpu_threads: int) -> None:
    """Sets what must be set before PyTorch computes anything; cpu_threads: 0 takes all cores."""
    if cpu_threads:
        torch.set_num_threads(cpu_threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic algorithms
    # Filling fresh memory would take a tenth of the time, for what no operator here reads.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _code() -> str:
    """A digest of the code that a run depends on."""
    rooms = (Path(model.__file__).parent, Path(music.__file__).parent)
    files = [path.read_bytes() for room in rooms for path in sorted(room.rglob("*.py"))]
    return hashlib.sha256(b"".join(files)).hexdigest()
