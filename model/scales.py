"""What edits need to know of real music beside a model: how codes and attributes vary, and where genres lie.

`stages/scales.py` measures it on training windows. On disk it lies beside the weights, as safetensors and JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.checkpoint import DESCRIPTION, WEIGHTS, Description
from model.data import WindowSet
from model.digests import check_digests, write_digests
from model.editing.expectations import EXPECTATIONS
from model.editing.measured import measured_attributes
from model.editing.request import Spread
from model.latent import slope, step_toward
from music.arrays import FloatArray
from music.errors import InputError
from music.genre_classifier import GenreClassifier, GenreScores
from music.json_files import read_json, write_json
from music.metrics import METRICS

TENSORS, NAMES = "scales.safetensors", "scales.json"
FILES = (DESCRIPTION, WEIGHTS, NAMES, TENSORS)
"""All files of the folder that `load_scales` reads."""
PERCENT = np.arange(101)
GENRE_SCORES = "genre_scores."
"""What the names of the tensors of `Scales.genre_scores` begin with."""
MAKE_AGAIN = "give a folder that dvc repro scales makes, or make it again"


@dataclass(frozen=True)
class AttributeScale:
    """How one of `music.metrics.METRICS` varies over real windows."""

    mean: float
    deviation: float
    quantiles: FloatArray
    """(101,) the percentiles 0 to 100."""


@dataclass(frozen=True)
class Scales:
    """How real windows vary, and how their codes do."""

    codes: Tensor
    """(latent,) the standard deviation of the mean codes in each dimension."""
    attributes: Mapping[str, AttributeScale]
    """By name; an attribute that at most one window has is left out."""
    slopes: Mapping[str, Tensor]
    """(latent,) each: the slope of codes on each attribute that edits can change, and in which windows differ."""
    genre_steps: Tensor
    """(genres, latent) the step of one standard deviation of the codes along the difference of means to each genre.

    0 for a genre that all windows have, or none.
    """
    genre_scores: GenreScores | None
    """How much the music of windows is like each genre; None where there are no genres."""

    @property
    def spread(self) -> Spread:
        """The units of edits."""
        deviations = {name: scale.deviation for name, scale in self.attributes.items() if scale.deviation > 0}
        return Spread(self.codes, deviations)


def measure_scales(
    windows: WindowSet, codes: Tensor, tracks: Sequence[str], genre_scores: GenreScores | None
) -> Scales:
    """Measures training windows as the model sees them; codes: their mean codes, (windows, latent), tracks: its tracks.

    At least two windows are needed.
    """
    values = measured_attributes(windows.tokens, tracks, list(METRICS))
    attributes, slopes = {}, {}
    for name, column in values.items():
        known = ~np.isnan(column)
        if known.sum() > 1:
            attributes[name] = _attribute_scale(column[known])
            if name in EXPECTATIONS and attributes[name].deviation > 0:
                slopes[name] = slope(codes[known], torch.from_numpy(column[known]))
    steps = [step_toward(codes, tagged) for tagged in windows.genres.T]
    genre_steps = torch.stack(steps) if steps else codes.new_empty(0, codes.shape[1])
    return Scales(codes.std(dim=0), attributes, slopes, genre_steps, genre_scores)


def _attribute_scale(values: FloatArray) -> AttributeScale:
    deviation = float(values.std()) if np.ptp(values) > 0 else 0.0
    return AttributeScale(float(values.mean()), deviation, np.percentile(values, PERCENT))


def save_scales(folder: Path, scales: Scales) -> None:
    """Writes the scales into the folder of a checkpoint, and the checksums of all its files."""
    none = scales.codes.new_empty(0, len(scales.codes))
    tensors = {
        "codes": scales.codes,
        "genre_steps": scales.genre_steps,
        "slopes": torch.stack([*scales.slopes.values()]) if scales.slopes else none,
        "quantiles": torch.from_numpy(np.array([scale.quantiles for scale in scales.attributes.values()])),
    }
    if scales.genre_scores:
        arrays = vars(scales.genre_scores.classifier) | {"quantiles": scales.genre_scores.quantiles}
        tensors |= {GENRE_SCORES + name: torch.from_numpy(array) for name, array in arrays.items()}
    save_file({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, folder / TENSORS)
    attributes = {name: {"mean": scale.mean, "deviation": scale.deviation} for name, scale in scales.attributes.items()}
    write_json(folder / NAMES, {"attributes": attributes, "slopes": list(scales.slopes)})
    write_digests(folder, FILES)


def load_scales(folder: Path, description: Description) -> Scales:
    """Reads the scales beside the model that the description is of.

    Raises `InputError` if a file of the folder is missing or has changed, or if the scales are of another model.
    """
    check_digests(folder, FILES, MAKE_AGAIN)
    names: dict[str, Any] = read_json(folder / NAMES, MAKE_AGAIN)
    try:
        scales = _scales(names, load_file(folder / TENSORS))
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder / TENSORS}: not scales of this version ({error}); {MAKE_AGAIN}") from error
    expected = len(description.data.genres), description.model.latent
    if scales.genre_steps.shape != expected:
        raise InputError(f"{folder / TENSORS}: scales of another model than {DESCRIPTION} describes; {MAKE_AGAIN}")
    return scales


def _scales(names: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Scales:
    attributes = zip(names["attributes"].items(), tensors["quantiles"].numpy(), strict=True)
    return Scales(
        tensors["codes"],
        {name: AttributeScale(**numbers, quantiles=quantiles) for (name, numbers), quantiles in attributes},
        dict(zip(names["slopes"], tensors["slopes"], strict=True)),
        tensors["genre_steps"],
        _genre_scores(tensors),
    )


def _genre_scores(tensors: Mapping[str, Tensor]) -> GenreScores | None:
    arrays = {
        name.removeprefix(GENRE_SCORES): tensor.numpy()
        for name, tensor in tensors.items()
        if name.startswith(GENRE_SCORES)
    }
    if not arrays:
        return None
    quantiles = arrays.pop("quantiles")
    return GenreScores(GenreClassifier(**arrays), quantiles)
