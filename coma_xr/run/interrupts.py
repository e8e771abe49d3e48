"""What ends a run early: Ctrl-C, once or twice, the end that a batch system makes, or the run itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from coma_xr.run.worker import Interrupted

# What a shell says of a process that SIGTERM has ended.
_TERMINATED = 128 + signal.SIGTERM


class Interrupts:
    """Takes Ctrl-C over while it is entered; only in the main thread, and only from Python's own handler."""

    def __init__(self, tell: Callable[[str], None], *, terminable: bool = False) -> None:
        self._tell = tell
        self._terminable = terminable
        self._taken_over: list[signal.Signals] = []
        self._closing = False
        self._terminated = False
        self.asked = False
        # Nothing more is begun; what is running ends.
        self.enough = False
        self.now = False
        self.halt: Callable[[], None] = _nothing
        # Where Ctrl-C is not ours, a KeyboardInterrupt may come from it as well as from the function.
        self.through: type[BaseException] = KeyboardInterrupt

    @property
    def stops(self) -> bool:
        """Whether nothing more is to be begun."""
        return self.asked or self.enough or self.now

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            # Signals reach the main thread only.
            self.through = Interrupted
            return self
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.through = Interrupted
            self._take_over(signal.SIGINT)
        if self._terminable and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._take_over(signal.SIGTERM)
        return self

    def _take_over(self, number: signal.Signals) -> None:
        self._taken_over.append(number)
        signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number in self._taken_over:
            # The function may have put a handler of its own there, which then stays.
            if signal.getsignal(number) == self._handle:
                before = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, before)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """While this is entered no signal raises anything: what clears up is not cut off. SIGTERM ends all after it."""
        self._closing = True
        try:
            yield
        finally:
            self._closing = False
            if self._terminated:
                raise SystemExit(_TERMINATED)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  as signal calls it
        if number == signal.SIGTERM:
            self._tell("SIGTERM")
            self._terminated = True
            if not self._closing:
                raise SystemExit(_TERMINATED)
        elif not self.asked:
            self.asked = True
            self.halt()
            self._tell("Ctrl-C")
        elif not self._closing:
            raise Interrupted


def _nothing() -> None:
    """Be called at Ctrl-C by those who have nothing to halt."""
