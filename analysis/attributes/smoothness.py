"""Sections on how metrics change around the circle of genres: how smoothly, and whether as in training windows."""

import numpy as np

from analysis.attributes.circle import (
    LEAST_GENRES,
    agreement,
    autocorrelation,
    circle_order,
    p_value,
    shuffled_orders,
    turned_orders,
)
from analysis.attributes.group_metrics import GroupMetrics, mean_of_known, table_cells
from analysis.shared.prose import Prose
from analysis.shared.section import Section, Table
from music.arrays import FloatArray
from music.metrics import METRICS

PROSE = Prose(__file__)


def smoothness_section(samples: GroupMetrics, shuffles: int, seed: int) -> Section:
    """Says whether neighbouring Gaussians have similar means.

    samples: a group for each Gaussian, in the order of the circle.
    """
    title, genres = "Smoothness", len(samples.groups)
    if genres < LEAST_GENRES:
        return Section(
            title, [], {}, missing=[PROSE.text("few_genres_for_smoothness", needed=LEAST_GENRES, genres=genres)]
        )
    smoothness = autocorrelation(samples.by_group, circle_order(genres))[0]
    shuffled = autocorrelation(samples.by_group, shuffled_orders(genres, shuffles, seed))
    average, average_shuffled = mean_of_known(smoothness, axis=0).item(), mean_of_known(shuffled, axis=1)
    if np.isnan(average):
        return Section(title, [], {}, missing=[PROSE.text("no_smoothness")])
    p, shuffled_mean = p_value(average, average_shuffled).item(), average_shuffled.mean().item()
    columns = {
        "spread": samples.relative.std(axis=1),
        "error": samples.error,
        "smoothness": smoothness,
        "p": p_value(smoothness, shuffled),
    }
    return Section(
        title,
        [PROSE.text("smoothness", average=average, shuffles=shuffles, shuffled=shuffled_mean, p=p)],
        {"smoothness": average, "smoothness_shuffled": shuffled_mean, "smoothness_p": p},
        tables=[_metrics_table(PROSE.text("smoothness_caption"), columns)],
    )


def agreement_section(samples: GroupMetrics, real: GroupMetrics, shuffles: int, seed: int) -> Section:
    """Says whether the Gaussians differ from each other as their genres do.

    samples, real: a group for each genre, in the order of the circle. Genres without real windows are left out.
    """
    title = "Agreement"
    compared = np.flatnonzero([group.shape[1] > 0 for group in real.groups])
    genres = len(compared)
    if genres < LEAST_GENRES:
        return Section(
            title, [], {}, missing=[PROSE.text("few_genres_for_agreement", needed=LEAST_GENRES, genres=genres)]
        )
    means, real_means = samples.by_group[:, compared], real.by_group[:, compared]
    agreements = agreement(means, real_means, circle_order(genres))[0]
    shuffled = agreement(means, real_means, shuffled_orders(genres, shuffles, seed))
    turned = agreement(means, real_means, turned_orders(genres))
    average = mean_of_known(agreements, axis=0).item()
    if np.isnan(average):
        return Section(title, [], {}, missing=[PROSE.text("no_agreement")])
    real_smoothness = autocorrelation(real_means, circle_order(genres))[0]
    facts = {
        "average": average,
        "p_shuffled": p_value(average, mean_of_known(shuffled, axis=1)).item(),
        "p_turned": p_value(average, mean_of_known(turned, axis=1)).item(),
        "real_smoothness": mean_of_known(real_smoothness, axis=0).item(),
    }
    columns = {
        "agreement": agreements,
        "p (shuffled)": p_value(agreements, shuffled),
        "p (turned)": p_value(agreements, turned),
        "smoothness of training windows": real_smoothness,
    }
    return Section(
        title,
        [PROSE.text("agreement", genres=genres, turns=len(turned), **facts)],
        {"smoothness_real": facts["real_smoothness"], "agreement": average, "agreement_p": facts["p_turned"]},
        tables=[_metrics_table(PROSE.text("agreement_caption"), columns)],
    )


def _metrics_table(caption: str, columns: dict[str, FloatArray]) -> Table:
    """Returns a table with a row for each metric; columns: (metrics,) values by header."""
    cells = zip(METRICS, *map(table_cells, columns.values()), strict=True)
    return Table(caption, ["metric", *columns], [list(row) for row in cells])
