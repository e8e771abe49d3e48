"""The stored forms: what they look like, what is refused, what the user registers."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import pathlib
import subprocess
import sys
import time
import uuid
import warnings
import zoneinfo

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coma_xr
from coma_xr.encoding import json
from coma_xr.errors import ComaWarning, DataFileError, SerializationError
from coma_xr.testing import assert_same, values
from coma_xr.tree import is_array, is_typed, leaves
from coma_xr.values import objects
from coma_xr.values.plain import from_plain, restore, to_plain

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def typed(kind, /, **parts):
    return {"__type__": kind, **parts}


def array(items, dtype, shape=None):
    """Return the form of an array that Coma 2 reads."""
    shape = [len(items)] if shape is None else shape
    return typed("numpy.ndarray", shape=shape, list=items, dtype=dtype)


FORMS = [
    (1 + 2j, typed("coma.complex", real=1.0, imag=2.0)),
    (b"\x00\xff", typed("coma.bytes", base64="AP8=")),
    (dt.date(2024, 2, 29), typed("coma.date", value="2024-02-29")),
    (
        dt.datetime.fromisoformat("2024-01-01T12:00:00.000005"),
        typed("coma.datetime", value="2024-01-01T12:00:00.000005"),
    ),
    (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), typed("coma.datetime", value="2024-01-01T00:00:00+00:00")),
    (
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
        typed("coma.datetime", value="2024-10-27T02:30:00", zone="Europe/Berlin", fold=1),
    ),
    (
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")),
        typed("coma.datetime", value="2024-01-01T00:00:00", zone=["+01:00", "CET"]),
    ),
    (dt.time(1, 2, tzinfo=BERLIN), typed("coma.time", value="01:02:00", zone="Europe/Berlin")),
    (dt.timedelta(-1, 5, 7), typed("coma.timedelta", days=-1, seconds=5, microseconds=7)),
    (decimal.Decimal("1.10"), typed("coma.decimal", value="1.10")),
    (decimal.Decimal("sNaN12"), typed("coma.decimal", value="sNaN12")),
    (fractions.Fraction(1, 3), typed("coma.fraction", numerator=1, denominator=3)),
    (pathlib.Path("a") / "b", typed("coma.path", value="a/b", kind="Path")),
    (pathlib.PureWindowsPath("c:\\a"), typed("coma.path", value="c:\\a", kind="PureWindowsPath")),
    (pathlib.PurePosixPath("/a"), typed("coma.path", value="/a", kind="PurePosixPath")),
    (uuid.UUID(int=1), typed("coma.uuid", value="00000000-0000-0000-0000-000000000001")),
    (range(1, 9, 2), typed("coma.range", start=1, stop=9, step=2)),
    ({3, 1, (2, "a")}, typed("coma.set", items=[1, 3, [2, "a"]])),
    ({frozenset({1})}, typed("coma.set", items=[typed("coma.frozenset", items=[1])])),
    (np.float32(0.5), typed("coma.scalar", dtype="float32", value=0.5)),
    (np.complex128(1j), typed("coma.scalar", dtype="complex128", real=0.0, imag=1.0)),
    (np.datetime64("2024-01-01", "D"), typed("coma.scalar", dtype="datetime64[D]", value=19723)),
    (np.timedelta64("NaT", "s"), typed("coma.scalar", dtype="timedelta64[s]", value=None)),
    (
        np.longdouble(1) / 3,
        typed("coma.scalar", dtype="longdouble", value=np.format_float_scientific(np.longdouble(1) / 3)),
    ),
    (np.bytes_(b"a\0"), typed("coma.scalar", dtype="bytes", value="a\0")),
    (np.array([True, False]), array([True, False], "bool")),
    (np.array([[1, 2]], ">i2"), array([1, 2], ">i2", [1, 2])),
    (np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]), array([1.0, 2.0, 3.0, 4.0], "float64", [2, 2])),
    (np.array("ab"), array(["ab"], "<U2", [])),
    (np.array([1j], "c8"), typed("coma.ndarray", shape=[1], real=[0.0], imag=[1.0], dtype="complex64")),
    (
        np.array(["NaT", 5], "M8[ns]"),
        typed("coma.ndarray", shape=[2], list=[None, 5], dtype="datetime64[ns]"),
    ),
    (np.array([b"a", b"\xff"]), typed("coma.ndarray", shape=[2], list=["a", "\xff"], dtype="|S1")),
    (np.array(["a"], np.dtypes.StringDType()), typed("coma.ndarray", shape=[1], list=["a"], dtype="string")),
    (pd.NaT, typed("coma.pandas.NaT")),
    (
        pd.Timestamp("1970-01-02", tz=BERLIN).as_unit("s"),
        typed("coma.pandas.Timestamp", value=82800, unit="s", zone="Europe/Berlin"),
    ),
    (pd.Timedelta("1s").as_unit("ms"), typed("coma.pandas.Timedelta", value=1000, unit="ms")),
    (pd.Period("1970-03", "M"), typed("coma.pandas.Period", ordinal=2, freq="M")),
    (pd.Interval(0, 1), typed("coma.pandas.Interval", left=0, right=1, closed="right")),
    (pd.RangeIndex(3, name="i"), typed("coma.pandas.RangeIndex", name="i", start=0, stop=3, step=1)),
    (
        pd.Series([1, 2], index=[5, 6], name="a"),
        typed(
            "coma.pandas.Series",
            name="a",
            index=typed("coma.pandas.Index", name=None, values=array([5, 6], "int64")),
            values=array([1, 2], "int64"),
        ),
    ),
    (pd.array([1, None], dtype="Int64"), typed("coma.pandas.array", dtype="Int64", list=[1, None])),
    (
        xr.DataArray([1.5], dims="x", coords={"x": [2]}, name="E", attrs={"units": "J"}),
        typed(
            "coma.xarray.DataArray",
            name="E",
            dims=["x"],
            values=array([1.5], "float64"),
            attrs={"units": "J"},
            coords=[{"name": "x", "dims": ["x"], "values": array([2], "int64")}],
        ),
    ),
    ({"__type__": "coma.x", "a": 1}, typed("coma.dict", items=[["__type__", "coma.x"], ["a", 1]])),
    ({"__type__": "numpy.ndarray"}, typed("coma.dict", items=[["__type__", "numpy.ndarray"]])),
    ({"__type__": "wire", "tree": [1]}, typed("coma.dict", items=[["__type__", "wire"], ["tree", [1]]])),
]


@pytest.mark.parametrize(("value", "form"), FORMS, ids=lambda value: type(value).__name__)
def test_forms_are_as_documented(value, form):
    """What stands in a file is small and can be read without coma_xr."""
    assert to_plain(value) == form
    assert_same(from_plain(form), value)
    assert is_typed(form)


# Texts of older versions of pandas have no gap but NA.
NAN_GAPS = {"na_value": np.nan} if pd.Series(["a"]).dtype != object else {}

MORE = [
    pd.Series(["a", None], dtype=pd.StringDtype("python")),
    pd.Series(["a", None], dtype=pd.StringDtype("python", **NAN_GAPS)),
    pd.array(["a", None], dtype=pd.StringDtype("python")),
    pd.Series(["a", None], dtype="string"),
    pd.Series(["a", None], dtype="str"),
    pd.Series(["a", None, dt.date(2024, 1, 1), float("nan")], dtype=object),
    pd.Series([1.5, None], dtype="Float64"),
    pd.Series([True, None], dtype="boolean"),
    pd.Series(pd.Categorical(["b", None, "a"], ["b", "a", "c"], ordered=True)),
    pd.Series(pd.to_datetime(["2024-10-27 00:30", None]).tz_localize("UTC").tz_convert("Europe/Berlin")),
    pd.Series(pd.period_range("2024", periods=2, freq="2M")),
    pd.Series(pd.interval_range(0, 2, closed="both")),
    pd.Series(pd.interval_range(pd.Timestamp("2024"), periods=2, freq="D")),
    pd.Series([], dtype="timedelta64[s]"),
    pd.DataFrame([[1, 2.5], [3, 4.5]], columns=["a", "a"], index=[0, 0]),
    pd.DataFrame(index=[1, 2]),
    pd.DataFrame(columns=["a", "b"]),
    pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["u", None])),
    pd.date_range("2024", periods=3, freq="ME", tz="Europe/Berlin"),
    pd.timedelta_range("1h", periods=3, freq="2h"),
    pd.Index([("a", 1), ("b", 2)], tupleize_cols=False, name=("n", 1)),
    pd.Index([1, "a", None, (1, (2,))]),
    pd.MultiIndex.from_arrays([["a", None], pd.to_datetime(["2024", "2025"])], names=["u", "v"]),
    pd.CategoricalIndex(["a", "b"], name="c"),
    pd.array(np.array([1.5, np.nan]), dtype=np.dtype("float64")),
    pd.array(pd.to_datetime(["2024"])),
    xr.Dataset(),
    xr.DataArray(None),
    xr.Dataset({"a": ("x", [1, 2]), "b": ((), 5j)}, coords={"x": pd.date_range("2024", periods=2)}),
    xr.Dataset(coords={"x": [1, 2]}).drop_indexes("x"),
    xr.Dataset(coords={"t": ("x", [1, 2])}).set_xindex("t"),
    xr.Dataset({"a": ("x", pd.array([1, None], dtype="Int64"))}, coords={"x": pd.Categorical(["a", "b"])}),
    xr.DataArray(np.array(["a", None], dtype=object), dims="x"),
    xr.DataArray(
        np.zeros((2, 4)),
        dims=["y", "p"],
        coords=xr.Coordinates.from_pandas_multiindex(
            pd.MultiIndex.from_product([["a", "b"], np.array([1, 2], "int32")], names=["u", "v"]), "p"
        ),
    ),
    xr.DataArray(
        [[1, 2]],
        dims=["x", "y"],
        coords={
            "x": ["a"],
            "w": ("y", np.array(["u", "vw"]), {"units": "m"}),
            "z": 5,
            "yx": (("y", "x"), [[1], [2]]),
        },
        attrs={"n": np.float32(1), "list": [1]},
    ),
    np.zeros((0, 3), "c16"),
    np.zeros(2, [("a", "U0")])["a"],
    np.array(["a", None], np.dtypes.StringDType(na_object=None)),
    np.array([np.nan, np.inf, -0.0, 1 / 3], ">f16" if np.dtype("longdouble").itemsize == 16 else ">f8"),
    np.array([2**64 - 1], "uint64"),
]


@pytest.mark.parametrize("value", MORE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("strict", [False, True])
def test_tables_and_labelled_arrays_come_back(value, strict):
    """Series, frames, every index, DataArrays and Datasets, with dtypes, names, coords and attributes."""
    assert_same(from_plain(json.decode(json.encode(to_plain(value), strict=strict))), value)


@pytest.mark.parametrize("value", MORE, ids=lambda value: type(value).__name__)
def test_storing_changes_nothing(value):
    """A value is stored the same a second time."""
    assert json.encode(to_plain(value)) == json.encode(to_plain(value))


def test_gaps_stay_gaps():
    """Some versions of pandas hand out their own memory."""
    series = pd.Series(["a", None], dtype="string")
    to_plain(series)
    assert series[1] is pd.NA


def test_attributes_of_frames_are_kept():
    """Those of pandas too."""
    frame, series = pd.DataFrame({"a": [1]}), pd.Series([1])
    frame.attrs, series.attrs = {"units": {"a": "m"}}, {"n": [1]}
    assert_same(from_plain(to_plain([frame, series])), [frame, series])


def test_what_is_lazy_is_loaded():
    """A memory map of NumPy becomes an array."""
    array = np.arange(3.0)
    mapped = array.view(np.memmap)
    assert type(from_plain(to_plain(np.asarray(mapped)))) is np.ndarray


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            pd.Series([1, 2]).astype(pd.SparseDtype("int64")),
            "a: cannot store values of dtype Sparse.*Convert them with astype",
        ),
        (
            pd.date_range("2024", periods=2, freq=pd.offsets.CustomBusinessDay(holidays=["2024-01-01"])),
            "frequency",
        ),
        (pd.Index([object()]), "a/values/list/0: cannot store an object"),
        (pd.DataFrame({"b": [lambda: 0]}), "a/values/0/list/0: cannot store a function"),
        (
            xr.DataArray([1], dims="x", attrs={"f": print}),
            "a/attrs/f: cannot store a builtin_function_or_method",
        ),
        (xr.Dataset({"v": ("x", [1], {"f": print})}), "a/data_vars/0/attrs/f: cannot store a builtin"),
        (xr.DataArray(np.array([print], object), dims="x"), "a/values/list/0: cannot store a builtin"),
        (np.matrix([[1]]), "a: cannot store a numpy.matrix"),
        (np.zeros(1).view(np.recarray), "a: cannot store a numpy.rec.*recarray"),
    ],
)
def test_what_has_no_form_is_named(value, text):
    """The path leads into the stored form, as far as the value goes."""
    with pytest.raises(SerializationError, match=text):
        to_plain({"a": value})


def test_foreign_arrays_in_datasets_are_refused():
    """What they know besides, such as units, would be lost."""

    class Quantity:
        __array_priority__ = 1
        shape, ndim, dtype, size = (1,), 1, np.dtype("float64"), 1

        def __array_function__(self, *args):
            raise NotImplementedError

        def __array_ufunc__(self, *args):
            raise NotImplementedError

    with pytest.raises(SerializationError, match="a: cannot store a variable that holds a .*Quantity"):
        to_plain({"a": xr.Dataset({"v": xr.Variable("x", Quantity(), fastpath=True)})})


def test_users_marks_are_theirs():
    """A dictionary with our marker in it comes back, and is a branch where it cannot be mistaken."""
    plain = {"__type__": "wire", "length": {"__type__": 5, "__class__": "x"}}
    assert to_plain(plain) == plain
    assert [path for path, _ in leaves(plain)] == [
        ("__type__",),
        ("length", "__type__"),
        ("length", "__class__"),
    ]
    awkward = {"__type__": "coma.dict", "items": [["a", {"__type__": "coma.float", "value": "nan"}]]}
    for strict in (False, True):
        assert from_plain(json.decode(json.encode(to_plain(awkward), strict=strict))) == awkward


def test_coma_2_reads_what_it_could_read():
    """Its arrays have other parts only behind those that it knows; scalars are bare."""
    tree = to_plain({"x": np.arange(2), "n": np.int16(1), "b": np.bool_(True), "f": np.float64(1)})
    assert list(tree["x"])[:3] == ["__type__", "shape", "list"]
    assert tree["n"] == 1
    assert [type(tree[key]) for key in "nbf"] == [int, bool, float]


@pytest.mark.parametrize(
    ("items", "dtype"),
    [([1, 2], "int64"), ([1.5, 2], "float64"), (["a"], "<U1"), ([None], "object"), ([2**70], "object")],
)
def test_arrays_of_coma_2_have_no_dtype(items, dtype):
    """NumPy finds it again, as Coma 2 did."""
    back = from_plain(typed("numpy.ndarray", shape=[len(items)], list=items))
    assert back.dtype == dtype
    assert back.tolist() == items


def test_only_arrays_are_arrays():
    """What retrieval may unfold."""
    assert is_array(to_plain(np.array([1j])))
    assert is_array(to_plain(np.array([1])))
    assert not is_array(to_plain(np.float32(1)))
    assert not is_array(to_plain(pd.Series([1])))


def test_sets_are_written_in_one_order():
    """Two processes, which hash texts differently, write the same file."""
    script = "from coma_xr.values.plain import to_plain; print(to_plain({'b', 'a', 3, ('x', None), frozenset('yz')}))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1
    assert texts.pop().strip()


def test_storing_builtin_values_loads_no_library():
    """A worker whose function returns numbers and dates needs no NumPy."""
    script = (
        "import sys, datetime; from coma_xr.values.plain import from_plain, to_plain;"
        "from_plain(to_plain({'a': [1, 1j, datetime.date(2024, 1, 1), {1}], 'b': {'__type__': 'coma.x'}}));"
        "print(*{'numpy', 'pandas', 'xarray', 'hypothesis'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


# Hostile and broken files

BAD = [
    (
        typed("coma.complex", real="a", imag=0.0),
        r"'real' of a stored coma\.complex is a str\. Expected the type float or int\.",
    ),
    (
        typed("coma.complex", real=1.0),
        r"'imag' of a stored coma\.complex is missing\. Expected the type float or int\.",
    ),
    (typed("coma.bytes", base64="=?"), "a stored coma.bytes cannot be made"),
    (typed("coma.date", value="yesterday"), "a stored coma.date cannot be made: ValueError"),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone="../../etc/passwd"),
        r"is not a name of a time zone",
    ),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone="/etc/localtime"),
        r"is not a name of a time zone",
    ),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone="os.path"),
        r"is not a name of a time zone",
    ),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone="Mars/Base"),
        "'Mars/Base' is not known on this",
    ),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone="Europe"),
        "'Europe' is not known on this machine",
    ),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone=["+01:00", 5]),
        r"a stored time zone is neither an offset nor a name\.",
    ),
    (
        typed("coma.datetime", value="2024-01-01T00:00:00", zone="+99:00"),
        "a stored coma.datetime cannot be made",
    ),
    (typed("coma.datetime", value="2024-01-01T00:00:00", fold=7), "a stored coma.datetime cannot be made"),
    (
        typed("coma.timedelta", days=10**20, seconds=0, microseconds=0),
        "a stored coma.timedelta cannot be made",
    ),
    (typed("coma.decimal", value="one"), "a stored coma.decimal cannot be made"),
    (typed("coma.fraction", numerator=1, denominator=0), "cannot be made: ZeroDivisionError"),
    (
        typed("coma.path", value="a", kind="os.system"),
        r"a stored path is 'os\.system'\. Expected one of Path, PurePosixPath, PureWindowsPath\.",
    ),
    (typed("coma.uuid", value="x"), "a stored coma.uuid cannot be made"),
    (typed("coma.range", start=0, stop=1, step=0), "a stored coma.range cannot be made"),
    (
        typed("coma.range", start=0, stop=True, step=1),
        r"'stop' of a stored coma\.range is a bool\. Expected the type int\.",
    ),
    (typed("coma.set", items=[1, 1.0]), r"a stored set has an item twice\."),
    (typed("coma.set", items=[{}]), "a stored coma.set cannot be made: TypeError"),
    (typed("coma.set", items=[(2**61 - 1) * k for k in range(2000)]), "chosen to make it slow"),
    (
        typed("coma.dict", items=[["a"]]),
        r"a stored coma\.dict has items that are not pairs\. Expected pairs of a key and a value\.",
    ),
    (typed("coma.dict", items=[[{}, 2]]), "cannot be made: TypeError"),
    (
        typed("coma.float", value="1.5"),
        r"a stored coma\.float is '1\.5'\. Expected nan, inf or -inf\.",
    ),
    (typed("coma.int", hex="zz"), "a stored coma.int cannot be made"),
    (typed("coma.enum"), r"a stored coma\.enum has no 'value'\."),
    (
        typed("coma.scalar", dtype="O", value=1),
        r"an array has the unknown dtype 'O'\. Expected a dtype of NumPy\.",
    ),
    (
        typed("coma.scalar", dtype="float32"),
        r"an array has no list 'list'\. Expected a 'shape' of integers and a 'list' of items\.",
    ),
    (
        typed("coma.scalar", dtype="float32", value=[1, 2]),
        r"the 'list' of an array holds lists or dictionaries\. Expected plain values\.",
    ),
    (
        typed("coma.ndarray", shape=[1], list=[1]),
        r"an array has the unknown dtype 'None'\. Expected a dtype of NumPy\.",
    ),
    (
        typed("coma.ndarray", shape=[1], list=[1], dtype="f8,f8"),
        r"an array has the unknown dtype 'f8,f8'\. Expected a dtype of NumPy\.",
    ),
    (
        typed("coma.ndarray", shape=[1], list=[1], dtype="(1000000,1000000)f8"),
        r"an array has the unknown dtype '\(1000000,1000000\)f8'\. Expected a dtype of NumPy\.",
    ),
    (typed("coma.ndarray", shape=[1], list=["a"], dtype="|V1000000000"), "mostly padding"),
    (typed("coma.ndarray", shape=[1], list=["a"], dtype="longdouble"), "cannot be made"),
    (
        typed("coma.ndarray", shape=[1], list=[1.5], dtype="longdouble"),
        r"an array of dtype 'float128' has numbers that are not written as strings\.",
    ),
    (typed("coma.ndarray", shape=[1], real=[1], imag=[], dtype="complex64"), "cannot have 0 items"),
    (
        typed("coma.ndarray", shape=[1], real=["1"], imag=[1], dtype="complex64"),
        r"an array of dtype 'complex64' has other items than numbers in 'real' and 'imag'\.",
    ),
    (typed("coma.ndarray", shape=[1], list=[2**63], dtype="datetime64[ns]"), "cannot be made"),
    (
        typed("coma.ndarray", shape=[1], list=[1], dtype="datetime64[999999999999Y]"),
        r"an array has the unknown dtype 'datetime64\[999999999999Y\]'\. Expected a dtype of NumPy\.",
    ),
    (typed("coma.ndarray", shape=[1], list=["é\u20ac"], dtype="|S9"), "cannot be made"),
    (
        typed("coma.ndarray", shape=[1], list=[1], dtype="string"),
        r"an array of strings has other items\. Expected strings\.",
    ),
    (
        typed("coma.ndarray", shape=[1], list=[None], dtype="string"),
        r"an array of strings has other items\. Expected strings\.",
    ),
    (array([1.5], "int64"), "cannot have items of float"),
    (array([2], "bool"), "cannot have items of int"),
    (array(["1.5"], "float64"), "cannot have items of str"),
    (array([None], "float64"), "cannot have items of NoneType"),
    (array([1e300], "float32"), "cannot be made: overflow"),
    (array([-1], "uint8"), "cannot be made"),
    (
        array(["abc"], "<U2"),
        r"an array of dtype '<U2' cannot have an item of 3 characters\. Expected at most 2\.",
    ),
    (array(["a"], "<U100000000"), "would be mostly padding"),
    (array(["a" * 100_000] + [""] * 100_000, "<U100000"), "would be mostly padding"),
    (
        typed("numpy.ndarray", shape=[100_001], list=["a" * 100_000] + [""] * 100_000),
        "mostly padding",
    ),
    (array([], "float64", [0] * 65), r"an array has no 'shape' of integers or no 'list'\."),
    (array([], "float64", [10**400] * 3), r"an array has no 'shape' of integers or no 'list'\."),
    (array([], "float64", [0, 2**62, 2**62]), "cannot be made"),
    (typed("coma.objects", shape=[2], list=[1]), r"an array of shape \(2,\) cannot have 1 items"),
    (
        typed("coma.pandas.Series", name=None, values=array([1], "int64")),
        r"an index has another type\. Expected one of pandas' Index\.",
    ),
    (
        typed(
            "coma.pandas.Series",
            name=None,
            index=typed("coma.pandas.RangeIndex", name=None, start=0, stop=10**15, step=1),
            values=array([1], "int64"),
        ),
        r"a column of shape \(1,\) does not fit an index of 1000000000000000",
    ),
    (
        typed(
            "coma.pandas.DataFrame",
            index=typed("coma.pandas.RangeIndex", name=None, start=0, stop=1, step=1),
            columns=typed("coma.pandas.RangeIndex", name=None, start=0, stop=10**15, step=1),
            values=[],
        ),
        "a table of 0 columns cannot have 1000000000000000 names",
    ),
    (
        typed("coma.pandas.Index", name=None, values=array([1, 2], "int64", [1, 2])),
        r"an index has 2 dimensions\. Expected one dimension\.",
    ),
    (
        typed("coma.pandas.Index", name=None, values=5),
        r"a column has another type\. Expected an array\.",
    ),
    (typed("coma.pandas.Index", name={"a": 1}, values=array([1], "int64")), "cannot be made: TypeError"),
    (
        typed(
            "coma.pandas.MultiIndex",
            names=["a"],
            levels=[typed("coma.pandas.Index", name=None, values=array([1], "int64"))],
            codes=[[7]],
        ),
        "a stored coma.pandas.MultiIndex cannot be made",
    ),
    (typed("coma.pandas.Timestamp", value=2**70, unit="ns"), "a stored coma.pandas.Timestamp cannot be made"),
    (typed("coma.pandas.Timestamp", value=1, unit="Y"), "pandas has no times in 'Y'"),
    (typed("coma.pandas.Period", ordinal=1, freq="no"), "a stored coma.pandas.Period cannot be made"),
    (typed("coma.pandas.Interval", left=1, right="a", closed="right"), "coma.pandas.Interval cannot be made"),
    (typed("coma.pandas.array", dtype="Int64", list=[1.5]), "has items of another type"),
    (typed("coma.pandas.array", dtype="Int8", list=[300]), "cannot be made"),
    (
        typed("coma.pandas.array", dtype="object", list=[1]),
        r"an array has the dtype 'object', which is not known\. Expected a dtype of pandas\.",
    ),
    (typed("coma.pandas.array", dtype="datetime64[h]", list=[1]), "pandas has no times of dtype"),
    (
        typed("coma.pandas.array", dtype="string", storage="sql", na="NA", list=[]),
        r"pandas stores no strings in 'sql'\. Available: python, pyarrow\.",
    ),
    (
        typed("coma.pandas.array", dtype="category", categories={}, ordered=False, codes=[]),
        r"categories have another type\. Expected an index\.",
    ),
    (
        typed("coma.xarray.Dataset", data_vars=[3], coords=[]),
        r"a variable has no name\. Expected its name, dims and values\.",
    ),
    (
        typed("coma.xarray.Dataset", data_vars=[], coords=[], attrs=[]),
        r"'attrs' of a stored coma\.xarray\.Dataset is a list\. Expected the type dict\.",
    ),
    (
        typed(
            "coma.xarray.DataArray",
            name=None,
            dims=["x"],
            values=array([1], "int64"),
            coords=[{"name": "x", "dims": ["x"], "values": array([1, 2], "int64")}],
        ),
        "a stored coma.xarray.DataArray cannot be made",
    ),
    (
        typed(
            "coma.xarray.Dataset",
            data_vars=[],
            coords=[{"name": "u", "dims": ["x"], "level": True}],
        ),
        "a level of a MultiIndex is stored without its index",
    ),
]


@pytest.mark.parametrize(("node", "text"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_forms_that_lie_are_bad_files(node, text):
    """One kind of error, with the path; nothing is allocated, opened or imported for them."""
    start = time.perf_counter()
    with pytest.raises(DataFileError, match=f"^results/0: .*{text}"):
        from_plain({"results": [node]})
    with pytest.raises(DataFileError, match=f"^results/0: .*{text}"):
        restore({"results": [node]}, [])
    assert time.perf_counter() - start < 5


SMALL = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**65)
    | st.floats()
    | st.sampled_from(["", "a", "float64", "NaN", "+01:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["__type__", "shape", "list", "items"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def parts_of(tree, path=()):
    """Yield the paths of all nodes of a tree."""
    yield path
    if isinstance(tree, (dict, list)):
        for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from parts_of(child, (*path, key))


def changed(tree, path, new):
    """Return a tree with something else at one place."""
    if not path:
        return new
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@settings(
    max_examples=1500, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(values(), st.data())
@pytest.mark.ci
def test_damaged_forms_are_values_or_bad_files(value, data):
    """Whatever one part of a stored form is replaced by."""
    tree = to_plain(value)
    path = data.draw(st.sampled_from(list(parts_of(tree))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from_plain(changed(tree, path, data.draw(SMALL)))
        except DataFileError:
            pass


def test_unknown_types_stay_dictionaries():
    """A file of a later version, or of a class that is not registered here, is read; said once."""
    later, foreign = (
        typed("coma.later", a=[1, typed("coma.complex", real=0.0, imag=1.0)]),
        typed("os.Lattice", tree=[1]),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert from_plain([later, later]) == [{"__type__": "coma.later", "a": [1, 1j]}] * 2
        assert from_plain(foreign) == foreign
        assert from_plain(foreign) == foreign
    assert [warning.category for warning in caught] == [ComaWarning, ComaWarning]
    for name, warning in zip(("coma.later", "os.Lattice"), caught, strict=True):
        assert str(warning.message) == (
            f"Values of the type {name!r} are read as dictionaries, because nothing here makes them again. "
            "If the class is yours, name it with coma.register()."
        )
    assert is_typed(later)
    assert not is_typed(foreign)


# Registered types


class Lattice:
    def __init__(self, vectors):
        self.vectors = vectors

    def __eq__(self, other):
        return type(self) is type(other) and np.array_equal(self.vectors, other.vectors)

    __hash__ = None


class Honeycomb(Lattice):
    pass


class Own(Lattice):
    def coma_getstate(self):
        return {"own": 1}


@pytest.fixture
def registered():
    """No registrations, and none left behind."""
    known = dict(objects._by_type), dict(objects._by_name)
    objects._by_type.clear()
    objects._by_name.clear()
    yield objects.register
    for kept, table in zip(known, (objects._by_type, objects._by_name), strict=True):
        table.clear()
        table.update(kept)


def test_registered_types_come_back(registered):
    """With everything in them, arrays and other registered types."""
    registered(Lattice, lambda lattice: {"vectors": lattice.vectors}, lambda tree: Lattice(tree["vectors"]))
    value = {"a": [Lattice(np.eye(2)), Lattice([Lattice(1j)])]}
    tree = to_plain(value)
    assert tree["a"][0]["__type__"] == f"{__name__}.Lattice"
    assert from_plain(json.decode(json.encode(tree))) == value
    assert [path for path, _ in leaves(tree)] == [("a",)]
    assert is_typed(tree["a"][0])


def test_subclasses_are_stored_as_the_nearest_type(registered):
    """Unless they are registered themselves or tell their own state."""
    registered(Lattice, lambda lattice: lattice.vectors, Lattice, name="lattice")
    assert to_plain(Honeycomb(1)) == {"__type__": "lattice", "tree": 1}
    assert to_plain(Own(1)) == {"own": 1, "__class__": f"{__name__}.Own"}
    registered(Honeycomb, lambda lattice: lattice.vectors, Honeycomb, name="honeycomb")
    assert to_plain(Honeycomb(1)) == {"__type__": "honeycomb", "tree": 1}
    registered(Own, lambda lattice: lattice.vectors, Own, name="own")
    assert from_plain(to_plain(Own(2))) == Own(2)


def test_a_users_dictionary_is_not_taken_for_a_registered_type(registered):
    """Not even when the type is registered after it was stored."""
    value = {"a": {"__type__": "lattice", "tree": 1}, "b": {"__type__": "lattice", "n": 1}}
    tree = to_plain(value)
    registered(Lattice, lambda lattice: lattice.vectors, Lattice, name="lattice")
    assert from_plain(tree) == value
    assert from_plain(to_plain(value)) == value


def test_functions_that_fail_are_named(registered):
    """With the path of the value and what they said."""
    registered(Lattice, lambda lattice: 1 / 0, lambda tree: tree["no"], name="lattice")
    with pytest.raises(
        SerializationError, match="a: cannot store a lattice. Its to_tree failed: ZeroDivisionError"
    ):
        to_plain({"a": Lattice(1)})
    with pytest.raises(DataFileError, match="a: from_tree of 'lattice' failed: KeyError: 'no'"):
        from_plain({"a": {"__type__": "lattice", "tree": {}}})
    registered(Lattice, lambda lattice: lattice, Lattice, name="lattice")
    with pytest.raises(SerializationError, match="nested deeper than 96 levels, or it contains itself"):
        to_plain({"a": Lattice(1)})
    registered(Lattice, lambda lattice: print, Lattice, name="lattice")
    with pytest.raises(SerializationError, match="a/tree: cannot store a builtin_function"):
        to_plain({"a": Lattice(1)})


def test_a_class_can_be_registered_anew(registered):
    """As a notebook does when a cell runs again."""
    first = type("Cell", (), {"__module__": "__main__"})
    second = type("Cell", (), {"__module__": "__main__"})
    registered(first, lambda cell: 1, lambda tree: first())
    registered(second, lambda cell: 2, lambda tree: second())
    assert to_plain(second()) == {"__type__": "__main__.Cell", "tree": 2}
    assert type(from_plain({"__type__": "__main__.Cell", "tree": 2})) is second
    registered(second, lambda cell: 3, lambda tree: second(), name="cell")
    assert not is_typed({"__type__": "__main__.Cell", "tree": 2})


def test_registrations_reach_another_process(registered):
    """They are taken along and installed."""
    registered(Lattice, lambda lattice: lattice.vectors, Lattice, name="lattice")
    known = objects.registrations()
    objects._by_type.clear()
    objects._by_name.clear()
    objects.install(known)
    assert from_plain(to_plain(Lattice([1]))) == Lattice([1])


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((dict, str, str), "register() got <class 'dict'>. Expected a class of your own."),
        (("Lattice", str, str), "register() got 'Lattice'. Expected a class of your own."),
        ((Lattice, 1, str), "register(Lattice) got something that cannot be called."),
        ((Lattice, str, str, "coma.lattice"), "the name 'coma.lattice' cannot be used"),
        ((Lattice, str, str, ""), "the name '' cannot be used"),
        ((Lattice, str, str, 5), "the name 5 cannot be used"),
        ((Honeycomb, str, str, "taken"), f"'taken' is the name of {__name__}.Lattice already."),
    ],
)
def test_what_cannot_be_registered_is_named(registered, args, text):
    """At the call, not when a file is read."""
    registered(Lattice, str, str, "taken")
    with pytest.raises(SerializationError) as caught:
        registered(*args)
    assert text in str(caught.value)


def test_the_package_is_not_changed_by_a_file():
    """No name in a file is looked up anywhere but in our own tables."""
    before = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (
            "antigravity.x",
            "this",
            "coma.antigravity",
            "numpy.antigravity",
            "coma.pandas.antigravity",
        ):
            tree = {"a": {"__type__": name, "tree": 1}, "b": {"__class__": name}}
            assert from_plain(tree) == tree
            assert restore(tree, []) == tree
    assert set(sys.modules) == before
    assert coma_xr.__name__ == "coma_xr"


TABLE = np.array([(1, 2.5, "a"), (2, 3.5, "b")], dtype=[("n", "i4"), ("E", "f8"), ("name", "U3")])
FIELDS = [
    TABLE,
    TABLE[0],
    TABLE[:0],
    np.zeros((2, 3), dtype=[("a", ">f4", (2,)), ("b", [("x", "c16"), ("t", "M8[s]")])]),
    np.zeros(2, np.dtype([("a", "u1"), ("b", "f8")], align=True)),
    np.array([b"ab\0c", b"x"], dtype="V4"),
]


@pytest.mark.parametrize("value", FIELDS, ids=[str(i) for i in range(len(FIELDS))])
def test_arrays_with_fields_come_back_as_they_were(value):
    stored = json.decode(json.encode(to_plain({"table": value})))
    back = from_plain(stored)["table"]
    assert (type(back), back.dtype, back.shape) == (type(value), value.dtype, value.shape)
    assert back.tobytes() == value.tobytes()


EXACT = [
    (1, (2, [3])),
    {1: 2, (1, 2): "x"},
    {"__type__": "tuple", "items": [1]},
    np.float64(1.5),
    np.str_("a"),
]


@pytest.mark.parametrize("value", EXACT, ids=repr)
def test_exact_trees_keep_tuples_keys_and_scalars(value):
    assert_same(from_plain(json.decode(json.encode(to_plain([value], exact=True)))), [value])
