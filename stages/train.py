"""Stage `train`: windows -> a trained model and its curves."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from dvclive import Live
from typer import Option

from model.checkpoint import Description, save
from model.config import ModelConfig, TrainingConfig
from model.data import read_provenance, read_windows
from model.musae import MusAE
from model.training import Metrics, train
from stages.command import replacing, run
from stages.settings import PARAMS, RECIPES, checked, read_settings


@dataclass(frozen=True)
class TrainConfig:
    """Section `train` of params.yaml."""

    bars: int
    prior: str
    recipe: str
    seed: int


@dataclass(frozen=True)
class Recipe:
    """An entry of recipes.yaml: sizes and schedule, as in `ModelConfig` and `TrainingConfig`."""

    units: int
    layers: int
    latent: int
    updates: int
    batch: int
    learning_rate: float
    decay: float
    beta_every: int
    critic_updates: int
    gradient_penalty: float
    evaluate_every: int
    cpu_threads: int
    """On a CPU; 0 takes all cores. With one, the weights do not depend on how many cores there are."""


def main(windows: Annotated[Path, Option()], out: Annotated[Path, Option()], curves: Annotated[Path, Option()]) -> None:
    """Trains a MusAE; writes its checkpoint, and its curves with DVCLive."""
    config = read_settings(TrainConfig, PARAMS, "train")
    recipe = vars(read_settings(Recipe, RECIPES, config.recipe))
    data = read_provenance(windows)
    if threads := recipe.pop("cpu_threads"):
        torch.set_num_threads(threads)
    sizes = {name: recipe.pop(name) for name in ("units", "layers", "latent")}
    place = f"train.recipe {config.recipe}."
    model_config = checked(
        ModelConfig, place, {"bars": data.bars, "prior": config.prior, "genres": len(data.genres), **sizes}
    )
    training_config = checked(TrainingConfig, place, {**recipe, "seed": config.seed})

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic algorithms
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(config.seed)
    model = MusAE(model_config).to("cuda" if torch.cuda.is_available() else "cpu")
    with replacing(out) as partial, Live(str(curves), dvcyaml=None, save_dvc_exp=False) as live:

        def log(update: int, metrics: Metrics) -> None:
            live.step = update
            for name, value in metrics.items():
                live.log_metric(name, value)
            live.make_summary()

        training, validation = read_windows(windows, "train"), read_windows(windows, "validation")
        metrics = train(model, training, validation, training_config, log)
        save(partial, model, Description(model_config, training_config, data, metrics))


if __name__ == "__main__":
    run(main)
