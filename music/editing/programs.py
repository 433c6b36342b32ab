"""Which program each channel of each track has at which tick."""

from bisect import bisect_right
from collections import defaultdict

import numpy as np

from music.midi.events import LARGEST_TICK, TICK_BITS, Events
from music.midi.notes import PROGRAM_CHANGE


class Programs:
    """The program changes of a file."""

    def __init__(self, events: Events) -> None:
        self._changes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for event in np.flatnonzero((events.status & 0xF0) == PROGRAM_CHANGE).tolist():
            moment = int(events.moment[event])
            part = moment >> TICK_BITS, int(events.status[event]) & 0xF
            self._changes[part].append((moment & LARGEST_TICK, int(events.first[event])))

    def at(self, track: int, channel: int, tick: int) -> int:
        """Returns the program after all changes up to a tick; it is 0 before the first."""
        changes = self._changes[track, channel]
        number = bisect_right(changes, tick, key=lambda change: change[0])
        return changes[number - 1][1] if number else 0

    def until(self, track: int, channel: int, tick: int) -> int:
        """Returns the tick of the next change to another program, after a tick."""
        changes = self._changes[track, channel]
        number = bisect_right(changes, tick, key=lambda change: change[0])
        program = changes[number - 1][1] if number else 0
        return next((when for when, other in changes[number:] if other != program), LARGEST_TICK)
