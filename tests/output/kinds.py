"""Datasets and DataFrames of every kind, and a comparison that overlooks nothing."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr
from coma_xr.exports.formats import FORMATS


@pytest.fixture(autouse=True)
def zarr_ends() -> Iterator[None]:
    """End the threads that zarr keeps for the next time."""
    yield
    if sync := sys.modules.get("zarr.core.sync"):
        sync.cleanup_resources()


# Older ones have to be asked for exact doubles, newer ones warn when they are.
OLD_PANDAS = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if OLD_PANDAS else {}

NEEDS = {suffix: format.package for suffix, format in FORMATS.items() if format.package}

# Each format, skipped where the package that it needs is not installed.
SUFFIXES = [
    pytest.param(
        suffix,
        marks=pytest.mark.skipif(
            suffix in NEEDS and find_spec(NEEDS[suffix]) is None,
            reason=f"{NEEDS.get(suffix)} is not installed",
        ),
    )
    for suffix in sorted(FORMATS)
]

DATE = "2014-02-25T22:50:11"


def cells(*values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def variable(values: Any, dims: Any = ("n",), attrs: Any = None) -> xr.Variable:
    """Return a variable that holds objects as they are; xarray would make NaN of None."""
    if not isinstance(values, np.ndarray) or values.dtype != object:
        return xr.Variable(dims, values, attrs)
    new = xr.Variable(dims, np.empty(values.shape, dtype=object), attrs)
    new.data[...] = values
    return new


def of(*values: Any) -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset({"v": variable(cells(*values))}, {"n": np.arange(len(values))})


def array(values: Any, dtype: Any = None) -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset({"v": variable(np.array(values, dtype=dtype))})


def extension(values: Any, dtype: Any) -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset({"v": ("n", pd.array(values, dtype=dtype))})


def attr(value: Any, name: Any = "a") -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset({"v": ("n", [1.0, 2.5], {name: value, "units": "K"})}, attrs={name: value})


def attr_of(values: Any, name: str, value: Any) -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset({"v": ("n", np.array(values), {"long_name": "v", name: value})})


def named(name: Any) -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset({name: (("m", "n"), [[1.0, 2.0]]), "w": ("n", [3, 4])}, {"n": ["a", "b"]})


def dim(name: Any) -> Callable[[], xr.Dataset]:
    return lambda: xr.Dataset(
        {"v": ((name,), [1.0, 2.0])}, {name: ((name,), [10, 20]), "c": ((name,), ["x", "y"])}
    )


def labels(values: Any) -> Callable[[], xr.Dataset]:
    def make() -> xr.Dataset:
        coord = variable(values, ("p",))
        return xr.Dataset({"v": (("p", "q"), np.arange(2.0 * len(values)).reshape(-1, 2))}, {"p": coord})

    return make


def a_scan() -> xr.Dataset:
    """A grid as `to_dataset` makes it."""
    return xr.Dataset(
        {
            "t": (
                ("theta_0", "theta"),
                [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]],
                {"path": "results/t", "units": "s"},
            ),
            "n": (("theta_0", "theta"), [[1, 2, 3], [4, 5, 2**62]]),
            "Es": (("theta_0", "theta", "Es_index"), np.arange(12.0).reshape(2, 3, 2)),
        },
        {
            "theta_0": ("theta_0", [-5.0, 5.0], {"units": "rad"}),
            "theta": [0.0, 0.25, 1 / 3],
            "Es_index": [1, 2],
            "L": 1.0,
            "model": "pendulum",
            "measurement_id": (("theta_0", "theta"), [[1, 2, 3], [4, 5, 6]]),
        },
        {"experiment_id": 1, "tags": ["pendulum"], "description": "é", "start_date": f"{DATE}Z"},
    )


def with_holes() -> xr.Dataset:
    """A grid with measurements that are missing, one that computed NaN, and a label that nothing has."""
    nan = np.nan
    model = np.array([["a", None, None], ["", None, "b"], [None, None, None]], dtype=object)
    return xr.Dataset(
        {
            "t": (("x", "y"), [[0.1, nan, nan], [nan, nan, 0.6], [nan] * 3], {"units": "s"}),
            "z": (("x", "y"), np.array([[1j, nan, nan], [2, nan, 0.6], [nan] * 3])),
            "model": variable(model, ("x", "y"), {"type": "str", "fill": "None"}),
            "per_x": ("x", [1.5, nan, 3.5]),
            "count": ("x", [1, 2, 7]),
        },
        {
            "x": [1, 2, 3],
            "y": variable(cells("u", None, "w"), ("y",)),
            "measurement_id": (("x", "y"), [[1, 0, 0], [2, 0, 3], [0, 0, 4]]),
        },
    )


def points() -> xr.Dataset:
    return xr.Dataset(
        {"E": ("point", [1.0, np.nan, 3.0])},
        {"a": ("point", [1, 1, 2]), "b": ("point", ["x", "y", "x"]), "measurement_id": ("point", [1, 2, 3])},
    )


def multi_index() -> xr.Dataset:
    ds = xr.Dataset(
        {"E": (("n", "m"), [[1.0, 2.0], [3.0, 4.0]], {"units": "J"})}, {"n": [1, 2], "m": ["x", "y"]}
    )
    ds = ds.stack(point=["n", "m"])
    ds.point.attrs = {"said": [1], "long_name": "point"}
    ds.n.attrs = {"units": "K"}
    return ds


def unusual_indexes() -> xr.Dataset:
    ds = xr.Dataset({"v": ("n", [1, 2])}, {"n": [1, 2], "m": ("n", ["a", "b"])})
    return ds.drop_indexes("n").set_xindex("m")


def groups() -> xr.Dataset:
    ds = xr.Dataset({"v": ("x", [1.0, 2.0, 3.0])}, {"x": [0.5, 1.5, 2.5]})
    return ds.groupby_bins("x", [0, 1, 3]).mean()


DATASETS: dict[str, Callable[[], xr.Dataset]] = {
    "a scan": a_scan,
    "holes": with_holes,
    "points": points,
    "MultiIndex": multi_index,
    "unusual indexes": unusual_indexes,
    "bins": groups,
    "one point": lambda: a_scan().isel(theta=0, theta_0=0),
    "nothing": lambda: xr.Dataset(),
    "attrs alone": lambda: xr.Dataset(attrs={"a": 1, "b": {"c": [None]}}),
    "coords alone": lambda: xr.Dataset(coords={"x": [1, 2], "y": ("x", ["a", "b"]), "z": 3}),
    "zero length": lambda: xr.Dataset(
        {"v": (("x", "y"), np.zeros((0, 2))), "o": variable(cells(), ("x",)), "w": ("y", ["a", "b"])},
        {"x": np.zeros(0, "M8[ns]"), "i": ("x", np.zeros(0, int)), "u": ("x", np.zeros(0, "<U3"))},
    ),
    "two grids": lambda: xr.Dataset({"a": ("x", [1.0, np.nan, 3.0]), "b": ("y", [True, False])}),
    "a variable with the name of its dim": lambda: xr.Dataset({"x": (("x", "y"), np.ones((2, 3)))}),
    "chunks": lambda: xr.Dataset({"v": (("x", "y"), np.arange(60.0).reshape(20, 3))}),
    "float": array([1.5, np.nan, np.inf, -np.inf, -0.0, 5e-324, 1 / 3]),
    "float32": array([0.1, np.nan, 3e38], "f4"),
    "float16": array([0.1, np.nan, np.inf], "f2"),
    "longdouble": lambda: xr.Dataset({"v": ("n", np.array([1, np.nan, np.inf], "g") / 3)}),
    "longdouble that is double": array([0.5, np.nan], "g"),
    "big endian": array([0.1, 2], ">f8"),
    "big endian int": array([1, 2], ">i4"),
    "int64": array([1, 2**63 - 1, -(2**63)]),
    "uint64": array([1, 2**64 - 1], "u8"),
    "int8": array([1, -128], "i1"),
    "bool": array([True, False]),
    "complex": array([1 + 2j, complex(np.nan, 1), complex(np.inf, -0.0)]),
    "complex64": array([0.1 + 2j, 0], "c8"),
    "clongdouble": lambda: xr.Dataset({"v": ("n", np.array([1, 2j], "G") / 3)}),
    "clongdouble that is double": array([0.5, 2j], "G"),
    "text": array(["Ising", "", "é\n", "a,b", '"q"', " x ", "\r", "\r\n", "NaN", "1", "null", "\ufeff"]),
    "wide text": array(["a", "b"], "U10"),
    "text with zeros": lambda: xr.Dataset({"v": ("n", np.array(["a\0b", "\ud800"]))}),
    "StringDType": lambda: xr.Dataset({"v": ("n", np.array(["a", ""], np.dtypes.StringDType()))}),
    "bytes": array([b"a", b"b\0c"]),
    "dates": array([DATE, "NaT", "2014-02-26T00:00:00.123456789", "1678-01-01", "2262-04-11"], "M8[ns]"),
    "dates in seconds": array([DATE, "0001-01-01", "9999-12-31", "NaT"], "M8[s]"),
    "dates in milliseconds": array([DATE], "M8[ms]"),
    "no dates": array(["NaT"], "M8[us]"),
    "durations": array([1, -(2**62), "NaT", 10**9], "m8[ns]"),
    "durations in seconds": array([1, -5, "NaT"], "m8[s]"),
    "text or None": of("a", None),
    "text, nothing or None": of("a", "", None, "<missing>"),
    "text or NaN": of("a", np.nan),
    "text, None or NaN": of("a", np.nan, None),
    "objects of text": of("a", "b"),
    "text like a hole": of("None", "NaN", "nan", "null", None),
    "bool or None": of(True, None, False),
    "int or None": of(1, None, -(2**63)),
    "float or None": of(1.5, None, np.inf),
    "float or NaN as objects": of(1.5, np.nan),
    "ints as objects": of(1, 2),
    "all None": of(None, None),
    "all NaN as objects": of(np.nan, np.nan),
    "mixed": of(1, "a", None, np.nan, 1.5, True),
    "bool and int": of(True, 1),
    "big ints": of(2**70, -(2**70)),
    "lists": of([1, 2.5], [], [None, ["a"]]),
    "lists or None": of([1, 2.5], None),
    "tuples": of((1, (2,)), ([3],)),
    "dicts": of({"a": None, "b": [1]}, {}),
    "odd dicts": of({1: 2, (1, 2): "x"}, {"__type__": "tuple"}),
    "arrays": of(np.arange(3), np.ones((2, 2), "f4"), np.array("x"), np.zeros(0)),
    "arrays alike": of(np.arange(3), np.ones((2, 2), int), np.zeros(0, int), None),
    "arrays without items": of(np.zeros((0, 2)), np.zeros(3)),
    "arrays of the same dtype without dims": of(np.array(1.5), np.ones(2)),
    "odd arrays": of(
        np.array([1 + 2j]),
        np.array([DATE], "M8[s]"),
        np.array([1, "NaT"], "m8[ns]"),
        cells(1, None),
        np.array([b"a"]),
    ),
    "scalars of NumPy": of(
        np.float32(0.1), np.int8(1), np.float64(1.5), np.bool_(True), np.str_("x"), np.complex64(1j)
    ),
    "complex as objects": of(1 + 2j, None),
    "dates as objects": of(dt.date(2014, 2, 25), dt.time(1, 2), dt.timedelta(1, 2, 3), None),
    "datetimes as objects": of(dt.datetime(2014, 2, 25, 22, 50), None, "x"),  # noqa: DTZ001
    "stamps of pandas": of(
        pd.Timestamp(DATE), pd.Timestamp(DATE, tz="Europe/Berlin"), pd.NaT, pd.Timedelta("1s"), "x"
    ),
    "intervals and periods": of(pd.Interval(0, 1.5), pd.Period("2014-02", freq="M"), pd.NA),
    "bytes as objects": of(b"\xff", None),
    "Int64": extension([1, None, 2**60 + 1], "Int64"),
    "Int64 without holes": extension([1, 2], "Int64"),
    "UInt8": extension([1, None], "UInt8"),
    "Float32": extension([0.1, None], "Float32"),
    "boolean": extension([True, None], "boolean"),
    "text of pandas": extension(["a", None, ""], "str"),
    "string": extension(["a", None, ""], "string"),
    "string in Python": extension(["a", None], pd.StringDtype("python")),
    "category": extension(["b", None, "a"], pd.CategoricalDtype(["b", "a", "c"], ordered=True)),
    "category of numbers": extension([1.5, 2.5], pd.CategoricalDtype([2.5, 1.5])),
    "interval": lambda: xr.Dataset({"v": ("n", pd.interval_range(0, 2).array)}),
    "period": lambda: xr.Dataset({"v": ("n", pd.period_range("2020", periods=2, freq="M").array)}),
    "labels of float with NaN": labels(np.array([1.0, np.nan, 2.0])),
    "labels of text or None": labels(cells("a", None)),
    "labels of many kinds": labels(cells(1, "a", None, True, 2.5)),
    "labels that repeat": labels(np.array([1, 1, 2])),
    "labels of bool": labels(np.array([True, False])),
    "labels of dates": labels(np.array([DATE, "2014-02-26"], "M8[ns]")),
    "labels of complex": labels(np.array([1j, 2])),
    "labels of categories": labels(pd.Categorical(["x", "y"])),
    "labels of integers with NA": labels(pd.array([1, None], dtype="Int64")),
    "labels of tuples": labels(cells((1, 2), (3,))),
    **{
        f"the name {name!r}": named(name)
        for name in (
            "results/t",
            "",
            3,
            "$E$",
            "t ",
            " t",
            "a b",
            "|psi|",
            ".",
            "..",
            "__x",
            "zarr.json",
            "a\\b",
            "x" * 300,
        )
    },
    "the name 1.5": named(1.5),
    "a tuple for a name": named(("a", 1)),
    "the name \\ud800": named("\ud800"),
    "NFD": named("e\u0301"),
    "the name index": named("index"),
    "names that meet": lambda: xr.Dataset({"a/b": 1, "a__b": 2, "1": 3, 1: 4}),
    **{f"the dim {name!r}": dim(name) for name in ("a/b", "", "a b", "complex_part")},
    "the dim 3": lambda: xr.Dataset({"v": ((3,), [1.0, 2.0]), "c": ((3, "x"), [[1], [2]])}),
    "a coordinate with a blank": lambda: xr.Dataset(
        {"v": ("n", [1, 2])}, {"my c": ("n", [1, 2]), "d": 5, "n": [3, 4]}
    ),
    "complex beside its dim": lambda: xr.Dataset({"v": ("complex_part", [1j, 2, 3])}),
    "z.real beside z": lambda: xr.Dataset(
        {"z": ("n", [1j, 2]), "z.real": ("n", [1, 2]), "z.imag": ("n", [1, 2])}
    ),
    "time in units": attr_of([0.0, 1.0], "units", "hours since the start"),
    "days in units": attr_of([0.0, 1.0], "units", "days"),
    "units of dates": attr_of(np.array([DATE], "M8[ns]"), "units", "UTC"),
    "units of durations": attr_of(np.array([1], "m8[s]"), "units", "s"),
    **{
        f"the attribute {name}": attr(0.0, name)
        for name in (
            *("_FillValue", "scale_factor", "missing_value", "dtype", "coordinates", "calendar", "coma_xr"),
            *("_ARRAY_DIMENSIONS", "a/b", "", "__x", "a b", "name", "1a"),
        )
    },
    "the attribute 1": attr("x", 1),
    "attributes": lambda: xr.Dataset(
        {"v": ("n", [1], ATTRS)}, {"n": ("n", [1], ATTRS)}, {"first": {"a": 1}, **ATTRS, "last": None}
    ),
}

ATTRS: dict[Any, Any] = {
    "int": 3,
    "big int": 2**70,
    "float": 1.5,
    "NaN": float("nan"),
    "inf": float("inf"),
    "bool": True,
    "None": None,
    "empty": "",
    "text": "é\n",
    "zero": "a\0",
    "surrogate": "\ud800",
    "complex": 1 + 2j,
    "bytes": b"\xff",
    "list": [1, 2],
    "list of one": [1],
    "text of one": ["a"],
    "texts": ["a", "b"],
    "no list": [],
    "mixed": [1, "a", None, 1.5],
    "bools": [True, False],
    "tuple": (1.5, 2),
    "dict": {"a": {"b": [1, None]}, "c": (1,)},
    "odd dict": {1: 2},
    "date": dt.date(2014, 2, 25),
    "datetime": dt.datetime(2014, 2, 25, 22, 50, 11, 5),  # noqa: DTZ001
    "utc": dt.datetime(2014, 2, 25, tzinfo=dt.UTC),
    "stamp": pd.Timestamp(DATE),
    "NumPy's float": np.float64(1.5),
    "NumPy's int": np.int64(3),
    "NumPy's int8": np.int8(3),
    "NumPy's bool": np.bool_(True),
    "NumPy's text": np.str_("x"),
    "NumPy's date": np.datetime64(DATE),
    "float32": np.float32(0.1),
    "array": np.array([1, 2]),
    "array of one": np.array([1.5]),
    "array of none": np.zeros(0),
    "matrix": np.ones((2, 2), "f4"),
    "array of text": np.array(["a", "b"]),
    "no dims": np.array(1.5),
}


def a_table() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "theta": [0.1 + 0.2, 1e-320],
            "n": [1, 2],
            "ok": [True, False],
            "model": ["Ising", 'a "b",\nc'],
            "Es": cells([1, 2.5], np.arange(2)),
            "gap": [np.nan, 1.5],
        },
        index=pd.Index([3, 12], name="measurement_id"),
    )
    frame.attrs = {"units": {"theta": "rad"}, "tags": ["a"], 1: None}
    return frame


def frame(*values: Any, dtype: Any = None, **keywords: Any) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame(
        {"v": pd.Series(cells(*values) if dtype is None else list(values), dtype=dtype)}, **keywords
    )


def indexed(index: pd.Index) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame({"v": np.arange(float(len(index)))}, index=index)


def labelled(*names: Any) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame([list(range(len(names)))] * 2, columns=pd.Index(names))


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "a table": a_table,
    "no columns": lambda: pd.DataFrame(index=pd.RangeIndex(3)),
    "nothing": lambda: pd.DataFrame(),
    "no rows": lambda: pd.DataFrame({"a": np.zeros(0), "b": cells(), "c": pd.array([], dtype="str")}),
    "one empty column": frame("", None, ""),
    "objects": frame(1, "a", None, [1]),
    "text": frame("a", None, dtype="str"),
    "Int64": frame(1, None, dtype="Int64"),
    "category": frame("a", "b", dtype="category"),
    "zones": lambda: pd.DataFrame({"d": pd.to_datetime([DATE, None]).tz_localize("Europe/Berlin")}),
    "dates": lambda: pd.DataFrame(
        {"d": pd.to_datetime([DATE, None]), "t": pd.to_timedelta([1, None], unit="s")}
    ),
    "complex": lambda: pd.DataFrame({"z": [1j, 2]}),
    "sparse": lambda: pd.DataFrame({"v": pd.arrays.SparseArray([0.0, 0.0, 1.0])}),
    "a range with a name": indexed(pd.RangeIndex(2, 8, 2, name="k")),
    "a range from 5": indexed(pd.RangeIndex(5, 7)),
    "an index without a name": indexed(pd.Index([7, 5])),
    "an index of text": indexed(pd.Index(["a", "b"], name="m")),
    "an index of objects": indexed(pd.Index(cells("a", None, 1), name="m")),
    "an index with twins": indexed(pd.Index([1, 1], name="m")),
    "an index of days": indexed(pd.date_range("2020", periods=3, freq="D", name="day")),
    "an index of zones": indexed(pd.date_range("2020", periods=3, freq="h", tz="Europe/Berlin")),
    "an index of categories": indexed(pd.CategoricalIndex(["a", "b"], name="c")),
    "an index of intervals": indexed(pd.interval_range(0, 2)),
    "MultiIndex": indexed(pd.MultiIndex.from_tuples([(1, "x"), (2, None)], names=["a", None])),
    "twins": labelled("a", "a", "a.1"),
    "numbers for labels": labelled(1, 2),
    "labels of many kinds": labelled(1, "a", None, 2.5, ("x", 1), "", "a/b", "\ud800", "a,b"),
    "labels in two levels": labelled(("a", 1), ("a", 2)),
    "dates for labels": lambda: pd.DataFrame(
        [[1, 2]], columns=pd.date_range("2020", periods=2, freq="D", name="day")
    ),
    "a name for labels": lambda: pd.DataFrame([[1]], columns=pd.Index(["a"], name="what")),
    "a column like the index": lambda: pd.DataFrame({"index": [1, 2]}, index=pd.Index([3, 4])),
}

if find_spec("pyarrow") is not None:
    FRAMES["arrow"] = lambda: pd.DataFrame({"v": pd.array([1, None], dtype="int64[pyarrow]")})


def environment_of_a_child() -> dict[str, str]:
    """Return the environment in which a new process finds the coma_xr of this one."""
    root = str(Path(coma_xr.__file__).parents[1])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
    }


def check(back: Any, data: Any) -> None:
    """Fail when something of what was read differs: types, attributes, order, indexes."""
    assert type(back) is type(data)
    if isinstance(data, pd.DataFrame):
        assert back.shape == data.shape
        # pandas cannot compare cells that are lists with NaN in them, or arrays of several shapes.
        simple = [i for i, dtype in enumerate(data.dtypes) if dtype != object]
        pd.testing.assert_frame_equal(
            back.iloc[:, simple], data.iloc[:, simple], check_exact=True, check_index_type="exact"
        )
        pd.testing.assert_index_equal(back.columns, data.columns, exact=True)
        assert [*map(str, back.dtypes)] == [*map(str, data.dtypes)]
        assert forms(back.attrs) == forms(data.attrs)
        assert [forms(label) for label in back.columns] == [forms(label) for label in data.columns]
        for i in range(data.shape[1]):
            if data.dtypes.iloc[i] == object:
                assert [*map(forms, back.iloc[:, i])] == [*map(forms, data.iloc[:, i])]
        return
    assert {n: v.dims for n, v in back.variables.items()} == {n: v.dims for n, v in data.variables.items()}
    assert {n: v.dtype for n, v in back.variables.items()} == {n: v.dtype for n, v in data.variables.items()}
    for name, variable in data.variables.items():
        assert forms(back.variables[name].attrs) == forms(variable.attrs), name
        assert not back.variables[name].encoding
    assert forms(back.attrs) == forms(data.attrs)
    # xarray cannot compare cells that are arrays or NA, or have NaN in them, not even to themselves.
    if comparable(data):
        xr.testing.assert_identical(back, data)
    for name, variable in data.variables.items():
        assert forms(back.variables[name].values) == forms(variable.values), name
    assert [*back.data_vars] == [*data.data_vars]
    assert {*map(forms, back.coords)} == {*map(forms, data.coords)}
    assert back.sizes == data.sizes
    assert {n: type(i) for n, i in back.xindexes.items()} == {n: type(i) for n, i in data.xindexes.items()}


def comparable(data: xr.Dataset) -> bool:
    values = list(data.variables.values())
    objects = [cell for v in values if v.dtype == object for cell in v.values.flat]
    nested = [cell for cell in objects if isinstance(cell, (list, tuple, dict))]
    if "nan" in repr([data.attrs, *(v.attrs for v in values), nested]).lower():
        return False
    extended = any(not isinstance(v.dtype, np.dtype) and pd.isna(v.values).any() for v in values)
    return not extended and not any(cell is pd.NA or isinstance(cell, np.ndarray) for cell in objects)


def forms(value: Any) -> Any:
    """Return a value with its types, in a form in which NaN equals NaN."""
    if isinstance(value, dict):
        return [(forms(key), forms(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [forms(item) for item in value]
    if isinstance(value, np.ndarray):
        return "array", value.dtype, value.shape, [forms(item) for item in value.ravel().tolist()]
    return type(value), repr(value)
