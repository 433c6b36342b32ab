"""The unique windows of token songs, and their transposition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.arrangements import Arranged, Indices
from music.hashing import Hashes, hash_windows, mix
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, Tokens

SPLITS = ("train", "validation")
"""The two sides that windows are split into."""

_bits = np.unpackbits(
    np.arange(1 << STEPS_PER_BAR, dtype="<u2").view(np.uint8).reshape(-1, 2), axis=1, bitorder="little"
)
_SILENT_BEFORE, _SILENT_AFTER = (
    np.where(bits.any(axis=1), bits.argmax(axis=1), STEPS_PER_BAR).astype(np.int8) for bits in (_bits, _bits[:, ::-1])
)
"""Silent steps before the first and after the last that sounds in a bar, which is 16 bits."""


@dataclass(frozen=True)
class Windows:
    """The windows of some songs that pass the rule of silence, each once a song."""

    hashes: Hashes
    """(2, windows): 128 bits of each window's tokens."""
    songs: Indices
    """(windows,): the number of the song; ascending."""
    arrangements: Indices
    """(windows,): the number of the arrangement of the song."""
    bars: Indices
    """(windows,): the first bar."""
    passed: int
    """How many windows passed the rule of silence, repeats included."""

    def __len__(self) -> int:
        return len(self.bars)


def windows(songs: Arranged, lengths: Sequence[int], cap: int) -> Iterator[Windows]:
    """For each length in bars the unique windows, one starting at every bar, of each song's first `cap` arrangements.

    A window is kept unless some track of it is silent for more than a bar's steps on end.
    Of identical windows of a song the first in order of arrangement, then bar, stands.
    """
    song, arrangement = _numbered(np.minimum(songs.combinations, cap))
    places = songs.places(song, arrangement)
    crossed = _silences_crossed(songs.by_bar)
    hashed = hash_windows(songs.by_bar, first_states(songs.by_bar), songs.roles, lengths)
    for length, hashes_by_bar in zip(lengths, hashed, strict=True):
        which, bar = _numbered(np.maximum(songs.lengths[song] - length + 1, 0))
        ends = crossed[length - 1 :]
        sounds = ends == crossed[: len(ends)]
        for track in places[::-1]:  # the strings, which are silent most, first
            passes = sounds[track[which] + bar]
            which, bar = which[passes], bar[passes]
        hashes = hashes_by_bar[:, places[:, which] + bar].sum(axis=1)
        first = _first_of_each(hashes, song[which])
        of_first = which[first]
        yield Windows(hashes[:, first], song[of_first], arrangement[of_first], bar[first], len(which))


def _numbered(counts: Indices) -> tuple[Indices, Indices]:
    """For counts 2, 1, 3: whose each is, 0 0 1 2 2 2, and its number there, 0 1 0 0 1 2."""
    whose = np.repeat(np.arange(len(counts)), counts)
    return whose, np.arange(len(whose)) - (np.cumsum(counts) - counts)[whose]


def _silences_crossed(by_bar: Tokens) -> Indices:
    """(bars,) at how many bar lines until the bar's first a track is silent for more than a bar's steps on end.

    So long a silence crosses a bar line, and has more than a bar's steps in the two bars beside it.
    """
    sounding = np.packbits(by_bar.reshape(-1) != SILENT, bitorder="little").view("<u2")
    crosses = _SILENT_AFTER[sounding[:-1]] + _SILENT_BEFORE[sounding[1:]] > STEPS_PER_BAR
    return np.concatenate([[0], np.cumsum(crosses)])


def first_states(by_bar: Tokens) -> Tokens:
    """(bars,) the first state of each bar, (bars, 16), a hold replaced by the pitch that it holds."""
    states = by_bar[:, 0].copy()
    held = np.flatnonzero(states == HOLD)
    begins = np.flatnonzero(by_bar != HOLD)  # the first of every track is one
    states[held] = by_bar.reshape(-1)[begins[np.searchsorted(begins, held * STEPS_PER_BAR) - 1]]
    return states


def _first_of_each(hashes: Hashes, songs: Indices) -> Indices:
    """Indices, ascending, of the first of every group of equal hashes of a song."""
    order = np.lexsort(hashes)  # stable: equal hashes stay in order
    ordered = np.stack([*hashes[:, order], songs[order].astype(np.uint64)])
    new = np.ones(len(order), dtype=bool)
    new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return np.sort(order[new])


def cut(by_bar: Tokens, first_states: Tokens, places: Indices, length: int) -> Tokens:
    """(windows, 4, steps) tokens of windows of so many bars, whose four tracks begin at `places`, (4, windows)."""
    runs = np.ndarray(len(by_bar) - length + 1, f"V{STEPS_PER_BAR * length}", by_bar, strides=STEPS_PER_BAR)
    by_window = np.ascontiguousarray(places.T)
    tokens: Tokens = runs[by_window, None].view(np.uint8)
    tokens[..., 0] = first_states[by_window]
    return tokens


def draw_transpositions(tokens: Tokens, hashes: Hashes, lowest: int, highest: int, seed: int) -> NDArray[np.int8]:
    """(windows,) semitones drawn uniformly from those in [lowest, highest] that keep every pitch in 0-127.

    tokens: (windows, 4, steps); hashes: (windows,), the first half of each; lowest <= 0 <= highest. The draw depends on
    the window and the seed alone, not on where or when it is made.
    """
    pitched = tokens[:, 1:]
    low = pitched.min(axis=(1, 2)).astype(np.int64)  # holds and silence lie above every pitch
    high = pitched.view(np.int8).max(axis=(1, 2)).astype(np.int64)  # and so seen, below
    first = np.maximum(lowest, -low)
    last = np.minimum(highest, PITCHES - 1 - high)
    drawn = mix(hashes, seed) % (last - first + 1).astype(np.uint64)
    shift: NDArray[np.int8] = (first + drawn.astype(np.int64)).astype(np.int8)
    return shift


def transpose(tokens: Tokens, shift: NDArray[np.int8]) -> Tokens:
    """The windows, (windows, 4, steps), each moved by its shift; drums, holds and silence stay."""
    moved = tokens.copy()
    moved[:, 1:] += (moved[:, 1:] < PITCHES) * shift.view(np.uint8)[:, None, None]  # modulo 256: -1 is 255
    return moved
