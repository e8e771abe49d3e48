"""The strategies and the comparison that users may take for their own tests."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import pathlib
import subprocess
import sys
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, seed, settings

from coma_xr.testing import assert_same, trees

NAN = float("nan")
QUICK = settings(
    max_examples=250,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def series(*items, **kwargs):
    return pd.Series(list(items), **kwargs)


SAME = [
    NAN,
    complex(NAN, -0.0),
    {1, (2, "a"), frozenset({3})},
    dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
    decimal.Decimal("sNaN"),
    np.array([NAN, 1.0]),
    np.array([None, NAN], dtype=object),
    np.array(["NaT"], "M8[s]"),
    np.float32(NAN),
    np.sin,
    np.dtype("f8"),
    pd.DataFrame({"a": [1, None]}, index=["x", "y"]),
    pd.MultiIndex.from_product([["a"], [1, 2]]),
    pd.NaT,
    pd.NA,
    xr.DataArray([1.0, NAN], dims="x", coords={"x": [1, 2]}, attrs={"a": np.zeros(2)}),
]


@pytest.mark.parametrize("value", SAME, ids=lambda value: type(value).__name__)
def test_a_value_is_the_same_as_its_copy(value):
    """NaN and missing ones included."""
    assert_same({"a": [value]}, {"a": [value]})
    assert_same(value, value.copy() if hasattr(value, "copy") else value)


DIFFERENT = [
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    (NAN, 1.0),
    (None, 0),
    ("a", "b"),
    ((1,), [1]),
    ([1], [1, 2]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1}, {"a": 2}),
    (complex(0, 0.0), complex(0, -0.0)),
    ({1}, {1.0}),
    ({1}, frozenset({1})),
    (range(0), range(1, 1)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (dt.time(1), dt.time(1, fold=1)),
    (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC"))),
    (dt.time(1, tzinfo=dt.timezone(dt.timedelta(0), "A")), dt.time(1, tzinfo=dt.UTC)),
    (np.zeros(2), np.zeros(2, "f4")),
    (np.zeros(2), np.zeros(2, ">f8")),
    (np.zeros(2), np.zeros((1, 2))),
    (np.zeros(2), -np.zeros(2)),
    (np.array([1, NAN]), np.array([1, 2.0])),
    (np.array([1j]), np.array([-1j])),
    (np.array(["NaT"], "M8[s]"), np.array([0], "M8[s]")),
    (np.array([1], object), np.array([1.0], object)),
    (np.float32(1), np.float64(1)),
    (np.longdouble(1) / 3, np.longdouble(1 / 3)),
    (np.sin, np.cos),
    (np.dtype("f8"), np.dtype("f4")),
    (pd.Timestamp(0, unit="s"), pd.Timestamp(0, unit="s").as_unit("ns")),
    (pd.Timestamp(0, tz="UTC"), pd.Timestamp(0)),
    (pd.Interval(0, 1), pd.Interval(0, 1, closed="left")),
    (series(1), series(1, dtype="int32")),
    (series(1), series(1, name="a")),
    (series(1), series(1, index=["a"])),
    (series("a", dtype="string"), series("a", dtype="str")),
    (series("a", dtype="string"), series("a", dtype=object)),
    (series(None, dtype=object), series(NAN, dtype=object)),
    (series("a", dtype="category"), series("a").astype(pd.CategoricalDtype(["a", "b"]))),
    (pd.Index([0, 1]), pd.RangeIndex(2)),
    (pd.date_range("2024", periods=3), pd.date_range("2024", periods=3)._with_freq(None)),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]})),
    (xr.DataArray([1], dims="x"), xr.DataArray([1], dims="y")),
    (xr.DataArray([1], dims="x"), xr.DataArray([1], dims="x", name="a")),
    (xr.DataArray([1], dims="x"), xr.DataArray([1], dims="x", attrs={"a": 1})),
    (xr.DataArray([1], dims="x"), xr.DataArray([1], dims="x", coords={"x": [1]})),
    (xr.Dataset(coords={"x": [1]}), xr.Dataset(coords={"x": [1]}).drop_indexes("x")),
    (xr.Dataset({"a": 1}), xr.Dataset({"a": 1.0})),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=[str(i) for i in range(len(DIFFERENT))])
def test_a_difference_is_named(one, other):
    """In value, type, dtype, order, sign, zone, name or attributes; with the path."""
    for first, second in ((one, other), (other, one)):
        with pytest.raises(AssertionError, match="^r/0"):
            assert_same({"r": [first]}, {"r": [second]})


KINDS = {
    *(complex, bytes, dt.datetime, dt.date, dt.time, dt.timedelta, decimal.Decimal, set, frozenset, range),
    *(fractions.Fraction, uuid.UUID, type(pathlib.Path()), pathlib.PurePosixPath, pathlib.PureWindowsPath),
    *(bool, int, float, str, list, dict, type(None), np.ndarray, np.float32, np.longdouble, np.datetime64),
    *(pd.Series, pd.DataFrame, pd.Index, pd.MultiIndex, pd.DatetimeIndex, pd.CategoricalIndex, pd.RangeIndex),
    *(pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT), xr.DataArray, xr.Dataset),
}


def parts_of(value):
    """Yield a value and all that it is nested of."""
    yield value
    if type(value) in (dict, list):
        for part in value.values() if type(value) is dict else value:
            yield from parts_of(part)


@pytest.mark.ci
def test_the_strategy_makes_every_kind_of_value():
    """One that never made it would test nothing; dictionaries that look like ours are among them."""
    seen = set()

    @QUICK
    @given(trees())
    def look(tree):
        for value in parts_of(tree):
            seen.add(type(value))
            if type(value) is dict:
                assert all(type(key) is str for key in value)
                seen.update(["marked"] if "__type__" in value else [])
            if type(value) is pd.Series:
                seen.add(str(value.dtype).partition("[")[0])

    wanted = {*KINDS, "marked", "string", "category", "datetime64", "object", "period"}
    # What hypothesis draws depends on what else is loaded, so the number of examples is not known before.
    for number in range(20):
        seed(number)(look)()
        if wanted <= seen:
            break
    assert not wanted - seen


def test_hypothesis_is_needed_only_to_call_a_strategy():
    """The comparison does without, and without NumPy."""
    script = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from coma_xr.testing import assert_same, values\n"
        "assert_same([1, 1j], [1, 1j])\n"
        "assert 'numpy' not in sys.modules\n"
        "try:\n    values()\nexcept ImportError:\n    print('needed')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "needed\n"
