"""Cycle consistency: what is left of a code that is decoded and encoded again."""

from dataclasses import dataclass

from torch import Tensor

from analysis.posterior.codes import SAMPLES, VALIDATION
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import Section, Table

PROSE = Prose(__file__)


@dataclass(frozen=True)
class CycleConsistency:
    """What is left of codes that are decoded and encoded again."""

    distance: float
    """Mean distance of the new codes to their own old codes, divided by that to the old codes of others.

    Distances are in the prior's standard deviations. 0 where the code is kept, 1 where nothing of it is.
    """
    plane: float
    """The same in the first two dimensions alone, where the flower lies."""
    states: float
    """Share of the decoded states that stay the same when the new codes are decoded."""


def cycle_consistency(context: EvaluationContext, z: Tensor) -> CycleConsistency:
    """Decodes and encodes codes, (windows, latent), at least 2 in random order."""
    decoded = context.decoded(z)
    encoded = context.codes(decoded)
    deviation = context.model.prior.variance().sqrt()
    old, new = z / deviation, encoded / deviation
    return CycleConsistency(
        _relative_distance(old, new),
        _relative_distance(old[:, :2], new[:, :2]),
        (context.decoded(encoded) == decoded).float().mean().item(),
    )


def _relative_distance(old: Tensor, new: Tensor) -> float:
    to_own, to_another = ((new - z).norm(dim=-1).mean() for z in (old, old.roll(1, dims=0)))
    return float(to_own / to_another)


def cycle_section(context: EvaluationContext, samples: Tensor, codes: Tensor) -> Section:
    """Decodes and encodes samples of the prior and codes of validation windows; (samples, latent) each."""
    consistencies = {name: cycle_consistency(context, z) for name, z in ((SAMPLES, samples), (VALIDATION, codes))}
    distance = consistencies[SAMPLES].distance
    table = Table(
        PROSE.text("cycle_table"),
        ["codes", "distance", "distance in the plane", "same states"],
        [[name, *vars(consistency).values()] for name, consistency in consistencies.items()],
    )
    text = PROSE.text("cycle", samples=len(samples), distance=distance)
    return Section("Cycle consistency", [text], {"cycle": distance}, tables=[table])
