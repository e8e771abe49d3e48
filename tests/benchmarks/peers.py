"""The same scan, written and read by other libraries, each in the way that its own documentation shows.

The functions here run in child processes: some of these libraries leave threads or processes for later.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks import floors, functions

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


def times_of(name: str, directory: str, n: int) -> dict[str, float]:
    """Write and read with one library, and with coma_xr, in turn; return seconds.

    A small scan goes first, so that nothing is imported while the clock runs.
    """
    import coma_xr as coma

    def write_ours(directory: str, n: int) -> None:
        coma.Experiment(directory).run(functions.function, floors.axes(n), progress=False)

    def read_ours(directory: str) -> int:
        return int(coma.Experiment(directory, mode="r").to_dataset().y.size)

    seconds: dict[str, float] = {}
    libraries = {"theirs": PEERS[name], "ours": (write_ours, read_ours)}
    for size in (floors.N_A * floors.N_B, n):
        for library, (write, read) in libraries.items():
            where = f"{directory}/{library}-{size}"
            begin = time.perf_counter()
            write(where, size)
            written = time.perf_counter()
            assert read(where) == size
            seconds[f"{library}, write"] = written - begin
            seconds[f"{library}, read"] = time.perf_counter() - written
    return seconds


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
