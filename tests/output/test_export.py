"""Datasets and DataFrames into netCDF and CSV: nothing fails, nothing changes unseen, nothing is overwritten."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr.errors import ExperimentError, SerializationError, StorageError
from coma_xr.output.encoding import NOTE, encode
from coma_xr.output.export import export


def cells(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def through_a_file(ds, path):
    """Return what xarray alone, without any help of ours, reads from an exported Dataset."""
    return xr.load_dataset(export(ds, path), engine="netcdf4")


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
        (cells(True, None), ["true", "null"], {"cells": "json"}),
        (cells(None, None), ["null", "null"], {"cells": "json"}),
        (cells(1, "a", None, np.nan), ["1", '"a"', "null", "NaN"], {"cells": "json"}),
        (cells([1, 2.5], {"a": None}), ["[1, 2.5]", '{"a": null}'], {"cells": "json"}),
        (cells(2**70, "é"), [str(2**70), '"\\u00e9"'], {"cells": "json"}),
        (cells((1, np.float64(2)), np.True_), ["[1, 2.0]", "true"], {"cells": "json"}),
        (
            cells(np.arange(2), None),
            ['{"__type__": "numpy.ndarray", "shape": [2], "list": [0, 1], "dtype": "int64"}', "null"],
            {"cells": "json"},
        ),
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
    assert note(back.c) == {"dtype": "category"}
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
        [[key, stored]] = note(thing)["attrs"]
        assert key == name
        if name == "array":
            stored = np.array(stored["list"]).reshape(stored["shape"]).tolist()
        assert stored == ODD[name]
        assert name not in thing.attrs
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
    assert note(back) == {"multi_indexes": {"point": ["n", "m"]}}
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
    assert text == 't,model,Es,L\n1.5,Ising,"[1, 2]",1.0\n'


def test_an_empty_dataset_is_a_file_too(tmp_path):
    assert not through_a_file(xr.Dataset(), tmp_path / "x.nc")
    assert export(xr.Dataset({"t": ("n", np.zeros(0))}), tmp_path / "x.csv").read_text() == "n,t\n"


def test_what_has_no_form_is_an_error_that_names_the_variable(tmp_path):
    ds = xr.Dataset({"v": ("n", cells({1, 2}, 1))})
    with pytest.raises(
        SerializationError, match=r"'v' holds a set, which cannot be exported. Exported are numbers"
    ):
        export(ds, tmp_path / "x.nc")
    with pytest.raises(SerializationError, match=r"the attribute 'who' of the Dataset holds a set"):
        export(xr.Dataset(attrs={"who": {1}}), tmp_path / "x.nc")
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
            "Es": cells([1, 2.5], np.arange(2)),
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
    back = pd.read_csv(path, index_col=0)
    assert back.theta.tolist() == frame.theta.tolist()


def test_long_arrays_are_written_in_full(tmp_path):
    frame = pd.DataFrame({"E": cells(np.arange(5000.0))})
    text = export(frame, tmp_path / "x.csv").read_text()
    assert "..." not in text
    assert text.startswith('E\n"[0.0, 1.0, ')


def test_csv_of_a_dataset_has_a_row_for_each_cell(tmp_path):
    ds = xr.Dataset({"E": (("a", "b"), [[1.0, 2.0], [3.0, np.nan]])}, coords={"a": ["x", "é"], "b": [1, 2]})
    text = export(ds, tmp_path / "x.csv").read_text("utf-8")
    assert text == "a,b,E\nx,1,1.0\nx,2,2.0\né,1,3.0\né,2,\n"


def test_columns_of_equal_names_are_all_written(tmp_path):
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert export(frame, tmp_path / "x.csv").read_text() == "a,a\n1,2\n"


def test_a_dataframe_becomes_netcdf_too(tmp_path):
    frame = pd.DataFrame({"t": [1.5, 2.5]}, index=pd.Index([1, 2], name="measurement_id"))
    assert through_a_file(frame, tmp_path / "x.nc").t.sel(measurement_id=2) == 2.5


@pytest.mark.parametrize("name", ["x.nc", "x.csv"])
def test_a_file_that_is_there_is_kept_unless_asked(name, tmp_path):
    path = tmp_path / name
    path.write_text("precious")
    ds = xr.Dataset({"t": ("n", [1.5])})
    with pytest.raises(
        StorageError, match=rf"already; take another name, or replace it with overwrite=True.*{name}"
    ):
        export(ds, path)
    assert path.read_text() == "precious"
    assert export(ds, path, overwrite=True) == path
    assert path.read_bytes()[:8] != b"precious"
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["x.nc", "x.csv"])
def test_nothing_half_written_appears(name, tmp_path, monkeypatch):
    "What is written has another name until all of it is there, and leaves no trace when that fails."

    def stop(*arguments):
        assert [path for path in os.listdir(tmp_path) if path != name]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(StorageError, match="no space is left on the device"):
        export(xr.Dataset({"t": ("n", [1.5])}), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.nc", "x.csv"])
def test_a_directory_that_is_not_there_is_an_error(name, tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        export(xr.Dataset({"t": ("n", [1.5])}), tmp_path / "nowhere" / name)
    assert not list(tmp_path.iterdir())


def test_an_unknown_ending_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(
        ExperimentError, match=r"and '.cvs' is not known. There is: .csv, .nc. Did you mean '.csv'\?"
    ):
        export(xr.Dataset(), tmp_path / "x.cvs")
    with pytest.raises(ExperimentError, match=r"and '' is not known. There is: .csv, .nc."):
        export(xr.Dataset(), tmp_path / "x")


def test_only_datasets_and_dataframes_are_exported(tmp_path):
    with pytest.raises(
        ExperimentError, match=r"A Dataset or a DataFrame can be exported, this is a DataArray. Use"
    ):
        export(xr.DataArray([1]), tmp_path / "x.nc")
    with pytest.raises(ExperimentError, match=r"this is a list\.$"):
        export([1], tmp_path / "x.nc")
