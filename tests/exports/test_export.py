"""What other tools find in exported files; that nothing is overwritten, and nothing half-written seen."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr.errors import ExperimentError, LayoutError, SerializationError, StorageError
from coma_xr.experiment import Experiment
from coma_xr.exports.datasets import NOTE, encode
from coma_xr.exports.formats import FORMATS, export, load
from tests.output.kinds import EXACT, SUFFIXES, a_scan, cells, with_holes, zarr_ends

__all__ = ["zarr_ends"]


def through_a_file(ds, path):
    """Return what xarray alone reads from an exported Dataset, but for the two attributes that the CF conventions ask for."""
    back = xr.load_dataset(export(ds, path), engine="netcdf4")
    assert back.attrs.pop("Conventions") == "CF-1.9"
    assert "exported by coma_xr" in back.attrs.pop("history")
    return back


def note(thing):
    return json.loads(thing.attrs[NOTE])


PLAIN = {
    "float": np.array([1.5, np.nan]),
    "float32": np.array([1.5, 2], dtype="f4"),
    "int": np.array([1, -(2**63)]),
    "unsigned": np.array([1, 2**64 - 1], dtype="u8"),
    "small int": np.array([1, 2], dtype="i1"),
    "bool": np.array([True, False]),
    "text": np.array(["Ising", "é\n"]),
    "date": np.array(["2014-02-25T22:50:11", "2014-02-26"], dtype="M8[ns]"),
    "difference of dates": np.array([1, 2], dtype="m8[ns]"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_netcdf_knows_is_written_as_it_is(name, tmp_path):
    "Other tools see the same values, dtypes, coords and attributes, and no note of ours."
    values = PLAIN[name]
    ds = xr.Dataset(
        {"v": ("n", values, {"units": "K"} if values.dtype.kind not in "mM" else {})},
        coords={"n": ["a", "b"], "k": 3},
        attrs={"title": "T", "factor": 1.5},
    )
    back = through_a_file(ds, tmp_path / "x.nc")
    xr.testing.assert_identical(back, ds)
    assert {name: v.dtype for name, v in back.variables.items()} == {
        n: v.dtype for n, v in ds.variables.items()
    }


@pytest.mark.parametrize(
    ("values", "text", "said"),
    [
        (cells("a", None), ["a", ""], {"hole": ["", "None"]}),
        (cells("a", np.nan), ["a", ""], {"hole": ["", "NaN"]}),
        (cells("", None), ["", "<missing>"], {"hole": ["<missing>", "None"]}),
        (cells("", "<missing>", None), ["", "<missing>", "<<missing>>"], {"hole": ["<<missing>>", "None"]}),
        (cells("a", "b"), ["a", "b"], {}),
        (cells(None, None), ["null", "null"], {"cells": "json"}),
        (cells(1, "a", None, np.nan), ["1", '"a"', "null", "NaN"], {"cells": "json"}),
        (cells([1, 2.5], {"a": None}), ["[1, 2.5]", '{"a": null}'], {"cells": "json"}),
        (cells(2**70, "é"), [str(2**70), '"\\u00e9"'], {"cells": "json"}),
        (cells((1, 2.0), True), ['{"__type__": "coma.tuple", "items": [1, 2.0]}', "true"], {"cells": "json"}),
        (
            cells(np.arange(2, dtype="i1"), None),
            ["[0, 1]", "null"],
            {"cells": "json", "arrays": "int8"},
        ),
        (cells(np.arange(2), None), ["[0, 1]", "null"], {"cells": "json", "arrays": "int64"}),
        (cells(), [], {"cells": "json"}),
    ],
)
def test_cells_of_any_kind_are_text_with_a_note(values, text, said, tmp_path):
    ds = xr.Dataset({"v": ("n", values)})
    # From pandas 3 on, xarray makes NaN of None beside text.
    if any(cell is None for cell in values) and not any(cell is None for cell in ds.v.values):
        said = {"hole": [said["hole"][0], "NaN"]}
    back = through_a_file(ds, tmp_path / "x.nc")
    assert back.v.values.tolist() == text
    assert note(back.v) == {"dtype": "object", **said}


def test_pandas_own_dtypes_become_text_and_numbers(tmp_path):
    index = pd.Index(["a", "b"], dtype="str", name="model")
    frame = pd.DataFrame(
        {"n": pd.array([1, None], dtype="Int64"), "c": pd.Categorical(["x", "y"])}, index=index
    )
    back = through_a_file(frame.to_xarray(), tmp_path / "x.nc")
    assert back.n.values.tolist() == ["1", "null"]
    assert note(back.n) == {"dtype": "Int64", "cells": "json"}
    assert back.c.values.tolist() == ["x", "y"]
    said = note(back.c)["dtype"]
    assert said["ordered"] is False
    assert said["categories"]["values"]["list"] == ["x", "y"]
    assert back.model.values.tolist() == ["a", "b"]


def test_complex_numbers_are_two_reals(tmp_path):
    ds = xr.Dataset({"z": ("n", np.array([1 + 2j, 3]))})
    back = through_a_file(ds, tmp_path / "x.nc")
    assert back.z.dims == ("n", "complex_part")
    assert back.z.values.tolist() == [[1, 2], [3, 0]]
    assert note(back.z) == {"dtype": "complex128", "complex": "complex_part"}


def test_halves_become_floats_that_netcdf_has(tmp_path):
    back = through_a_file(xr.Dataset({"h": ("n", np.array([0.5, 1.5], dtype="f2"))}), tmp_path / "x.nc")
    assert back.h.dtype == np.float32
    assert note(back.h) == {"dtype": "float16"}


ODD = {
    "None": None,
    "bool": True,
    "dict": {"a": [1, None]},
    "list of one": [1],
    "list": [1, "a"],
    "big int": 2**70,
    "array": [[1, 2], [3, 4]],
    "with/slash": "text",
    "_FillValue": 0.0,
    "scale_factor": 2.0,
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_attributes_are_noted_and_change_no_value(name, tmp_path):
    value = np.array(ODD[name]) if name == "array" else ODD[name]
    ds = xr.Dataset({"v": ("n", [0.0, 1.0], {name: value, "units": "K"})}, attrs={name: value})
    back = through_a_file(ds, tmp_path / "x.nc")
    for thing in (back, back.v):
        key, stored = note(thing)["attrs"][0]
        assert key == name
        if name == "array":
            stored = np.array(stored["list"]).reshape(stored["shape"]).tolist()
        assert stored == ODD[name]
        # What netCDF holds, though not as it was, is there to be seen.
        assert thing.attrs.get(name) == (1 if name == "list of one" else None)
    assert note(back.v)["attrs"][1:] == [["units"]]
    assert back.v.values.tolist() == [0.0, 1.0]
    assert back.v.attrs["units"] == "K"


def test_units_that_look_like_a_time_do_not_make_one(tmp_path):
    ds = xr.Dataset({"v": ("n", [0.0, 1.0], {"units": "hours since the start"})})
    back = through_a_file(ds, tmp_path / "x.nc")
    assert back.v.dtype == np.float64
    assert note(back.v) == {"attrs": [["units", "hours since the start"]]}


def test_units_of_a_date_do_not_stop_it(tmp_path):
    ds = xr.Dataset({"v": ("n", np.array(["2014-02-25"], dtype="M8[ns]"), {"units": "UTC"})})
    assert note(through_a_file(ds, tmp_path / "x.nc").v) == {"attrs": [["units", "UTC"]]}


@pytest.mark.parametrize(
    ("name", "stored"),
    [("results/t", "results__t"), ("$E$", "_$E$"), ("t ", "t__"), ("", "_"), ("|psi|", "_|psi|"), (3, "3")],
)
def test_names_that_netcdf_refuses_are_changed_and_noted(name, stored, tmp_path):
    ds = xr.Dataset({name: ("a/b", [1.0])})
    back = through_a_file(ds, tmp_path / "x.nc")
    assert list(back) == [stored]
    assert back[stored].dims == ("a__b",)
    assert [stored, name] in note(back)["names"]


def test_names_never_meet(tmp_path):
    ds = xr.Dataset({"a/b": 1, "a__b": 2})
    back = through_a_file(ds, tmp_path / "x.nc")
    assert {name: int(back[name]) for name in back} == {"a__b_": 1, "a__b": 2}


def test_a_multi_index_becomes_its_levels(tmp_path):
    frame = pd.DataFrame(
        {"E": [1.0, 2.0]}, index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["n", "m"])
    )
    ds = xr.Dataset.from_dataframe(frame).stack(point=["n", "m"])
    back = through_a_file(ds, tmp_path / "x.nc")
    assert note(back) == {"multi_indexes": [["point", ["n", "m"], []]]}
    assert back.n.values.tolist() == [1, 1, 2, 2]


def test_no_dims_no_problem(tmp_path):
    ds = xr.Dataset(
        {"t": 1.5, "model": "Ising", "Es": ((), cells([1, 2])[0:1].reshape(()))}, coords={"L": 1.0}
    )
    back = through_a_file(ds, tmp_path / "x.nc")
    assert float(back.t) == 1.5
    assert str(back.model.values) == "Ising"
    assert str(back.Es.values) == "[1, 2]"
    text = export(ds, tmp_path / "x.csv").read_text()
    assert text == 'L,t,model,Es\n1.0,1.5,Ising,"[1, 2]"\n'


def test_an_empty_dataset_is_a_file_too(tmp_path):
    assert not through_a_file(xr.Dataset(), tmp_path / "x.nc")
    assert export(xr.Dataset({"t": ("n", np.zeros(0))}), tmp_path / "x.csv").read_text() == "n,t\n"


def test_what_has_no_form_is_an_error_that_names_the_variable(tmp_path):
    ds = xr.Dataset({"v": ("n", cells(len, 1))})
    with pytest.raises(SerializationError, match=r"'v': cannot store a builtin_function_or_method"):
        export(ds, tmp_path / "x.nc")
    with pytest.raises(
        SerializationError, match=r"the attribute 'who' of the Dataset: cannot store a builtin"
    ):
        export(xr.Dataset(attrs={"who": len}), tmp_path / "x.nc")
    assert not list(tmp_path.iterdir())


def test_the_dataset_given_stays_as_it_is():
    ds = xr.Dataset({"a/b": ("n", cells("x", None), {"odd": None})})
    before = ds.copy(deep=True)
    encode(ds)
    xr.testing.assert_identical(ds, before)


def test_csv_has_a_header_the_ids_and_exact_numbers(tmp_path):
    frame = pd.DataFrame(
        {
            "theta": [0.1 + 0.2, 1e-320],
            "n": [1, 2],
            "ok": [True, False],
            "model": ["Ising", 'a "b",\nc'],
            "Es": cells([1, 2.5], [0, 1]),
            "gap": [None, 1.5],
        },
        index=pd.Index([3, 12], name="measurement_id"),
    )
    path = export(frame, tmp_path / "x.csv")
    assert path.read_bytes().decode("utf-8") == (
        "measurement_id,theta,n,ok,model,Es,gap\n"
        '3,0.30000000000000004,1,True,Ising,"[1, 2.5]",\n'
        '12,1e-320,2,False,"a ""b"",\nc","[0, 1]",1.5\n'
    )
    back = pd.read_csv(path, index_col=0, **EXACT)
    assert back.theta.tolist() == frame.theta.tolist()


def test_long_arrays_are_written_in_full(tmp_path):
    frame = pd.DataFrame({"E": cells(np.arange(5000.0))})
    text = export(frame, tmp_path / "x.csv").read_text()
    assert "..." not in text
    assert text.startswith('E\n"[0.0, 1.0, ')


def test_csv_of_a_dataset_has_a_row_for_each_cell_with_a_value(tmp_path):
    ds = xr.Dataset(
        {"E": (("a", "b"), [[1.0, 2.0], [3.0, np.nan]])},
        coords={"a": ["x", "é"], "b": [1, 2], "measurement_id": (("a", "b"), [[1, 2], [4, 0]])},
    )
    text = export(ds, tmp_path / "x.csv").read_text("utf-8")
    assert text == "a,b,measurement_id,E\nx,1,1,1.0\nx,2,2,2.0\né,1,4,3.0\n"


def test_a_cell_that_a_measurement_filled_with_nan_has_a_row(tmp_path):
    "So has a label that nothing was measured at: nothing is lost."
    ds = xr.Dataset(
        {"E": (("a", "b"), [[1.0, np.nan, np.nan], [np.nan, np.nan, np.nan]])},
        coords={"a": [1, 2], "b": ["u", "v", "w"], "measurement_id": (("a", "b"), [[1, 2, 0], [0, 0, 0]])},
    )
    text = export(ds, tmp_path / "x.csv").read_text("utf-8")
    assert text == "a,b,measurement_id,E\n1,u,1,1.0\n1,v,2,\n1,w,0,\n2,u,0,\n"


def test_what_has_no_holes_keeps_all_its_rows(tmp_path):
    ds = xr.Dataset({"E": (("a", "b"), [[1.0, np.nan]]), "n": (("a", "b"), [[1, 0]])})
    assert export(ds, tmp_path / "x.csv").read_text("utf-8") == "a,b,E,n\n0,0,1.0,1\n0,1,,0\n"


def test_a_table_of_a_hundred_million_rows_is_refused(tmp_path):
    ds = xr.Dataset({"a": ("x", np.zeros(10_000)), "b": ("y", np.zeros(10_001))})
    said = r"The table would have 100010000 rows, one for each cell \(x: 10000 x y: 10001\)\."
    with pytest.raises(LayoutError, match=said):
        export(ds, tmp_path / "x.csv")


def test_columns_of_equal_names_are_numbered(tmp_path):
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert export(frame, tmp_path / "x.csv").read_text() == "a,a.1\n1,2\n"


def test_the_file_beside_a_csv_tells_its_types_to_any_tool(tmp_path):
    "As the W3C has it in CSV on the Web."
    data = {"n": [1], "x": [0.5], "ok": [True], "m": ["a"], "d": pd.to_datetime(["2014-02-25"]), "l": [[1]]}
    data |= {"t": pd.to_timedelta([-1.5], unit="s"), "z": [1j], "gap": cells(None), "i": cells(7)}
    export(pd.DataFrame(data), tmp_path / "x.csv")
    tree = json.loads((tmp_path / "x.csv-metadata.json").read_text())
    assert tree["@context"] == "http://www.w3.org/ns/csvw"
    assert tree["url"] == "x.csv"
    columns = {column["titles"]: column["datatype"] for column in tree["tableSchema"]["columns"]}
    assert columns == {
        "n": "integer",
        "x": "number",
        "ok": {"base": "boolean", "format": "True|False"},
        "m": "string",
        "d": "dateTime",
        "l": "json",
        "t": {"base": "decimal", "dc:description": "seconds"},
        "z.real": "number",
        "z.imag": "number",
        "gap": "json",
        "i": "integer",
    }
    text = (tmp_path / "x.csv").read_text()
    assert text.splitlines()[1] == "1,0.5,True,a,2014-02-25T00:00:00,[1],-1.5,0.0,1.0,,7"


def test_an_empty_text_is_told_from_none(tmp_path):
    export(pd.DataFrame({"n": [1, 2, 3], "m": cells("a", "", None)}), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "n,m\n1,a\n2,\n3,<missing>\n"
    tree = json.loads((tmp_path / "x.csv-metadata.json").read_text())
    assert tree["tableSchema"]["columns"][1] == {"titles": "m", "datatype": "string", "null": "<missing>"}


# --------------------------------------------------------------------------------------- other tools


def test_netcdf4_itself_reads_the_file(tmp_path):
    with netCDF4.Dataset(export(a_scan(), tmp_path / "x.nc")) as file:
        assert file["t"][:].tolist() == [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
        assert file["t"].dimensions == ("theta_0", "theta")
        assert file["t"].units == "s"
        assert file["model"][...] == "pendulum"
        assert file["n"].dtype == np.int64
        assert file.experiment_id == 1
        assert file.tags == "pendulum"


def test_dates_are_dates_for_other_tools(tmp_path):
    dates = np.array(["2014-02-25T22:50:11", "NaT"], "M8[ns]")
    ds = xr.Dataset(
        {"d": ("n", dates), "w": ("n", np.array(["1700-01-01", "2262-04-11T01:02:03.000000004"], "M8[ns]"))}
    )
    xr.testing.assert_identical(through_a_file(ds, tmp_path / "x.nc"), ds)
    with netCDF4.Dataset(tmp_path / "x.nc") as file:
        assert file["d"].units == "seconds since 1970-01-01"
        assert netCDF4.num2date(file["d"][0], file["d"].units).isoformat() == "2014-02-25T22:50:11"


def test_h5netcdf_reads_the_file(tmp_path):
    pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
    path = export(a_scan(), tmp_path / "x.nc")
    back = xr.load_dataset(path, engine="h5netcdf")
    assert back.t.equals(a_scan().t)
    assert back.model.item() == "pendulum"


def test_xarray_reads_a_json_file(tmp_path):
    tree = json.loads(export(a_scan(), tmp_path / "x.json").read_text("utf-8"))
    back = xr.Dataset.from_dict(tree)
    assert back.t.equals(a_scan().t)
    assert back.sel(theta_0=5.0, theta=0.25).Es.values.tolist() == [8.0, 9.0]


def test_pandas_reads_a_csv_file(tmp_path):
    back = pd.read_csv(export(with_holes(), tmp_path / "x.csv"))
    assert back.t.tolist()[0] == 0.1
    assert len(back) == 6
    wide = a_scan().to_dataframe().reset_index()
    back = pd.read_csv(export(a_scan(), tmp_path / "y.csv"), **EXACT)
    for name in wide:
        assert back[name].tolist() == wide[name].tolist()


def test_pandas_and_arrow_read_a_parquet_file(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    data = {"n": [1, 2], "ok": cells(True, None), "m": ["a", None], "d": pd.to_datetime(["2014-02-25", None])}
    path = export(pd.DataFrame({**data, "x": [0.5, np.nan]}), tmp_path / "x.parquet")
    rows = pq.read_table(path).to_pylist()
    assert rows[1] == {"n": 2, "ok": None, "m": None, "d": None, "x": None}
    assert rows[0]["ok"] is True
    assert pd.read_parquet(path).n.tolist() == [1, 2]


@pytest.mark.filterwarnings("ignore:The (codec|dtype) .* is currently not part")
def test_xarray_reads_a_zarr_directory(tmp_path):
    pytest.importorskip("zarr", reason="zarr is not installed")
    back = xr.open_zarr(export(a_scan(), tmp_path / "x.zarr"), consolidated=False, chunks=None).load()
    assert back.t.equals(a_scan().t)
    assert back.attrs["tags"] == ["pendulum"]
    assert back.model.item() == "pendulum"


# ------------------------------------------------------------------------------------------ overwriting


def test_a_dataframe_becomes_netcdf_too(tmp_path):
    frame = pd.DataFrame({"t": [1.5, 2.5]}, index=pd.Index([1, 2], name="measurement_id"))
    assert through_a_file(frame, tmp_path / "x.nc").t.sel(measurement_id=2) == 2.5


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_there_is_kept_unless_asked(suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    path.write_text("precious")
    ds = xr.Dataset({"t": ("n", [1.5])})
    with pytest.raises(StorageError, match=rf"this file exists already: .*x{suffix}"):
        export(ds, path)
    assert path.read_text() == "precious"
    assert export(ds, path, overwrite=True) == path
    xr.testing.assert_identical(load(path), ds)
    beside = [f"{path.name}-metadata.json"] if suffix == ".csv" else []
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, *beside]


def test_a_zarr_directory_is_replaced_as_a_whole_and_no_other_directory(tmp_path):
    pytest.importorskip("zarr", reason="zarr is not installed")
    path = export(xr.Dataset({"old": 1}), tmp_path / "x.zarr")
    with pytest.raises(StorageError, match=r"pass overwrite=True"):
        export(xr.Dataset({"new": 2}), path)
    xr.testing.assert_identical(load(path), xr.Dataset({"old": 1}))
    xr.testing.assert_identical(
        load(export(xr.Dataset({"new": 2}), path, overwrite=True)), xr.Dataset({"new": 2})
    )
    other = tmp_path / "other.zarr"
    other.mkdir()
    (other / "thesis.tex").write_text("precious")
    with pytest.raises(StorageError, match=r"this directory has no zarr data, so it is not replaced"):
        export(xr.Dataset(), other, overwrite=True)
    assert (other / "thesis.tex").read_text() == "precious"


def test_the_types_of_another_table_are_not_overwritten(tmp_path):
    beside = tmp_path / "x.csv-metadata.json"
    beside.write_text('{"@context": "http://www.w3.org/ns/csvw", "url": "x.csv"}')
    with pytest.raises(StorageError, match=r"the file for the types exists already"):
        export(xr.Dataset({"t": 1.5}), tmp_path / "x.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.csv-metadata.json"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_half_written_appears(suffix, tmp_path, monkeypatch):
    "What is written has another name until all of it is there, and leaves no trace when that fails."

    def stop(*arguments):
        assert [path for path in os.listdir(tmp_path) if path != f"x{suffix}"]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(StorageError, match="no space is left on the device"):
        export(xr.Dataset({"t": ("n", [1.5])}), tmp_path / f"x{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_directory_that_is_not_there_is_an_error(suffix, tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        export(xr.Dataset({"t": ("n", [1.5])}), tmp_path / "nowhere" / f"x{suffix}")
    assert not list(tmp_path.iterdir())


def test_an_unknown_ending_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(
        ExperimentError,
        match=r"x.cvs' does not end in a known format.\nAvailable: .csv, .json, .nc, .parquet, .zarr.\nDid you mean '.csv'\?",
    ):
        export(xr.Dataset(), tmp_path / "x.cvs")
    with pytest.raises(
        ExperimentError, match=r"x' does not end in a known format.\s+Available: .csv, .json, .nc"
    ):
        export(xr.Dataset(), tmp_path / "x")


@pytest.mark.parametrize("suffix", [suffix for suffix, format in FORMATS.items() if format.package])
def test_a_package_that_is_missing_is_named_with_the_command(suffix, tmp_path, monkeypatch):
    package, extra = FORMATS[suffix].package, FORMATS[suffix].extra
    monkeypatch.setitem(sys.modules, package, None)
    said = rf"{suffix} needs the package {package}, which is not installed.\s+Install it: pip install \"coma_xr\[{extra}\]\""
    with pytest.raises(ExperimentError, match=said):
        export(xr.Dataset(), tmp_path / f"x{suffix}")
    with pytest.raises(ExperimentError, match=said):
        load(tmp_path / f"x{suffix}")
    assert not list(tmp_path.iterdir())


def test_only_datasets_and_dataframes_are_exported(tmp_path):
    with pytest.raises(
        ExperimentError, match=r"a list cannot be exported\. Expected a Dataset, DataArray or DataFrame\."
    ):
        export([1], tmp_path / "x.nc")
    with pytest.raises(ExperimentError, match=r"cannot be exported"):
        export(Experiment(tmp_path / "e"), tmp_path / "x.nc")


@pytest.fixture
def short_files():
    """Let no file be longer than 20,000 bytes, as on a full disk."""
    resource = pytest.importorskip("resource", reason="there are no limits of resources here")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_error_of_the_file_system_is_named_whatever_the_library_makes_of_it(suffix, tmp_path, short_files):
    ds = xr.Dataset({"y": ("x", np.random.default_rng(0).random(50_000))})
    with pytest.raises(StorageError, match="file too large") as caught:
        export(ds, tmp_path / f"a{suffix}")
    assert caught.value.errno == errno.EFBIG
    assert os.listdir(tmp_path) == []


def test_an_error_of_a_library_alone_is_a_storage_error(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("NetCDF: HDF error")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(StorageError, match="netCDF cannot write it: NetCDF: HDF error"):
        export(xr.Dataset({"y": ("x", [1.0])}), tmp_path / "a.nc")
    assert os.listdir(tmp_path) == []
