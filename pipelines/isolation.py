"""A function on bytes that nobody vouches for, in a process of its own: whatever it does there, it costs one answer.

The process imports only what the function needs, and only bytes pass between the two: nothing is pickled. It keeps its
own bounds of time and memory, so that none outlives its parent for long, even one that hangs.
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

from music.song import Reason, Refused

SECONDS = 120
"""For one call: the slowest reader takes some seconds for the largest file, so whatever takes longer hangs.

What hangs in a batch is tried once more, alone.
"""
MEMORY_BYTES = 2 << 30
"""Of address space: pretty_midi takes 0.4 GB for a file of 2 MB. macOS keeps no such bound."""
BATCH = 32
_OUT_OF_MEMORY = 3
_COUNT = struct.Struct("<I")

Answer = bytes | Refused
Name = TypeVar("Name")


class Isolated:
    """Calls `module:function`, from (*arguments, data) to bytes, in a process that is started when it is needed.

    A call fails only where it fails in a new process too, so that it does not depend on the calls before.
    """

    def __init__(self, function: str, *arguments: str, seconds: int = SECONDS) -> None:
        self._call = (str(seconds), function, *arguments)
        self._process: _Process | None = None
        self._sent: list[bytes] = []

    def __call__(self, batch: list[bytes]) -> list[Answer]:
        """The function's answers; a `Refused` has the function's reason, or what became of the process."""
        self.send(batch)
        return self.receive()

    def send(self, batch: list[bytes]) -> None:
        """Begins a call, which `receive` ends. A batch takes less time than one after another."""
        self._process = self._process or _Process(self._call)
        self._sent = batch
        self._process.send(batch)

    def receive(self) -> list[Answer]:
        """The answers to the batch that was sent."""
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
    """The function's answer to each name's bytes, in order, from as many processes."""
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
    """A running child and the connection to it."""

    def __init__(self, call: tuple[str, ...]) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pipelines.isolation", str(theirs.fileno()), *call],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread would take address space
            )
        self._seconds, function, *_ = call
        self.batches = 0
        self.end = weakref.finalize(self, _end, self._child, self._connection)
        try:
            self._connection.recv_bytes()
        except (EOFError, ConnectionError) as error:
            code = self._child.wait()  # its own error goes to stderr first
            self.end()
            raise RuntimeError(f"the process of {function} does not start: exit code {code}") from error

    def send(self, batch: list[bytes]) -> None:
        self.batches += 1
        with suppress(ConnectionError):  # `receive` says what became of the child
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
    """Answers calls until the parent closes the connection or is no more."""
    module, function = name.split(":")
    call = getattr(import_module(module), function)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
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
    """The reason of a refusal and its detail, or no reason and the answer."""
    signal.alarm(seconds)  # ends the process, whatever it is at
    try:
        return "", call(*arguments, data)
    except Refused as refusal:
        return refusal.reason, _encoded(refusal.detail)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception as error:  # a fault of the function
        return Reason.CRASHED, _encoded(f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)


def _encoded(detail: str) -> bytes:
    return detail.encode("utf-8", "backslashreplace")


if __name__ == "__main__":
    with suppress(EOFError, ConnectionError), Connection(int(sys.argv[1])) as parent:
        _serve(parent, int(sys.argv[2]), *sys.argv[3:])
