"""The accuracies of [P] table 1, and those that a model is compared with."""

from dataclasses import dataclass

from model.config import ModelConfig
from model.evaluation import column_names
from music.tokens import TRACKS

HIDDEN_SIZE = 1024
"""The hidden size of [P]'s models."""
COLUMN_NAMES = {"guitar": "guitar/piano", "mean": "average", "mean_without_strings": "average without strings"}
"""Readable names, for those of `model.evaluation.column_names` that need one."""
ROWS = (
    "2-bar drums alone",
    "2-bar guitar/piano alone",
    "16-bar drums",
    "16-bar bass",
    "16-bar guitar/piano",
    "16-bar strings",
    "16-bar average",
    "16-bar average without strings",
)
"""The rows of Table 1, named as `row_names` does; [P] calls the second "2-bar melody"."""


@dataclass(frozen=True)
class PaperModel:
    """A model of [P], with its column of table 1."""

    name: str
    kind: tuple[str, str, str]
    """Network, prior and regulariser."""
    accuracy: tuple[float | None, ...]
    """The accuracy in each of `ROWS`."""


PAPER = (
    PaperModel(
        "MusAE, Gaussian",
        ("recurrent", "gaussian", "wgan_gp"),
        (0.999, 0.991, 0.773, 0.763, 0.710, 0.802, 0.762, 0.749),
    ),
    PaperModel(
        "MusAE, mixture",
        ("recurrent", "flower", "wgan_gp"),
        (None, None, 0.911, 0.880, 0.797, 0.825, 0.853, 0.863),
    ),
    PaperModel(
        "MusicVAE, flat",
        ("flat", "gaussian", "kl"),
        (0.917, 0.951, 0.641, 0.651, 0.660, None, None, 0.651),
    ),
    PaperModel(
        "MusicVAE, hierarchical",
        ("hierarchical", "gaussian", "kl"),
        (None, None, 0.895, 0.782, 0.760, None, None, 0.812),
    ),
)


def row_names(config: ModelConfig) -> dict[str, str]:
    """Returns the name of each row of Table 1 that a model fills, by track and mean."""
    if len(config.tracks) == 1:
        return {track: f"{config.bars}-bar {COLUMN_NAMES.get(track, track)} alone" for track in config.tracks}
    tracks = "" if config.tracks == TRACKS else f" (of {', '.join(config.tracks)})"
    return {name: f"{config.bars}-bar {COLUMN_NAMES.get(name, name)}{tracks}" for name in column_names(config.tracks)}


def counterpart(config: ModelConfig) -> PaperModel | None:
    """Returns the paper's model with the same network, prior and regulariser; for attention that of its MusAE."""
    network = "recurrent" if config.network == "attention" else config.network
    kind = network, config.prior, config.regulariser
    return next((published for published in PAPER if published.kind == kind), None)


def published_accuracies(config: ModelConfig) -> dict[str, float | None]:
    """Returns the accuracies of the model's counterpart for the same bars and tracks, by track and mean."""
    published = counterpart(config)
    by_row = dict(zip(ROWS, published.accuracy, strict=True)) if published else {}
    return {name: by_row.get(row) for name, row in row_names(config).items()}
