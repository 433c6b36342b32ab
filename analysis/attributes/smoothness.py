"""How metrics go around the circle of genres: how smoothly, and how much as those of training windows do."""

import numpy as np

from analysis.attributes.circle import (
    LEAST_GENRES,
    autocorrelation,
    chance,
    circle_order,
    rank_correlation,
    shuffled_orders,
    turned_orders,
)
from analysis.attributes.group_metrics import Measured, cells, mean
from analysis.shared.section import Section, Table
from music.metrics import METRICS

ALIKE = "a genre has nothing to measure, or all genres are the same"


def add_smoothness(section: Section, samples: Measured, shuffles: int, seed: int) -> None:
    """Whether neighbouring Gaussians have like means; samples: a group a Gaussian, in circle order."""
    genres = len(samples.groups)
    if genres < LEAST_GENRES:
        section.missing.append(
            f"How smooth the metrics are around the circle takes {LEAST_GENRES} genres, not {genres}: take more genres."
        )
        return
    smoothness = autocorrelation(samples.local, circle_order(genres))[0]
    shuffled = autocorrelation(samples.local, shuffled_orders(genres, shuffles, seed))
    average, average_shuffled = mean(smoothness, axis=0).item(), mean(shuffled, axis=1)
    if np.isnan(average):
        section.missing.append(f"No metric has a smoothness around the circle: {ALIKE}.")
        return
    p = chance(average, average_shuffled).item()
    section.metrics.update(
        {"smoothness": average, "smoothness_shuffled": average_shuffled.mean().item(), "smoothness_p": p}
    )
    section.text.append(
        "Smoothness is the correlation, around the circle, of each genre's mean with the next genre's: near 1 where "
        f"neighbours are alike, near 0 where their order says nothing. That of the samples is {average:.2f} as a mean "
        f"over the metrics; with the genres in {shuffles:,} shuffled orders it is {average_shuffled.mean():.2f} "
        f"(p = {p:.2g}). Neighbouring Gaussians are close and a decoder is continuous, so smoothness alone does not "
        "show that the model knows its genres."
    )
    section.tables.append(
        Table(
            "Around the circle of Gaussians. Spread is the standard deviation of the genres' means, and error the "
            "standard error of one, as shares of the mean of all: where they are near each other, the genres "
            "hardly differ. p is the chance of such a smoothness in a shuffled order. Smoothness is empty where "
            f"{ALIKE}.",
            ["metric", "spread", "error", "smoothness", "p"],
            [
                list(row)
                for row in zip(
                    METRICS,
                    cells(samples.relative.std(axis=1)),
                    cells(samples.error),
                    cells(smoothness),
                    cells(chance(smoothness, shuffled)),
                    strict=True,
                )
            ],
        )
    )


def add_agreement(section: Section, samples: Measured, real: Measured, shuffles: int, seed: int) -> None:
    """Whether the Gaussians differ as their genres do; samples, real: a group a genre, in circle order.

    Genres without real windows are left out.
    """
    compared = np.flatnonzero([group.shape[1] > 0 for group in real.groups])
    genres = len(compared)
    if genres < LEAST_GENRES:
        section.missing.append(
            f"How well samples agree with training windows takes {LEAST_GENRES} genres with enough songs, not "
            f"{genres}: take more songs."
        )
        return
    local, local_real = samples.local[:, compared], real.local[:, compared]
    real_smoothness = autocorrelation(local_real, circle_order(genres))[0]
    agreement = rank_correlation(local, local_real, circle_order(genres))[0]
    shuffled = rank_correlation(local, local_real, shuffled_orders(genres, shuffles, seed))
    turned = rank_correlation(local, local_real, turned_orders(genres))
    average = mean(agreement, axis=0).item()
    if np.isnan(average):
        section.missing.append(f"No metric of the samples can agree with the training windows': {ALIKE}.")
        return
    average_real = mean(real_smoothness, axis=0).item()
    p_shuffled, p_turned = (chance(average, mean(of, axis=1)).item() for of in (shuffled, turned))
    section.metrics.update({"smoothness_real": average_real, "agreement": average, "agreement_p": p_turned})
    section.text.append(
        "Agreement is the rank correlation (Spearman) over the genres of the samples' means with those of training "
        "windows: 1 where the Gaussians differ as their genres do, 0 where they have nothing in common. It is "
        f"{average:.2f} as a mean over the metrics, over {genres} genres; against shuffled genres p is "
        f"{p_shuffled:.2g}. Any two smooth rows may look alike, so the circle is also laid upon itself in its "
        f"{len(turned)} other ways, turned and mirrored, which leaves neighbours neighbours: p = {p_turned:.2g}, where "
        f"{1 / (1 + len(turned)):.2g} is the least possible; this is the p to trust, and metric agreement_p. The "
        f"training windows' smoothness is {average_real:.2f}: neighbouring genres share songs."
    )
    section.tables.append(
        Table(
            "Samples of the Gaussians against training windows of the genres. p is the chance of such an agreement "
            "with the genres shuffled, and with the circle turned or mirrored. Agreement is empty where "
            f"{ALIKE}.",
            ["metric", "agreement", "p (shuffled)", "p (turned)", "smoothness of training windows"],
            [
                list(row)
                for row in zip(
                    METRICS,
                    cells(agreement),
                    cells(chance(agreement, shuffled)),
                    cells(chance(agreement, turned)),
                    cells(real_smoothness),
                    strict=True,
                )
            ],
        )
    )
