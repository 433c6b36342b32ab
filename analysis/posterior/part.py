"""The latent space as a whole: how well the codes fill the prior, and what samples of the prior decode to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch

from analysis.posterior.codes import read_codes
from analysis.posterior.copies import copies_section
from analysis.posterior.cycle import cycle_section
from analysis.posterior.dimensions import dimensions_section
from analysis.posterior.petals import petals_section
from analysis.posterior.prior_fit import prior_fit_section
from analysis.posterior.two_sample import classifier_section, critic_section
from analysis.shared.context import EvaluationContext
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Section, joined
from music.settings import Seed, Settings, at_least

TITLE = "The latent space as a whole"
PROSE = Prose(__file__)


@dataclass(frozen=True)
class PosteriorConfig(Settings):
    """The settings of this part, in `settings.toml` beside this file."""

    windows: Annotated[int, at_least(2)]
    """The number of validation windows whose codes are compared with the prior."""
    samples: Annotated[int, at_least(2)]
    """The number of samples of the prior that are decoded, and of validation windows to compare them with."""
    fewest: Annotated[int, at_least(2)]
    """The fewest windows of a genre whose codes are compared with its Gaussian."""
    seed: Seed


def analyse_posterior(context: EvaluationContext, config: PosteriorConfig, out: Path) -> Section:
    """Compares codes of validation windows with the prior, and samples of the prior with the training windows."""
    if len(context.validation) < 2 or not len(context.training):
        return Section(TITLE, [], {}, missing=[PROSE.text("too_little_data")])
    (out / PICTURES).mkdir()
    generator = torch.Generator().manual_seed(config.seed)
    order = torch.randperm(len(context.validation), generator=generator)
    windows = context.validation.take(order[: config.windows])
    codes = read_codes(context, windows, generator)
    real = context.validation.tokens[order[: config.samples]]
    no_genre = torch.full((config.samples,), context.model.config.genres)  # samples of the whole prior
    z = context.to_codes(context.model.prior.sample(no_genre, generator), no_genre)
    sections = [
        prior_fit_section(context, codes, config.fewest, out),
        petals_section(context, windows, codes, generator),
        classifier_section(context, codes),
        critic_section(context, codes),
        dimensions_section(context, codes, out),
        cycle_section(context, z, codes.sampled[: config.samples]),
        copies_section(context, context.decoded(z), real, out),
    ]
    return joined(TITLE, sections)
