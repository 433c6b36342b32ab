"""Moves along attributes: toward more notes, longer notes, and so on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.control.attribute_metrics import consistency, linearity, monotonicity, restrictiveness
from analysis.shared.bootstrap import weighted_means
from analysis.shared.context import EvaluationContext
from model.editing.measured import measured_attributes
from model.latent import moved, slope, step_along
from model.similarity import same_states
from music.arrays import FloatArray


@dataclass(frozen=True)
class AttributeMove:
    """The effect of moving the codes of windows along one attribute."""

    step: Tensor
    """(latent,) the move by one level."""
    explained: float
    """Squared correlation, in the windows that are moved, of the attribute with the codes' place along the step."""
    values: Mapping[str, FloatArray]
    """Each attribute of the decoded windows, (windows, levels); NaN in the whole row if undefined at some level."""
    kept: FloatArray
    """(windows, levels) the share of states that equal the reconstruction's."""


@dataclass(frozen=True)
class AttributeControl:
    """Statistics of the move along one attribute, (1 + resamples,) each."""

    lowest: FloatArray
    """Mean change from the reconstruction at the lowest level, in the attribute's unit."""
    highest: FloatArray
    """The same at the highest level."""
    end_to_end: FloatArray
    """Mean change from the lowest level to the highest, in standard deviations of the attribute in training."""
    monotonicity: FloatArray
    linearity: FloatArray
    consistency: FloatArray
    restrictiveness: FloatArray
    """NaN where there is no other attribute."""
    kept: FloatArray
    """Mean share of states that equal the reconstruction's, at the lowest and the highest level."""


def move_attribute(
    context: EvaluationContext,
    training: tuple[Tensor, FloatArray],
    windows: tuple[Tensor, FloatArray],
    names: Sequence[str],
    levels: Sequence[float],
) -> AttributeMove:
    """Moves windows along the slope of codes on an attribute, decodes them, and measures all of `names`.

    training: the codes of training windows, (windows, latent), and their attribute, NaN where undefined. windows: the
    same of the windows to move. levels: in steps of one standard deviation of the codes, 0 among them.
    """
    z, values = training
    known = ~np.isnan(values)
    step = step_along(z[known], slope(z[known], torch.from_numpy(values[known])))
    codes = moved(windows[0], step, torch.tensor(levels))
    decoded = context.decoded(codes.flatten(0, 1))
    decoded = decoded.reshape(*codes.shape[:2], *decoded.shape[1:])
    by_name = measured_attributes(decoded, context.description.model.tracks, names)
    return AttributeMove(
        step,
        _squared_correlation(windows[0] @ step, windows[1]),
        {name: _whole_rows(by_level.T) for name, by_level in by_name.items()},
        same_states(decoded, decoded[levels.index(0)]).T.numpy(),
    )


def _squared_correlation(places: Tensor, values: FloatArray) -> float:
    known = ~np.isnan(values)
    if known.sum() < 2 or np.ptp(values[known]) == 0:
        return 0.0
    return float(np.corrcoef(places.numpy()[known], values[known])[0, 1] ** 2)


def _whole_rows(values: FloatArray) -> FloatArray:
    """Makes the whole of a row NaN if any of it is; (windows, levels)."""
    return np.where(np.isnan(values).any(axis=1, keepdims=True), np.nan, values)


def attribute_control(
    name: str, move: AttributeMove, levels: Sequence[float], scales: Mapping[str, float], weights: FloatArray
) -> AttributeControl | None:
    """Returns statistics of a move along the named attribute; None if no window has it at every level.

    scales: the standard deviation in training of every attribute. weights: (1 + resamples, windows).
    """
    values = move.values[name]
    if np.isnan(values).all():
        return None
    changes = values - values[:, [levels.index(0)]]
    change = weighted_means(weights, changes)
    others = [other_values / scales[other] for other, other_values in move.values.items() if other != name]
    return AttributeControl(
        lowest=change[:, 0],
        highest=change[:, -1],
        end_to_end=(change[:, -1] - change[:, 0]) / scales[name],
        monotonicity=weighted_means(weights, monotonicity(np.array(levels), values)),
        linearity=weighted_means(weights, linearity(np.array(levels), values)),
        consistency=consistency(weights, changes / scales[name]),
        restrictiveness=restrictiveness(weights, others) if others else np.full(len(weights), np.nan),
        kept=weighted_means(weights, move.kept[:, [0, -1]].mean(axis=1)),
    )


def mean_changes(move: AttributeMove, scales: Mapping[str, float]) -> dict[str, float]:
    """Returns the mean change of each attribute from the lowest to the highest level.

    The unit is the attribute's standard deviation in training. NaN where no window has the attribute at every level.
    """
    once = np.ones((1, len(move.kept)))
    return {
        name: float(weighted_means(once, values[:, -1] - values[:, 0])[0] / scales[name])
        for name, values in move.values.items()
    }
