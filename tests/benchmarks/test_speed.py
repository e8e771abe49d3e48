"""How many times as long as its floor each step takes; only with ``--benchmark-only``.

The floor is timed before each round, so that both see the same machine.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import coma_xr as coma
from tests.benchmarks import floors

SIZES = [1_000, 10_000, pytest.param(100_000, marks=pytest.mark.full)]
ROUNDS = {1_000: 7, 10_000: 3, 100_000: 1}
ROUNDS_OF_IMPORT = 15


@pytest.fixture
def compare(benchmark, report_line):
    """A function that times something and its floor in turn, and reports the ratio of the best times."""

    def compare(what, goal, ours, floor, *, rounds, size=1):
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
        report_line(f"{what:<34} {each}, {ratio:5.2f} x floor (goal: {goal})")

    return compare


@pytest.fixture
def fresh(tmp_path):
    """A function that returns a path where nothing is yet."""
    numbers = iter(range(1000))
    return lambda name: tmp_path / f"{name}-{next(numbers)}"


@pytest.fixture
def experiment(fresh, request):
    """The path of an experiment with all its measurements."""
    path = fresh("experiment")
    size = request.node.callspec.params["size"]
    coma.Experiment(path, durable=False).run(floors.function, floors.axes(size), progress=False)
    return path


@pytest.mark.parametrize("size", SIZES)
def test_run(compare, fresh, size):
    def ours():
        e = coma.Experiment(fresh("ours"))
        assert e.run(floors.function, floors.axes(size), progress=False) == (size, size)

    compare(
        "run, serial", 2.0, ours, lambda: floors.write(fresh("floor"), size), rounds=ROUNDS[size], size=size
    )


@pytest.mark.parametrize("size", SIZES)
def test_second_run(compare, experiment, size):
    def ours():
        e = coma.Experiment(experiment)
        assert e.run(floors.function, floors.axes(size), progress=False) == (0, size)

    compare(
        "second run, nothing to do",
        1.5,
        ours,
        lambda: floors.read(experiment),
        rounds=ROUNDS[size],
        size=size,
    )


@pytest.mark.parametrize("size", SIZES)
def test_to_dataset_named(compare, experiment, size):
    def ours():
        e = coma.Experiment(experiment, mode="r")
        ds = e.to_dataset({"y": "results/y", "z": "results/z"}, dims=["a", "b", "c"])
        assert ds.y.size == size

    compare(
        "to_dataset, paths and dims named",
        1.5,
        ours,
        lambda: floors.read(experiment),
        rounds=ROUNDS[size],
        size=size,
    )


@pytest.mark.parametrize("size", SIZES)
def test_to_dataset(compare, experiment, size):
    def ours():
        assert coma.Experiment(experiment, mode="r").to_dataset().y.size == size

    compare("to_dataset()", 2.0, ours, lambda: floors.read(experiment), rounds=ROUNDS[size], size=size)


@pytest.mark.parametrize("size", SIZES)
def test_to_dataset_of_an_old_experiment(compare, experiment, size):
    "Without a definition, the dims are found."
    for hidden in experiment.glob(".coma*.json"):
        hidden.unlink()

    def ours():
        assert coma.Experiment(experiment, mode="r").to_dataset().y.size == size

    compare(
        "to_dataset(), dims found", 2.0, ours, lambda: floors.read(experiment), rounds=ROUNDS[size], size=size
    )


def test_import(compare):
    def importing(name):
        subprocess.run([sys.executable, "-c", f"import {name}"], check=True)

    compare(
        "import coma_xr, against numpy",
        1.3,
        lambda: importing("coma_xr"),
        lambda: importing("numpy"),
        rounds=ROUNDS_OF_IMPORT,
    )
