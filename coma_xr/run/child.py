"""One external process: started, waited for, ended with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO

# What is kept of what a process says, when it is not its result [bytes].
_TAIL = 8192
_CHUNK = 65536

# How long a process may take to end after it was asked to, and what it wrote to arrive [s].
_GRACE = 1.0
_ARRIVAL = 0.2


@dataclass(frozen=True)
class Ended:
    """What came of a process."""

    code: int | None
    output: bytes
    errors: bytes
    too_long: bool


class _Drain(threading.Thread):
    """Reads a pipe to its end, so that the process never waits for it; keeps the last bytes, or all."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes], most: int | None = None) -> None:
        super().__init__(daemon=True, name=f"coma_xr reads from process {process.pid}")
        self._process = process
        self._pipe = pipe
        self._most = most
        self.data = b""
        self.too_long = False
        self.start()

    def run(self) -> None:
        chunks: list[bytes] = []
        size = 0
        while chunk := self._pipe.read1(_CHUNK):  # type: ignore[attr-defined]
            chunks.append(chunk)
            size += len(chunk)
            if self._most is not None and size > self._most and not self.too_long:
                self.too_long = True
                _signal(self._process, signal.SIGKILL)
            if size > _TAIL and (self._most is None or self.too_long):
                chunks = [b"".join(chunks)[-_TAIL:]]
                size = len(chunks[0])
        self.data = b"".join(chunks)


def run(
    arguments: Sequence[str],
    *,
    directory: str,
    environment: Mapping[str, str],
    timeout: float | None,
    most: int | None,
) -> Ended:
    """Run a process to its end.

    Raises
    ------
    OSError
        It cannot be started.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with _interruptions_held():
            process = subprocess.Popen(
                list(arguments),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A group of its own: Ctrl-C in the terminal is for the run, which finishes what has begun.
                start_new_session=True,
            )
        return _outcome(process, timeout, most)
    finally:
        if process is not None:
            with process:
                if process.returncode is None:
                    _end(process)


def _outcome(process: subprocess.Popen[bytes], timeout: float | None, most: int | None) -> Ended:
    """Wait for a process, and end it when it takes too long or the wait is interrupted."""
    code: int | None = None
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        output, errors = _Drain(process, process.stdout, most), _Drain(process, process.stderr)
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if code is None:
            _end(process)
    for drain in (output, errors):
        drain.join(_ARRIVAL)
        if drain.is_alive():
            # Something that the process has started still holds the pipe.
            _signal(process, signal.SIGKILL)
            drain.join(_GRACE)
    return Ended(code, output.data, errors.data, output.too_long)


@contextmanager
def _interruptions_held() -> Iterator[None]:
    """Deliver Ctrl-C at the end: within `Popen` it would leave a process that runs on unnoticed."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    received: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: received.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if received:
        handler(*received[0])


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and all of its group."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # They have ended; macOS calls what has ended but was not waited for a matter of permission.
        pass
