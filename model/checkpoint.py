"""A trained model on disk: weights as safetensors, the rest as JSON. Nothing is unpickled."""

import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.autoencoder import Autoencoder
from model.compact import Weights, expand, pack
from model.config import ModelConfig, TrainingConfig, difference
from model.data import Provenance, read_provenance
from music.errors import InputError
from music.json_files import read_json, write_json

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
TRAIN_FIRST = "train a model first (dvc repro train)"
VERSIONS = {"python": platform.python_version(), "torch": torch.__version__}


@dataclass(frozen=True)
class Description:
    """Everything in a checkpoint but its weights."""

    model: ModelConfig
    training: TrainingConfig
    data: Provenance
    metrics: dict[str, float]
    """The metrics of these weights at their validation in training."""
    versions: dict[str, str]


def save(folder: Path, model: Autoencoder, description: Description) -> None:
    """Writes weights and description into the folder."""
    _write(folder, model.state_dict(), description)


def save_compact(folder: Path, model: Autoencoder, description: Description) -> None:
    """Writes a checkpoint of a quarter of the size, which `load` reads too; matrices are rounded to 8 bits a weight."""
    _write(folder, pack(model.state_dict()), description)


def _write(folder: Path, weights: Weights, description: Description) -> None:
    """Writes the description last: where it exists, the weights are whole and are the ones that it describes."""
    (folder / DESCRIPTION).unlink(missing_ok=True)
    save_file({name: tensor.contiguous().cpu() for name, tensor in weights.items()}, folder / WEIGHTS)
    write_json(folder / DESCRIPTION, asdict(description))


def load_for(folder: Path, windows: Path) -> tuple[Autoencoder, Description]:
    """Loads a model that was trained on these window shards. Raises `InputError` that says what differs."""
    model, description = load(folder)
    if differs := difference(description.data, read_provenance(windows)):
        raise InputError(f"{folder} was trained on other windows than {windows} ({differs}); run dvc repro train")
    return model, description


def load(folder: Path) -> tuple[Autoencoder, Description]:
    """Returns the model, in evaluation mode, and its description. Raises `InputError` that names the file at fault."""
    description = _read_description(folder / DESCRIPTION)
    weights, model = folder / WEIGHTS, Autoencoder(description.model)
    try:
        model.load_state_dict(expand(load_file(weights)))
    except FileNotFoundError as error:
        raise InputError(f"{weights}: no such file; {TRAIN_FIRST}") from error
    except (KeyError, RuntimeError, SafetensorError) as error:
        cause = " ".join(str(error).split())  # PyTorch writes a line for each tensor
        raise InputError(f"{weights}: not weights of a checkpoint of this version ({cause}); train again") from error
    return model.eval(), description


def _read_description(file: Path) -> Description:
    fields: dict[str, Any] = read_json(file, TRAIN_FIRST)
    try:
        return Description(
            ModelConfig(**fields["model"] | {"tracks": tuple(fields["model"]["tracks"])}),
            TrainingConfig(**fields["training"]),
            Provenance(**fields["data"]),
            fields["metrics"],
            fields["versions"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: not of a checkpoint of this version ({error}); train again") from error
