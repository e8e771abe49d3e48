"""What a measurement can store is exported into every format, and comes back."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import json
import pathlib
import uuid
import warnings
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.exports.formats import FORMATS
from coma_xr.testing import assert_same
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

OLD = Path(__file__).parents[1] / "data" / "exports_of_version_1"
SUFFIXES = sorted(FORMATS)


class Lattice:
    def __init__(self, vectors):
        self.vectors = vectors

    def __eq__(self, other):
        return type(other) is Lattice and other.vectors == self.vectors

    __hash__ = None


@pytest.fixture(autouse=True)
def registered():
    coma.register(Lattice, lambda lattice: lattice.vectors, Lattice, name="test lattice")


STRUCTURED = np.array([(1, 2.5)], dtype=[("n", "i4"), ("E", "f8")])
TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=["p", "q"])
LABELLED = xr.DataArray([1, 2], dims="x", coords={"x": [1, 2]}, name="v")

CELLS = {
    "path": [pathlib.Path("out/1.log"), pathlib.Path("b")],
    "decimal": [decimal.Decimal("1.10"), None],
    "uuid": [uuid.UUID(int=1), uuid.UUID(int=2)],
    "fraction": [fractions.Fraction(1, 3), fractions.Fraction(2)],
    "registered": [Lattice(3), Lattice(4)],
    "registered with arrays": [Lattice([1, 2]), Lattice({"a": (1, 2)})],
    "table": [TABLE, TABLE[["a"]]],
    "series": [TABLE["a"], pd.Series(["a"])],
    "DataArray": [LABELLED, xr.DataArray([1.5], dims="y")],
    "Dataset": [LABELLED.to_dataset()] * 2,
    "arrays": [np.array([1, 2]), np.array([3])],
    "arrays of floats": [np.array([1.5, np.nan]), None],
    "arrays of two axes": [np.array([[1, 2], [3, 4]]), np.array([[1.5]])],
    "arrays of half floats": [np.array([1.5], "f2")] * 2,
    "arrays of large ints": [np.array([2**64 - 1], "u8")] * 2,
    "arrays of another byte order": [np.array([1], ">i4")] * 2,
    "arrays of complex numbers": [np.array([1 + 2j, 3j]), np.array([1j])],
    "arrays of dates": [np.array(["2020-01-01", "NaT"], "M8[ns]"), np.array(["2020-01-01"], "M8[ns]")],
    "arrays of days": [np.array(["2020-01-01"], "M8[D]")] * 2,
    "arrays of durations": [np.array([1, 2], "m8[s]"), np.array([3], "m8[s]")],
    "arrays of text": [np.array(["a", "bbb"]), np.array(["cc"])],
    "arrays of StringDType": [np.array(["a", "bb"], dtype=np.dtypes.StringDType()), np.array(["c"])],
    "arrays with fields": [STRUCTURED, STRUCTURED[:0]],
    "an item with fields": [STRUCTURED[0]] * 2,
    "an array without axes": [np.array(1.5), np.array([1.5])],
    "lists": [[1, 2], [3]],
    "lists of int and float": [[1, 2.5], [3]],
    "lists of lists": [[[1, 2], [3]], [[4]]],
    "empty lists": [[], []],
    "dictionaries": [{"a": 1}, {"a": 2}],
    "dictionaries of unequal keys": [{"a": 1}, {"b": [1]}],
    "empty dictionaries": [{}, {}],
    "dictionaries with other keys": [{1: 2}, {(1, 2): 3}],
    "dictionaries like a stored form": [{"__type__": "tuple", "items": [1]}, {"__type__": "coma.set"}],
    "tuples": [(1, 2), (3, 4)],
    "tuples and lists": [(1, 2), [3]],
    "sets": [{1, 2}, frozenset({3})],
    "several kinds": [1, "a"],
    "holes": [None, float("nan")],
    "NaT and a time": [pd.NaT, pd.Timestamp("2020", tz="Europe/Berlin")],
    "NA and an int": [pd.NA, 1],
    "bool with a hole": [True, None],
    "bytes": [b"a\0", b"b"],
    "complex with a hole": [1 + 2j, None],
    "ints of any size": [10**5000, 10**30],
    "single precision": [np.float32(0.1), np.float32(2)],
    "durations of many years": [dt.timedelta(days=10**6), dt.timedelta(1)],
    "dates and times": [dt.datetime(9999, 1, 1, tzinfo=dt.UTC), dt.date(1, 1, 1)],
    "text with a zero": ["a\0", None],
    "half of a surrogate pair": ["\ud800", "b"],
}


def objects(values):
    return np.fromiter(values, dtype=object, count=len(values))


def as_frame(values):
    return pd.DataFrame({"v": pd.Series(objects(values), dtype=object)})


def as_dataset(values):
    variable = xr.Variable("row", np.empty(len(values), dtype=object))
    variable.data[...] = objects(values)
    return xr.Dataset({"v": variable})


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("make", [as_frame, as_dataset])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cells_come_back_as_they_were(name, make, suffix, tmp_path):
    back = coma.load(coma.export(make(CELLS[name]), tmp_path / f"x{suffix}"))
    for cell, expected in zip(back["v"].to_numpy(), CELLS[name], strict=True):
        if isinstance(expected, Lattice):
            assert cell == expected
        else:
            assert_same(cell, expected)


@pytest.mark.parametrize("name", CELLS)
def test_no_table_holds_names_of_types(name, tmp_path):
    frame = as_frame(CELLS[name])
    if "like a stored form" not in name:
        assert "__type__" not in coma.export(frame, tmp_path / "x.csv").read_text()
        for column in pq.read_table(coma.export(frame, tmp_path / "x.parquet")).columns:
            assert "__type__" not in str(column.to_pylist())


PARQUET = {
    "lists": pa.list_(pa.int64()),
    "lists of lists": pa.list_(pa.list_(pa.int64())),
    "arrays": pa.list_(pa.int64()),
    "arrays of another byte order": pa.list_(pa.int32()),
    "arrays of dates": pa.list_(pa.timestamp("ns")),
    "arrays of durations": pa.list_(pa.duration("s")),
    "dictionaries": pa.struct({"a": pa.int64()}),
    "decimal": pa.string(),
    "bool with a hole": pa.bool_(),
}


@pytest.mark.parametrize("name", PARQUET)
def test_lists_and_dictionaries_are_those_of_parquet(name, tmp_path):
    (kind,) = pq.read_schema(coma.export(as_frame(CELLS[name]), tmp_path / "x.parquet")).types
    assert kind == PARQUET[name]


CSV = {
    "path": ["out/1.log", "b"],
    "decimal": ["1.10", '""'],
    "fraction": ["1/3", "2"],
    "arrays": ['"[1, 2]"', "[3]"],
    "tuples": ['"[1, 2]"', '"[3, 4]"'],
    "table": ['"{""a"": [1, 2], ""b"": [""x"", null]}"', '"{""a"": [1, 2]}"'],
    "arrays of complex numbers": ['"[1.0, 0.0]","[2.0, 3.0]"', "[0.0],[1.0]"],
    "arrays of days": ['"[""2020-01-01""]"'] * 2,
    "NaT and a time": ['""', "2020-01-01 00:00:00+01:00"],
}


@pytest.mark.parametrize("name", CSV)
def test_csv_has_what_a_reader_expects(name, tmp_path):
    assert coma.export(as_frame(CELLS[name]), tmp_path / "x.csv").read_text().splitlines()[1:] == CSV[name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_array_of_text_comes_back_with_its_gaps(suffix, tmp_path):
    gaps = [np.dtypes.StringDType(na_object=gap) for gap in (None, np.nan, pd.NA)]
    for dtype in (*gaps, np.dtypes.StringDType()):
        values = np.array(["a", "" if dtype not in gaps else dtype.na_object], dtype=dtype)
        back = coma.load(
            coma.export(xr.Dataset({"v": ("n", values)}), tmp_path / f"x{suffix}", overwrite=True)
        )
        assert back["v"].dtype == values.dtype
        assert str(back["v"].to_numpy().tolist()) == str(values.tolist())


# ---------------------------------------------------------------------------------- what others expect


def through_netcdf4(data, path):
    return netCDF4.Dataset(coma.export(data, path))


def test_bool_with_holes_has_flags_in_netcdf(tmp_path):
    ds = as_dataset([True, None, False])
    with through_netcdf4(ds, tmp_path / "x.nc") as file:
        flags = file["v"]
        assert (flags.dtype, flags.flag_meanings, flags.flag_values.tolist()) == (
            np.int8,
            "false true",
            [0, 1],
        )
        assert flags[:].tolist() == [1, None, 0]
    xr.testing.assert_identical(coma.load(tmp_path / "x.nc"), ds)


def test_flags_of_the_user_stay(tmp_path):
    ds = as_dataset([True, None])
    ds["v"].attrs = {"flag_meanings": "off on"}
    xr.testing.assert_identical(coma.load(coma.export(ds, tmp_path / "x.nc")), ds)


def test_coordinates_have_no_fill_value_and_the_file_names_its_conventions(tmp_path):
    ds = xr.Dataset({"y": ("x", [1.0, 2.0])}, {"x": [1.0, np.nan], "k": ("x", [0.5, 1.5])}, {"title": "T"})
    with through_netcdf4(ds, tmp_path / "x.nc") as file:
        assert "_FillValue" not in {*file["x"].ncattrs(), *file["k"].ncattrs()}
        assert file.Conventions == "CF-1.9"
        assert file.history.endswith("exported by coma_xr, which added Conventions and history")
    xr.testing.assert_identical(coma.load(tmp_path / "x.nc"), ds)


def test_conventions_and_history_of_the_user_stay(tmp_path):
    ds = xr.Dataset(attrs={"Conventions": "ACDD-1.3", "history": "made by hand"})
    with through_netcdf4(ds, tmp_path / "x.nc") as file:
        assert file.Conventions == "ACDD-1.3"
        assert file.history.startswith("made by hand\n")
    xr.testing.assert_identical(coma.load(tmp_path / "x.nc"), ds)


def test_xarray_opens_zarr_without_a_warning(tmp_path):
    pytest.importorskip("zarr", reason="zarr is not installed")
    ds = xr.Dataset({"y": ("x", ["a", "b"]), "z": ("x", [1j, 2j])}, {"x": [1.5, 2.5]})
    path = coma.export(ds, tmp_path / "x.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xr.open_zarr(path, chunks=None)["y"].values.tolist() == ["a", "b"]
    xr.testing.assert_identical(coma.load(path), ds)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_data_array_is_exported_as_a_dataset(suffix, tmp_path):
    back = coma.load(coma.export(LABELLED, tmp_path / f"x{suffix}"))
    xr.testing.assert_identical(back["v"], LABELLED)
    assert coma.load(coma.export(LABELLED.rename(None), tmp_path / f"y{suffix}"))["values"].sum() == 3


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_more_dims_than_a_format_has(suffix, tmp_path, zarr_ends):
    """Parameters with one value become scalar coordinates in the file, and dims again when it is loaded."""
    if suffix == ".zarr":
        pytest.importorskip("zarr", reason="zarr is not installed")
    e = coma.Experiment(tmp_path / "e")
    scan = {f"p{i}": [i] for i in range(40)} | {"x": [1, 2]}
    e.run(lambda x, **_: {"y": x, "z": 1j, "l": [1, 2]}, scan, progress=False)
    ds = e.to_dataset()
    assert ds["y"].ndim == 41
    with pytest.warns(
        coma.ComaWarning, match="42 dims exceed the limit of netCDF and zarr, 32.*scalar coordinates"
    ):
        path = coma.export(ds, tmp_path / f"x{suffix}")
    assert_same(coma.load(path), ds)
    with xr.open_dataset(path, engine="zarr" if suffix == ".zarr" else "netcdf4") as raw:
        assert raw["y"].dims == ("x",)
        assert raw["p39"].item() == 39
    many = xr.Dataset({"v": ([f"d{i}" for i in range(33)], np.zeros((2, *[0] * 32)))})
    with pytest.raises(coma.LayoutError, match="layout='points'"):
        coma.export(many, tmp_path / f"many{suffix}")
    assert_same(coma.load(coma.export(ds, tmp_path / "x.json")), ds)


def test_an_external_array_of_more_dims_than_netcdf_has(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    with pytest.warns(coma.ComaWarning, match="it has 33 dims, more than netCDF holds. Expected at most 32"):
        e.run(lambda x: coma.external(np.zeros((1,) * 33)), {"x": [1]}, progress=False)


# ------------------------------------------------------------------------------------------- version 1


def old_frame():
    def column(*cells):
        return pd.Series(objects(cells), dtype=object)

    frame = pd.DataFrame(
        {
            "tuple": column((1, 2.0), None),
            "dict": column({1: "one"}, {"__type__": "wire"}),
            "complex": column(1 + 2j, None),
            "bytes": column(b"a\xff", b""),
            "datetime": column(
                dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime.fromisoformat("2024-01-01")
            ),
            "date": column(dt.date(2024, 1, 1), "x"),
            "time": column(dt.time(1), 2),
            "timedelta": column(dt.timedelta(1, 2, 3), None),
            "pandas": column(pd.Timestamp("2024-01-01", tz="Europe/Berlin"), pd.Timedelta(5, "s")),
            "more": column(pd.Period("2024-01", freq="M"), pd.Interval(0, 1)),
            "missing": column(pd.NA, pd.NaT),
            "array": column(np.array([1 + 2j]), np.array([b"ab"])),
            "times": column(np.array(["2024-01-01", "NaT"], "M8[ns]"), np.array([1], "m8[s]")),
            "objects": column(np.array([None, (1,)], dtype=object), np.float32(0.1)),
            "scalar": column(np.complex64(1j), np.datetime64("2024-01-01", "D")),
            "ints": column(np.array([1, 2]), np.array([3])),
            "flag": column(True, None),
        }
    )
    frame.attrs = {("a", 1): np.int64(3)}
    return frame


@pytest.mark.parametrize("suffix", [".csv", ".json", ".nc"])
def test_files_of_version_1_are_read(suffix):
    assert_same(coma.load(OLD / f"frame{suffix}"), old_frame())


def test_a_type_of_a_later_version_is_named(tmp_path):
    path = coma.export(as_frame([(1, 2), [3]]), tmp_path / "x.json")
    text = path.read_text()
    assert json.loads(text)
    path.write_text(text.replace("coma.tuple", "later"))
    with pytest.raises(coma.DataFileError, match="a value of type 'later', which this version does not know"):
        coma.load(path)
