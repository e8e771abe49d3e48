"""What `to_dataset` takes, in time and memory, of every kind of experiment; only with ``--benchmark-only``.

Times are compared with the least that the same takes, written out by hand for just that kind, in the same run; and
with other libraries where they are installed: ``pip install signac pipefunc psweep xyzpy``.
"""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from tests.benchmarks import peers, scans
from tests.benchmarks.children import in_child
from tests.benchmarks.sizes import ROUNDS, SIZES

MOST_MEMORY = 250


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
    """A function that returns where an experiment of a kind is; each is made once."""
    made = {}

    def path(kind, size):
        if (kind, size) not in made:
            directory = tmp_path_factory.mktemp("experiments") / "experiment"
            made[kind, size] = scans.KINDS[kind].make(directory, size)
        return made[kind, size]

    yield path
    for place in made.values():
        shutil.rmtree(place if place.is_dir() else place.parent)


@pytest.mark.parametrize("kind", scans.KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_time(compare, experiments, kind, size):
    path = experiments(kind, size)
    compare(
        f"to_dataset, {kind}",
        2.0,
        lambda: scans.read(kind, path),
        lambda: scans.KINDS[kind].floor(path),
        rounds=ROUNDS[size],
        size=size,
        against="parsing" if scans.KINDS[kind].is_inactive else "floor",
    )


@pytest.mark.parametrize("kind", scans.KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_peak_memory(benchmark, report_line, experiments, kind, size):
    path = experiments(kind, size)
    taken = benchmark.pedantic(in_child, (scans.memory_of, kind, path), rounds=1)
    benchmark.extra_info["MB"] = taken
    report_line(
        f"to_dataset, {kind + ', memory':<22} {size:>7,} measurements, {taken:6.0f} MB (goal: {MOST_MEMORY})"
    )


@pytest.mark.parametrize("library", peers.PEERS)
@pytest.mark.parametrize("size", SIZES)
def test_other_libraries(benchmark, report_line, fresh, library, size):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    path = fresh(library)
    path.mkdir()
    seconds = benchmark.pedantic(in_child, (peers.times_of, library, path, size), rounds=1)
    benchmark.extra_info |= seconds
    each = {what: f"{1e6 * taken / size:6.1f}" for what, taken in seconds.items()}
    report_line(
        f"{library:<10} {size:>7,} measurements, write {each['theirs, write']} us each (ours {each['ours, write']}), "
        f"read {each['theirs, read']} (ours {each['ours, read']})"
    )
    shutil.rmtree(path)


@pytest.mark.parametrize("size", SIZES)
def test_second_looks_with_other_libraries(benchmark, report_line, fresh, size):
    path = fresh("second looks")
    path.mkdir()
    taken = benchmark.pedantic(peers.second_looks, (str(path), size, ROUNDS[size]), rounds=1)
    benchmark.extra_info |= taken
    for library, (cpu, clock) in taken.items():
        report_line(
            f"{library:<10} {size:>7,} measurements, second look {1e6 * cpu / size:6.1f} us of processor time each, "
            f"{1e6 * clock / size:6.1f} by the clock"
        )
    shutil.rmtree(path)
