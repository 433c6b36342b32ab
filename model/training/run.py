"""A folder of window shards -> a trained model, for stage `train` and for `python -m model`, where there is no DVC."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import model
import music
from model.autoencoder import Autoencoder
from model.checkpoint import VERSIONS, Description
from model.config import Decoder, ModelConfig, Onsets, Prior, Regulariser, TrainingConfig
from model.data import SPLITS, read_provenance, read_windows
from model.training.loop import Log, StoppingCriteria, train
from model.training.precision import Precision, check_precision
from model.training.snapshots import Snapshots
from model.training.workers import Workers
from music.errors import InputError
from music.settings import build, read_toml

RECIPES = Path("recipes.toml")
RUNS = Path("runs")
"""A folder of snapshots a run, until the run has ended."""


@dataclass(frozen=True)
class RunConfig(StoppingCriteria):
    """What a run is, beside its data."""

    tracks: Sequence[str]
    onsets: Onsets
    decoder: Decoder
    prior: Prior
    regulariser: Regulariser
    recipe: str
    """Sizes and schedule: an entry of recipes.toml."""
    updates: int | None
    """The recipe's schedule is stretched over so many; without it, it has the recipe's."""
    seed: int
    precision: Precision
    cpu_threads: int
    """0 takes all cores; with one, the weights do not depend on how many there are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cpu_threads < 0:
            raise ValueError("cpu_threads must be 0 (all cores) or more")
        if self.updates is not None and self.updates < 1:
            raise ValueError("updates must be at least 1, or null for the recipe's")
        if self.updates is not None and self.max_minutes is not None:
            raise ValueError("updates and max_minutes cannot both be given: each fits the schedule")


def train_on(
    windows: Path, config: RunConfig, log: Log, workers: Workers, device: torch.device
) -> tuple[Autoencoder, Description, Snapshots]:
    """Trains on a folder of shards; goes on from the snapshots of the same run, which are the caller's to remove.

    Raises `InputError` as `train` does, and for a recipe that does not fit.
    """
    data = read_provenance(windows)
    model_config, training_config = read_recipe(config, data.bars, len(data.genres))
    if config.cpu_threads:
        torch.set_num_threads(config.cpu_threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic algorithms
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory would take a tenth of the time, for what no operator here reads.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    check_precision(config.precision, device)
    torch.manual_seed(config.seed)
    model = Autoencoder(model_config).to(device)
    identity = [asdict(part) for part in (config, model_config, training_config, data)]
    key = hashlib.sha256(json.dumps([*identity, VERSIONS, device.type, workers.count, _code()]).encode()).hexdigest()
    snapshots = Snapshots(RUNS / key[:16])
    training, validation = (read_windows(windows, split) for split in SPLITS)
    metrics, schedule = train(model, training, validation, training_config, config, snapshots, log, workers)
    return model.eval(), Description(model_config, schedule, data, metrics, VERSIONS), snapshots


def _code() -> str:
    """A digest of the code that a run depends on."""
    rooms = (Path(model.__file__).parent, Path(music.__file__).parent)
    files = [path.read_bytes() for room in rooms for path in sorted(room.rglob("*.py"))]
    return hashlib.sha256(b"".join(files)).hexdigest()


def read_recipe(config: RunConfig, bars: int, genres: int) -> tuple[ModelConfig, TrainingConfig]:
    """The run's entry of recipes.toml, with what the run says besides. Raises `InputError` that names what is off."""
    recipes = read_toml(RECIPES)
    if config.recipe not in recipes:
        raise InputError(f"{RECIPES}: no recipe {config.recipe}; there are {', '.join(recipes)}")
    recipe, place = recipes[config.recipe], f"{RECIPES}: {config.recipe}"
    model = {name: getattr(config, name) for name in ("onsets", "decoder", "prior", "regulariser")}
    model |= {"bars": bars, "genres": genres, "tracks": tuple(config.tracks)}
    training = build(TrainingConfig, place, recipe.get("training", {}), seed=config.seed, precision=config.precision)
    return (
        build(ModelConfig, place, recipe.get("model", {}), **model),
        training.stretched(config.updates) if config.updates else training,
    )
