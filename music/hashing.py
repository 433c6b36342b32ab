"""128-bit hashes of windows, each track by itself: the sum over a window's four tracks is the window's hash.

A bar is 16 bytes, two words, which are mixed. The hash of a track is a polynomial over the hashes of its bars in a
random odd number, modulo 2^64 (Karp and Rabin, "Efficient randomized pattern-matching algorithms", 1987), for all
windows at once from sums over the bars before. The same in other numbers gives the other half.
"""

import numpy as np
from numpy.typing import NDArray

from music.roles import MAX_BARS
from music.tokens import TRACKS, Tokens

Hashes = NDArray[np.uint64]


def _powers(base: int) -> Hashes:
    """(MAX_BARS + 1,) base to the power 0, 1, ..., modulo 2^64."""
    factors = np.full(MAX_BARS + 1, base % 2**64, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors)


_random: Hashes = np.random.PCG64(2001_05494).random_raw(2 * (4 + len(TRACKS))).reshape(-1, 2)
"""Fixed; `random_raw` is the same stream in every numpy."""
_odd = _random[2:] | np.uint64(1)
_WORD_SEEDS = _random[:2, :, None, None]
_STATE, _ROLES = _odd[0, :, None, None], _odd[2:]
_POWERS, _INVERSE_POWERS = (
    np.stack([_powers(pow(base, sign, 2**64)) for base in _odd[1].tolist()])[:, None] for sign in (1, -1)
)


def hash_tracks(by_bar: Tokens, first_states: Tokens, roles: NDArray[np.intp], bars: int) -> Hashes:
    """(2, tracks, windows) of each track's tokens in each window of so many bars.

    by_bar: (tracks, bars, 16); first_states: (tracks, bars), what stands at the first step of a window that begins
    there; roles: (tracks,), which of the four tracks of a window each of them plays.
    """
    count = by_bar.shape[1]
    sums = np.zeros((2, len(by_bar), count + 1), dtype=np.uint64)
    np.cumsum(_hash_bars(by_bar) * _POWERS[..., :count], axis=2, out=sums[..., 1:])
    hashes = (sums[..., bars:] - sums[..., :-bars]) * _INVERSE_POWERS[..., : count - bars + 1]
    exchanged = first_states.astype(np.uint64) - by_bar[..., 0]
    hashes += _STATE * exchanged[:, : count - bars + 1]
    hashes *= _ROLES[roles].T[..., None]
    return hashes


def _hash_bars(by_bar: Tokens) -> Hashes:
    """(2, tracks, bars) of each bar by itself; its first state is a term of its own, so that it can be exchanged."""
    first, second = np.moveaxis(by_bar.view("<u8"), -1, 0)
    state = first & np.uint64(0xFF)
    hashes: Hashes = _mix(_mix((first ^ state) + _WORD_SEEDS[0]) ^ (second + _WORD_SEEDS[1])) + _STATE * state
    return hashes


def mix(x: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """A fair draw of 64 bits for each x; splitmix64 (Steele, Lea, Flood 2014) from a place that the seed gives."""
    return _mix(x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64))


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
