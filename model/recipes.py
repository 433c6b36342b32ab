"""recipes.toml: sizes and schedules of models, by name."""

from pathlib import Path

from model.config import ModelConfig, RunConfig, TrainingConfig
from music.errors import InputError
from music.settings import build, read_toml

RECIPES = Path("recipes.toml")


def read_recipe(config: RunConfig, bars: int, genres: int) -> tuple[ModelConfig, TrainingConfig]:
    """Builds the model's configuration and schedule from the run's recipe, the run's settings and its windows.

    bars, genres: length of the windows, and size of their genre vocabulary. Raises `InputError` that names what is
    misspelt, missing or out of range, and for a prior that needs genres where there are none.
    """
    if config.prior == "flower" and not genres:
        raise InputError(
            "prior flower has a Gaussian for each genre, and these songs have no tags: take prior gaussian "
            "(train.prior=gaussian), or give the songs tags, in tags.csv beside them or as names of their folders"
        )
    recipes = read_toml(RECIPES)
    if config.recipe not in recipes:
        raise InputError(f"{RECIPES}: no recipe {config.recipe}; there are {', '.join(recipes)}")
    recipe, place = recipes[config.recipe], f"{RECIPES}: {config.recipe}"
    kind = {name: getattr(config, name) for name in ("onsets", "network", "prior", "regulariser")}
    seen = {"bars": bars, "genres": genres, "tracks": tuple(config.tracks)}
    training = build(TrainingConfig, place, recipe.get("training", {}), seed=config.seed, precision=config.precision)
    return (
        build(ModelConfig, place, recipe.get("model", {}), **kind, **seen),
        training.stretched(config.updates) if config.updates else training,
    )
