"""Stage `train`: windows -> a trained model and its curves."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from dvclive import Live
from typer import Option

from model.checkpoint import Description, save
from model.config import ModelConfig, TrainingConfig
from model.data import read_provenance, read_windows
from model.musae import MusAE
from model.training import Metrics, train
from music.errors import InputError
from stages.command import replacing, run
from stages.settings import PARAMS, RECIPES, read_settings


@dataclass(frozen=True)
class TrainConfig:
    """Section `train` of params.yaml."""

    bars: int
    prior: Literal["gaussian", "flower"]
    recipe: str
    """Sizes and schedule: an entry of recipes.yaml."""
    seed: int
    cpu_threads: int
    """0 takes all cores; with one, the weights do not depend on how many there are."""

    def __post_init__(self) -> None:
        if self.cpu_threads < 0:
            raise ValueError("cpu_threads must be 0 (all cores) or more")


def main(windows: Annotated[Path, Option()], out: Annotated[Path, Option()], curves: Annotated[Path, Option()]) -> None:
    """Trains a MusAE; writes its checkpoint, and its curves with DVCLive."""
    config = read_settings(TrainConfig, PARAMS, "train")
    data = read_provenance(windows)
    if data.bars != config.bars:
        raise InputError(f"{windows} has windows of {data.bars} bars, train.bars is {config.bars}; make them the same")
    model_config = read_settings(
        ModelConfig, RECIPES, config.recipe, "model", bars=data.bars, prior=config.prior, genres=len(data.genres)
    )
    training_config = read_settings(TrainingConfig, RECIPES, config.recipe, "training", seed=config.seed)

    if config.cpu_threads:
        torch.set_num_threads(config.cpu_threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic algorithms
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(config.seed)
    model = MusAE(model_config).to("cuda" if torch.cuda.is_available() else "cpu")
    training, validation = read_windows(windows, "train"), read_windows(windows, "validation")
    with replacing(out) as partial, Live(str(curves), dvcyaml=None, save_dvc_exp=False) as live:

        def log(update: int, metrics: Metrics) -> None:
            live.step = update
            for name, value in metrics.items():
                live.log_metric(name, value)
            live.make_summary()

        metrics = train(model, training, validation, training_config, log)
        save(partial, model, Description(model_config, training_config, data, metrics))


if __name__ == "__main__":
    run(main)
