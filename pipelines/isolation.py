"""A function on bytes that nobody vouches for, in a process of its own: whatever it does there, it costs one answer.

The process imports only what the function needs, and only bytes pass between the two: nothing is pickled. It keeps its
own bounds of time and memory, so that none outlives its parent for long, even one that hangs.
"""

import os
import resource
import signal
import socket
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import cycle
from multiprocessing.connection import Connection
from typing import TypeVar

from music.song import Reason, Refused

SECONDS = 120
"""For one call: the slowest reader takes some seconds for the largest file, so whatever takes longer hangs."""
MEMORY_BYTES = 2 << 30
"""Of address space. The largest files take a fourth of it; macOS keeps no such bound."""
_OUT_OF_MEMORY = 3


class Isolated:
    """Calls `module:function`, from (*arguments, data) to bytes, in a process that is started when it is needed."""

    def __init__(self, function: str, *arguments: str, seconds: int = SECONDS) -> None:
        self._call = (str(seconds), function, *arguments)
        self._process: _Process | None = None
        self._data = b""

    def __call__(self, data: bytes) -> bytes:
        """The function's answer; raises `Refused` with its reason, or with what became of the process.

        A call fails only where it fails in a new process too, so that it does not depend on the calls before.
        """
        self.send(data)
        return self.receive()

    def send(self, data: bytes) -> None:
        """Begins a call, which `receive` ends."""
        self._process = self._process or _Process(self._call)
        self._data = data
        self._process.send(data)

    def receive(self) -> bytes:
        """The answer to what was sent; raises as a call does."""
        if not self._process:
            raise RuntimeError("nothing was sent")
        try:
            return self._process.receive()
        except _EndedError as error:
            new = self._process.sent == 1
            self.close()
            if new:
                raise Refused(error.reason, error.detail) from error
        return self(self._data)

    def close(self) -> None:
        """Ends the process."""
        if self._process:
            self._process.end()
            self._process = None


Name = TypeVar("Name")


def call_in_turn(calls: list[Isolated], named: Iterable[tuple[Name, bytes]]) -> Iterator[tuple[Name, Isolated]]:
    """Sends each name's bytes to the next of the calls; gives it back, in order, when its answer is to be received."""
    waiting: deque[tuple[Name, Isolated]] = deque()
    for (name, data), call in zip(named, cycle(calls), strict=False):
        if len(waiting) == len(calls):
            yield waiting.popleft()
        call.send(data)
        waiting.append((name, call))
    yield from waiting


class _EndedError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class _Process:
    """A running child and the connection to it."""

    def __init__(self, call: tuple[str, ...]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pipelines.isolation", str(theirs.fileno()), *call],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread would take address space
            )
        self._connection = Connection(ours.detach())
        self._seconds, function, *_ = call
        self.sent = 0
        self.end = weakref.finalize(self, _end, self._child, self._connection)
        try:
            self._connection.recv_bytes()
        except (EOFError, ConnectionError) as error:
            code = self._child.wait()  # its own error goes to stderr first
            self.end()
            raise RuntimeError(f"the process of {function} does not start: exit code {code}") from error

    def send(self, data: bytes) -> None:
        self.sent += 1
        with suppress(ConnectionError):  # `receive` says what became of the child
            self._connection.send_bytes(data)

    def receive(self) -> bytes:
        try:
            reason, answer = self._connection.recv_bytes(), self._connection.recv_bytes()
        except (EOFError, ConnectionError) as error:
            raise self._ended() from error
        if reason:
            raise Refused(Reason(reason.decode()), answer.decode())
        return answer

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
        data = connection.recv_bytes()
        reason, answer = "", b""
        signal.alarm(seconds)  # ends the process, whatever it is at
        try:
            answer = call(*arguments, data)
        except Refused as refusal:
            reason, answer = refusal.reason, _encoded(refusal.detail)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except Exception as error:  # a fault of the function
            reason, answer = Reason.CRASHED, _encoded(f"{type(error).__name__}: {error}")
        signal.alarm(0)
        connection.send_bytes(reason.encode())
        connection.send_bytes(answer)


def _encoded(detail: str) -> bytes:
    return detail.encode("utf-8", "backslashreplace")


if __name__ == "__main__":
    with suppress(EOFError, ConnectionError), Connection(int(sys.argv[1])) as parent:
        _serve(parent, int(sys.argv[2]), *sys.argv[3:])
