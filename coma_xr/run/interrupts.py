"""Ctrl-C during a run: the first one asks it to end, the second one ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

from coma_xr.run.worker import Interrupted

__all__ = ["Interrupts"]


class Interrupts:
    """Takes Ctrl-C over while it is entered; only in the main thread, and only from Python's own handler.

    Parameters
    ----------
    tell : function
        Called at once at the first Ctrl-C.

    Attributes
    ----------
    asked : bool
        Whether there was a Ctrl-C.
    through : exception class
        What stops the run when it is raised in the user's function.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._taken_over = False
        self.asked = False
        # Where Ctrl-C is not ours, a KeyboardInterrupt may come from it as well as from the function.
        self.through: type[BaseException] = KeyboardInterrupt

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            # Signals reach the main thread only.
            self.through = Interrupted
        elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.through = Interrupted
            self._taken_over = True
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        # The function may have put a handler of its own there, which then stays.
        if self._taken_over and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  as signal calls it
        if self.asked:
            raise Interrupted
        self.asked = True
        self._tell()
