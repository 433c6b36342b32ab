"""Small models, and windows to train them on, in memory and as shards."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tomlkit
import torch

from analysis.shared.context import EvaluationContext
from model.checkpoint import Description
from model.config import ModelConfig, StoppingCriteria, TrainingConfig
from model.data import Provenance, WindowSet, as_seen
from model.training.first_weights import untrained
from music.tokens import STATES, TRACKS
from pipelines.shards import shard_name, shard_writers, windows_schema, write_manifest

WINDOWS_A_SONG = 2
FEW = {
    "reconstruction": {"resamples": 20},
    "interpolation": {"pairs": 4},
    "attributes": {"samples": 8, "compared": 8, "shuffles": 3},
    "genres": {"windows": 16, "shuffles": 3},
    "posterior": {"windows": 64, "samples": 8},
    "control": {"windows": 4, "training_windows": 40, "classifier_windows": 40, "resamples": 20},
    "editability": {
        "windows": 4,
        "training_windows": 40,
        "classifier_windows": 40,
        "resamples": 20,
        "attempts": 3,
        "flow_windows": 2,
    },
}
"""Settings by part of the analysis: small ones, so that it takes seconds; the figures mean little."""
GENRES = ["jazz", "rock", "pop"]
SMALL = ModelConfig(
    bars=1, tracks=TRACKS, onsets="starts", network="attention", prior="flower", regulariser="wgan_gp", genres=3,
    hidden_size=16, layers=2, latent=8,
)  # fmt: skip
BRIEF = TrainingConfig(
    updates=12, batch=4, learning_rate=0.01, decay=0.01, clip=0.0, beta_every=2, critic_updates=2,
    gradient_penalty=10.0, kl_weight=0.5, free_bits=1.0, sampling_rate=0.0, sampling_every=1.0,
    evaluate_every=5, precision="float32", seed=0,
)  # fmt: skip
TO_THE_END = StoppingCriteria(max_minutes=None, patience=None, keep="last")


def make_windows(count: int = 20, bars: int = 1) -> WindowSet:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(STATES, (count, 4, 16 * bars), generator=generator, dtype=torch.uint8)
    genres = torch.rand(count, 3, generator=generator) < 0.5
    return WindowSet(tokens, genres, torch.arange(count, dtype=torch.int32) // WINDOWS_A_SONG)


def windows_of(tokens: torch.Tensor) -> WindowSet:
    """Windows without genres, each of a song of its own; tokens: (windows, tracks, steps)."""
    count = len(tokens)
    return WindowSet(tokens, torch.zeros(count, len(GENRES), dtype=torch.bool), torch.arange(count, dtype=torch.int32))


def seen_by(windows: WindowSet, config: ModelConfig) -> WindowSet:
    """Windows of all four tracks as the model sees them; none is left out."""
    return replace(windows, tokens=torch.from_numpy(as_seen(windows.tokens.numpy(), config)))


def make_context(
    training: WindowSet | None = None, validation: WindowSet | None = None, **changes: Any
) -> EvaluationContext:
    """An untrained model, `SMALL` with changes, and its windows; without validation windows the training windows."""
    torch.manual_seed(0)
    config = replace(SMALL, **changes)
    training = make_windows(bars=config.bars) if training is None else training
    splits = training, training if validation is None else validation
    description = Description(config, BRIEF, Provenance(config.bars, GENRES, "digest"), {}, {})
    return EvaluationContext(
        untrained(config).eval(), description, *(seen_by(windows, config) for windows in splits), "song"
    )


def window_table(
    tokens: np.ndarray, shifts: np.ndarray, genres: Sequence[Sequence[int]], songs: Sequence[str]
) -> pa.Table:
    """Rows of a window shard; tokens: (windows, 4, steps), shifts: (windows,), songs: the id of each window's song."""
    count, _, steps = tokens.shape
    columns = {
        "tokens": [window.tobytes() for window in tokens],
        "msd_id": songs,
        "md5": ["m"] * count,
        "bar": range(count),
        "tracks": [[0, 0, 0]] * count,
        "shift": shifts.tolist(),
        "genres": genres,
    }
    return pa.table({name: list(values) for name, values in columns.items()}, schema=windows_schema(steps // 16))


def write_brief_settings(project: Path) -> None:
    """Changes the settings of a copy of the project so that an analysis takes seconds."""
    for part, few in FEW.items():
        file = project / "analysis" / part / "settings.toml"
        settings = tomlkit.parse(file.read_text())
        settings.update(few)
        file.write_text(tomlkit.dumps(settings))


def write_window_shards(folder: Path, training: WindowSet, validation: WindowSet) -> None:
    """Writes each split as one shard, and the manifest."""
    bars = training.tokens.shape[-1] // 16
    sets = {shard_name("train", 0, 1): training, shard_name("validation", 0, 1): validation}
    with shard_writers(str(folder), dict.fromkeys(sets, windows_schema(bars))) as writers:
        for writer, (name, windows) in zip(writers, sets.items(), strict=True):
            genres = [marks.nonzero()[0] for marks in windows.genres.numpy()]
            songs = [f"{name}-{song}" for song in windows.songs.tolist()]
            writer.write(window_table(windows.tokens.numpy(), np.zeros(len(windows), dtype=np.int8), genres, songs))
        written = [writer.close() for writer in writers]
    config = {"bars": bars, "split": {"unit": "song"}}
    sizes = {"train": len(training), "validation": len(validation)}
    write_manifest(str(folder), written, config=config, genres=GENRES, **sizes)
