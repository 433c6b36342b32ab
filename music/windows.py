"""The unique windows of token scores, and their transposition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music.arrangements import ScoreBatch
from music.arrays import IntArray
from music.hashing import Hashes, hash_windows, splitmix64, starts_of_runs
from music.tokens import HOLD, PITCHES, SILENT, STEPS_PER_BAR, Tokens

SPLITS = ("train", "validation")
"""The two sides of the split."""

_bits = np.unpackbits(
    np.arange(1 << STEPS_PER_BAR, dtype="<u2").view(np.uint8).reshape(-1, 2), axis=1, bitorder="little"
)
_SILENT_BEFORE, _SILENT_AFTER = (
    np.where(bits.any(axis=1), bits.argmax(axis=1), STEPS_PER_BAR).astype(np.int8) for bits in (_bits, _bits[:, ::-1])
)
"""(65536,) silent steps before the first and after the last sounding step of a bar, whose 16 steps are 16 bits."""


@dataclass(frozen=True)
class Windows:
    """The windows of a batch of scores that pass the rule of silence, without repeats within a score."""

    hashes: Hashes
    """(2, windows) the 128 bits of each window's hash."""
    scores: IntArray
    """(windows,) the number of the score; ascending."""
    arrangements: IntArray
    """(windows,) the number of the arrangement in its score."""
    bars: IntArray
    """(windows,) the first bar."""
    passed: int
    """How many windows passed the rule of silence, repeats included."""

    def __len__(self) -> int:
        return len(self.bars)


def find_windows(batch: ScoreBatch, lengths: Sequence[int], cap: int) -> Iterator[Windows]:
    """Yields, for each length in bars, the unique windows of each score's first `cap` arrangements.

    A window starts at every bar. It passes unless one of its tracks is silent for more than 16 consecutive steps.
    Of identical windows in a score the first one is kept, in order of arrangement, then bar.
    """
    score, arrangement = _numbered(np.minimum(batch.arrangements, cap))
    places = batch.places(score, arrangement)
    crossed = _silences_crossed(batch.by_bar)
    hashed = hash_windows(batch.by_bar, first_states(batch.by_bar), batch.roles, lengths)
    for length, hashes_by_bar in zip(lengths, hashed, strict=True):
        which, bar = _numbered(np.maximum(batch.lengths[score] - length + 1, 0))
        ends = crossed[length - 1 :]
        sounds = ends == crossed[: len(ends)]
        for track in places[::-1]:  # the strings first, because they are silent most often
            passes = sounds[track[which] + bar]
            which, bar = which[passes], bar[passes]
        hashes = hashes_by_bar[:, places[:, which] + bar].sum(axis=1)
        unique = _first_of_each(hashes, score[which])
        kept = which[unique]
        yield Windows(hashes[:, unique], score[kept], arrangement[kept], bar[unique], len(which))


def _numbered(counts: IntArray) -> tuple[IntArray, IntArray]:
    """Numbers the items of groups of these sizes: for 2, 1, 3 the groups 0 0 1 2 2 2 and the numbers 0 1 0 0 1 2."""
    group = np.repeat(np.arange(len(counts)), counts)
    return group, np.arange(len(group)) - (np.cumsum(counts) - counts)[group]


def _silences_crossed(by_bar: Tokens) -> IntArray:
    """Returns (bars,) the running count of bar lines that a silence of more than 16 steps crosses.

    Every such silence crosses a bar line, and more than 16 of its steps lie in the two bars beside that line.
    """
    sounding = np.packbits(by_bar.reshape(-1) != SILENT, bitorder="little").view("<u2")
    crosses = _SILENT_AFTER[sounding[:-1]] + _SILENT_BEFORE[sounding[1:]] > STEPS_PER_BAR
    return np.concatenate([[0], np.cumsum(crosses)])


def first_states(by_bar: Tokens) -> Tokens:
    """Returns (bars,) the first state of each bar, where a hold is replaced by the pitch that it holds.

    by_bar: (bars, 16), as in `ScoreBatch`.
    """
    states = by_bar[:, 0].copy()
    held = np.flatnonzero(states == HOLD)
    begins = np.flatnonzero(by_bar != HOLD)  # the first state of a track never holds
    states[held] = by_bar.reshape(-1)[begins[np.searchsorted(begins, held * STEPS_PER_BAR) - 1]]
    return states


def _first_of_each(hashes: Hashes, scores: IntArray) -> IntArray:
    """Returns the indices, ascending, of the first window of every group with equal hashes in a score."""
    order = np.lexsort(hashes)  # stable: equal hashes stay in order
    ordered = np.stack([*hashes[:, order], scores[order].astype(np.uint64)])
    return np.sort(order[starts_of_runs(ordered)])


def cut_windows(by_bar: Tokens, first_states: Tokens, places: IntArray, length: int) -> Tokens:
    """Returns (windows, 4, steps): the tokens of windows of `length` bars.

    by_bar: (bars, 16); first_states: (bars,), as `first_states` returns them; places: (4, windows), the rows of
    `by_bar` at which the four tracks of each window begin.
    """
    runs = np.ndarray(len(by_bar) - length + 1, f"V{STEPS_PER_BAR * length}", by_bar, strides=STEPS_PER_BAR)
    by_window = np.ascontiguousarray(places.T)
    tokens: Tokens = runs[by_window, None].view(np.uint8)
    tokens[..., 0] = first_states[by_window]
    return tokens


def random_transpositions(tokens: Tokens, hashes: Hashes, lowest: int, highest: int, seed: int) -> NDArray[np.int8]:
    """Returns (windows,) semitones, uniformly random among those in [lowest, highest] that keep all pitches in 0-127.

    tokens: (windows, 4, steps); hashes: (windows,), the first half of each hash; lowest <= 0 <= highest. The result
    depends only on the window and the seed.
    """
    pitched = tokens[:, 1:]
    low = pitched.min(axis=(1, 2)).astype(np.int64)  # holds and silence are higher numbers than any pitch
    high = pitched.view(np.int8).max(axis=(1, 2)).astype(np.int64)  # and as signed numbers, negative
    first = np.maximum(lowest, -low)
    last = np.minimum(highest, PITCHES - 1 - high)
    steps = splitmix64(hashes, seed) % (last - first + 1).astype(np.uint64)
    transpositions: NDArray[np.int8] = (first + steps.astype(np.int64)).astype(np.int8)
    return transpositions


def transpose(tokens: Tokens, semitones: NDArray[np.int8]) -> Tokens:
    """Transposes each window, (windows, 4, steps), by its semitones, (windows,); drums, holds and silence stay."""
    moved = tokens.copy()
    moved[:, 1:] += (moved[:, 1:] < PITCHES) * semitones.view(np.uint8)[:, None, None]  # modulo 256: -1 is 255
    return moved
