"""Moves along attributes: more notes, longer ones, and so on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from torch import Tensor

from analysis.control.attribute_metrics import consistency, defined, linearity, monotonicity, restrictiveness
from analysis.shared.context import EvaluationContext
from analysis.shared.correlation import Numbers
from model.similarity import same_states
from model.latent import moved, step_along
from music.metrics import measure
from music.tokens import with_all_tracks

PENALTIES = np.logspace(-4, 4, 17)
"""Of the ridge regression, to choose from."""


@dataclass(frozen=True)
class AttributeMove:
    """What moving windows' codes along one attribute does."""

    step: Tensor
    """(latent,) one level."""
    read: float
    """Share of the attribute's variance in validation windows that their codes' place along the step tells."""
    values: Mapping[str, Numbers]
    """Each attribute of the decoded windows, (windows, levels), NaN where undefined."""
    kept: Numbers
    """(windows, levels) share of the states that are the reconstruction's."""


@dataclass(frozen=True)
class Fader:
    """The numbers of one attribute's move."""

    lowest: float
    """Mean change from the reconstruction at the lowest level, in the attribute's unit."""
    highest: float
    moved: float
    """Mean change from the lowest level to the highest, in standard deviations of the attribute in training."""
    monotonicity: float
    linearity: float
    consistency: float
    restrictiveness: float | None
    """None where there is no other attribute."""
    kept: float
    """Mean share of the states that are the reconstruction's, at the lowest and the highest level."""


def measured(context: EvaluationContext, tokens: Tensor, names: Sequence[str]) -> dict[str, Numbers]:
    """Some of `music.metrics`; (..., tracks, steps) of the model's tracks -> (...) each."""
    whole = with_all_tracks(tokens.flatten(0, -3).numpy(), context.description.model.tracks)
    values = measure(whole)
    return {name: values[name].reshape(tokens.shape[:-2]) for name in names}


def growth(z: Tensor, values: Numbers) -> Tensor:
    """The direction in which an attribute grows fastest.

    It is the gradient of a ridge regression of the attribute on the codes, whose penalty is chosen by leaving one out.
    z: (windows, latent), values: (windows,), finite and not all equal -> (latent,).
    """
    scaled = (values - values.mean()) / values.std()
    return torch.from_numpy(RidgeCV(alphas=PENALTIES).fit(z.double().numpy(), scaled).coef_).to(z.dtype)


def move_attribute(
    context: EvaluationContext,
    codes: tuple[Tensor, Numbers],
    windows: tuple[Tensor, Numbers],
    names: Sequence[str],
    levels: Sequence[float],
) -> AttributeMove:
    """Moves windows along an attribute and measures all of `names`.

    codes: those of training windows, (windows, latent), and the attribute there, NaN where undefined. windows: the
    same of the windows to move. levels: in steps of one standard deviation of the codes, 0 among them.
    """
    z, values = codes
    known = ~np.isnan(values)
    step = step_along(z[known], growth(z[known], values[known]))
    ways = moved(windows[0], step, torch.tensor(levels))
    decoded = context.decoded(ways.flatten(0, 1))
    decoded = decoded.reshape(*ways.shape[:2], *decoded.shape[1:])
    return AttributeMove(
        step,
        _told(windows[0] @ step, windows[1]),
        {name: of.T for name, of in measured(context, decoded, names).items()},
        same_states(decoded, decoded[levels.index(0)]).T.numpy(),
    )


def _told(place: Tensor, values: Numbers) -> float:
    known = ~np.isnan(values)
    if known.sum() < 2 or np.ptp(values[known]) == 0:
        return 0.0
    return float(np.corrcoef(place.numpy()[known], values[known])[0, 1] ** 2)


def fader(name: str, move: AttributeMove, levels: Sequence[float], scales: Mapping[str, float]) -> Fader | None:
    """The numbers of a move along the named attribute; None if no window has the attribute at every level.

    scales: standard deviation in training of every attribute that is measured.
    """
    values = defined(move.values[name])
    if not len(values):
        return None
    at = np.array(levels)
    changes = values - values[:, [levels.index(0)]]
    others = [defined(of) / scales[other] for other, of in move.values.items() if other != name]
    others = [of for of in others if len(of)]
    mean = changes.mean(axis=0)
    return Fader(
        lowest=float(mean[0]),
        highest=float(mean[-1]),
        moved=float((mean[-1] - mean[0]) / scales[name]),
        monotonicity=monotonicity(at, values),
        linearity=linearity(at, values),
        consistency=consistency(changes / scales[name]),
        restrictiveness=restrictiveness(others) if others else None,
        kept=float(move.kept[:, [0, -1]].mean()),
    )


def changes_of_all(move: AttributeMove, scales: Mapping[str, float]) -> list[float]:
    """Of each attribute, the mean change from the lowest to the highest level, in standard deviations in training.

    NaN where no window has the attribute at every level.
    """
    every = {name: defined(of) for name, of in move.values.items()}
    return [
        float((of[:, -1] - of[:, 0]).mean() / scales[name]) if len(of) else float("nan") for name, of in every.items()
    ]
