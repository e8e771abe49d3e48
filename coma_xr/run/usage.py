"""The CPU time and the memory of this process and of the processes that it has started and waited for."""

from __future__ import annotations

import sys
from typing import NamedTuple

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

# The system counts the peak in KiB, on macOS in bytes.
_UNIT = 1 if sys.platform == "darwin" else 1024


class Usage(NamedTuple):
    """Seconds of CPU time so far, and the peak memory in bytes."""

    cpu_time: float
    peak_memory: int


def usage() -> Usage | None:
    """Return what was used so far; None where the system does not count it."""
    if resource is None:
        return None
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return Usage(seconds, max(own.ru_maxrss, children.ru_maxrss) * _UNIT)


def used_since(before: Usage | None) -> dict[str, float | int]:
    """Return what a measurement records: the CPU time since then, and the peak memory of the process.

    Examples
    --------
    >>> sorted(used_since(usage()))
    ['cpu_time', 'peak_memory']
    """
    now = usage()
    if before is None or now is None:
        return {}
    return {"cpu_time": round(now.cpu_time - before.cpu_time, 6), "peak_memory": now.peak_memory}
