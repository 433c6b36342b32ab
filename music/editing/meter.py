"""The bars of a file, and the stretches of it that are in 4/4."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from music.arrays import IntArray
from music.errors import InputError
from music.score import FOUR_FOUR, TimeSignature
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER, to_steps

CUT_SHORT = "a short bar"
"""The meter of a bar that a time signature cuts short."""


class Bars(NamedTuple):
    """A range of bars, counted from 1; both ends are included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"bar {self.first}" if self.first == self.last else f"bars {self.first}-{self.last}"


class Section(NamedTuple):
    """Bars of the same length."""

    tick: int
    """Where the first bar begins."""
    bars: Bars
    meter: str
    """Such as 3/4, or `CUT_SHORT`."""


@dataclass(frozen=True)
class Grid:
    """The steps of a section in 4/4, counted from its beginning."""

    tick: int
    bars: Bars
    ticks_per_quarter: int

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return (self.bars.last - self.bars.first + 1) * STEPS_PER_BAR

    def step_of(self, ticks: IntArray) -> IntArray:
        """Rounds ticks to the nearest step, halves up; steps before the section are negative."""
        return to_steps(ticks - self.tick, self.ticks_per_quarter)

    def tick_of(self, step: int) -> int:
        """Returns the tick at which a step begins, to the nearest."""
        return self.tick + (2 * step * self.ticks_per_quarter + STEPS_PER_QUARTER) // (2 * STEPS_PER_QUARTER)

    def first_tick(self, step: int) -> int:
        """Returns the first tick that `step_of` rounds to the step."""
        return self.tick - (1 - 2 * step) * self.ticks_per_quarter // (2 * STEPS_PER_QUARTER)

    def steps_of(self, bars: Bars) -> range:
        """Returns the steps of bars of the section."""
        first, stop = bars.first - self.bars.first, bars.last - self.bars.first + 1
        return range(first * STEPS_PER_BAR, stop * STEPS_PER_BAR)

    def bar_of(self, step: int) -> int:
        """Returns the number of the bar that a step is in."""
        return self.bars.first + step // STEPS_PER_BAR


def find_sections(signatures: Iterable[TimeSignature], ticks_per_quarter: int, end: int) -> list[Section]:
    """Returns the sections of a file whose last note ends at the tick `end`.

    Without a time signature the music is in 4/4. A time signature that repeats the one before it begins no section, as
    in files that are in 4/4 throughout. Of several at a tick one other than 4/4 counts.
    """
    by_tick = {FOUR_FOUR[0].tick: FOUR_FOUR[0]}
    by_tick |= {one.tick: one for one in sorted(signatures, key=lambda one: (one.tick, not one.is_four_four))}
    found: list[TimeSignature] = []
    for signature in by_tick.values():
        if signature.tick < end and (not found or signature[1:] != found[-1][1:]):
            found.append(signature)
    sections: list[Section] = []
    for (tick, numerator, denominator), (stop, *_) in pairwise([*found, TimeSignature(end, 0, 1)]):
        length = max(4 * ticks_per_quarter * numerator // denominator, 1)
        whole, rest = divmod(stop - tick, length)
        whole += stop == end and rest > 0
        bar = sections[-1].bars.last + 1 if sections else 1
        if whole:
            sections.append(Section(tick, Bars(bar, bar + whole - 1), f"{numerator}/{denominator}"))
        if rest and stop < end:
            bar += whole
            sections.append(Section(tick + whole * length, Bars(bar, bar), CUT_SHORT))
    return sections


def longest_in_four_four(sections: Sequence[Section]) -> Bars | None:
    """Returns the bars of the longest section in 4/4, the first of several; None if there is none."""
    stretches = [section.bars for section in sections if section.meter == "4/4"]
    return max(stretches, key=lambda bars: bars.last - bars.first, default=None)


def section_in_four_four(sections: Sequence[Section], bars: Bars | None) -> Section:
    """Returns the section in 4/4 with the bars, by default all bars of the file.

    Raises `InputError` if there is none, which names the longest section that could be used.
    """
    total = sections[-1].bars.last
    chosen = bars or Bars(1, total)
    if not 1 <= chosen.first <= chosen.last <= total:
        raise InputError(f"{chosen} cannot be chosen: the song has bars 1-{total}")
    met = [one for one in sections if one.bars.first <= chosen.last and one.bars.last >= chosen.first]
    if len(met) == 1 and met[0].meter == "4/4":
        return met[0]
    other = next(one for one in met if one.meter != "4/4")
    longest = longest_in_four_four(sections)
    if not longest:
        raise InputError(
            f"{other.meter} from bar {other.bars.first}: only music in 4/4 can be edited, and none is here"
        )
    raise InputError(
        f"{other.meter} from bar {other.bars.first}: only 4/4 can be edited; choose {longest}, the longest stretch"
    )
