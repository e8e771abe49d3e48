"""The floors: the least that the same work costs, written out by hand, without safety, names or rules.

The benchmarks report how many times as long coma_xr takes, in the same run on the same machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import xarray as xr

from tests.benchmarks.functions import function

N_A, N_B = 10, 10

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def axes(n: int) -> dict[str, list[float]]:
    """Return three axes of `n` points in all."""
    return {
        "a": [float(i) for i in range(N_A)],
        "b": [float(i) / 10 for i in range(N_B)],
        "c": [float(i) / 1000 for i in range(n // (N_A * N_B))],
    }


def tree(i: int, a: float, b: float, c: float) -> dict[str, object]:
    """Return a measurement tree of some 300 bytes."""
    return {
        "measurement": {
            "info": {
                "measurement_id": i,
                "start_date": "2026-11-22T13:20:07Z",
                "end_date": "2026-11-22T13:20:07Z",
                "duration": 1e-6,
            },
            "parameters": {"a": a, "b": b, "c": c},
            "results": function(a, b, c),
        }
    }


def write(directory: Path, n: int) -> None:
    """Encode each tree, write it under a temporary name, rename it; no fsync."""
    directory.mkdir()
    where, i = str(directory), 0
    points = axes(n)
    for a in points["a"]:
        for b in points["b"]:
            for c in points["c"]:
                i += 1
                data = msgspec.json.format(_encoder.encode(tree(i, a, b, c)), indent=2)
                temporary = f"{where}/.temporary"
                with open(temporary, "wb") as file:
                    file.write(data)
                os.rename(temporary, f"{where}/measurement.{i:06d}.json")


def decoded(directory: Path) -> Iterator[Any]:
    """List the directory, read and decode each file."""
    names = sorted(name for name in os.listdir(directory) if name.startswith("measurement.0"))
    where = str(directory)
    for name in names:
        with open(f"{where}/{name}", "rb") as file:
            yield _decoder.decode(file.read())["measurement"]


def placed(labels: np.ndarray, columns: dict[str, np.ndarray]) -> xr.Dataset:
    """Scatter values into arrays over three dims."""
    dims = ("a", "b", "c")
    coords, places = zip(*(np.unique(column, return_inverse=True) for column in labels), strict=True)
    ds = xr.Dataset(coords=dict(zip(dims, coords, strict=True)))
    for name, column in columns.items():
        array = np.full((*map(len, coords), *column.shape[1:]), np.nan)
        array[places] = column
        ds[name] = (*dims, "number")[: array.ndim], array
    return ds


def scalars(directory: Path) -> np.ndarray:
    """Return a row for each of a, b, c, y, z."""
    rows = []
    for measurement in decoded(directory):
        parameters, results = measurement["parameters"], measurement["results"]
        rows.append((parameters["a"], parameters["b"], parameters["c"], results["y"], results["z"]))
    return np.array(rows).T


def read(directory: Path) -> xr.Dataset:
    """Read the measurements, scatter their values into arrays over three dims."""
    columns = scalars(directory)
    return placed(columns[:3], {"y": columns[3], "z": columns[4]})


def read_points(directory: Path) -> xr.Dataset:
    """The same along one dim."""
    columns = zip("abcyz", scalars(directory), strict=True)
    ds = xr.Dataset({name: ("measurement", column) for name, column in columns})
    return ds.set_coords(["a", "b", "c"])


def read_half(directory: Path) -> xr.Dataset:
    """The same of those measurements whose `a` is in the lower half."""
    columns = scalars(directory)
    columns = columns[:, columns[0] < N_A / 2]
    return placed(columns[:3], {"y": columns[3], "z": columns[4]})


def read_lists(directory: Path) -> xr.Dataset:
    """The same where the result is a list."""
    labels, lists = [], []
    for measurement in decoded(directory):
        parameters = measurement["parameters"]
        labels.append((parameters["a"], parameters["b"], parameters["c"]))
        lists.append(measurement["results"]["E"])
    return placed(np.array(labels).T, {"E": np.array(lists)})


def read_nested(directory: Path) -> xr.Dataset:
    """The same where parameters and results stand below branches."""
    rows = []
    for measurement in decoded(directory):
        layout, state = measurement["parameters"]["layout"], measurement["results"]["model"]["state"]
        rows.append((layout["a"], layout["b"], layout["c"], state["y"], state["z"]))
    columns = np.array(rows).T
    return placed(columns[:3], {"y": columns[3], "z": columns[4]})


def parse(archive: Path) -> Any:
    """Decode the file of an inactive experiment with the fastest library."""
    return _decoder.decode(archive.read_bytes())
