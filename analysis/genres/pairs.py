"""Samples windows of genres: to compare two, windows that are tagged with one and not the other [P]."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from analysis.shared.context import EvaluationContext
from analysis.shared.sampling import interleave_songs
from model.data import WindowSet
from model.networks.priors import sample_genre
from music.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Pair:
    """Two genres, and the codes of windows that are tagged with one of them and not the other."""

    first: int
    second: int
    """The genres' numbers in the vocabulary, the lower first."""
    codes: FloatArray
    """(windows, latent): the windows of the first genre, then those of the second."""
    labels: IntArray
    """(windows,): -1 for the first genre, 1 for the second."""
    songs: IntArray
    """(windows,): which song the window is from."""

    @property
    def drawable(self) -> bool:
        """Whether each genre has at least two windows."""
        return bool(min(np.sum(self.labels == label) for label in (-1, 1)) > 1)

    def song_counts(self) -> tuple[int, int]:
        """Returns the number of songs that the windows of the first genre come from, and those of the second."""
        first, second = (len(np.unique(self.songs[self.labels == label])) for label in (-1, 1))
        return first, second


def sample_pairs(context: EvaluationContext, windows: WindowSet, most: int, seed: int) -> list[Pair]:
    """Samples and encodes windows for every two genres: at most `most` of each, from as many songs as possible."""
    tagged, songs = windows.genres.numpy(), windows.songs.numpy().astype(np.int64)
    order = interleave_songs(songs, np.random.default_rng(seed))
    by_genre = [order[tagged[order, genre]] for genre in range(tagged.shape[1])]

    def sample_side(genre: int, without: int) -> IntArray:
        side: IntArray = by_genre[genre][~tagged[by_genre[genre], without]][:most]
        return side

    pairs = list(combinations(range(len(by_genre)), 2))
    sides = [(sample_side(first, second), sample_side(second, first)) for first, second in pairs]
    sampled = [np.concatenate(pair_sides) for pair_sides in sides]
    labels = [np.repeat([-1, 1], [len(side) for side in pair_sides]) for pair_sides in sides]
    codes = _encode(context, windows, sampled)
    return [
        Pair(*pair, pair_codes, pair_labels, songs[numbers])
        for pair, pair_codes, pair_labels, numbers in zip(pairs, codes, labels, sampled, strict=True)
    ]


def _encode(context: EvaluationContext, windows: WindowSet, sampled: Sequence[IntArray]) -> list[FloatArray]:
    """Encodes each sample, given as windows' numbers; a window that is in several samples is encoded once."""
    if not any(len(numbers) for numbers in sampled):
        return [np.empty((0, context.description.model.latent)) for _ in sampled]
    distinct, places = np.unique(np.concatenate(sampled), return_inverse=True)
    codes = context.codes(windows.tokens[torch.from_numpy(distinct)]).double().numpy()
    ends = np.cumsum([len(numbers) for numbers in sampled])[:-1]
    return [codes[sample_places] for sample_places in np.split(places, ends)]


def sample_all_genres(
    context: EvaluationContext, windows: WindowSet, most: int, seed: int
) -> tuple[FloatArray, IntArray]:
    """Samples at most `most` windows of each genre; a song counts towards one of its tags, chosen as in training.

    Returns the windows' codes, (windows, latent), and the genre that each counts towards, (windows,).
    """
    songs = windows.songs.numpy().astype(np.int64)
    _, first_windows, song = np.unique(songs, return_index=True, return_inverse=True)
    tags = windows.genres[torch.from_numpy(first_windows)]
    genre = sample_genre(tags, torch.Generator().manual_seed(seed)).numpy()[song]
    order = interleave_songs(songs, np.random.default_rng(seed))
    sampled = np.concatenate([order[genre[order] == number][:most] for number in range(tags.shape[1])])
    return _encode(context, windows, [sampled])[0], genre[sampled]
