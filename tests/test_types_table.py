"""The table on the page about types is what the package does; run this file to write it anew."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import pathlib
import tempfile
import uuid
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.testing import assert_same
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

PAGE = Path(__file__).parents[1] / "docs" / "types.md"
BEGIN, END = "<!-- begin: written by tests/test_types_table.py -->\n", "<!-- end -->"
FORMATS = {"netCDF": ".nc", "Zarr": ".zarr", "CSV": ".csv", "Parquet": ".parquet", "JSON": ".json"}
COLUMNS = ["kind", "given to f", "read", "Dataset", "DataFrame", *FORMATS]


class Model(enum.Enum):
    ISING = "ising"


class Tensor:
    """What torch, jax and cupy have in common."""

    def __init__(self, items):
        self.array = np.array(items)

    def __array__(self):
        return self.array

    def __eq__(self, other):
        return self.array.tolist() == other.array.tolist()

    __hash__ = None


KINDS = {
    "text": "a",
    "bool": True,
    "int": 3,
    "int beyond 64 bits": 10**30,
    "float": 0.5,
    "complex": 1 + 2j,
    "None": None,
    "list": [1, 2],
    "tuple": (1, 2),
    "dictionary": {"a": 1},
    "bytes": b"ab",
    "date": dt.date(2024, 1, 1),
    "datetime": dt.datetime.fromisoformat("2024-01-01T12:00"),
    "datetime beyond 2262": dt.datetime.fromisoformat("3000-01-01T12:00"),
    "datetime with a zone": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    "time": dt.time(12),
    "timedelta": dt.timedelta(hours=1),
    "timedelta of 2,700 years": dt.timedelta(days=10**6),
    "Decimal": decimal.Decimal("1.10"),
    "Fraction": fractions.Fraction(1, 3),
    "Path": pathlib.Path("out.log"),
    "UUID": uuid.UUID(int=1),
    "set": {1, 2},
    "member of an Enum": Model.ISING,
    "NumPy float64": np.float64(0.5),
    "NumPy float32": np.float32(0.5),
    "NumPy datetime64": np.datetime64("2024-01-01", "s"),
    "NumPy timedelta64[ps]": np.timedelta64(1500, "ps"),
    "array of float": np.array([0.5, 1.5]),
    "array of complex": np.array([1j]),
    "array of text": np.array(["a", "b"]),
    "array of datetime64[D]": np.array(["2024-01-01"], "M8[D]"),
    "structured array": np.array([(1, 0.5)], dtype=[("n", "i4"), ("E", "f8")]),
    "pandas Series": pd.Series([1, 2]),
    "pandas DataFrame": pd.DataFrame({"a": [1, 2]}),
    "pandas Timestamp": pd.Timestamp("2024-01-01"),
    "pandas NaT": pd.NaT,
    "pandas NA": pd.NA,
    "xarray DataArray": xr.DataArray([1, 2], dims="site"),
    "xarray Dataset": xr.Dataset({"E": ("site", [1, 2])}),
    "object with `__array__`": Tensor([1.5, 2.5]),
    "masked array of float": np.ma.MaskedArray([1.5, 2.5], [False, True]),
    "masked array of int": np.ma.MaskedArray([1, 2], [False, True]),
}


def optional_kinds():
    """Return the kinds of libraries that coma_xr does not need."""
    pint, uncertainties = pytest.importorskip("pint"), pytest.importorskip("uncertainties")
    unit, number = pint.UnitRegistry(), uncertainties.ufloat(1.5, 0.1)
    return {
        "quantity of pint": 1.5 * unit.joule,
        "array with units of pint": [1.5, 2.5] * unit.joule,
        "number of uncertainties": number,
        "list of uncertainties": [number, 2 * number],
    }


def said(value, expected):
    """Return "same", or the type that came instead."""
    try:
        assert_same(value, expected)
    except AssertionError:
        return type(value).__name__
    return "same"


def shown(names):
    """Return where a value stands that is not under its own name."""
    return "" if list(names) == ["v"] else f" in {', '.join(names)}"


def row(value, directory):
    """Return what becomes of a value at each place."""
    received = []
    given = coma.Experiment(directory / "given")
    try:
        given.run(lambda v: received.append(v) or {"y": 1}, coma.cases([{"v": value}]), progress=False)
    except coma.SerializationError:
        pass
    cells = [said(received[0], value) if received else "refused"]
    e = coma.Experiment(directory / "returned")
    if not e.run(lambda x: {"v": value}, {"x": [1]}, progress=False).saved:
        return [*cells, *["refused"] * (len(COLUMNS) - 2)]
    read = e.measurement(1).results["v"]
    cells.append(said(dict(read) if isinstance(value, dict) else read, value))
    ds, frame = e.to_dataset(), e.to_dataframe()
    variable = next(iter(ds.data_vars))
    dims = [str(dim) for dim in ds[variable].dims if dim != "x"]
    cells.append(f"{ds[variable].dtype}{' over ' + ', '.join(dims) if dims else ''}{shown(ds.data_vars)}")
    columns = [name for name in frame.columns if name != "x"]
    cells.append(f"{frame[columns[0]].dtype}{shown(columns)}")
    for suffix in FORMATS.values():
        data = frame if suffix in (".csv", ".parquet") else ds
        cells.append(said(coma.load(coma.export(data, directory / f"x{suffix}")), data))
    return cells


def table():
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * len(COLUMNS)}"]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as directory:
        warnings.simplefilter("ignore")
        for number, (name, value) in enumerate((KINDS | optional_kinds()).items()):
            place = Path(directory) / str(number)
            place.mkdir()
            lines.append(f"| {' | '.join([name, *row(value, place)])} |")
    return "\n".join(lines) + "\n"


@pytest.mark.ci
def test_the_page_says_what_becomes_of_each_kind():
    for package in ("zarr", "pyarrow"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    text = PAGE.read_text("utf-8")
    written = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert written == table(), "run this file to write the table anew"


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(page[:start] + table() + page[end:], "utf-8")
