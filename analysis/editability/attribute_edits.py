"""Edits by attributes: windows are asked for more or fewer notes, longer or shorter ones, and so on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.editability.config import EditabilityConfig
from analysis.editability.in_key import share_in_key
from analysis.shared.bootstrap import weighted_means
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.sample import MovedSample
from model.editing.attempts import Attempts
from model.editing.edit import edit
from model.editing.measured import measured_attributes
from model.editing.request import Edited, EditSettings, Request, Spread
from model.latent import slope, step_along
from model.similarity import note_counts, note_f1
from music.arrays import FloatArray

WAYS = ("gradient", "slope", "plain")
"""The edit; a move along the slope of codes on the attribute; and the edit's moved codes, decoded as they are."""
FARTHEST = 8.0
"""The farthest move along a slope, in standard deviations of the codes along it."""
HALVINGS = 8
REAL = (1, 99)
"""Percentiles of the attribute in training windows between which a window may be asked to go."""
BATCH = 64
"""The number of windows that are edited at once."""


@dataclass(frozen=True)
class Outcome:
    """What one of `WAYS` did to each window; (windows,) each, NaN where a window was not asked."""

    tokens: Tensor
    """(windows, tracks, steps): the music, the window itself where it was not asked."""
    got: FloatArray
    """The measured change, as a share of what was asked."""
    arrived: FloatArray
    """1 where the change is within the tolerance of what was asked, otherwise 0."""
    note_f1: FloatArray
    """F1 of the notes with the window's."""
    most: FloatArray
    """The largest F1 that the two numbers of notes allow."""
    in_key: FloatArray
    """Share of new pitched notes with a pitch class that the window has; NaN too if there are none."""
    drift: FloatArray
    """Mean absolute change of the other attributes, in their standard deviations; NaN if there are none."""


@dataclass(frozen=True)
class AttributeEdit:
    """One change of one attribute, by each of `WAYS`."""

    attribute: str
    change: float
    """In standard deviations."""
    outcomes: Mapping[str, Outcome]

    def mean(self, weights: FloatArray, way: str, measure: str) -> FloatArray:
        """Returns the mean of `got` or `arrived` over the windows asked, or of another measure over those that arrived.

        Of the plain decoding those count whose edit arrived, because it has no way to arrive of its own.
        """
        values: FloatArray = getattr(self.outcomes[way], measure)
        if measure not in ("got", "arrived"):
            arrived = self.outcomes["gradient" if way == "plain" else way].arrived
            values = np.where(arrived == 1, values, np.nan)
        return weighted_means(weights, values)


@dataclass(frozen=True)
class Corpus:
    """What edits need to know of the training windows."""

    spread: Spread
    slopes: Mapping[str, Tensor]
    """The step by one standard deviation of the codes along their slope on each attribute, (latent,)."""
    real: Mapping[str, tuple[float, float]]
    """The values of each attribute at the percentiles `REAL`."""


def read_corpus(context: EvaluationContext, sample: MovedSample, config: EditabilityConfig) -> Corpus:
    """Measures the training windows of the sample; attributes in which they do not differ are left out."""
    values = measured_attributes(sample.training.tokens, context.description.model.tracks, config.attributes)
    z = sample.training_codes
    scales, slopes, real = {}, {}, {}
    for name, column in values.items():
        known = ~np.isnan(column)
        if known.sum() > 1 and np.ptp(column[known]) > 0:
            scales[name] = float(column[known].std())
            slopes[name] = step_along(z[known], slope(z[known], torch.from_numpy(column[known])))
            low, high = np.percentile(column[known], REAL)
            real[name] = float(low), float(high)
    return Corpus(Spread(z.std(dim=0).to(context.device), scales), slopes, real)


def edit_attribute(
    context: EvaluationContext, sample: MovedSample, corpus: Corpus, name: str, change: float, attempts: int
) -> AttributeEdit | None:
    """Asks windows for a change of an attribute, where it ends among values that real windows have; None if nowhere."""
    tokens = sample.windows.tokens
    values = measured_attributes(tokens, context.description.model.tracks, [name])[name]
    ends = values + change * corpus.spread.attributes[name]
    low, high = corpus.real[name]
    asked = torch.from_numpy((ends >= low) & (ends <= high))
    if not asked.any():
        return None
    request, settings = Request({name: change}), EditSettings(attempts=attempts)
    ways: dict[str, list[Edited]] = {"gradient": [], "slope": []}
    for batch in torch.split(tokens[asked].to(context.device), BATCH):
        ways["gradient"].append(edit(context.model, batch, request, corpus.spread, settings))
        along = Attempts(context.model, batch, request, corpus.spread, settings)
        ways["slope"].append(edit_along(along, corpus.slopes[name].to(context.device)))
    results = {way: torch.cat([edited.tokens for edited in edits]).cpu() for way, edits in ways.items()}
    results["plain"] = context.decoded(torch.cat([edited.codes for edited in ways["gradient"]]))
    outcomes = {way: _outcome(context, sample, corpus, request, (asked, results[way])) for way in WAYS}
    return AttributeEdit(name, change, outcomes)


@torch.no_grad()
def edit_along(attempts: Attempts, step: Tensor) -> Edited:
    """Moves codes along one step, (latent,), by a distance of its own for each window, which is found by halving.

    The request has one attribute, and the step points to more of it.
    """
    nearest = torch.zeros(len(attempts.tokens), device=step.device)
    farthest = torch.full_like(nearest, FARTHEST)
    for _ in range(HALVINGS):
        here = attempts.open
        if not len(here):
            break
        middle = (nearest[here] + farthest[here]) / 2
        codes = attempts.codes[here] + (attempts.asked.sign()[0] * middle)[:, None] * step
        got = attempts.attempt(codes, attempts.log_probabilities(codes))[0]
        short = got / attempts.asked[0] < 1
        nearest[here] = torch.where(short, middle, nearest[here])
        farthest[here] = torch.where(short, farthest[here], middle)
    return attempts.edited


def _outcome(
    context: EvaluationContext, sample: MovedSample, corpus: Corpus, request: Request, result: tuple[Tensor, Tensor]
) -> Outcome:
    """Measures one way.

    result: which windows were asked, (windows,) bool, and what came out, (asked, tracks, steps).
    """
    asked, edited = result
    original = sample.windows.tokens
    tokens = original.clone()
    tokens[asked] = edited
    ((name, change),) = request.changes.items()
    only = np.where(asked.numpy(), 1.0, np.nan)
    moves = _moves(context, original, tokens, corpus.spread.attributes)
    got = only * moves.pop(name) / change
    _, played, true = note_counts(tokens.flatten(-2), original.flatten(-2))
    return Outcome(
        tokens,
        got,
        only * (np.abs(got - 1) <= EditSettings().tolerance),
        only * note_f1(tokens, original).numpy(),
        only * (2 * torch.minimum(played, true) / (played + true)).numpy(),
        only * share_in_key(tokens, original, context.description.model.tracks).numpy(),
        only * _mean_size(list(moves.values()), len(tokens)),
    )


def _moves(
    context: EvaluationContext, original: Tensor, tokens: Tensor, units: Mapping[str, float]
) -> dict[str, FloatArray]:
    """Returns the change of each attribute in its standard deviations, (windows,)."""
    before, after = (
        measured_attributes(windows, context.description.model.tracks, list(units)) for windows in (original, tokens)
    )
    return {name: (after[name] - before[name]) / unit for name, unit in units.items()}


def _mean_size(moves: Sequence[FloatArray], windows: int) -> FloatArray:
    """Returns (windows,) the mean absolute value of several (windows,) changes, NaN where none is defined."""
    sizes = np.ma.masked_invalid(np.abs([*moves, np.full(windows, np.nan)]))
    return np.asarray(np.ma.filled(sizes.mean(axis=0), np.nan), dtype=np.float64)
