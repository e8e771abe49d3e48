"""Experiments of every kind that `to_dataset` is timed with, and the floor of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from tests.benchmarks import floors, functions
from tests.benchmarks.children import peak

__all__ = ["KINDS", "Kind", "memory_of", "read"]


@dataclass(frozen=True)
class Kind:
    """An experiment, how it is retrieved, and the least that it costs.

    Attributes
    ----------
    function : callable
        What is run.
    scan : callable
        Returns what it is run over, for a number of measurements.
    floor : callable
        Does the same by hand; of the directory, or the file of an inactive experiment.
    variable : str
        One of the Dataset's.
    dims : int
        The number of its dims.
    where : str
        A condition that half of the measurements fulfil, if any.
    is_inactive : bool
        Whether all measurements lie in one file.
    """

    function: Callable[..., Any]
    scan: Callable[[int], Any]
    floor: Callable[[Path], Any]
    variable: str = "y"
    dims: int = 3
    where: str | None = None
    is_inactive: bool = False

    def make(self, directory: Path, n: int) -> Path:
        """Run the experiment; return its directory, or the file of an inactive one."""
        import coma_xr as coma

        e = coma.Experiment(directory, durable=False, config={})
        e.run(self.function, self.scan(n), progress=False)
        if self.is_inactive:
            e.deactivate()
            (directory,) = directory.glob("experiment.*.json")
        return directory


def cases(n: int) -> Any:
    """Return a scan of points that lie on no grid."""
    import coma_xr as coma

    points = itertools.product(*floors.axes(n).values())
    # Rounded, since the same sum may come out in two ways, of which coma_xr would warn.
    return coma.cases(
        [{"a": round(a + b, 6), "b": round(b + c, 6), "c": round(c + a, 6)} for a, b, c in points]
    )


def below_a_branch(n: int) -> dict[str, list[float]]:
    """Return a scan of parameters that stand three levels deep."""
    return {f"parameters/layout/{name}": values for name, values in floors.axes(n).items()}


KINDS = {
    "grid": Kind(functions.function, floors.axes, floors.read),
    "points": Kind(functions.function, cases, floors.read_points, dims=1),
    "lists of 20": Kind(functions.of_lists, floors.axes, floors.read_lists, "E", dims=4),
    "three levels": Kind(functions.of_branches, below_a_branch, floors.read_nested),
    "where": Kind(functions.function, floors.axes, floors.read_half, where=f"a < {floors.N_A / 2}"),
    "inactive": Kind(functions.function, floors.axes, floors.parse, is_inactive=True),
}


def read(name: str, path: Path | str) -> xr.Dataset:
    """Return the Dataset of an experiment of a kind."""
    import coma_xr as coma

    ds = coma.Experiment(path, mode="r").to_dataset(where=KINDS[name].where)
    assert ds[KINDS[name].variable].ndim == KINDS[name].dims
    return ds


def memory_of(name: str, path: str) -> float:
    """Return the most memory that `to_dataset` takes in a fresh process, in MB over Python with xarray loaded."""
    before = peak()
    ds = read(name, path)
    taken = peak() - before
    assert ds.sizes
    return taken
