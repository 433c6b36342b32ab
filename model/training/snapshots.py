"""Snapshots of a training run, each a safetensors file, from which it resumes as if it had never stopped."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.autoencoder import Autoencoder
from model.compact import Weights
from model.config import TrainingConfig
from model.training.step import Optimisers
from music.errors import InputError

Metrics = dict[str, float]
"""What was measured after an update, by name."""

KEPT = 2
"""The number of snapshots that are kept: the last but one is used if the last cannot be read."""


@dataclass
class Position:
    """How far a run has come."""

    update: int = 0
    """The number of updates done."""
    schedule: TrainingConfig | None = None
    """The schedule, once it is fitted to the run's time or cut off."""
    seconds: float = 0.0
    """Seconds that all processes of this run have taken."""
    validation_seconds: float = 0.0
    """Seconds that the last validation took."""
    history: list[tuple[int, Metrics]] = field(default_factory=list)
    """All that was logged, each with its number of updates."""


class Snapshots:
    """The folder of one run's snapshots; each appears whole or not at all, and the last `KEPT` are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("update-*.safetensors"))

    @property
    def last(self) -> str:
        """The last snapshot, for a message."""
        paths = self._paths()
        return str(paths[-1]) if paths else "no snapshot"

    def write(self, position: Position, model: Autoencoder, optimisers: Optimisers, best: Weights) -> None:
        """Writes a snapshot, and removes all but the last `KEPT`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for left_by_a_killed_process in self._folder.glob("*.partial"):
            left_by_a_killed_process.unlink()
        path = self._folder / f"update-{position.update:09d}.safetensors"
        partial = path.with_suffix(".partial")
        tensors = _prefixed("model", model.state_dict()) | _prefixed("best", best)
        for name, optimiser in vars(optimisers).items():
            if optimiser:
                for number, state in optimiser.state_dict()["state"].items():
                    tensors |= _prefixed(f"{name}.{number}", state)
        try:
            save_file(
                {name: tensor.contiguous().cpu() for name, tensor in tensors.items()},
                partial,
                {"position": json.dumps(asdict(position))},
            )
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        for old in self._paths()[:-KEPT]:
            old.unlink()

    def restore(self, model: Autoencoder, optimisers: Optimisers) -> tuple[Position, Weights]:
        """Loads the last snapshot that can be read into model and optimisers. Returns its position and best weights.

        A run without a snapshot starts at the beginning. Raises `InputError` if none of its snapshots can be read.
        """
        errors = []
        for path in reversed(self._paths()):
            try:
                return _restore(path, model, optimisers)
            except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
                errors.append(f"{path}: {error}")
        if errors:
            raise InputError(f"{errors[0]}; remove {self._folder} to train from the start")
        return Position(), {}

    def remove(self) -> None:
        """Removes the folder of a run that has ended, with what a killed process may have left there."""
        if self._folder.exists():
            shutil.rmtree(self._folder)


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> Weights:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _restore(path: Path, model: Autoencoder, optimisers: Optimisers) -> tuple[Position, Weights]:
    with safe_open(path, framework="pt") as file:
        position = _position(json.loads(file.metadata()["position"]))
        tensors: Weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model.load_state_dict(_under("model", tensors))
    for name, optimiser in vars(optimisers).items():
        if optimiser:
            state: dict[int, Weights] = {}
            for key, tensor in _under(name, tensors).items():
                number, _, quantity = key.partition(".")
                state.setdefault(int(number), {})[quantity] = tensor
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return position, _under("best", tensors)


def _position(fields: dict[str, Any]) -> Position:
    schedule = TrainingConfig(**fields["schedule"]) if fields["schedule"] else None
    history = [(update, metrics) for update, metrics in fields["history"]]
    return Position(**fields | {"schedule": schedule, "history": history})


def _under(prefix: str, tensors: Weights) -> Weights:
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
