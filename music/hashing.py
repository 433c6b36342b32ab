"""128-bit hashes of windows: the hash of a window is the sum of the hashes of its four tracks.

A bar is 16 bytes, that is two 64-bit words, from which its hash is computed. The hash of a track is a polynomial over
the hashes of its bars in a random odd number, modulo 2^64 (Karp and Rabin, "Efficient randomized pattern-matching
algorithms", 1987). The hashes of all windows are computed at once, from those of windows of half as many bars. A second
set of random numbers gives the other 64 bits.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from music.arrays import BoolArray, IntArray
from music.tokens import TRACKS, Tokens

Hashes = NDArray[np.uint64]

_random: Hashes = np.random.PCG64(2001_05494).random_raw(2 * (4 + len(TRACKS))).reshape(-1, 2)
"""Fixed random numbers; `random_raw` gives the same ones in every version of numpy."""
_odd = _random[2:] | np.uint64(1)
_WORD_SEEDS = _random[:2, :, None]
_STATE, _BASE, _ROLES = _odd[0, :, None], _odd[1, :, None], _odd[2:].T.copy()


def hash_windows(by_bar: Tokens, first_states: Tokens, roles: IntArray, lengths: Sequence[int]) -> Iterator[Hashes]:
    """Yields (2, windows) for each length in bars: the hash of one track in the window that begins at each bar.

    by_bar: (bars, 16), the tracks end to end; first_states: (bars,), the first state of a window that begins at the
    bar; roles: (bars,), as in `ScoreBatch`. Windows that reach into the next track are hashed too.
    """
    role = _ROLES[:, roles]
    runs = {1: _hash_bars(by_bar) * role}
    replaced = role * _STATE * (first_states.astype(np.uint64) - by_bar[:, 0])
    for length in lengths:
        run = _run(length, runs)
        yield run + replaced[:, : run.shape[1]]


def _run(length: int, runs: dict[int, Hashes]) -> Hashes:
    """Returns the polynomial of every run of `length` bars, from the polynomials of its two halves, kept in `runs`."""
    if length not in runs:
        half, rest = length // 2, length - length // 2
        runs[length] = _run(half, runs)[:, :-rest] + _run(rest, runs)[:, half:] * _BASE ** np.uint64(half)
    return runs[length]


def _hash_bars(by_bar: Tokens) -> Hashes:
    """Returns (2, bars): the hash of each bar. The first state is a separate term, so that it can be replaced."""
    first, second = by_bar.view("<u8").T
    state = first & np.uint64(0xFF)
    hashes: Hashes = _scramble(_scramble((first ^ state) + _WORD_SEEDS[0]) ^ (second + _WORD_SEEDS[1])) + _STATE * state
    return hashes


def splitmix64(x: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Returns 64 random bits for each x, by splitmix64 (Steele, Lea and Flood 2014) with this seed."""
    return _scramble(x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64))


def _scramble(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Computes the output function of splitmix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def starts_of_runs(ordered: Hashes) -> BoolArray:
    """Returns (columns,): whether each column differs from the one before it; the first one does. ordered: 2-D."""
    starts = np.ones(ordered.shape[1], dtype=bool)
    starts[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return starts
