"""A trained model on disk: weights as safetensors, all else as JSON. Nothing is unpickled."""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.autoencoder import Autoencoder
from model.compact import Weights, expand
from model.config import ModelConfig, TrainingConfig, difference
from model.data import Provenance, read_provenance
from music.errors import InputError

WEIGHTS = "model.safetensors"
COMPACT = "compact.safetensors"
DESCRIPTION = "model.json"
VERSIONS = {"python": platform.python_version(), "torch": torch.__version__}


@dataclass(frozen=True)
class Description:
    """All of a checkpoint but its weights."""

    model: ModelConfig
    training: TrainingConfig
    data: Provenance
    metrics: dict[str, float]
    """The validation of the weights."""
    versions: dict[str, str]


def save(folder: Path, model: Autoencoder, description: Description) -> None:
    """Writes both files into the folder, the description last: where it stands, the weights are whole and its own."""
    (folder / DESCRIPTION).unlink(missing_ok=True)
    save_file({name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}, folder / WEIGHTS)
    _describe(folder, description)


def save_compact(folder: Path, packed: Weights, description: Description) -> None:
    """Writes what `model.compact.pack` made of the weights, for `load` to read too."""
    (folder / DESCRIPTION).unlink(missing_ok=True)
    save_file(packed, folder / COMPACT)
    _describe(folder, description)


def _describe(folder: Path, description: Description) -> None:
    (folder / DESCRIPTION).write_text(json.dumps(asdict(description), indent=1) + "\n", encoding="utf-8")


def load_for(folder: Path, windows: Path) -> tuple[Autoencoder, Description]:
    """As `load`, of a model that was trained on these window shards. Raises `InputError` that says what differs."""
    model, description = load(folder)
    if differs := difference(description.data, read_provenance(windows)):
        raise InputError(f"{folder} was trained on other windows than {windows} ({differs}); run dvc repro train")
    return model, description


def load(folder: Path) -> tuple[Autoencoder, Description]:
    """The model, in evaluation mode, and its description. Raises `InputError`."""
    try:
        fields: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        description = Description(
            ModelConfig(**fields["model"] | {"tracks": tuple(fields["model"]["tracks"])}),
            TrainingConfig(**fields["training"]),
            Provenance(**fields["data"]),
            fields["metrics"],
            fields["versions"],
        )
        model = Autoencoder(description.model)
        compact = folder / COMPACT
        model.load_state_dict(expand(load_file(compact)) if compact.exists() else load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename or folder / WEIGHTS}: no such file; train a model first (dvc repro train)"
        ) from error
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder}: not a checkpoint of this version ({error}); train again") from error
    return model.eval(), description
