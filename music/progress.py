"""Shows the progress of long work: a bar on a terminal, otherwise a line every ten seconds."""

import sys
import time
from types import TracebackType
from typing import Never, Self

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """A context manager that shows how much work is done, the rate, and the time left if the total is known."""

    def __init__(self, what: str, total: int | None, unit: str, scale: bool = False, initial: int = 0) -> None:
        """Starts at `initial`, which does not count towards the rate. With `scale`, numbers get prefixes such as M."""
        self._what, self._total, self._unit, self._scale = what, total, unit, scale
        self._terminal = sys.stderr.isatty()
        self._bar: tqdm[Never] = tqdm(
            total=total, desc=what, unit=unit, unit_scale=scale, initial=initial, dynamic_ncols=True,
            disable=not self._terminal,
        )  # fmt: skip
        self._initial = self._done = initial
        self._began = self._written = time.monotonic()

    def expect(self, total: int | None) -> None:
        """Sets the total, when it becomes known or changes."""
        self._total = self._bar.total = total

    def to(self, done: int, note: str = "") -> None:
        """Sets how much of the total is done; the note is shown behind the rate."""
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._done)
        self._done = done
        if not self._terminal and time.monotonic() - self._written > SECONDS_BETWEEN_LINES:
            self._write_line(note)

    def _write_line(self, note: str = "") -> None:
        self._written = time.monotonic()
        elapsed = self._written - self._began
        line = tqdm.format_meter(
            self._done, self._total or 0, elapsed, ncols=0, prefix=self._what, unit=self._unit, unit_scale=self._scale,
            postfix=note, initial=self._initial,
        )  # fmt: skip
        print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._terminal and error is None:
            self._write_line()
        self._bar.close()
