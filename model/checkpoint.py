"""A trained model on disk: weights as safetensors, all else as JSON. Nothing is unpickled."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.config import ModelConfig, TrainingConfig
from model.data import Provenance
from model.musae import MusAE
from music.errors import InputError

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class Description:
    """All of a checkpoint but its weights."""

    model: ModelConfig
    training: TrainingConfig
    data: Provenance
    metrics: dict[str, float]
    torch: str = torch.__version__


def save(folder: Path, model: MusAE, description: Description) -> None:
    """Writes both files into the folder."""
    save_file({name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}, folder / WEIGHTS)
    (folder / DESCRIPTION).write_text(json.dumps(asdict(description), indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[MusAE, Description]:
    """The model, in evaluation mode, and its description. Raises `InputError`."""
    try:
        fields: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        description = Description(
            ModelConfig(**fields["model"]),
            TrainingConfig(**fields["training"]),
            Provenance(**fields["data"]),
            fields["metrics"],
            fields["torch"],
        )
        model = MusAE(description.model)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename or folder / WEIGHTS}: no such file; train a model first (dvc repro train)"
        ) from error
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder}: not a checkpoint of this version ({error}); train again") from error
    return model.eval(), description
