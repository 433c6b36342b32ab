"""How well the codes of each genre fit its Gaussian of the prior."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from analysis.posterior.codes import PosteriorCodes, count_songs
from analysis.posterior.plane import draw_plane
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure, Section, Table, write_plot_rows
from model.networks.priors import FlowerPrior
from music.pictures import picture, short

PROSE = Prose(__file__)
ROWS = "genres.json"


@dataclass(frozen=True)
class PriorFit:
    """How far codes are from the Gaussian that they should follow, in the Gaussian's own standard deviations.

    The floors are what as many independent samples of the Gaussian itself give on average.
    """

    mean: float
    """Distance between the means of the codes and of the Gaussian: root mean square over the dimensions."""
    mean_floor: float
    covariance: float
    """Frobenius norm of the difference of the two covariances, divided by that of the Gaussian's covariance."""
    covariance_floor: float
    spread: float
    """Standard deviation of the codes, as a multiple of the Gaussian's: root mean square over the dimensions."""


def fit_to_prior(standardised: Tensor) -> PriorFit:
    """Compares codes with N(0, I).

    standardised: (windows, latent), at least two, in the axes and standard deviations of their Gaussian.
    """
    windows, latent = standardised.shape
    covariance = standardised.T.cov()
    return PriorFit(
        mean=standardised.mean(dim=0).square().mean().sqrt().item(),
        mean_floor=windows**-0.5,
        covariance=(covariance - torch.eye(latent)).square().sum().div(latent).sqrt().item(),
        covariance_floor=((latent + 1) / (windows - 1)) ** 0.5,
        spread=covariance.diagonal().mean().sqrt().item(),
    )


def prior_fit_section(context: EvaluationContext, codes: PosteriorCodes, fewest: int, out: Path) -> Section:
    """Compares the codes with their Gaussians: of each genre in the flower, or all with the one Gaussian.

    fewest: how many windows of a genre it takes for its codes to be compared.
    """
    prior = context.model.prior
    is_flower = isinstance(prior, FlowerPrior)
    groups = (
        {name: codes.genre == number for number, name in enumerate(context.genres)}
        if is_flower
        else {"all": torch.ones(len(codes), dtype=torch.bool)}
    )
    fits = {
        name: fit_to_prior(prior.standardised(codes.sampled[chosen], codes.genre[chosen]))
        for name, chosen in groups.items()
        if chosen.sum() >= (fewest if is_flower else 2)
    }
    write_plot_rows(out / ROWS, [{"genre": name, "error of the mean": fit.mean} for name, fit in fits.items()])
    left_out = {name: int(chosen.sum()) for name, chosen in groups.items() if name not in fits}
    return Section(
        "Codes against the prior's Gaussians",
        [PROSE.text("prior_fit", windows=len(codes), songs=count_songs(codes.songs), flower=is_flower)],
        _means(fits),
        [draw_plane(codes, prior, context.genres, out), *([_draw_fits(fits, out)] if is_flower and fits else [])],
        [_table(fits, groups, codes)] if fits else [],
        [PROSE.text("too_few_windows", fewest=fewest, windows=len(codes), counts=left_out)] if left_out else [],
    )


def _means(fits: Mapping[str, PriorFit]) -> dict[str, float]:
    """Returns the metrics: means over the Gaussians, which count equally however many windows each has."""
    if not fits:
        return {}
    return {
        "mean_error": sum(fit.mean for fit in fits.values()) / len(fits),
        "covariance_error": sum(fit.covariance for fit in fits.values()) / len(fits),
        "spread": sum(fit.spread for fit in fits.values()) / len(fits),
    }


def _table(fits: Mapping[str, PriorFit], groups: Mapping[str, Tensor], codes: PosteriorCodes) -> Table:
    return Table(
        PROSE.text("fits_table"),
        ["genre", "windows", "songs", "mean", "floor", "covariance", "floor", "spread"],
        [
            [name, int(groups[name].sum()), count_songs(codes.songs[groups[name]]), *vars(fit).values()]
            for name, fit in fits.items()
        ],
    )


def _draw_fits(fits: Mapping[str, PriorFit], out: Path) -> Figure:
    """Draws how far the codes of each genre are from its Gaussian, in circle order."""
    places = range(len(fits))
    with picture(out / PICTURES / "genres.png", max(6, 0.32 * len(fits) + 2), 8) as figure:
        figure.suptitle("Codes of each genre and its Gaussian of the prior")
        axes = figure.subplots(3, 1, sharex=True)
        for axis, label, values, floors in zip(
            axes,
            ("error of the mean\n(standard deviations)", "error of the covariance\n(relative)", "spread\n(relative)"),
            zip(*((fit.mean, fit.covariance, fit.spread) for fit in fits.values()), strict=True),
            zip(*((fit.mean_floor, fit.covariance_floor, 1.0) for fit in fits.values()), strict=True),
            strict=True,
        ):
            axis.plot(places, values, "o", color="#1f77b4", label="codes of validation windows")
            axis.plot(places, floors, "_", color="#d62728", markersize=10, label="as many samples of the prior")
            axis.set_ylim(bottom=0)
            axis.set_ylabel(label)
            axis.grid(axis="y", linewidth=0.5)
        axes[-1].set_xticks(places, [short(name) for name in fits], rotation=90)
        axes[-1].set_xlabel("genre, in circle order")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Figure(f"{PICTURES}/genres.png", PROSE.text("fits_caption"))
