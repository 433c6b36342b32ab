"""Calls a function on untrusted bytes in a separate process: a crash, hang or memory bomb there costs one answer.

The process imports only what the function needs, and only bytes pass between the two: nothing is pickled. It limits its
own time and memory, so that it does not outlive its parent for long, even if it hangs.
"""

import os
import resource
import signal
import struct
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import cycle, islice
from multiprocessing.connection import Connection, Pipe
from typing import TypeVar

from music.score import Reason, Refused

SECONDS = 120
"""The time limit of one call. The slowest reader takes some seconds for the largest file, so this is a hang."""
MEMORY_BYTES = 2 << 30
"""The address space of the process: pretty_midi needs 0.4 GB for a file of 2 MB. macOS has no such limit."""
BATCH = 32
"""The number of inputs that are sent together, which saves time between calls."""
_OUT_OF_MEMORY = 3
_COUNT = struct.Struct("<I")

Answer = bytes | Refused
Name = TypeVar("Name")


class Isolated:
    """Calls a function, named `module:function`, in a process that is started when it is first needed.

    The function takes (*arguments, data) and returns bytes. A call counts as failed only if it also fails in a new
    process, so an answer never depends on the calls before it.
    """

    def __init__(self, function: str, *arguments: str, seconds: int = SECONDS) -> None:
        self._call = (str(seconds), function, *arguments)
        self._process: _Process | None = None
        self._sent: list[bytes] = []

    def __call__(self, batch: list[bytes]) -> list[Answer]:
        """Returns the function's answers; a `Refused` gives the function's reason, or how the process ended."""
        self.send(batch)
        return self.receive()

    def send(self, batch: list[bytes]) -> None:
        """Starts a call, which `receive` ends."""
        self._process = self._process or _Process(self._call)
        self._sent = batch
        self._process.send(batch)

    def receive(self) -> list[Answer]:
        """Returns the answers to the batch that was sent."""
        if not self._process:
            raise RuntimeError("nothing was sent")
        try:
            return self._process.receive(len(self._sent))
        except _EndedError as error:
            alone = len(self._sent) == 1
            final = self._process.batches == 1 or error.reason is Reason.TOO_SLOW
            self.close()
            if alone and final:
                return [Refused(error.reason, error.detail)]
        return [self._again(data) for data in self._sent]

    def _again(self, data: bytes) -> Answer:
        self.send([data])
        return self.receive()[0]

    def close(self) -> None:
        """Ends the process."""
        if self._process:
            self._process.end()
            self._process = None


def call_all(function: str, named: Iterable[tuple[Name, bytes]], processes: int) -> Iterator[tuple[Name, Answer]]:
    """Calls the function for each (name, bytes), in several processes; yields (name, answer) in the same order."""
    calls = [Isolated(function) for _ in range(processes)]
    waiting: deque[tuple[Isolated, list[Name]]] = deque()
    items = iter(named)
    try:
        for call in cycle(calls):
            batch = list(islice(items, BATCH))
            if len(waiting) == processes or not batch:
                if not waiting:
                    return
                ready, names = waiting.popleft()
                yield from zip(names, ready.receive(), strict=True)
            if batch:
                call.send([data for _, data in batch])
                waiting.append((call, [name for name, _ in batch]))
    finally:
        for call in calls:
            call.close()


class _EndedError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class _Process:
    """A running child process and the connection to it."""

    def __init__(self, call: tuple[str, ...]) -> None:
        self._connection, child_end = Pipe()
        with child_end:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pipelines.isolation", str(child_end.fileno()), *call],
                stdin=subprocess.DEVNULL,
                pass_fds=[child_end.fileno()],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread would take address space
            )
        self._seconds, function, *_ = call
        self.batches = 0
        self.end = weakref.finalize(self, _end, self._child, self._connection)
        try:
            self._connection.recv_bytes()
        except (EOFError, ConnectionError) as error:
            code = self._child.wait()  # by then its error is on stderr
            self.end()
            raise RuntimeError(f"the process of {function} does not start: exit code {code}") from error

    def send(self, batch: list[bytes]) -> None:
        self.batches += 1
        with suppress(ConnectionError):  # `receive` reports how the child ended
            self._connection.send_bytes(_COUNT.pack(len(batch)))
            for data in batch:
                self._connection.send_bytes(data)

    def receive(self, count: int) -> list[Answer]:
        try:
            return [self._answer() for _ in range(count)]
        except (EOFError, ConnectionError) as error:
            raise self._ended() from error

    def _answer(self) -> Answer:
        reason, answer = self._connection.recv_bytes(), self._connection.recv_bytes()
        return Refused(Reason(reason.decode()), answer.decode()) if reason else answer

    def _ended(self) -> _EndedError:
        code = self._child.wait()
        if code == -signal.SIGALRM:
            return _EndedError(Reason.TOO_SLOW, f"more than {self._seconds} seconds")
        if code == _OUT_OF_MEMORY:
            return _EndedError(Reason.TOO_MUCH_MEMORY, f"more than {MEMORY_BYTES} bytes")
        return _EndedError(Reason.CRASHED, signal.Signals(-code).name if code < 0 else f"exit code {code}")


def _end(child: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    child.kill()
    child.wait()


def _serve(connection: Connection, seconds: int, name: str, *arguments: str) -> None:
    """Answers calls until the parent closes the connection or ends."""
    module, function = name.split(":")
    call = getattr(import_module(module), function)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles it
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    with suppress(ValueError):  # macOS
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))
    connection.send_bytes(b"")
    while True:
        (count,) = _COUNT.unpack(connection.recv_bytes())
        batch = [connection.recv_bytes() for _ in range(count)]
        for reason, answer in [_answer(call, arguments, data, seconds) for data in batch]:
            connection.send_bytes(reason.encode())
            connection.send_bytes(answer)


def _answer(call: Callable[..., bytes], arguments: tuple[str, ...], data: bytes, seconds: int) -> tuple[str, bytes]:
    """Returns the reason and the detail of a refusal, or an empty reason and the answer."""
    signal.alarm(seconds)  # ends the process, whatever it is doing
    try:
        return "", call(*arguments, data)
    except Refused as refusal:
        return refusal.reason, _encoded(refusal.detail)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception as error:  # a bug in the function
        return Reason.CRASHED, _encoded(f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)


def _encoded(detail: str) -> bytes:
    return detail.encode("utf-8", "backslashreplace")


if __name__ == "__main__":
    with suppress(EOFError, ConnectionError), Connection(int(sys.argv[1])) as parent:
        _serve(parent, int(sys.argv[2]), *sys.argv[3:])
