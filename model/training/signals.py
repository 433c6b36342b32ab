"""Handles SIGINT and SIGTERM, so that a run still writes a snapshot before it ends."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from music.errors import InputError


class InterruptedRunError(InputError):
    """The run was stopped by a signal; the snapshot that it has left is where it goes on."""


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGINT or SIGTERM has arrived; a second one ends the process as usual."""
    received: list[int] = []

    def record(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, before[number])

    before = {number: signal.signal(number, record) for number in map(int, (signal.SIGINT, signal.SIGTERM))}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
