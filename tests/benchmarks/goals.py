"""All goals in one table: ``python -m tests.benchmarks.goals 10000``, which takes some minutes.

Each figure is that of a fresh process in which all modules are loaded already. Ours and the floor take turns, and the best
of several rounds counts. Processor time depends less on what else the machine does than time by the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import coma_xr as coma
from tests.benchmarks import floors, functions
from tests.benchmarks.children import in_child, peak

# Seconds after which a file is old enough for the cache.
_OLD = 2.5

# What loads all modules before the time is taken.
_SMALL = 200

_CHANGED = 100


def opened(path: str, **settings: object) -> coma.Experiment:
    """Return an experiment that is only read."""
    return coma.Experiment(path, mode="r", config={**settings} if settings else None)


def run(path: str, n: int) -> None:
    """Run a new experiment."""
    assert coma.Experiment(path).run(functions.function, floors.axes(n), progress=False).saved == n


def second_run(path: str, n: int) -> None:
    """Run one that is complete."""
    assert coma.Experiment(path).run(functions.function, floors.axes(n), progress=False) == (0, n)


def one_more(path: str, n: int) -> None:
    """Run one more point, which no earlier call has run."""
    point = {"a": [-time.time()], "b": [0.5], "c": [0.25]}
    assert coma.Experiment(path).run(functions.function, point, progress=False).saved == 1


def add(path: str, n: int) -> None:
    """Save measurements that no run has made."""
    axes = floors.axes(n)
    points = [(a, b, c) for a in axes["a"] for b in axes["b"] for c in axes["c"]]
    trees = [
        {"parameters": {"a": a, "b": b, "c": c}, "results": functions.function(a, b, c)} for a, b, c in points
    ]
    assert len(coma.Experiment(path).add_measurements(trees)) == n


def save(path: str, n: int) -> None:
    """Save measurements one by one."""
    axes, e = floors.axes(n), coma.Experiment(path)
    for a, b, c in product(axes["a"], axes["b"], axes["c"]):
        tree = {"parameters": {"a": a, "b": b, "c": c}, "results": functions.function(a, b, c)}
        e.new_measurement().save(tree)


def first_look(path: str, n: int) -> None:
    """Read all, and write the cache."""
    assert coma.Experiment(path).to_dataset().y.size == n


WORK: dict[str, Callable[[str, int], object]] = {
    "write by hand": lambda path, n: floors.write(Path(path), n),
    "read by hand": lambda path, _: floors.read(Path(path)),
    "read without a cache": lambda path, _: opened(path, cache_dir="off").to_dataset(),
    "run": run,
    "add_measurements": add,
    "new_measurement": save,
    "second run": second_run,
    "one more point": one_more,
    "first look": first_look,
    "to_dataset": lambda path, _: opened(path).to_dataset(),
    "two columns": lambda path, _: opened(path).to_dataset(["y", "z"]),
    "to_dataframe": lambda path, _: opened(path).to_dataframe(),
    "where": lambda path, _: opened(path).to_dataset(where=f"a < {floors.N_A / 2}"),
    "status": lambda path, _: opened(path).status(),
    "paths": lambda path, _: opened(path).paths(),
    "deactivate": lambda path, _: coma.Experiment(path).deactivate(),
}

# Work that makes a directory, or changes it so that it cannot be done twice.
_NEW, _ONCE = {"write by hand", "run", "add_measurements", "new_measurement"}, {"deactivate"}


def timed(what: str, path: str, small: str, n: int) -> list[float]:
    """Do some work, in a process in which it was done on a small scale before; return CPU time, time and MB of memory."""
    WORK[what](small, _SMALL)
    before, cpu, clock = peak(), time.process_time(), time.perf_counter()
    WORK[what](path, n)
    return [time.process_time() - cpu, time.perf_counter() - clock, peak() - before]


@dataclass(frozen=True)
class Goal:
    """A line of the table: what is compared with what, and the ratio that is the goal."""

    name: str
    ours: str
    floor: str
    goal: float
    prepare: Callable[[Path], None] = lambda _: None


def change_some(path: Path) -> None:
    """Write some files again."""
    names = sorted(path.glob("measurement.0*"))
    for file in names[:: max(1, len(names) // _CHANGED)]:
        file.write_bytes(file.read_bytes())


def forget(path: Path) -> None:
    """Delete the cache."""
    shutil.rmtree(path / ".coma.cache", ignore_errors=True)


GOALS = [
    Goal("run, serial, against writing", "run", "write by hand", 2.0),
    Goal("add_measurements, against run", "add_measurements", "run", 1.0),
    Goal("new_measurement().save, against run", "new_measurement", "run", 1.0),
    Goal("to_dataset, nothing changed", "to_dataset", "read by hand", 0.45),
    Goal(f"to_dataset, {_CHANGED} files changed", "to_dataset", "read by hand", 0.6, change_some),
    Goal("second run", "second run", "read by hand", 0.5),
    Goal("status", "status", "read by hand", 0.5),
    Goal("paths", "paths", "read by hand", 0.5),
    Goal("to_dataset(where=...)", "where", "read by hand", 0.8),
    Goal("to_dataframe", "to_dataframe", "read by hand", 1.0),
    Goal("first to_dataset, against no cache", "first look", "read without a cache", 1.15, forget),
    Goal("deactivate, against reading", "deactivate", "read by hand", 3.0),
]


class Table:
    """Measures goals in one directory, and prints a line for each."""

    def __init__(self, directory: Path, rounds: int) -> None:
        self._directory, self._rounds, self._number = directory, rounds, 0

    def experiment(self, n: int) -> Path:
        """Make an experiment with a cache."""
        path = self._directory / f"experiment{n}"
        if not path.exists():
            in_child(run_fast, str(path), n)
            time.sleep(_OLD)
            in_child(first_look, str(path), n)
        return path

    def _new(self, n: int | None = None) -> Path:
        """Return a path where nothing is yet, or a copy of the experiment of a size."""
        self._number += 1
        path = self._directory / f"new{self._number}"
        if n is not None:
            shutil.copytree(self.experiment(n), path)
        return path

    def _time(self, what: str, n: int, prepare: Callable[[Path], None] = lambda _: None) -> list[float]:
        if what in _NEW:
            made = [self._new(), self._new()]
        elif what in _ONCE:
            made = [self._new(n), self._new(_SMALL)]
        else:
            made = []
            prepare(self.experiment(n))
        path, small = made or [self.experiment(n), self.experiment(_SMALL)]
        found: list[float] = in_child(timed, what, str(path), str(small), n)
        for directory in made:
            shutil.rmtree(directory, ignore_errors=True)
        return found

    def line(self, goal: Goal, n: int) -> None:
        """Measure one goal."""
        ours, floor = [], []
        for _ in range(self._rounds):
            floor.append(self._time(goal.floor, n))
            ours.append(self._time(goal.ours, n, goal.prepare))
        (cpu, clock, memory), (least, by_clock, _) = (
            map(min, zip(*some, strict=True)) for some in (ours, floor)
        )
        print(
            f"| {goal.name} | {goal.goal} x | {cpu / least:.2f} x | {clock / by_clock:.2f} x | {1e6 * cpu / n:.1f} us "
            f"| {memory:.0f} MB |",
            flush=True,
        )

    def more(self, n: int, few: int, goal: float) -> None:
        """Measure one more point of a large experiment, against one of a small one."""
        best = [
            min(self._time("one more point", size)[0] for _ in range(self._rounds + 1)) for size in (n, few)
        ]
        print(
            f"| one more point at {n}, against {few} | {goal} x | {best[0] / best[1]:.1f} x | | {1e3 * best[0]:.0f} ms | |"
        )

    def terminal(self, n: int) -> None:
        """Measure commands of the terminal, from the start of Python to its end."""
        for command in ("show", "status", "ls"):
            times = []
            for _ in range(self._rounds):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                call = [sys.executable, "-m", "coma_xr", command, str(self.experiment(n))]
                subprocess.run(
                    call, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": "."}
                )
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            print(f"| coma-xr {command} | 1 s at 100000 | {min(times):.2f} s | | | |", flush=True)


def run_fast(path: str, n: int) -> None:
    """Make an experiment without syncing it."""
    coma.Experiment(path, durable=False).run(functions.function, floors.axes(n), progress=False)


def main() -> None:
    """Measure all goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="?", default=10_000, help="measurements")
    parser.add_argument("--directory", default="/dev/shm", help="where to measure, a directory of the disk")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.size > 10_000 else 4)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        table = Table(Path(directory), rounds)
        print(
            f"{options.size} measurements in {options.directory}\n\n| what | goal | CPU | clock | each | memory |"
        )
        print("| --- | --- | --- | --- | --- | --- |")
        for goal in GOALS:
            table.line(goal, options.size)
        table.terminal(options.size)
        table.more(20_000, _SMALL // 2, 15)


if __name__ == "__main__":
    # What child processes import cannot be in a module of this name.
    from tests.benchmarks import goals

    goals.main()
