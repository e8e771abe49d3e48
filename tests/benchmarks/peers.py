"""The same scan, written and read by other libraries, each in the way that its own documentation shows.

The functions here run in child processes: some of these libraries leave threads or processes for later.
``python -m tests.benchmarks.peers 10000`` prints what a second look takes, of those libraries that are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import floors, functions
from tests.benchmarks.children import in_child

DEFINITION = "a[i], b[j], c[k] -> y[i, j, k], z[i, j, k]"


def points(n: int) -> list[dict[str, float]]:
    """Return the parameter sets of the scan of `floors`."""
    axes = floors.axes(n)
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


# One directory a parameter set, with two JSON files.


def write_with_signac(directory: str, n: int) -> None:
    import signac

    project = signac.init_project(directory)
    for parameters in points(n):
        job = project.open_job(parameters).init()
        job.doc.update(functions.function(**parameters))


def read_with_signac(directory: str) -> int:
    import signac

    return len(signac.get_project(directory).to_dataframe())


# A pickled DataFrame, written at the end.


def write_with_psweep(directory: str, n: int) -> None:
    import psweep

    psweep.run(functions.of_a_set, points(n), calc_dir=directory)


def read_with_psweep(directory: str) -> int:
    import psweep

    return len(psweep.df_read(f"{directory}/database.pk"))


# A netCDF file, written at the end.


def write_with_xyzpy(directory: str, n: int, **settings: Any) -> None:
    import xyzpy

    Path(directory).mkdir()
    runner = xyzpy.Runner(functions.both, var_names=["y", "z"])
    harvester = xyzpy.Harvester(runner, data_name=f"{directory}/scan.h5")
    harvester.harvest_combos(floors.axes(n), verbosity=0, **settings)


def read_with_xyzpy(directory: str) -> int:
    import xyzpy

    return int(xyzpy.load_ds(f"{directory}/scan.h5", load_to_mem=True).y.size)


# A pickled file for each value.


def write_with_pipefunc(directory: str, n: int, **settings: Any) -> None:
    import pipefunc

    pipeline = pipefunc.Pipeline(
        [pipefunc.PipeFunc(functions.both, output_name=("y", "z"), mapspec=DEFINITION)]
    )
    settings = settings or {"parallel": False}
    pipeline.map(floors.axes(n), run_folder=directory, storage="file_array", show_progress=False, **settings)


def read_with_pipefunc(directory: str) -> int:
    from pipefunc.map import load_xarray_dataset

    return int(load_xarray_dataset("y", "z", run_folder=directory).y.size)


PEERS: dict[str, tuple[Callable[..., None], Callable[[str], int]]] = {
    "signac": (write_with_signac, read_with_signac),
    "pipefunc": (write_with_pipefunc, read_with_pipefunc),
    "psweep": (write_with_psweep, read_with_psweep),
    "xyzpy": (write_with_xyzpy, read_with_xyzpy),
}


# One JSON file for each measurement; what was read once is kept in a cache, unless the experiment is only read.


def write_with_coma_xr(directory: str, n: int) -> None:
    import coma_xr as coma

    coma.Experiment(directory).run(functions.function, floors.axes(n), progress=False)


def read_with_coma_xr(directory: str, mode: str = "r") -> int:
    import coma_xr as coma

    return int(coma.Experiment(directory, mode=mode).to_dataset().y.size)


# A small scan goes first, so that nothing is imported while the clock runs.
_SMALL = floors.N_A * floors.N_B


def times_of(name: str, directory: str, n: int) -> dict[str, float]:
    """Write and read with one library, and with coma_xr, in turn; return seconds."""
    seconds: dict[str, float] = {}
    libraries = {"theirs": PEERS[name], "ours": (write_with_coma_xr, read_with_coma_xr)}
    for size in (_SMALL, n):
        for library, (write, read) in libraries.items():
            where = f"{directory}/{library}-{size}"
            begin = time.perf_counter()
            write(where, size)
            written = time.perf_counter()
            assert read(where) == size
            seconds[f"{library}, write"] = written - begin
            seconds[f"{library}, read"] = time.perf_counter() - written
    return seconds


# A look at what an earlier process has looked at already.

LOOKED_AT = {"coma_xr": (write_with_coma_xr, partial(read_with_coma_xr, mode="a")), **PEERS}


def write_both(name: str, directory: str, n: int) -> None:
    """Write a small scan and one of some size."""
    for size in (_SMALL, n):
        LOOKED_AT[name][0](f"{directory}/{name}-{size}", size)


def look(name: str, directory: str, n: int) -> list[float]:
    """Read them; return the processor time and the time by the clock of the second."""
    read = LOOKED_AT[name][1]
    read(f"{directory}/{name}-{_SMALL}")
    cpu, clock = time.process_time(), time.perf_counter()
    assert read(f"{directory}/{name}-{n}") == n
    return [time.process_time() - cpu, time.perf_counter() - clock]


def second_looks(directory: str, n: int, rounds: int) -> dict[str, list[float]]:
    """Return both times of a second look with each library that is installed; they take turns, and the best round counts."""
    names = [name for name in LOOKED_AT if importlib.util.find_spec(name)]
    for name in names:
        in_child(write_both, name, directory, n)
    # After these seconds a file is old enough for a cache.
    time.sleep(2.5)
    taken: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            times = in_child(look, name, directory, n)
            if number:
                taken[name].append(times)
    return {name: [*map(min, zip(*times, strict=True))] for name, times in taken.items()}


# What computes on two cores, each with workers of its own; nothing is stored but by the last two.


def run_with_loky(
    directory: str, n: int, chunk: int = 1, function: Callable[..., Any] = functions.function
) -> None:
    import loky

    with loky.ProcessPoolExecutor(2) as executor:
        columns = zip(*(tuple(p.values()) for p in points(n)), strict=True)
        assert len(list(executor.map(function, *columns, chunksize=chunk))) == n


def run_with_joblib(directory: str, n: int) -> None:
    import joblib

    jobs = (joblib.delayed(functions.function)(**parameters) for parameters in points(n))
    assert len(joblib.Parallel(n_jobs=2)(jobs)) == n
    _end_workers_of_joblib()


def run_with_xyzpy(directory: str, n: int) -> None:
    write_with_xyzpy(directory, n, parallel=True, num_workers=2)
    _end_workers_of_joblib()


def run_with_pipefunc(directory: str, n: int) -> None:
    with ProcessPoolExecutor(2) as executor:
        write_with_pipefunc(directory, n, executor=executor)


def _end_workers_of_joblib() -> None:
    """End what joblib keeps for the next call, so that each one starts its workers."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown()


def main() -> None:
    """Print what a second look takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="?", default=10_000, help="measurements")
    parser.add_argument("--directory", help="where to measure, a directory of the disk")
    parser.add_argument("--rounds", type=int, default=4, help="how often each is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        print("| second look | processor time | time by the clock |\n| --- | --- | --- |")
        for name, (cpu, clock) in second_looks(directory, options.size, options.rounds).items():
            print(f"| {name} | {1e6 * cpu / options.size:.2f} us | {1e6 * clock / options.size:.2f} us |")


if __name__ == "__main__":
    # What child processes import cannot be in a module of this name.
    from tests.benchmarks import peers

    peers.main()
