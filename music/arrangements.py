"""Songs end to end, and their arrangements: which of its tracks a song's windows are cut from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from music.tokens import TRACKS, Tokens

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Arranged:
    """Songs as tokens, one after another, so that numpy works on many short songs at once.

    An arrangement is one drum, one bass and one guitar/piano track of a song, with its strings. A song's arrangements
    are numbered: the first has the first of each, and the guitar/piano track changes fastest.
    """

    by_bar: Tokens
    """(bars, 16): each song's drum tracks, then bass, then guitar/piano, then the strings, from first bar to last."""
    lengths: Indices
    """(songs,): the bars of each song."""
    counts: Indices
    """(songs, 3): how many drum, bass and guitar/piano tracks each has."""

    @property
    def combinations(self) -> Indices:
        """(songs,): how many arrangements each has."""
        combinations: Indices = self.counts.prod(axis=1)
        return combinations

    @cached_property
    def roles(self) -> Indices:
        """(bars,): which of the four tracks each bar belongs to."""
        tracks = np.insert(self.counts, len(TRACKS) - 1, 1, axis=1)
        return np.repeat(np.tile(np.arange(len(TRACKS)), len(tracks)), (tracks * self.lengths[:, None]).reshape(-1))

    @cached_property
    def _firsts(self) -> Indices:
        """(songs,): the first of each song's bars."""
        bars = (self.counts.sum(axis=1) + 1) * self.lengths
        firsts: Indices = np.cumsum(bars) - bars
        return firsts

    def tracks(self, song: Indices, arrangement: Indices) -> Indices:
        """(3, n): which drum, bass and guitar/piano track of its song each arrangement has."""
        _, bass, guitar = self.counts.T[:, song]
        drum_and_bass, of_guitar = np.divmod(arrangement, guitar)
        return np.stack([*np.divmod(drum_and_bass, bass), of_guitar])

    def places(self, song: Indices, arrangement: Indices) -> Indices:
        """(4, n): where in `by_bar` the four tracks of each arrangement begin."""
        rows = np.zeros((len(TRACKS), len(song)), dtype=np.int64)
        rows[:-1] = self.tracks(song, arrangement)
        rows[1:] += np.cumsum(self.counts.T, axis=0)[:, song]  # the tracks of the roles before
        return self._firsts[song] + rows * self.lengths[song]
