"""The unique windows of a token song, and their transposition."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.hashing import Hashes, hash_tracks, mix
from music.roles import TokenSong
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, TRACKS, Tokens

_bits = np.unpackbits(
    np.arange(1 << STEPS_PER_BAR, dtype="<u2").view(np.uint8).reshape(-1, 2), axis=1, bitorder="little"
)
_SILENT_BEFORE, _SILENT_AFTER = (
    np.where(bits.any(axis=1), bits.argmax(axis=1), STEPS_PER_BAR).astype(np.int8) for bits in (_bits, _bits[:, ::-1])
)
"""Silent steps before the first and after the last that sounds in a bar, which is 16 bits."""


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
    passes = ~_silent_too_long(song.tokens, bars)[rows].any(axis=1)
    arrangement, bar = np.nonzero(passes)
    roles = np.repeat(np.arange(len(TRACKS)), (*song.counts, 1))
    hashes = hash_tracks(by_bar, _first_states(by_bar), roles, bars)[:, rows].sum(axis=2)[:, passes]
    first = _first_of_each(hashes)
    return Windows(hashes[:, first], arrangement[first].astype(np.int32), bar[first].astype(np.int32), len(bar))


def _silent_too_long(tokens: Tokens, bars: int) -> NDArray[np.bool_]:
    """(tracks, windows) whether the track is silent there for more than a bar's steps on end.

    So long a silence crosses a bar line, and has more than a bar's steps in the two bars beside it.
    """
    sounding = np.packbits(tokens != SILENT, axis=1, bitorder="little").view("<u2")
    crossed = np.zeros((len(tokens), sounding.shape[1] + 1), dtype=np.int32)
    np.cumsum(
        _SILENT_AFTER[sounding[:, :-1]] + _SILENT_BEFORE[sounding[:, 1:]] > STEPS_PER_BAR, axis=1, out=crossed[:, 1:-1]
    )
    windows = sounding.shape[1] - bars + 1
    silent: NDArray[np.bool_] = crossed[:, bars - 1 : bars - 1 + windows] > crossed[:, :windows]
    return silent


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
    whole_bars = song.tokens.view(f"V{STEPS_PER_BAR}")
    tokens: Tokens = whole_bars[rows[:, :, None], (bar[:, None] + np.arange(bars))[:, None]].view(np.uint8)
    by_bar = song.tokens.reshape(len(song.tokens), -1, STEPS_PER_BAR)
    tokens[..., 0] = _first_states(by_bar)[rows, bar[:, None]]
    return tokens


def shifts(tokens: Tokens, hashes: Hashes, lowest: int, highest: int, seed: int) -> NDArray[np.int8]:
    """(windows,) semitones drawn uniformly from those in [lowest, highest] that keep every pitch in 0-127.

    tokens: (windows, 4, steps); lowest <= 0 <= highest. The draw depends on the window and the seed alone, not on
    where or when it is made.
    """
    pitched = tokens[:, 1:]
    low = pitched.min(axis=(1, 2)).astype(np.int64)  # holds and silence lie above every pitch
    high = pitched.view(np.int8).max(axis=(1, 2)).astype(np.int64)  # and so seen, below
    first = np.maximum(lowest, -low)
    last = np.minimum(highest, PITCHES - 1 - high)
    drawn = mix(hashes[0], seed) % (last - first + 1).astype(np.uint64)
    shift: NDArray[np.int8] = (first + drawn.astype(np.int64)).astype(np.int8)
    return shift


def transpose(tokens: Tokens, shift: NDArray[np.int8]) -> Tokens:
    """The windows, (windows, 4, steps), each moved by its shift; drums, holds and silence stay."""
    moved = tokens.copy()
    moved[:, 1:] += (moved[:, 1:] < PITCHES) * shift.view(np.uint8)[:, None, None]  # modulo 256: -1 is 255
    return moved
