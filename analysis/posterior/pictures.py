"""The latent space as a whole, in pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator
from torch import Tensor, arange

from analysis.posterior.prior_fit import ACTIVE, Codes, Dimensions, Fit
from model.networks.priors import OTHER_VARIANCE, RADIAL_VARIANCE, FlowerPrior, Prior
from music.pictures import picture

CIRCLE = "hsv"
"""Colours of the genres: as cyclic as their order."""
GREY = "#808080"
DEVIATIONS = 2
"""Reach of the ellipses."""
REACH = 3.2
"""Of the plane's axes, in units of the prior's largest standard deviation there."""
BINS = 40


def draw_plane(path: Path, codes: Codes, prior: Prior, genres: Sequence[str]) -> None:
    """The plane of the first two dimensions: the prior's Gaussians, and the codes beside samples of the prior."""
    reach = REACH * prior.variance()[:2].sqrt().max().item()
    with picture(path, 15, 8.6) as figure:
        figure.suptitle("The first two dimensions of the latent space")
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        for axis, what, z in ((left, "codes of validation windows", codes.drawn), (right, "the prior", codes.prior)):
            outside = int((z[:, :2].abs() > reach).any(dim=1).sum())
            axis.set(title=what + (f" ({outside} of {len(z)} outside)" if outside else ""))
            colours = _colours(codes.genre, len(genres)) if isinstance(prior, FlowerPrior) else [GREY]
            axis.scatter(*z[:, :2].T.numpy(), s=6, c=colours, linewidths=0, alpha=0.7)
            _draw_prior(axis, prior, genres)
            axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="dimension 1")
        left.set_ylabel("dimension 2")


def _colours(genre: Tensor, genres: int) -> list[str | tuple[float, ...]]:
    circle = matplotlib.colormaps[CIRCLE]
    return [circle(number / genres) if number < genres else GREY for number in genre.tolist()]


def _draw_prior(axis: Axes, prior: Prior, genres: Sequence[str]) -> None:
    """An ellipse of two standard deviations a Gaussian."""
    if not isinstance(prior, FlowerPrior):
        axis.add_patch(Ellipse((0, 0), 2 * DEVIATIONS, 2 * DEVIATIONS, fill=False, edgecolor="black"))
        return
    length, width = (2 * DEVIATIONS * variance**0.5 for variance in (RADIAL_VARIANCE, OTHER_VARIANCE))
    numbers = arange(prior.genres)
    for name, colour, (x, y) in zip(
        genres, _colours(numbers, prior.genres), prior.axes(numbers)[0].tolist(), strict=True
    ):
        degrees = float(np.degrees(np.arctan2(y, x)))
        axis.add_patch(Ellipse((x, y), length, width, angle=degrees, fill=False, edgecolor=colour, linewidth=0.8))
        rightwards = x > -1e-6
        axis.text(
            1.7 * x, 1.7 * y, name, fontsize=7, rotation=degrees if rightwards else degrees + 180,
            rotation_mode="anchor", ha="left" if rightwards else "right", va="center",
        )  # fmt: skip


def draw_fits(path: Path, fits: Mapping[str, Fit]) -> None:
    """How far each genre's codes are from its Gaussian, in circle order."""
    names, of_genre = list(fits), list(fits.values())
    with picture(path, max(6, 0.32 * len(names) + 2), 8) as figure:
        figure.suptitle("Codes of each genre against its Gaussian of the prior")
        mean, covariance, spread = figure.subplots(3, 1, sharex=True)
        for axis, values, floors in (
            (mean, [f.mean for f in of_genre], [f.mean_floor for f in of_genre]),
            (covariance, [f.covariance for f in of_genre], [f.covariance_floor for f in of_genre]),
            (spread, [f.spread for f in of_genre], [1.0] * len(names)),
        ):
            axis.plot(names, values, "o", color="#1f77b4", label="codes of validation windows")
            axis.plot(names, floors, "_", color="#d62728", markersize=10, label="as many samples of the prior")
            axis.set_ylim(bottom=0)
            axis.grid(axis="y", linewidth=0.5)
        mean.set(ylabel="error of the mean\n(standard deviations)")
        covariance.set(ylabel="error of the covariance\n(relative to the prior's)")
        spread.set(ylabel="spread\n(multiple of the prior's)", xlabel="genre, in circle order")
        spread.tick_params("x", rotation=90)
        figure.legend(*mean.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def draw_dimensions(path: Path, of: Dimensions) -> None:
    """Each dimension's variance as a share of the prior's, in falling order."""
    with picture(path, 8, 4.5) as figure:
        axis = figure.subplots()
        for name, values, width in (("codes drawn from q(z|x)", of.total, 5), ("mean codes", of.signal, 1.5)):
            axis.plot(range(1, len(values) + 1), values.sort(descending=True).values, label=name, linewidth=width)
        axis.axhline(1, color=GREY, linestyle="--", label="the prior")
        axis.axhline(ACTIVE, color="#d62728", linestyle=":", label="dead below")
        axis.set(
            title="Variance of each dimension over the validation windows", xlabel="dimension, by falling variance",
            ylabel="variance (share of the prior's)", yscale="log",
        )  # fmt: skip
        axis.yaxis.set_major_formatter("{x:g}")
        axis.legend()


def draw_nearest(path: Path, distances: Mapping[str, Tensor]) -> None:
    """How far windows of each kind are from the nearest training window; (windows,) shares of states each."""
    furthest = max(of_kind.max().item() for of_kind in distances.values())
    bins = np.linspace(0, max(furthest, 0.05), BINS + 1)
    with picture(path, 8, 2 * len(distances) + 1) as figure:
        figure.suptitle("Distance to the nearest training window")
        rows = figure.subplots(len(distances), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (name, of_kind) in zip(rows, distances.items(), strict=True):
            axis.hist(of_kind.numpy(), bins, color="#1f77b4")
            median = of_kind.median().item()
            axis.axvline(median, color="#d62728", label=f"median {median:.3f}")
            axis.set(title=f"{len(of_kind)} {name}", ylabel="windows")
            axis.yaxis.set_major_locator(MaxNLocator(integer=True))
            axis.legend()
        rows[-1].set_xlabel("share of states that differ")
