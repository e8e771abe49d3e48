"""The functions that are run. Their module loads next to nothing, since each worker loads it."""

from __future__ import annotations

import time

SECONDS = 0.005


def function(a: float, b: float, c: float) -> dict[str, float]:
    """Compute next to nothing."""
    return {"y": a + b * c, "z": a - b * c}


def of_lists(a: float, b: float, c: float) -> dict[str, list[float]]:
    """Compute next to nothing, twenty times."""
    return {"E": [a + b * c + i / 16 for i in range(20)]}


def of_branches(a: float, b: float, c: float) -> dict[str, object]:
    """Compute next to nothing, and put it far down."""
    return {"model": {"state": function(a, b, c)}}


def both(a: float, b: float, c: float) -> tuple[float, float]:
    """Compute the same as `function`, for libraries that want a tuple."""
    return a + b * c, a - b * c


def of_a_set(pset: dict[str, float]) -> dict[str, float]:
    """Compute the same, for a library that adds keys of its own to the parameters."""
    return function(pset["a"], pset["b"], pset["c"])


def busy(a: float, b: float, c: float) -> dict[str, float]:
    """Compute for some milliseconds, however fast the machine is and whatever else it does."""
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        pass
    return function(a, b, c)
