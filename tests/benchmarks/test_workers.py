"""What workers cost and gain, and arrays in files of their own; only with ``--benchmark-only``.

Everything is timed in child processes, in turn with what it is compared with: the serial run; loky and joblib alone,
which store nothing; xyzpy and pipefunc, where they are installed, which store the results.
"""

from __future__ import annotations

import importlib.util

import pytest

from tests.benchmarks import works
from tests.benchmarks.children import in_child

SIZES = [1_000, 10_000]
SIZES_OF_OTHERS = [100, pytest.param(1_000, marks=pytest.mark.full), 10_000]
ROUNDS = {100: 1, 1_000: 1, 10_000: 3}
SLOW = [200, pytest.param(1_000, marks=pytest.mark.full)]


def needs(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")


@pytest.fixture
def compare(benchmark, report_line):
    """A function that reports how many times as long a run takes as something else."""

    def compare(name, goal, size):
        rounds = ROUNDS[size]
        ours, other = benchmark.pedantic(in_child, (works.compared, name, size, rounds), rounds=1)
        benchmark.extra_info |= {"seconds": ours, "seconds of the other": other}
        against = "serial" if name in works.OF_SERIAL else name
        what = name if name in works.OF_SERIAL else "loky, 2 workers"
        report_line(
            f"run, {what:<18} {size:>6,} points, {1e6 * ours / size:6.1f} us each, "
            f"{ours / other:5.2f} x {against} (goal: {goal})"
        )

    return compare


@pytest.mark.parametrize(("workers", "goal"), [("loky, 2 workers", "2"), ("dask, 2 processes", "none")])
@pytest.mark.parametrize("size", SIZES)
def test_cost_of_a_point(compare, workers, goal, size):
    compare(workers, goal, size)


@pytest.mark.parametrize(
    ("library", "way"),
    [
        ("loky", "loky alone, one by one"),
        ("loky", "loky alone, in chunks"),
        ("joblib", "joblib alone"),
        ("xyzpy", "xyzpy"),
        ("pipefunc", "pipefunc"),
    ],
)
@pytest.mark.parametrize("size", SIZES_OF_OTHERS)
def test_other_libraries(compare, library, way, size):
    needs(library)
    compare(way, "none", size)


@pytest.mark.parametrize(
    ("work", "goal"), [("5 ms of work", "1.9"), ("5 ms of work, loky alone", "none, nothing is stored")]
)
@pytest.mark.parametrize("size", SLOW)
def test_speed_up(benchmark, report_line, work, goal, size):
    ours, serial = benchmark.pedantic(in_child, (works.compared, work, size, 1), rounds=1)
    benchmark.extra_info |= {"seconds": ours, "seconds of the serial run": serial}
    report_line(
        f"run, 2 workers, {work + ',':<26} {size:>5,} points, {serial / ours:.2f} x faster (goal: {goal})"
    )


def test_start(benchmark, report_line):
    ours, alone = benchmark.pedantic(in_child, (works.started, 3), rounds=1)
    benchmark.extra_info |= {"seconds": ours, "seconds of loky alone": alone}
    report_line(
        f"run, loky, 2 workers    start and end, {1e3 * ours:.0f} ms, {ours / alone:.2f} x loky alone (goal: none)"
    )


def test_arrays_in_files(benchmark, report_line):
    seconds = benchmark.pedantic(in_child, (works.external, works.N_ARRAYS, 3), rounds=1)
    benchmark.extra_info |= seconds
    for what, called in (("write", "run"), ("slice", "slice of to_dataset")):
        ratio = seconds[what] / seconds[f"{what}, by hand"]
        each = 1e3 * seconds[what] / works.N_ARRAYS
        report_line(
            f"{called + ', arrays of 1 MB':<34} {each:6.2f} ms each, {ratio:5.2f} x by hand (goal: none)"
        )
