"""Dates and durations of every unit, over its whole range, at every door: nothing wraps around and nothing is cut off."""

from __future__ import annotations

import datetime as dt
import warnings
from fractions import Fraction
from itertools import count

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr import same as coma_same
from coma_xr.exports.formats import FORMATS
from coma_xr.values.numpy import alike_times, exact_times, time_array
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

SECONDS = {"W": 604800, "D": 86400, "h": 3600, "m": 60} | {
    unit: Fraction(1, 1000**power) for power, unit in enumerate(["s", "ms", "us", "ns", "ps", "fs", "as"])
}
INTS = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-(10**9), 10**9)
SUFFIXES = sorted(FORMATS)


def kinds(letter):
    units = [*SECONDS, *("YM" if letter == "M" else "")]
    return st.sampled_from(units).flatmap(
        lambda unit: st.lists(INTS | st.none(), min_size=2, max_size=2).map(
            lambda pair: times(letter, unit, pair)
        )
    )


def times(letter, unit, numbers):
    ticks = [-(2**63) if number is None else number for number in numbers]
    return np.array(ticks, dtype="i8").view(f"{letter}8[{unit}]")


ARRAYS = kinds("M") | kinds("m")


def moment(value):
    """Return a date or duration as an exact number of seconds, or of months; None for NaT."""
    if np.isnat(value):
        return None
    unit, steps = np.datetime_data(value.dtype)
    number = int(value.view("i8")) * steps
    if unit in "YM":
        return ("month", number * 12 if unit == "Y" else number)
    return number * SECONDS[unit]


def same(one, other):
    a, b = moment(one), moment(other)
    if isinstance(b, tuple) and a is not None and not isinstance(a, tuple):
        # In seconds: the first second of that month, which NumPy finds too while there are no more than fit.
        return one.astype(other.dtype) == other and other.astype(one.dtype) == one
    return a == b


@settings(max_examples=300, deadline=None)
@given(ARRAYS)
@example(times("M", "Y", [2**62, 1]))
@example(times("m", "D", [10**6, None]))
@example(times("m", "ps", [1500, 1000]))
@example(times("M", "D", [-(2**63) + 1, 0]))
def test_no_unit_loses_a_value(array):
    for values in (exact_times(array), time_array(list(array)), alike_times([array[:1], array[1:]])):
        items = np.concatenate(values) if isinstance(values, list) else values
        assert items.dtype == object or np.datetime_data(items.dtype) in {
            (u, 1) for u in ("s", "ms", "us", "ns")
        }
        assert all(map(same, items, array))


@settings(max_examples=100, deadline=None)
@given(ARRAYS, ARRAYS)
def test_arrays_of_two_units_are_joined_exactly(one, other):
    arrays = [one, other.astype(f"{one.dtype.kind}8[s]") if one.dtype.kind != other.dtype.kind else other]
    for given_array, joined in zip(arrays, alike_times(arrays), strict=True):
        assert all(map(same, joined, given_array))


NUMBERS = count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(array=ARRAYS)
@example(array=times("M", "s", [10**12, -(10**12)]))
@example(array=times("M", "Y", [2**62, 1]))
@example(array=times("m", "as", [1, None]))
@example(array=times("M", "W", [0, 15250284453]))
@example(array=times("M", "s", [None, -(2**62)]))
@pytest.mark.filterwarnings("ignore")
@pytest.mark.ci
def test_every_door_gives_the_times_that_were_returned(array, tmp_path):
    e = coma.Experiment(tmp_path / f"e{next(NUMBERS)}")

    def f(x):
        return {"one": array[x], "array": array, "list": list(array), "file": coma.external(array)}

    e.run(f, {"x": [0, 1]}, progress=False)
    ds, frame = e.to_dataset(), e.to_dataframe()
    back = e.measurement(1).results
    assert back["array"].dtype == back["file"].dtype == array.dtype
    assert np.array_equal(back["array"].view("i8"), array.view("i8"))
    assert np.array_equal(back["file"].view("i8"), array.view("i8"))
    assert all(map(same, ds["one"].to_numpy(), array))
    for name in ("array", "list", "file"):
        assert all(map(same, ds[name].to_numpy()[1], array))
    assert all(same(cell, value) for cell, value in zip(frame["one"].to_numpy(), array, strict=True))
    assert all(same(frame[f"list_{i + 1}"].to_numpy()[0], array[i]) for i in (0, 1))
    for suffix in SUFFIXES:
        for name, data in (("ds", ds), ("frame", frame)):
            path = coma.export(data, tmp_path / f"{name}{suffix}", overwrite=True)
            loaded = coma.load(path)
            for column in ("one", "array"):
                for cell, value in zip(
                    loaded[column].to_numpy().ravel(), data[column].to_numpy().ravel(), strict=True
                ):
                    assert np.array_equal(
                        np.asarray(cell), np.asarray(value), equal_nan=np.asarray(value).dtype != object
                    )


MIXED = [
    [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime.fromisoformat("2020-01-01")],
    [dt.datetime.fromisoformat("9999-12-31"), dt.datetime.fromisoformat("0001-01-01")],
    [dt.timedelta.max, dt.timedelta.min],
    [pd.NaT, pd.Timestamp("2020-01-01 00:00:00.123456789")],
    [pd.Timestamp("2020-01-01"), None],
    [pd.NA, pd.Timestamp("2020-01-01")],
    [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    [dt.date(2020, 1, 1), dt.datetime.fromisoformat("2020-01-01")],
    [np.timedelta64(3, "M"), np.timedelta64(1, "Y")],
    [np.datetime64("NaT", "Y"), np.datetime64("3000")],
    [pd.Timedelta(5), np.timedelta64("NaT", "D")],
]


@pytest.mark.parametrize("values", MIXED, ids=str)
@pytest.mark.parametrize("door", ["result", "parameter", "list"])
def test_times_of_every_kind_are_in_datasets_frames_and_exports(values, door, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if door == "parameter":
            e.run(lambda v: {"y": 1}, coma.cases([{"v": value} for value in values]), progress=False)
        else:
            e.run(lambda x: {"v": values if door == "list" else values[x]}, {"x": [0, 1]}, progress=False)
        ds, frame = e.to_dataset(), e.to_dataframe()
        assert len(frame) == 2
        cells = ds["v"].to_numpy().ravel()[:2]
        known = [value for value in values if not pd.isna(value)]
        for cell in cells:
            if not pd.isna(cell):
                assert any(matches(cell, value) for value in known), (cell, known)
        for suffix in SUFFIXES:
            for data in (ds, frame):
                coma.load(coma.export(data, tmp_path / f"x{suffix}", overwrite=True))


def matches(cell, value):
    if not isinstance(cell, np.generic):
        return cell == value
    kind = np.datetime64 if isinstance(value, dt.date) else np.timedelta64
    known = value if isinstance(value, np.generic) else getattr(value, "asm8", None) or kind(value)
    return cell.dtype.kind == known.dtype.kind and same(cell, known)


def unitless(value):
    """Return a duration without a unit, or an array of such; new versions of NumPy warn of these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.array(value, "m8")[()]


takes_unitless = pytest.mark.filterwarnings("ignore:The 'generic' unit:DeprecationWarning")


# Times that neither pandas nor xarray represent: without a unit, of years, finer than nanoseconds, before the year 0.
ODD = [
    unitless(5),
    unitless("NaT"),
    np.timedelta64(5, "Y"),
    np.timedelta64(5, "as"),
    np.datetime64("1970-01-01T00:00:00.000000000001"),
    np.datetime64("-20000", "Y"),
    np.datetime64("NaT", "s"),
]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("other", [unitless(7), 3, dt.timedelta(1)], ids=repr)
@takes_unitless
def test_a_time_that_pandas_lacks_is_a_label_at_every_door(value, other, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    scan = coma.grid(a=[value, other], b=[1, 2])
    e.run(lambda a, b: {"y": b * sum(map(ord, repr(a))), "z": a}, scan, progress=False)
    assert (
        e.run(
            lambda a, b: {"y": b * sum(map(ord, repr(a))), "z": a}, scan, progress=False, code="accept"
        ).saved
        == 0
    )
    ds = e.to_dataset()
    for label in (value, other):
        part = ds.coma.sel(a=label, b=1)
        for cell in (part.a, part.z):
            assert coma_same.equal(cell.values[()], label)
        condition = coma.P.a == label
        assert len(e.to_dataframe(where=condition)) == 2
        assert e.to_dataset(where=condition).sizes["b"] == 2
        assert dict(ds.coma.where(condition, drop=True).sizes) == {"a": 1, "b": 2}
        assert len(scan.where(condition)) == 2
    e.annotate("parameters/c", default=value)
    e.plot(x="b", y="y", hue="a")
    if other != 3:
        e.report(tmp_path / "r.html")


@takes_unitless
def test_the_error_about_a_label_names_a_time_as_the_labels_are_named(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda a: a, {"a": [unitless(5), unitless(7)]}, progress=False)
    for value, text in [(unitless("NaT"), "NaT"), (unitless(6), "6 generic time units")]:
        with pytest.raises(coma.PathError, match=f"Nothing has a = {text}\\. "):
            e.to_dataset().coma.sel(a=value)


@pytest.mark.parametrize(
    "array",
    [
        np.array(5, "m8[s]"),
        np.asarray(unitless(5)),
        np.array([1, 2], "m8[Y]"),
        unitless([1, 2]),
        np.array(["2020-01-01", "NaT"], "M8[D]"),
        np.array(["2020", "2021"], "M8[Y]"),
    ],
    ids=repr,
)
@takes_unitless
def test_sel_finds_an_array_of_times(array, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda a, b: b, coma.grid(a=[array, 3], b=[1, 2]), progress=False)
    assert e.to_dataset().coma.sel(a=array, b=2).result.item() == 2
