"""The order of a run, and its early ends: time limits, Ctrl-C, the end of a batch job, broken workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Self

from coma_xr.run.worker import Interrupted

if TYPE_CHECKING:
    from coma_xr.run.plan import Outlook, Task


# The end of the job in Unix time, as SLURM 22.05 and later set it.
_JOB_END = "SLURM_JOB_END_TIME"


class TimeLimit:
    """The time at which a run has to be over."""

    def __init__(self, seconds: float | None) -> None:
        end = os.environ.get(_JOB_END, "")
        self.is_job = seconds is None and end.isdecimal()
        left = int(end) - time.time() if self.is_job else seconds
        self._end = None if left is None else time.monotonic() + left
        # Whether there is a limit.
        self.is_set = left is not None

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long would be over in time."""
        return self._end is None or time.monotonic() + seconds <= self._end

    def __str__(self) -> str:
        return "the end of the SLURM job" if self.is_job else "the end of the maximum time"


class Queue:
    """Parameter sets in the order in which they are to be run; those for which the time is too short are dropped."""

    def __init__(self, todo: Iterable[Task], outlook: Outlook, limit: TimeLimit) -> None:
        self._tasks = deque(todo)
        self._outlook = outlook
        self.limit = limit
        self.too_long = 0

    def __len__(self) -> int:
        return len(self._tasks)

    def next(self) -> Task | None:
        """Remove and return the next parameter set; None when there is no other, or no time for any other."""
        while self._tasks:
            task = self._tasks.popleft()
            # An estimate takes time itself.
            if not self.limit.is_set or self.limit.allows(self._outlook.seconds(task.values) or 0.0):
                return task
            self.too_long += 1
        return None

    def first(self) -> Task:
        """Return the next parameter set without removing it."""
        return self._tasks[0]

    def put_back(self, tasks: Iterable[Task]) -> None:
        """Let parameter sets be the next ones again, in this order."""
        self._tasks.extendleft(reversed([*tasks]))

    def append(self, task: Task) -> None:
        """Let a parameter set be the last one."""
        self._tasks.append(task)

    def clear(self) -> None:
        """Remove all parameter sets."""
        self._tasks.clear()


# What a shell says of a process that SIGTERM has ended.
_TERMINATED = 128 + signal.SIGTERM


class Interrupts:
    """Takes Ctrl-C over while it is entered; only in the main thread, and only from Python's own handler."""

    def __init__(self, tell: Callable[[str], None], *, terminable: bool = False) -> None:
        self._tell, self._process = tell, os.getpid()
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
        # A process that an executor forked during the run has its handlers.
        is_ours = os.getpid() == self._process
        if number == signal.SIGTERM and not is_ours:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif number == signal.SIGTERM:
            self._tell("SIGTERM")
            self._terminated = True
            if not self._closing:
                raise SystemExit(_TERMINATED)
        elif not self.asked:
            self.asked = True
            self.halt()
            if is_ours:
                self._tell("Ctrl-C")
        elif not self._closing:
            raise Interrupted


def _nothing() -> None:
    """Be called at Ctrl-C by those who have nothing to halt."""


# Failures in a row of one worker, and successes of others meanwhile, with few failures among them.
_FAILURES = 5
_SUCCESSES = 3
_SHARE = 0.2


@dataclass
class _Streak:
    """The failures in a row of one worker, and what others did meanwhile."""

    tasks: list[Task] = field(default_factory=list)
    successes: int = 0
    failures: int = 0

    @property
    def is_suspicious(self) -> bool:
        others = self.successes + self.failures
        return (
            len(self.tasks) >= _FAILURES and self.successes >= _SUCCESSES and self.failures <= _SHARE * others
        )


class Health:
    """Finds workers that fail where others succeed.

    >>> health = Health()
    >>> for task in range(5):
    ...     _ = health.note(1, task, failed=True)
    >>> [health.note(2, task, failed=False) for task in range(3)]
    [None, None, (1, [0, 1, 2, 3, 4])]
    """

    def __init__(self) -> None:
        self._streaks: dict[int, _Streak] = {}

    def note(self, worker: int, task: Task, *, failed: bool) -> tuple[int, list[Task]] | None:
        """Note what a worker did; return a worker that is broken, and its failures in a row."""
        if failed:
            self._streaks.setdefault(worker, _Streak()).tasks.append(task)
        else:
            self._streaks.pop(worker, None)
        for other, streak in self._streaks.items():
            if other != worker:
                streak.successes += not failed
                streak.failures += failed
        broken = next((other for other, streak in self._streaks.items() if streak.is_suspicious), None)
        return None if broken is None else (broken, self._streaks.pop(broken).tasks)
