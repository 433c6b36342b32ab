"""The variance of each latent dimension, and the share of dead dimensions."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from analysis.posterior.codes import PosteriorCodes
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure, Section, write_plot_rows
from model.networks.priors import Prior
from music.pictures import picture

PROSE = Prose(__file__)
ROWS = "dimensions.json"
ACTIVE = 0.01
"""A dimension is active if its mean codes have more than this share of the prior's variance (arXiv 1509.00519)."""


@dataclass(frozen=True)
class DimensionVariances:
    """The variance of each dimension over the windows, as a share of the prior's variance in it; (latent,) each."""

    signal: Tensor
    """The variance of the mean codes."""
    total: Tensor
    """The variance of the aggregate posterior: that of the mean codes, and the mean variance of q(z|x)."""

    @property
    def dead_share(self) -> float:
        """The share of dimensions that are not active."""
        return (self.signal <= ACTIVE).float().mean().item()


def dimension_variances(codes: PosteriorCodes, prior: Prior) -> DimensionVariances:
    """Measures the dimensions; a flower prior counts with the variance of the whole mixture."""
    signal = codes.mean.var(dim=0) / prior.variance()
    return DimensionVariances(signal, signal + codes.variance.mean(dim=0) / prior.variance())


def dimensions_section(context: EvaluationContext, codes: PosteriorCodes, out: Path) -> Section:
    """Counts the dead dimensions, and draws the variance of all."""
    variances = dimension_variances(codes, context.model.prior)
    falling = variances.signal.sort(descending=True).values.tolist()
    write_plot_rows(out / ROWS, [{"dimension": rank, "variance": variance} for rank, variance in enumerate(falling, 1)])
    dead = round(variances.dead_share * len(falling))
    return Section(
        "Dead dimensions",
        [PROSE.text("dead_dimensions", active=ACTIVE, dead=dead, latent=len(falling))],
        {"dead_share": variances.dead_share},
        [_draw_dimensions(variances, out)],
    )


def _draw_dimensions(variances: DimensionVariances, out: Path) -> Figure:
    """Draws each dimension's variance as a share of the prior's, in falling order."""
    lines = (("codes sampled from q(z|x)", variances.total, 5), ("mean codes", variances.signal, 1.5))
    with picture(out / PICTURES / "dimensions.png", 8, 4.5) as figure:
        axis = figure.subplots()
        for name, values, width in lines:
            axis.plot(range(1, len(values) + 1), values.sort(descending=True).values, label=name, linewidth=width)
        axis.axhline(1, color="#808080", linestyle="--", label="the prior")
        axis.axhline(ACTIVE, color="#d62728", linestyle=":", label="dead below")
        axis.set(
            title="Variance of each dimension over the validation windows", xlabel="dimension, by falling variance",
            ylabel="variance (share of the prior's)", yscale="log",
        )  # fmt: skip
        axis.yaxis.set_major_formatter("{x:g}")
        axis.legend()
    return Figure(f"{PICTURES}/dimensions.png", PROSE.text("dimensions_caption"))
