"""What is timed of runs with workers; all of it in child processes, since some of it leaves processes for later."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tests.benchmarks import floors, functions, peers

__all__ = ["COMPARED", "N_ARRAYS", "OF_SERIAL", "compared", "external", "started"]

# Runs so many points, in a directory where nothing is yet; and what makes ready for that.
Go = Callable[[str, int], None]
Prepare = Callable[[], AbstractContextManager[Go]]

N_ARRAYS = 100
SHAPE = (250, 500)  # 1 MB of float64


def run(function: Callable[..., Any], directory: str, n: int, **settings: Any) -> None:
    """Run an experiment that is new."""
    import coma_xr as coma

    report = coma.Experiment(directory, config={}).run(function, floors.axes(n), progress=False, **settings)
    assert report == (n, n)


@contextmanager
def dask() -> Iterator[dict[str, Any]]:
    """A cluster of two processes on this machine."""
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield {"executor": client}


def alone() -> AbstractContextManager[dict[str, Any]]:
    """No workers."""
    return nullcontext({})


def loky() -> AbstractContextManager[dict[str, Any]]:
    """Two workers of coma_xr's own, which each run starts anew."""
    return nullcontext({"max_workers": 2})


def of_ours(
    workers: Callable[[], AbstractContextManager[dict[str, Any]]],
    function: Callable[..., Any] = functions.function,
) -> Prepare:
    """Return what prepares runs of coma_xr."""

    @contextmanager
    def prepared() -> Iterator[Go]:
        with workers() as settings:
            yield partial(run, function, **settings)

    return prepared


def of_theirs(function: Go) -> Prepare:
    """Return what prepares another library."""
    return lambda: nullcontext(function)


serial = of_ours(alone)
own_workers = of_ours(loky)

# What is timed, and what it is compared with: each prepares a function of a directory and a number of points.
OF_SERIAL = {
    "loky, 2 workers": (own_workers, serial),
    "dask, 2 processes": (of_ours(dask), serial),
    "5 ms of work": (of_ours(loky, functions.busy), of_ours(alone, functions.busy)),
    "5 ms of work, loky alone": (
        of_theirs(partial(peers.run_with_loky, chunk=10, function=functions.busy)),
        of_ours(alone, functions.busy),
    ),
}
COMPARED = {
    **OF_SERIAL,
    "loky alone, one by one": (own_workers, of_theirs(peers.run_with_loky)),
    "loky alone, in chunks": (own_workers, of_theirs(partial(peers.run_with_loky, chunk=50))),
    "joblib alone": (own_workers, of_theirs(peers.run_with_joblib)),
    "xyzpy": (own_workers, of_theirs(peers.run_with_xyzpy)),
    "pipefunc": (own_workers, of_theirs(peers.run_with_pipefunc)),
}

FEW = floors.N_A * floors.N_B


def compared(name: str, n: int, rounds: int) -> list[float]:
    """Run one way and the other in turn; return the least seconds that each took.

    A few points go first, so that nothing is imported in this process while the clock runs.
    """
    least = [float("inf")] * 2
    with tempfile.TemporaryDirectory() as directory:
        for which, prepare in enumerate(COMPARED[name]):
            with prepare() as go:
                go(f"{directory}/{which}", FEW)
        for number in range(rounds):
            for which, prepare in enumerate(COMPARED[name]):
                with prepare() as go:
                    begin = time.perf_counter()
                    go(f"{directory}/{which}-{number}", n)
                    least[which] = min(least[which], time.perf_counter() - begin)
    return least


def started(rounds: int) -> list[float]:
    """Return the least seconds of a run of two points with two workers, and of raw loky on the same."""
    import loky

    least = [float("inf")] * 2
    with tempfile.TemporaryDirectory() as directory:
        for number in range(rounds):
            begin = time.perf_counter()
            with loky.ProcessPoolExecutor(2) as executor:
                assert len(list(executor.map(functions.function, *[(1.0, 2.0)] * 3))) == 2
            middle = time.perf_counter()
            import coma_xr as coma

            e = coma.Experiment(f"{directory}/{number}", config={})
            scan = coma.zipped(a=[1.0, 2.0], b=[1.0, 2.0], c=[1.0, 2.0])
            assert e.run(functions.function, scan, max_workers=2, progress=False) == (2, 2)
            least = [min(least[0], time.perf_counter() - middle), min(least[1], middle - begin)]
    return least


# Arrays in files of their own.


def field(k: float) -> np.ndarray:
    return np.random.default_rng(int(k)).random(SHAPE)


def run_with_arrays(directory: Path, n: int) -> None:
    import coma_xr as coma

    def function(k: float) -> dict[str, Any]:
        return {"field": coma.external(field(k))}

    e = coma.Experiment(directory, config={}, durable=False)
    assert e.run(function, {"k": list(range(n))}, progress=False) == (n, n)


def write_arrays(directory: Path, n: int) -> None:
    directory.mkdir()
    for k in range(n):
        xr.DataArray(field(k), name="field").to_netcdf(directory / f"{k:06}.nc", engine="netcdf4")


def slice_of_arrays(directory: Path) -> float:
    import coma_xr as coma

    ds = coma.Experiment(directory, mode="r").to_dataset()
    return float(ds.field[:, 0].values.sum())


def slice_of_files(directory: Path) -> float:
    import netCDF4

    rows = []
    for path in sorted(directory.iterdir()):
        with netCDF4.Dataset(path) as file:
            rows.append(np.asarray(file["field"][0]))
    return float(np.array(rows).sum())


def external(n: int, rounds: int) -> dict[str, float]:
    """Write and read arrays with coma_xr and by hand, in turn; return the least seconds of each."""
    least: dict[str, float] = {}

    def clock(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        begin = time.perf_counter()
        result = function(*arguments)
        least[what] = min(least.get(what, float("inf")), time.perf_counter() - begin)
        return result

    with tempfile.TemporaryDirectory() as directory:
        for number, size in enumerate([2, *[n] * rounds]):
            ours, theirs = Path(directory, f"ours-{number}"), Path(directory, f"theirs-{number}")
            if number == 1:
                least.clear()
            clock("write, by hand", write_arrays, theirs, size)
            clock("write", run_with_arrays, ours, size)
            there = clock("slice, by hand", slice_of_files, theirs)
            assert clock("slice", slice_of_arrays, ours) == there
    return least
