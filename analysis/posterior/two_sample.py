"""How well codes can be told from samples of the prior: by a classifier, and by the model's own critic."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.stats import norm
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.svm import SVC
from torch import Tensor

from analysis.posterior.codes import SAMPLES, VALIDATION, PosteriorCodes, count_songs
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import Section, Table

PROSE = Prose(__file__)
FOLDS = 5


@dataclass(frozen=True)
class TwoSampleTest:
    """How well a classifier tells codes from samples of the prior (arXiv 1610.06545)."""

    accuracy: float
    """On songs that the classifier was not trained on; one half where it cannot tell them apart."""
    p: float
    """Probability of this accuracy or a higher one if codes and samples do not differ, with independent songs.

    However high the accuracy is, few songs leave it large: with four songs it is at least 0.02.
    """


def two_sample_test(codes: PosteriorCodes, variance: Tensor) -> TwoSampleTest:
    """Cross-validates a support vector machine by song; takes codes of at least two songs.

    variance: (latent,) of the prior, by which all dimensions are scaled.
    """
    features = (torch.cat([codes.sampled, codes.prior]) / variance.sqrt()).numpy()
    is_code = np.repeat([True, False], len(codes))
    songs = codes.songs.repeat(2).numpy()  # a window's sample of the prior is held out with its song
    folds = GroupKFold(min(FOLDS, len(np.unique(songs))))
    right = cross_val_predict(SVC(), features, is_code, groups=songs, cv=folds) == is_code
    above_half = np.bincount(np.unique(songs, return_inverse=True)[1], weights=right - 0.5)
    # Standard deviation of the sum if each song were as likely to be below one half.
    deviation = max(float(np.linalg.norm(above_half)), np.finfo(float).tiny)
    return TwoSampleTest(float(right.mean()), float(norm.sf(above_half.sum() / deviation)))


def classifier_section(context: EvaluationContext, codes: PosteriorCodes) -> Section:
    """Has a classifier tell the codes from samples of the prior."""
    title = "Codes against samples of the prior"
    if count_songs(codes.songs) < 2:
        return Section(title, [], {}, missing=[PROSE.text("one_song")])
    test = two_sample_test(codes, context.model.prior.variance())
    text, metrics = [PROSE.text("classifier", accuracy=test.accuracy, p=test.p)], {"two_sample_accuracy": test.accuracy}
    if context.model.flow:
        carried = replace(codes, sampled=context.to_prior(codes.sampled, codes.genre))
        by_flow = two_sample_test(carried, context.model.prior.variance())
        text.append(PROSE.text("classifier_by_flow", accuracy=by_flow.accuracy))
        metrics["two_sample_accuracy_by_flow"] = by_flow.accuracy
    return Section(title, text, metrics)


def critic_section(context: EvaluationContext, codes: PosteriorCodes) -> Section:
    """Compares the scores that the model's critic gives to the codes and to samples of the prior."""
    title = "The critic's scores"
    if context.model.critic is None:
        return Section(title, [], {}, missing=[PROSE.text("no_critic")])
    genre = codes.genre.to(context.device)
    with torch.no_grad():
        prior, sampled = (context.model.critic(z.to(context.device), genre).cpu() for z in (codes.prior, codes.sampled))
    distance = (prior.mean() - sampled.mean()).item()
    prior_distance = (codes.prior - codes.prior.roll(1, dims=0)).norm(dim=-1).mean().item()
    scores = {SAMPLES: prior, VALIDATION: sampled}
    table = Table(
        "The critic's scores; higher is more like the prior",
        ["codes", "mean", "standard deviation"],
        [[name, score.mean().item(), score.std().item()] for name, score in scores.items()],
    )
    text = PROSE.text("critic", distance=distance, prior_distance=prior_distance)
    return Section(title, [text], {"critic_distance": distance}, tables=[table])
