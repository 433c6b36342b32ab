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
from model.threads import use_threads
from model.training.first_weights import untrained
from model.training.loop import Log, TrainingLoop
from model.training.precision import check_precision
from model.training.snapshots import Snapshots
from model.training.workers import Workers

RUNS = Path("runs")
"""A folder of snapshots for each run, until the run has ended."""


@dataclass(frozen=True)
class TrainedRun:
    """The results of a run that has ended."""

    model: Autoencoder
    """The trained model, in evaluation mode."""
    description: Description
    windows: Dataset
    snapshots: Snapshots
    """The caller removes them once the model is saved."""


def train_on(windows: Path, config: RunConfig, log: Log, workers: Workers, device: torch.device) -> TrainedRun:
    """Trains on a folder of shards, and resumes from the snapshots of the same run if there are any.

    Raises `InputError` as `TrainingLoop` and `use_threads` do, and for a recipe that does not fit the windows.
    """
    data = read_provenance(windows)
    model_config, schedule = read_recipe(config, data.bars, len(data.genres))
    prepare_torch(config.cpu_threads)
    torch.use_deterministic_algorithms(True)
    if config.network != "attention":  # which has no LSTM
        check_precision(config.precision, device)
    torch.manual_seed(config.seed)
    autoencoder = untrained(model_config).to(device)
    identity = [asdict(part) for part in (config, model_config, schedule, data)]
    key = hashlib.sha256(
        json.dumps([*identity, VERSIONS, device.type, workers.count, _code_digest()]).encode()
    ).hexdigest()
    snapshots = Snapshots(RUNS / key[:16])
    dataset = read_windows(windows, model_config)
    loop = TrainingLoop(autoencoder, dataset, schedule, config.stopping, snapshots, workers)
    metrics, schedule = loop.run(log)
    description = Description(model_config, schedule, data, metrics, VERSIONS)
    return TrainedRun(autoencoder.eval(), description, dataset, snapshots)


def prepare_torch(cpu_threads: int) -> None:
    """Configures PyTorch, before it computes anything. Raises `InputError` as `use_threads` does."""
    use_threads(cpu_threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic algorithms
    # Filling new memory would take a tenth of the time, and no operator here reads memory before it is written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _code_digest() -> str:
    """Returns a digest of the code that a run depends on."""
    folders = (Path(model.__file__).parent, Path(music.__file__).parent)
    files = [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.py"))]
    return hashlib.sha256(b"".join(files)).hexdigest()
