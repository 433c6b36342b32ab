"""Which windows stand for genres: for two that are compared, those tagged with the one and not the other [P]."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from analysis.shared.context import EvaluationContext
from model.data import WindowSet
from model.networks.priors import draw_genre

Codes = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Pair:
    """Two genres and codes of windows with one of the two tags."""

    first: int
    second: int
    """Numbers of the vocabulary, the lower first."""
    codes: Codes
    """(windows, latent): the windows of the first genre, then those of the second."""
    labels: Numbers
    """(windows,): -1 for the first genre, 1 for the second."""
    songs: Numbers
    """(windows,): which song each window is from."""

    @property
    def drawable(self) -> bool:
        """Whether each genre has more than one window."""
        return bool(min(np.sum(self.labels == label) for label in (-1, 1)) > 1)

    def songs_a_side(self) -> tuple[int, int]:
        """How many songs stand for the first genre, and for the second."""
        first, second = (len(np.unique(self.songs[self.labels == label])) for label in (-1, 1))
        return first, second


def in_turns(songs: Numbers, generator: np.random.Generator) -> Numbers:
    """All windows in a random order in which no song comes again before all that have windows left came as often.

    songs: (windows,) which song each is from -> (windows,) numbers of windows.
    """
    shuffled = generator.permutation(len(songs))
    by_song = shuffled[np.argsort(songs[shuffled], kind="stable")]
    _, starts, counts = np.unique(songs[by_song], return_index=True, return_counts=True)
    turns = np.empty_like(shuffled)
    turns[by_song] = np.arange(len(songs)) - np.repeat(starts, counts)
    return shuffled[np.argsort(turns[shuffled], kind="stable")]


def draw_pairs(context: EvaluationContext, windows: WindowSet, a_side: int, seed: int) -> list[Pair]:
    """Every two genres, with at most so many windows a side, taken from the songs in turns."""
    tagged, songs = windows.genres.numpy(), windows.songs.numpy().astype(np.int64)
    order = in_turns(songs, np.random.default_rng(seed))
    of_genre = [order[tagged[order, genre]] for genre in range(tagged.shape[1])]
    sides = {
        (first, second): [
            of_genre[one][~tagged[of_genre[one], other]][:a_side] for one, other in ((first, second), (second, first))
        ]
        for first, second in combinations(range(len(of_genre)), 2)
    }
    drawn = {genres: np.concatenate(both) for genres, both in sides.items()}
    codes = _encode(context, windows, list(drawn.values()))
    return [
        Pair(*genres, of_pair, np.repeat([-1, 1], [len(side) for side in both]), songs[drawn[genres]])
        for (genres, both), of_pair in zip(sides.items(), codes, strict=True)
    ]


def _encode(context: EvaluationContext, windows: WindowSet, drawn: Sequence[Numbers]) -> list[Codes]:
    """The codes of each draw; a window that was drawn more than once is encoded once."""
    if not any(len(draw) for draw in drawn):
        return [np.empty((0, context.description.model.latent)) for _ in drawn]
    numbers, places = np.unique(np.concatenate(drawn), return_inverse=True)
    codes = context.codes(windows.tokens[torch.from_numpy(numbers)]).double().numpy()
    return [codes[of_draw] for of_draw in np.split(places, np.cumsum([len(draw) for draw in drawn])[:-1])]


def draw_of_all(context: EvaluationContext, windows: WindowSet, a_genre: int, seed: int) -> tuple[Codes, Numbers]:
    """Windows of all genres, at most so many a genre; every song stands for one of its tags, drawn as in training.

    Returns codes, (windows, latent), and the genre each window stands for, (windows,).
    """
    songs, generator = windows.songs.numpy().astype(np.int64), np.random.default_rng(seed)
    _, first_windows, song = np.unique(songs, return_index=True, return_inverse=True)
    tags = windows.genres[torch.from_numpy(first_windows)]
    genre = draw_genre(tags, torch.Generator().manual_seed(seed)).numpy()[song]
    order = in_turns(songs, generator)
    drawn = np.concatenate([order[genre[order] == number][:a_genre] for number in range(tags.shape[1])])
    return _encode(context, windows, [drawn])[0], genre[drawn]
