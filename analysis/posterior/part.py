"""The latent space as a whole: how the codes fill the prior, and what the prior's samples decode to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from analysis.posterior.pictures import draw_dimensions, draw_fits, draw_plane
from analysis.posterior.prior_fit import ACTIVE, Codes, Fit, critic_scores, dimensions, fit, read_codes, two_sample_test
from analysis.posterior.samples import copies_section, cycle_section
from analysis.shared.context import EvaluationContext
from analysis.shared.section import PICTURES, Figure, Section, Table, joined
from model.networks.priors import FlowerPrior
from music.json_files import write_json

TITLE = "The latent space as a whole"
CERTAIN = 0.001


@dataclass(frozen=True)
class PosteriorConfig:
    """The settings of this part, in `settings.toml` beside this file."""

    windows: int
    """Validation windows whose codes are held against the prior."""
    samples: int
    """Of the prior, that are decoded; and as many validation windows beside them."""
    fewest: int
    """Windows of a genre for which its codes are held against its Gaussian."""
    seed: int

    def __post_init__(self) -> None:
        for name in ("windows", "samples", "fewest"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2")


def analyse_posterior(context: EvaluationContext, config: PosteriorConfig, out: Path) -> Section:
    """Holds codes of validation windows against the prior, and samples of the prior against the training windows."""
    if len(context.validation) < 2 or not len(context.training):
        return Section(TITLE, [], {}, missing=[f"{TITLE} takes two validation windows: take more songs."])
    (out / PICTURES).mkdir()
    generator = torch.Generator().manual_seed(config.seed)
    order = torch.randperm(len(context.validation), generator=generator)
    codes = read_codes(context, context.validation.take(order[: config.windows]), generator)
    real = context.validation.tokens[order[: config.samples]]
    genre = torch.full((config.samples,), context.model.config.genres)  # none: of the whole prior
    z = context.model.prior.sample(genre, generator)
    return joined(
        TITLE,
        [
            _against_gaussians(context, config, codes, out),
            _two_samples(context, codes),
            _dimensions(context, codes, out),
            cycle_section(context, z, codes.drawn[: config.samples]),
            copies_section(context, context.decoded(z), real, out),
        ],
    )


def _against_gaussians(context: EvaluationContext, config: PosteriorConfig, codes: Codes, out: Path) -> Section:
    """Mean and covariance of the codes of each genre, or with one Gaussian of all, and the plane of the flower."""
    prior = context.model.prior
    is_flower = isinstance(prior, FlowerPrior)
    groups = (
        {name: codes.genre == number for number, name in enumerate(context.genres)}
        if is_flower
        else {"all": torch.ones(len(codes), dtype=torch.bool)}
    )
    of_group = {name: int(chosen.sum()) for name, chosen in groups.items()}
    fits = {
        name: fit(prior.standardised(codes.drawn[chosen], codes.genre[chosen]))
        for name, chosen in groups.items()
        if of_group[name] >= (config.fewest if is_flower else 2)
    }
    draw_plane(out / PICTURES / "plane.png", codes, prior, context.genres)
    figures = [
        Figure(
            f"{PICTURES}/plane.png",
            "Left: codes drawn from q(z|x) of validation windows; right: as many samples of the prior, of the same "
            "genres. Outlines: two standard deviations of the prior's Gaussians. Where the codes fill the prior, both "
            "sides look alike." + (" Dots have their genre's colour, or are grey without one." if is_flower else ""),
        )
    ]
    if is_flower and fits:
        draw_fits(out / PICTURES / "genres.png", fits)
        figures.append(
            Figure(
                f"{PICTURES}/genres.png",
                "Each genre's codes against its Gaussian, along and across its own axes. Red: what as many draws of "
                "the Gaussian itself would give; the nearer to red, the better.",
            )
        )
    rows = [{"genre": name, "error of the mean": of.mean} for name, of in fits.items()]
    write_json(out / "genres.json", rows)
    few = {name: count for name, count in of_group.items() if name not in fits}
    return Section(
        "Codes against the prior's Gaussians",
        [
            f"Codes are drawn from q(z|x) of {len(codes)} windows of {_distinct(codes.songs)} validation songs. "
            + ("As in training, a window counts to one of its song's genres, drawn at random. " if is_flower else "")
            + "All is measured in the "
            "prior's own standard deviations: an error of the mean of 1 says that the mean of the codes is one such "
            "deviation off in a typical dimension. The floors are what as many independent draws of the prior would "
            "show; windows of one song are alike, so that a perfect model lies above them, and more so the fewer songs."
        ],
        _mean_errors(list(fits.values())),
        figures,
        [_table_of_fits(fits, groups, codes)] if fits else [],
        [_too_few(few, config.fewest, len(codes))] if few else [],
    )


def _mean_errors(fits: Sequence[Fit]) -> dict[str, float]:
    """Of the Gaussians, whatever the windows of each."""
    if not fits:
        return {}
    return {
        "mean_error": sum(of.mean for of in fits) / len(fits),
        "covariance_error": sum(of.covariance for of in fits) / len(fits),
        "spread": sum(of.spread for of in fits) / len(fits),
    }


def _table_of_fits(fits: Mapping[str, Fit], groups: Mapping[str, Tensor], codes: Codes) -> Table:
    return Table(
        "Codes against the prior's Gaussians: error of the mean (standard deviations), of the covariance (Frobenius "
        "norm, as a share of the prior's), and spread (standard deviation, as a multiple of the prior's)",
        ["genre", "windows", "songs", "mean", "floor", "covariance", "floor", "spread"],
        [
            [name, int(groups[name].sum()), _distinct(codes.songs[groups[name]]), *vars(of).values()]
            for name, of in fits.items()
        ],
    )


def _too_few(few: Mapping[str, int], fewest: int, drawn: int) -> str:
    names = ", ".join(f"{name} ({count})" for name, count in few.items())
    return (
        f"Fewer than {fewest} of the {drawn} validation windows are of these genres, so their codes are not held "
        f"against their Gaussians: {names}. Take more songs, or more windows in analysis/posterior/settings.toml."
    )


def _distinct(songs: Tensor) -> int:
    return len(set(songs.tolist()))


def _two_samples(context: EvaluationContext, codes: Codes) -> Section:
    """What tells the codes from the prior: a classifier, and the critic."""
    metrics, text, tables, missing = {}, [], [], []
    if _distinct(codes.songs) > 1:
        test = two_sample_test(codes, context.model.prior.variance())
        metrics["two_sample_accuracy"] = test.accuracy
        p = f"p < {CERTAIN}" if test.p < CERTAIN else f"p = {test.p:.3f}"
        text.append(
            f"A classifier (support vectors, Gaussian kernel) tells codes from the prior's samples of the same genres "
            f"with accuracy {test.accuracy:.3f}; 0.5 would mean that they can't be told apart ({p}; one-sided, songs "
            "taken as independent). It is judged on songs that it was not trained on."
        )
    else:
        missing.append("The two-sample test takes validation windows of two songs: take more songs.")
    scores = critic_scores(context, codes)
    if scores is not None:
        prior, drawn = scores
        metrics["critic_distance"] = (prior.mean() - drawn.mean()).item()
        apart = (codes.prior - codes.prior.roll(1, dims=0)).norm(dim=-1).mean().item()
        text.append(
            "The model's own critic puts the codes at a Wasserstein distance of about "
            f"{metrics['critic_distance']:.3f} from the prior (two samples of the prior are {apart:.3f} apart on "
            "average). It is what the encoder was trained to lessen on training songs; an estimate only as good as the "
            "critic."
        )
        tables.append(
            Table(
                "The critic's scores; higher is more like the prior",
                ["codes", "mean", "standard deviation"],
                [
                    [name, score.mean().item(), score.std().item()]
                    for name, score in (("samples of the prior", prior), ("validation windows", drawn))
                ],
            )
        )
    else:
        missing.append("The model was trained without a critic, so there is no score of one.")
    return Section("Codes against samples of the prior", text, metrics, tables=tables, missing=missing)


def _dimensions(context: EvaluationContext, codes: Codes, out: Path) -> Section:
    """How many dimensions are dead."""
    of = dimensions(codes, context.model.prior)
    draw_dimensions(out / PICTURES / "dimensions.png", of)
    rows = [
        {"dimension": rank, "variance": variance}
        for rank, variance in enumerate(of.signal.sort(descending=True).values.tolist(), 1)
    ]
    write_json(out / "dimensions.json", rows)
    return Section(
        "Dead dimensions",
        [
            f"A dimension is dead where the mean code varies over the windows by at most {ACTIVE} of the prior's "
            "variance in it (active units, arXiv 1509.00519; of the flower, the variance of all Gaussians together): "
            f"{round(of.dead * len(of.signal))} of {len(of.signal)} are."
        ],
        {"dead_share": of.dead},
        [
            Figure(
                f"{PICTURES}/dimensions.png",
                "What each dimension carries. Mean codes: what windows differ in; codes drawn from q(z|x): that and "
                "the encoder's noise. A code that fills the prior has the second at 1 everywhere.",
            )
        ],
    )
