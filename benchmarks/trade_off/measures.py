"""What is measured of each model: reconstruction, how its codes fit the prior, and what edits reach and keep."""

from collections.abc import Mapping

import numpy as np
import torch

from analysis.editability.attribute_edits import edit_attribute, read_corpus
from analysis.editability.config import EditabilityConfig
from analysis.editability.genre_edits import mean_over_genres
from analysis.editability.genre_paths import genre_paths
from analysis.posterior.codes import read_codes
from analysis.posterior.cycle import cycle_consistency
from analysis.posterior.dimensions import dimension_variances
from analysis.posterior.two_sample import two_sample_test
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import validated_classifier
from analysis.shared.moves.sample import MovedSample, take_sample
from analysis.shared.sampling import random_subset
from model.evaluation import by_track, evaluate

Measures = Mapping[str, float]

CODES = 1024
"""The number of validation windows whose codes are compared with as many samples of the prior."""
SAMPLES = 256
"""The number of samples of the prior that are decoded and encoded."""
EDITS = EditabilityConfig(
    attributes=["notes", "drum density", "polyphony"], changes=[-1.0, 1.0], strengths=[4.0], guidances=[1.0],
    flow_windows=1, attempts=30, windows=64, training_windows=2000, classifier_windows=10000, min_songs=2, min_auc=0.6,
    resamples=1, seed=0,
)  # fmt: skip
"""As in analysis/editability/settings.toml, with more windows and fewer attributes and strengths; there is no flow."""


def measure(context: EvaluationContext) -> Measures:
    """Returns all measures of a model, by name; a measure that no window has is NaN."""
    return {**reconstruction(context), **prior_fit(context), **edits(context)}


def reconstruction(context: EvaluationContext) -> Measures:
    """Returns accuracy and F1 of the notes, as means over the tracks."""
    measured = by_track(evaluate(context.model, context.training, context.validation), context.description.model.tracks)
    return {name: measured[name]["mean"] for name in ("accuracy", "note_f1")}


def prior_fit(context: EvaluationContext) -> Measures:
    """Returns how well a classifier tells codes from samples of the prior, the spread of the codes, and the way back.

    The spread is the codes' standard deviation by the prior's: over all dimensions, the least and the greatest.
    """
    generator = torch.Generator().manual_seed(EDITS.seed)
    codes = read_codes(context, random_subset(context.validation, CODES, generator), generator)
    variances = dimension_variances(codes, context.model.prior).total
    return {
        "two_sample": two_sample_test(codes, context.model.prior.variance()).accuracy,
        "spread": variances.mean().sqrt().item(),
        "spread_least": variances.min().sqrt().item(),
        "spread_greatest": variances.max().sqrt().item(),
        "way_back": cycle_consistency(context, codes.prior[:SAMPLES]).distance,
    }


def edits(context: EvaluationContext) -> Measures:
    """Returns what edits by attributes and toward genres reach and keep, and the means over the attributes."""
    generator = torch.Generator().manual_seed(EDITS.seed)
    sample = take_sample(context, EDITS, generator)
    corpus = read_corpus(context, sample, EDITS)
    measured: dict[str, float] = {}
    for name in EDITS.attributes:
        for change in EDITS.changes:
            edit = edit_attribute(context, sample, corpus, name, change, EDITS.attempts)
            for measure in ("got", "arrived", "note_f1"):
                value = edit.mean(sample.weights, "gradient", measure)[0] if edit else np.nan
                measured[f"{measure} of {name} {change:+g}"] = float(value)
    means = {
        f"edit_{measure}": float(np.mean([value for name, value in measured.items() if name.startswith(measure)]))
        for measure in ("arrived", "note_f1")
    }
    return {**measured, **means, **genre_edits(context, sample, generator)}


def genre_edits(context: EvaluationContext, sample: MovedSample, generator: torch.Generator) -> Measures:
    """Returns the mean over genres of what edits toward them gain, in percentiles of a classifier, and keep."""
    classifier = validated_classifier(context, sample, EDITS, generator)
    known = [genre for genre, auc in classifier.aucs.items() if auc >= EDITS.min_auc] if classifier else []
    if not classifier or not known:
        return {"genre_gain": np.nan, "genre_note_f1": np.nan}
    (by_means,) = genre_paths(context, sample, EDITS)
    moved = by_means.edits(context, sample, classifier, known)
    gain, kept = (
        float(mean_over_genres(moved, sample.weights, measure, "difference")[0, 0]) for measure in ("gains", "note_f1")
    )
    return {"genre_gain": gain, "genre_note_f1": kept}
