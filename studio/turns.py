"""One computation at a time, and the newest wins."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class SupersededError(Exception):
    """A newer request came before this one was begun."""


class Turns:
    """Runs calls in one thread, one after another. What waits for its turn gives way to what comes later."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "composer")
        self._turn = asyncio.Lock()
        self._newest = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Returns what the call returns. Raises `SupersededError` if a newer call came while it waited."""
        self._newest += 1
        number = self._newest
        async with self._turn:
            if number != self._newest:
                raise SupersededError
            return await self.run_aside(call)

    async def run_aside(self, call: Callable[[], T]) -> T:
        """Returns what the call returns, which waits for its turn but makes nothing give way."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
