"""The variants of a recipe that the trade-off compares, and how one of them is trained."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from analysis.shared.context import EvaluationContext
from benchmarks.training import DEVICE
from model.checkpoint import VERSIONS, Description
from model.config import ModelConfig, Regulariser, RunConfig, TrainingConfig
from model.data import Provenance, read_provenance, read_split_unit, read_windows
from model.recipes import read_recipe
from model.training.first_weights import untrained
from model.training.loop import TrainingLoop
from model.training.run import prepare_torch
from model.training.snapshots import Snapshots
from music.tokens import TRACKS

FLOOR = 0.75
"""The floor of noise of all variants but those that differ in it."""
VALIDATION_WINDOWS = 4096
"""The number of validation windows, evenly spaced over the songs, that a model is judged on."""


@dataclass(frozen=True)
class Variant:
    """What is changed in a recipe."""

    name: str
    noise_floor: float = FLOOR
    moments: float = 1.0
    """The weight of the moments, as a multiple of the recipe's."""
    regulariser: Regulariser = "wgan_gp"
    denoising: float = 0.0
    """The `denoising_weight`."""

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return self.name.replace(" ", "-")


MIDDLE = Variant("floor .75")
FLOORS = (Variant("no noise", noise_floor=0), Variant("floor .5", noise_floor=0.5), MIDDLE,
          Variant("floor .9", noise_floor=0.9))  # fmt: skip
"""By rising floor of noise, with the moments' weight of the recipe."""
PULLS = (Variant("no pull", regulariser="none"), Variant("critic alone", moments=0), MIDDLE,
         Variant("moments x 5", moments=5), Variant("moments x 25", moments=25))  # fmt: skip
"""By rising pull toward the prior, with the same floor of noise."""
VARIANTS = (*dict.fromkeys((*FLOORS, *PULLS)), Variant("denoised", denoising=0.3))


@dataclass(frozen=True)
class Trial:
    """One training of a variant."""

    variant: Variant
    seed: int
    updates: int

    @property
    def stem(self) -> str:
        """The name of the file of its measures, without its ending, and of the folder of its snapshots."""
        return f"{self.variant.stem}-{self.updates}updates-seed{self.seed}"


def run_config(trial: Trial, recipe: str, cpu_threads: int) -> RunConfig:
    """Returns the settings of the recipe's run that the variant changes."""
    return RunConfig(
        tracks=TRACKS, onsets="starts", network="attention", prior="flower", regulariser=trial.variant.regulariser,
        recipe=recipe, updates=trial.updates, max_minutes=None, patience=None, keep="last", seed=trial.seed,
        precision="bfloat16", cpu_threads=cpu_threads,
    )  # fmt: skip


def train_variant(folder: Path, trial: Trial, config: RunConfig, snapshots: Snapshots) -> EvaluationContext:
    """Trains a variant without a flow, from its last snapshot if there is one, and returns it with its windows."""
    prepare_torch(config.cpu_threads)
    torch.use_deterministic_algorithms(True)
    data = read_provenance(folder)
    model_config, schedule = changed_recipe(trial.variant, config, data)
    windows = read_windows(folder, model_config)
    torch.manual_seed(trial.seed)
    model = untrained(model_config).to(DEVICE)
    loop = TrainingLoop(model, windows, schedule, config.stopping, snapshots)
    metrics, _ = loop.run(lambda *_: None)
    description = Description(model_config, schedule, data, metrics, VERSIONS)
    validation = windows.validation.evenly_spaced(VALIDATION_WINDOWS)
    return EvaluationContext(model.eval(), description, windows.training, validation, read_split_unit(folder))


def changed_recipe(variant: Variant, config: RunConfig, data: Provenance) -> tuple[ModelConfig, TrainingConfig]:
    """Returns the recipe's model and schedule with the variant's changes, and without a flow."""
    model, schedule = read_recipe(config, data.bars, len(data.genres))
    weight = variant.moments * schedule.moments_weight
    return replace(model, noise_floor=variant.noise_floor), replace(
        schedule, moments_weight=weight, denoising_weight=variant.denoising, flow_updates=0
    )
