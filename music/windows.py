"""The unique windows of a token song, and their transposition."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.roles import TokenSong
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS, Tokens

LONGEST = 64
"""Bars of the longest windows."""

Hashes = NDArray[np.uint64]

_random: Hashes = np.random.PCG64(2001_05494).random_raw((2 + LONGEST + len(TRACKS)) * 2).reshape(2, -1)
"""Fixed; `random_raw` is the same stream in every numpy."""
_WORD_SEEDS, _bars_and_tracks = np.split(_random, [2], axis=1)
_BAR_MULTIPLIERS, _TRACK_MULTIPLIERS = np.split(_bars_and_tracks | np.uint64(1), [LONGEST], axis=1)


@dataclass(frozen=True)
class Windows:
    """The windows of one song that pass the rule of silence, each once."""

    hashes: Hashes
    """(2, windows): 128 bits of each window's tokens."""
    arrangements: NDArray[np.int32]
    """(windows,): the number of the arrangement, as `TokenSong.arrangements` counts them."""
    bars: NDArray[np.int32]
    """(windows,): the first bar."""
    passed: int
    """How many windows passed the rule of silence, repeats included."""

    def __len__(self) -> int:
        return len(self.bars)


def windows(song: TokenSong, bars: int, cap: int) -> Windows:
    """The unique windows of `bars` bars, one starting at every bar, of the song's first `cap` arrangements.

    A window is kept unless some track of it is silent for more than a bar's steps on end.
    Of identical windows the first in order of arrangement, then bar, stands.
    """
    by_bar = song.tokens.reshape(len(song.tokens), -1, STEPS_PER_BAR)
    if by_bar.shape[1] < bars:
        nothing = np.empty(0, dtype=np.int32)
        return Windows(np.empty((2, 0), dtype=np.uint64), nothing, nothing, 0)
    rows = song.arrangements(cap)
    audible = ~_silent_too_long(by_bar, bars)
    arrangement, bar = np.nonzero(np.logical_and.reduce([audible[rows[:, track]] for track in range(4)]))
    of_tracks = _hash_tracks(by_bar, bars)
    hashes = np.zeros((2, len(bar)), dtype=np.uint64)
    for track in range(len(TRACKS)):
        hashes += of_tracks[:, rows[arrangement, track], bar] * _TRACK_MULTIPLIERS[:, track, None]
    first = _first_of_each(hashes)
    return Windows(hashes[:, first], arrangement[first].astype(np.int32), bar[first].astype(np.int32), len(bar))


def _silent_too_long(by_bar: Tokens, bars: int) -> NDArray[np.bool_]:
    """(tracks, windows) whether the track is silent there for more than a bar's steps on end.

    So long a silence crosses a bar line, and has more than a bar's steps in the two bars beside it.
    """
    sounds = by_bar != SILENT
    never = ~sounds.any(axis=-1)
    before = np.where(never, STEPS_PER_BAR, sounds.argmax(axis=-1))
    after = np.where(never, STEPS_PER_BAR, sounds[..., ::-1].argmax(axis=-1))
    too_long = np.zeros((len(by_bar), by_bar.shape[1] + 1), dtype=np.int32)
    np.cumsum(after[:, :-1] + before[:, 1:] > STEPS_PER_BAR, axis=1, out=too_long[:, 1:-1])
    last = by_bar.shape[1] - bars
    ends = too_long[:, bars - 1 : bars + last]
    crossed: NDArray[np.bool_] = ends > too_long[:, : last + 1]
    return crossed


def _hash_tracks(by_bar: Tokens, bars: int) -> Hashes:
    """(2, tracks, windows) of each track's tokens in each window.

    A bar is 16 bytes, two words; each is mixed, and so is a bar's hash with its place in the window: the sum over bars
    of hash times a random odd number, modulo 2^64, is multilinear hashing (Lemire and Kaser, "Strongly universal string
    hashing is fast", 2014). The same again with other numbers gives the other 64 bits.
    """
    begun = by_bar.copy()
    begun[..., 0] = _first_states(by_bar)
    of_held, of_begun = np.split(_hash_bars(np.concatenate([by_bar, begun])), 2, axis=1)
    at_every_bar = np.lib.stride_tricks.sliding_window_view(of_held, bars, axis=2)
    hashes: Hashes = np.stack([at_every_bar[half] @ _BAR_MULTIPLIERS[half, :bars] for half in range(2)])
    hashes += (of_begun - of_held)[..., : hashes.shape[-1]] * _BAR_MULTIPLIERS[:, :1, None]
    return hashes


def _hash_bars(by_bar: Tokens) -> Hashes:
    """(2, tracks, bars) of each bar by itself."""
    first, second = np.moveaxis(by_bar.view("<u8"), -1, 0)
    of_first, of_second = _WORD_SEEDS.T[..., None, None]
    return _mix(_mix(first + of_first) ^ second + of_second)


def _first_states(by_bar: Tokens) -> Tokens:
    """(tracks, bars) the first state of each bar, a hold replaced by the pitch that it holds."""
    states = by_bar[..., 0].copy()
    held = np.flatnonzero(states == HOLD)
    begins = np.flatnonzero(by_bar != HOLD)  # the first of every track is one
    states.reshape(-1)[held] = by_bar.reshape(-1)[begins[np.searchsorted(begins, held * STEPS_PER_BAR) - 1]]
    return states


def _first_of_each(hashes: Hashes) -> NDArray[np.intp]:
    """Indices, ascending, of the first of every group of equal hashes."""
    order = np.lexsort(hashes)  # stable: equal hashes stay in order
    ordered = hashes[:, order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return np.sort(order[new])


def cut(song: TokenSong, rows: NDArray[np.intp], bar: NDArray[np.int32], bars: int) -> Tokens:
    """(windows, 4, steps) tokens of windows of the song: of the tracks `rows`, (windows, 4), from bar `bar` on."""
    at_every_step = np.lib.stride_tricks.sliding_window_view(song.tokens, bars * STEPS_PER_BAR, axis=1)
    tokens = at_every_step[rows, bar[:, None] * STEPS_PER_BAR]
    by_bar = song.tokens.reshape(len(song.tokens), -1, STEPS_PER_BAR)
    tokens[..., 0] = _first_states(by_bar)[rows, bar[:, None]]
    return tokens


def shifts(tokens: Tokens, hashes: Hashes, lowest: int, highest: int, seed: int) -> NDArray[np.int8]:
    """(windows,) semitones drawn uniformly from those in [lowest, highest] that keep every pitch in 0-127.

    tokens: (windows, 4, steps); lowest <= 0 <= highest. The draw depends on the window and the seed alone, not on
    where or when it is made.
    """
    pitched = tokens[:, 1:].reshape(len(tokens), -1)
    low = np.minimum(pitched.min(axis=1), PITCHES - 1).astype(np.int64)  # holds and silence lie above every pitch
    high = (pitched * (pitched < PITCHES)).max(axis=1).astype(np.int64)
    first = np.maximum(lowest, -low)
    last = np.minimum(highest, PITCHES - 1 - high)
    drawn = mix(hashes[0], seed) % (last - first + 1).astype(np.uint64)
    shift: NDArray[np.int8] = (first + drawn.astype(np.int64)).astype(np.int8)
    return shift


def mix(x: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """A fair draw of 64 bits for each x; splitmix64 (Steele, Lea, Flood 2014) from a place that the seed gives."""
    return _mix(x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64))


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def transpose(tokens: Tokens, shift: NDArray[np.int8]) -> Tokens:
    """The windows, (windows, 4, steps), each moved by its shift; drums, holds and silence stay."""
    moved = tokens.copy()
    moved[:, 1:] += (moved[:, 1:] < PITCHES) * shift.view(np.uint8)[:, None, None]  # modulo 256: -1 is 255
    return moved
