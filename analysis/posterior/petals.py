"""How often the petal of the flower that is nearest to a code is one of its song's own genres."""

import math

import numpy as np
import torch
from torch import Tensor

from analysis.posterior.codes import PosteriorCodes
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.genre_classifier import train_classifier
from analysis.shared.prose import Prose
from analysis.shared.sampling import random_subset
from analysis.shared.section import Cell, Section, Table
from model.data import WindowSet
from model.networks.priors import FlowerPrior
from music.tokens import with_all_tracks

TITLE = "Petals and genres"
PROSE = Prose(__file__)
CLASSIFIER_WINDOWS = 10_000
"""Training windows from which the genre classifier learns, at most."""


def nearest_petal(z: Tensor, genres: int) -> Tensor:
    """Returns the genre whose petal points most nearly toward each code; (windows, latent) -> (windows,)."""
    angle = torch.atan2(z[:, 1], z[:, 0])
    return (angle * genres / (2 * math.pi)).round().long() % genres


def own_share(guessed: Tensor, tagged: Tensor) -> float:
    """Returns how often a guessed genre, (windows,), is one of the window's own; tagged: (windows, genres) bool."""
    return tagged.gather(1, guessed[:, None]).float().mean().item()


def petals_section(
    context: EvaluationContext, windows: WindowSet, codes: PosteriorCodes, generator: torch.Generator
) -> Section:
    """Compares petals, if the prior has any, with what a classifier knows of the same windows; codes: the windows'."""
    if not isinstance(context.model.prior, FlowerPrior):
        return Section(TITLE, [], {})
    known = windows.genres.any(dim=1)
    if not known.any():
        return Section(TITLE, [], {}, missing=[PROSE.text("no_tags")])
    genres, tagged = len(context.genres), windows.genres[known]
    learnt = random_subset(context.training, CLASSIFIER_WINDOWS, generator)
    tracks = context.description.model.tracks
    classifier = train_classifier(with_all_tracks(learnt.tokens.numpy(), tracks), learnt.genres.numpy())
    scores = classifier.scores(with_all_tracks(windows.tokens[known].numpy(), tracks))
    commonest = int(learnt.genres.sum(dim=0).argmax())
    shares = {"nearest petal": own_share(nearest_petal(codes.sampled[known], genres), tagged)}
    if context.model.flow:
        unknown = torch.full((int(known.sum()),), genres)
        carried = context.to_prior(codes.sampled[known], unknown)
        shares["nearest petal, by the flow"] = own_share(nearest_petal(carried, genres), tagged)
    shares |= {
        "a petal at random": tagged.float().mean().item(),
        "always the commonest genre": own_share(torch.full((len(tagged),), commonest), tagged),
        "likeliest genre of the classifier": own_share(torch.from_numpy(np.nanargmax(scores, axis=1)), tagged),
    }
    rows: list[list[Cell]] = [[name, share] for name, share in shares.items()]
    return Section(
        TITLE,
        [PROSE.text("petals", windows=len(tagged))],
        {"petals": shares},
        tables=[Table(PROSE.text("petals_table"), ["guess", "one of the song's own genres"], rows)],
    )
