"""The parameter sets that a run has still to begin."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from coma_xr.run.durations import Outlook
    from coma_xr.run.options import RunOptions
    from coma_xr.run.plan import Task

# The end of the job in Unix time, as SLURM 22.05 and later set it.
_JOB_END = "SLURM_JOB_END_TIME"


class TimeLimit:
    """The time at which a run has to be over."""

    def __init__(self, options: RunOptions) -> None:
        end = os.environ.get(_JOB_END, "")
        self.is_job = options.max_time is None and end.isdecimal()
        left = int(end) - time.time() if self.is_job else cast("float | None", options.max_time)
        self._end = None if left is None else time.monotonic() + left

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self._end is not None

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long would be over in time."""
        return self._end is None or time.monotonic() + seconds <= self._end

    def __str__(self) -> str:
        return "the end of the SLURM job" if self.is_job else "the end of max_time="


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
