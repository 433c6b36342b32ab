"""Token scores laid end to end, and their arrangements: the tracks that windows are cut from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from music.arrays import IntArray
from music.tokens import TRACKS, Tokens


@dataclass(frozen=True)
class ScoreBatch:
    """The token scores of several files, laid end to end, so that numpy handles many short scores at once.

    An arrangement is one drum, one bass and one guitar/piano track of a score, with its strings. A score's arrangements
    are numbered: number 0 has the first track of each role, and the guitar/piano track changes fastest.
    """

    by_bar: Tokens
    """(bars, 16): for each score its drum tracks, then bass, then guitar/piano, then the strings, each bar by bar."""
    lengths: IntArray
    """(scores,) how many bars each score lasts."""
    counts: IntArray
    """(scores, 3) how many drum, bass and guitar/piano tracks each score has."""

    @property
    def arrangements(self) -> IntArray:
        """(scores,) how many arrangements each score has."""
        arrangements: IntArray = self.counts.prod(axis=1)
        return arrangements

    @cached_property
    def roles(self) -> IntArray:
        """(bars,) the number of the track, of the four in `TRACKS`, that each bar belongs to."""
        tracks = np.insert(self.counts, len(TRACKS) - 1, 1, axis=1)
        return np.repeat(np.tile(np.arange(len(TRACKS)), len(tracks)), (tracks * self.lengths[:, None]).reshape(-1))

    @cached_property
    def _firsts(self) -> IntArray:
        """(scores,) the row of `by_bar` at which each score begins."""
        bars = (self.counts.sum(axis=1) + 1) * self.lengths
        firsts: IntArray = np.cumsum(bars) - bars
        return firsts

    def tracks(self, score: IntArray, arrangement: IntArray) -> IntArray:
        """Returns (3, n): the drum, bass and guitar/piano track of each of n arrangements.

        score, arrangement: (n,) the number of the score, and of the arrangement in it.
        """
        _, bass, guitar = self.counts.T[:, score]
        drum_and_bass, guitar_track = np.divmod(arrangement, guitar)
        return np.stack([*np.divmod(drum_and_bass, bass), guitar_track])

    def places(self, score: IntArray, arrangement: IntArray) -> IntArray:
        """Returns (4, n): the row of `by_bar` at which each of the four tracks of n arrangements begins."""
        rows = np.zeros((len(TRACKS), len(score)), dtype=np.int64)
        rows[:-1] = self.tracks(score, arrangement)
        rows[1:] += np.cumsum(self.counts.T, axis=0)[:, score]  # after the tracks of the roles before
        return self._firsts[score] + rows * self.lengths[score]
