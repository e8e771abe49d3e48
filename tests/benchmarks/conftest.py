"""What the benchmarks share: ratios to a floor of the same run, and paths where nothing is yet."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def compare(benchmark, report_line):
    """A function that times something and its floor in turn, and reports the ratio of the best times."""

    def compare(what, goal, ours, floor, *, rounds, size=1, against="floor"):
        times = []

        def before():
            start = time.perf_counter()
            floor()
            times.append(time.perf_counter() - start)

        benchmark.pedantic(ours, setup=before, rounds=rounds, iterations=1, warmup_rounds=0)
        best, least = benchmark.stats.stats.min, min(times)
        benchmark.extra_info["ratio"] = ratio = best / least
        each = (
            f"{size:>7,} measurements, {1e6 * best / size:6.1f} us each"
            if size > 1
            else f"{1e3 * best:.0f} ms"
        )
        report_line(f"{what:<34} {each}, {ratio:5.2f} x {against} (goal: {goal})")

    return compare


@pytest.fixture
def fresh(tmp_path):
    """A function that returns a path where nothing is yet."""
    numbers = iter(range(1000))
    return lambda name: tmp_path / f"{name}-{next(numbers)}"
