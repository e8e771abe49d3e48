"""The floors: the least that the same work costs, written out by hand, without safety, names or rules.

The benchmarks report how many times as long coma_xr takes, in the same run on the same machine.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import xarray as xr

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


def function(a: float, b: float, c: float) -> dict[str, float]:
    """Compute next to nothing."""
    return {"y": a + b * c, "z": a - b * c}


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


def read(directory: Path) -> xr.Dataset:
    """List the directory, read and decode each file, scatter the values into arrays over three dims."""
    names = sorted(name for name in os.listdir(directory) if name.startswith("measurement.0"))
    where = str(directory)
    rows = []
    for name in names:
        with open(f"{where}/{name}", "rb") as file:
            measurement = _decoder.decode(file.read())["measurement"]
        parameters, results = measurement["parameters"], measurement["results"]
        rows.append((parameters["a"], parameters["b"], parameters["c"], results["y"], results["z"]))
    columns = np.array(rows).T
    dims = ("a", "b", "c")
    coords, places = zip(*(np.unique(column, return_inverse=True) for column in columns[:3]), strict=True)
    ds = xr.Dataset(coords=dict(zip(dims, coords, strict=True)))
    for name, column in zip(("y", "z"), columns[3:], strict=True):
        array = np.full(tuple(map(len, coords)), np.nan)
        array[places] = column
        ds[name] = dims, array
    return ds
