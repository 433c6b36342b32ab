"""The unique windows of a token song, and their transposition."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.roles import TokenSong
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS, Tokens, sounding

MAX_SILENT_STEPS = 16
HASH_SEED = 2001_05494

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Windows:
    """The windows of one song that pass the rule of silence, each once."""

    hashes: Hashes
    """(windows, 2): 128 bits of each window's tokens."""
    bars: NDArray[np.int32]
    """(windows,): the first bar."""
    tracks: NDArray[np.int16]
    """(windows, 3): which drum, bass and guitar/piano track, each counted from 0."""
    passed: int
    """How many windows passed the rule of silence, repeats included."""
    _rows: NDArray[np.intp]
    _by_track: Tokens

    def __len__(self) -> int:
        return len(self.hashes)

    def tokens(self, chosen: NDArray[np.intp]) -> Tokens:
        """(chosen, 4, steps) tokens of the windows with these indices."""
        return self._by_track[self._rows[chosen], self.bars[chosen, None]]


def windows(song: TokenSong, bars: int, cap: int) -> Windows:
    """The unique windows of `bars` bars, one starting at every bar, of the song's first `cap` arrangements.

    A window is kept unless some track of it is silent for more than `MAX_SILENT_STEPS` steps on end.
    Of identical windows the first in order of arrangement, then bar, stands.
    """
    by_track = _cut(song.tokens, bars)
    rows = song.arrangements(cap)
    audible = ~_silent_too_long(by_track)
    combination, bar = np.nonzero(np.logical_and.reduce([audible[rows[:, track]] for track in range(4)]))
    multipliers = _multipliers(by_track.shape[-1])
    hashes = np.zeros((len(bar), 2), dtype=np.uint64)
    for track in range(4):
        of_track, inverse = np.unique(rows[:, track], return_inverse=True)
        products = np.stack([by_track[one].astype(np.uint64) @ multipliers[track] for one in of_track])
        hashes += products[inverse[combination], bar]
    first = _first_of_each(hashes)
    combination, bar = combination[first], bar[first]
    starts = np.array([0, song.counts[0], song.counts[0] + song.counts[1]])
    return Windows(
        hashes=hashes[first],
        bars=bar.astype(np.int32),
        tracks=(rows[combination, :3] - starts).astype(np.int16),
        passed=len(hashes),
        _rows=rows[combination],
        _by_track=by_track,
    )


def _cut(tokens: Tokens, bars: int) -> Tokens:
    """(tracks, windows, steps): a window at every bar, whose first step never holds."""
    steps = bars * STEPS_PER_BAR
    if tokens.shape[1] < steps:
        return np.empty((len(tokens), 0, steps), dtype=np.uint8)
    cut = np.lib.stride_tricks.sliding_window_view(tokens, steps, axis=1)[:, ::STEPS_PER_BAR].copy()
    cut[..., 0] = sounding(tokens)[:, : cut.shape[1] * STEPS_PER_BAR : STEPS_PER_BAR]
    return cut


def _silent_too_long(by_track: Tokens) -> NDArray[np.bool_]:
    """(tracks, windows): whether the track is silent for more than `MAX_SILENT_STEPS` steps on end."""
    run = MAX_SILENT_STEPS + 1
    silent = np.cumsum(by_track == SILENT, axis=-1, dtype=np.int16)
    silent = np.concatenate([np.zeros((*silent.shape[:2], 1), np.int16), silent], axis=-1)
    too_long: NDArray[np.bool_] = (silent[..., run:] - silent[..., :-run] == run).any(axis=-1)
    return too_long


def _multipliers(steps: int) -> NDArray[np.uint64]:
    """(4, steps, 2) fixed random odd numbers; `random_raw` is the same stream in every numpy.

    The sum of tokens times these, modulo 2^64, twice, is the hash of a window: multilinear hashing (Lemire and Kaser,
    "Strongly universal string hashing is fast", 2014), which adds up over tracks.
    """
    raw = np.random.PCG64(HASH_SEED).random_raw(len(TRACKS) * steps * 2)
    return (raw | np.uint64(1)).reshape(len(TRACKS), steps, 2)


def _first_of_each(hashes: Hashes) -> NDArray[np.intp]:
    """Indices, ascending, of the first of every group of equal hashes."""
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable: equal hashes stay in order
    ordered = hashes[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return np.sort(order[new])


def shifts(tokens: Tokens, hashes: Hashes, lowest: int, highest: int, seed: int) -> NDArray[np.int8]:
    """(windows,) semitones drawn uniformly from those in [lowest, highest] that keep every pitch in 0-127.

    tokens: (windows, 4, steps); lowest <= 0 <= highest. The draw depends on the window and the seed alone, not on
    where or when it is made.
    """
    pitched = tokens[:, 1:].reshape(len(tokens), -1)
    is_pitch = pitched < PITCHES
    low = np.where(is_pitch, pitched, PITCHES - 1).min(axis=1).astype(np.int64)
    high = np.where(is_pitch, pitched, 0).max(axis=1).astype(np.int64)
    first = np.maximum(lowest, -low)
    last = np.minimum(highest, PITCHES - 1 - high)
    drawn = mix(hashes[:, 0], seed) % (last - first + 1).astype(np.uint64)
    shift: NDArray[np.int8] = (first + drawn.astype(np.int64)).astype(np.int8)
    return shift


def mix(x: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """A fair draw of 64 bits for each x; splitmix64 (Steele, Lea, Flood 2014) from a place that the seed gives."""
    x = x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def transpose(tokens: Tokens, shift: NDArray[np.int8]) -> Tokens:
    """The windows, (windows, 4, steps), each moved by its shift; drums, holds and silence stay."""
    moved = tokens.astype(np.int16)
    moved[:, 1:] += shift[:, None, None]
    stays = tokens >= HOLD
    stays[:, 0] = True
    return np.where(stays, tokens, moved).astype(np.uint8)
