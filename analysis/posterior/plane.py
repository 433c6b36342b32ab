"""The plane of the first two latent dimensions, in which the Gaussians of the flower lie."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from torch import Tensor, arange

from analysis.posterior.codes import PosteriorCodes
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Figure
from model.networks.priors import OTHER_VARIANCE, RADIAL_VARIANCE, FlowerPrior, Prior
from music.pictures import CIRCLE_COLOURS, label_circle, picture, short

PROSE = Prose(__file__)
GREY = "#808080"
DEVIATIONS = 2
"""The half axes of an ellipse, in standard deviations of its Gaussian."""
REACH = 3.2
"""The range of the axes, in the larger of the prior's two standard deviations in the plane."""
LABEL_RADIUS = 1.7
"""Just outside the ellipses of the flower."""


def draw_plane(codes: PosteriorCodes, prior: Prior, genres: Sequence[str], out: Path) -> Figure:
    """Draws the codes beside samples of the prior, both with the outlines of the prior's Gaussians."""
    reach = REACH * prior.variance()[:2].sqrt().max().item()
    is_flower = isinstance(prior, FlowerPrior)
    with picture(out / PICTURES / "plane.png", 15, 8.6) as figure:
        figure.suptitle("The first two dimensions of the latent space")
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        for axis, title, z in ((left, "codes of validation windows", codes.sampled), (right, "the prior", codes.prior)):
            outside = int((z[:, :2].abs() > reach).any(dim=1).sum())
            axis.set_title(title + (f" ({outside} of {len(z)} outside)" if outside else ""))
            colours = _colours(codes.genre, len(genres)) if is_flower else [GREY]
            axis.scatter(*z[:, :2].T.numpy(), s=6, c=colours, linewidths=0, alpha=0.7)
            _draw_prior(axis, prior, genres)
            axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="dimension 1")
        left.set_ylabel("dimension 2")
    return Figure(f"{PICTURES}/plane.png", PROSE.text("plane_caption", flower=is_flower))


def _colours(genre: Tensor, genres: int) -> list[str | tuple[float, ...]]:
    return [CIRCLE_COLOURS(number / genres) if number < genres else GREY for number in genre.tolist()]


def _draw_prior(axis: Axes, prior: Prior, genres: Sequence[str]) -> None:
    """Draws the outline of each Gaussian, with the name of its genre."""
    if not isinstance(prior, FlowerPrior):
        axis.add_patch(Ellipse((0, 0), 2 * DEVIATIONS, 2 * DEVIATIONS, fill=False, edgecolor="black"))
        return
    length, width = (2 * DEVIATIONS * variance**0.5 for variance in (RADIAL_VARIANCE, OTHER_VARIANCE))
    numbers = arange(prior.genres)
    for (x, y), colour in zip(prior.axes(numbers)[0].tolist(), _colours(numbers, prior.genres), strict=True):
        degrees = float(np.degrees(np.arctan2(y, x)))
        axis.add_patch(Ellipse((x, y), length, width, angle=degrees, fill=False, edgecolor=colour, linewidth=0.8))
    label_circle(axis, [short(genre) for genre in genres], LABEL_RADIUS, fontsize=7)
