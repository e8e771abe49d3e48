"""Workers on which everything fails while others succeed, such as those with a broken GPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coma_xr.run.plan import Task

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

    Examples
    --------
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
