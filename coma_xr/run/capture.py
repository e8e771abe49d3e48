"""What a function writes to standard output and standard error while it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from coma_xr import files

Capture = Literal["info"] | bool

# The last characters, or bytes, that are kept.
_MOST = 65_536


class Output:
    """The end of what was written; falsy if nothing was."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._is_cut = False

    def add(self, text: str) -> None:
        """Add what was written."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * _MOST:
            self._parts, self._size = ["".join(self._parts)[-_MOST:]], _MOST
            self._is_cut = True

    def __bool__(self) -> bool:
        return any(self._parts)

    def __str__(self) -> str:
        text = "".join(self._parts)
        return f"[...]\n{text[-_MOST:]}" if self._is_cut or len(text) > _MOST else text


class _Stream:
    """A stream of this process; what a thread writes whose output is captured goes there instead."""

    outputs = threading.local()
    lock = threading.Lock()
    users = 0
    originals: tuple[Any, Any] = (None, None)

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        output = getattr(self.outputs, "output", None)
        if output is None:
            return int(self._stream.write(text) or 0)
        output.add(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def captured(capture: Capture, *, is_alone: bool) -> Iterator[Output]:
    """Capture what is written meanwhile; also by C code and other programs where nothing else uses the process."""
    output = Output()
    if not capture:
        yield output
    elif is_alone:
        with files.diverted_output() as read:
            try:
                yield output
            finally:
                output.add(read(2 * _MOST))
    else:
        with _streams_replaced():
            _Stream.outputs.output = output
            try:
                yield output
            finally:
                _Stream.outputs.output = None


@contextmanager
def _streams_replaced() -> Iterator[None]:
    with _Stream.lock:
        _Stream.users += 1
        if _Stream.users == 1:
            _Stream.originals = sys.stdout, sys.stderr
            sys.stdout, sys.stderr = _Stream(sys.stdout), _Stream(sys.stderr)
    try:
        yield
    finally:
        with _Stream.lock:
            _Stream.users -= 1
            if not _Stream.users:
                sys.stdout, sys.stderr = _Stream.originals
