"""Measurements as a table, and the table of paths."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr.errors import ComaWarning, LayoutError, PathError
from coma_xr.exports.formats import FORMATS, export, load
from coma_xr.retrieve.dataframe import build_dataframe
from coma_xr.retrieve.listings import paths_rows, paths_table
from coma_xr.values.plain import to_plain
from tests.retrieve.builders import PENDULUM, measured, pendulum


def test_a_row_for_each_measurement_with_parameters_and_results():
    df = build_dataframe(pendulum())
    assert df.index.name == "measurement_id"
    assert df.index.tolist() == list(range(1, 13))
    assert df.columns.tolist() == ["theta_0", "theta", "L", "t", "t_"]
    assert df.loc[2].tolist() == [-5.0, -2.5, 1.0, -0.25, 0.5]


def test_columns_have_real_dtypes():
    trees = measured(
        ({"n": 1, "on": True, "s": "a"}, {"x": 0.5, "k": 1, "ok": True, "text": "a"}),
        ({"n": 2, "on": False, "s": "b"}, {"x": None}),
    )
    df = build_dataframe(trees)
    assert df.dtypes[["n", "on", "x", "k", "ok"]].astype(str).tolist() == [
        "int64",
        "bool",
        "float64",
        "float64",
        "object",
    ]
    assert pd.api.types.is_string_dtype(df.s)
    assert df.s.tolist() == ["a", "b"]
    assert df.text.isna().tolist() == [False, True]
    assert df.ok.tolist() == [True, None]


def test_lists_are_columns_and_arrays_are_values():
    df = build_dataframe(
        measured(({}, {"E": [1, 2], "psi": np.arange(2)}), ({}, {"E": [3], "psi": np.arange(3)}))
    )
    assert df.columns.tolist() == ["E_1", "E_2", "psi"]
    assert df.E_1.tolist() == [1, 3]
    assert np.isnan(df.E_2[2])
    np.testing.assert_array_equal(df.psi[2], [0, 1, 2])


def test_named_variables_stand_behind_the_parameters():
    df = build_dataframe(pendulum(), variables={"twice": lambda m: 2 * m.results.t_, "T": "results/t"})
    assert df.columns.tolist() == ["theta_0", "theta", "L", "twice", "T"]
    df = build_dataframe(pendulum(), variables={"a": "parameters/theta", "L": "results/t"})
    assert df.columns.tolist() == ["theta_0", "parameters_L", "a", "L"]


def test_defined_parameters_come_first():
    df = build_dataframe(pendulum(), definition=[("length", "parameters/L"), *PENDULUM[1:]])
    assert df.columns.tolist() == ["length", "theta", "theta_0", "t", "t_"]


def test_a_default_fills_what_is_missing():
    trees = measured(({"a": 1}, {}), ({"a": 2, "L": 2.0}, {}))
    assert build_dataframe(trees, annotations={"parameters/L": {"default": 1.0}}).L.tolist() == [1.0, 2.0]


def test_columns_of_a_list_are_renamed_together_where_another_result_has_the_name_of_one():
    trees, notes = measured(({}, {"E": [1, 3], "E_1": 2})), {"results/E": {"units": "J"}}
    df = build_dataframe(trees, annotations=notes)
    assert df.iloc[0].to_dict() == {"results_E_1": 1, "results_E_2": 3, "E_1": 2}
    assert df.attrs == {"units": {"results_E_1": "J", "results_E_2": "J"}}
    assert build_dataframe(trees, variables=["results_E_2"]).iloc[0].to_dict() == {"results_E_2": 3}


def test_two_columns_of_one_given_name_are_an_error():
    with pytest.raises(LayoutError, match=r"Two columns would be called E_1\. Rename one of them\."):
        build_dataframe(measured(({}, {"E": [1], "x": 2})), variables={"E": "results/E", "E_1": "results/x"})


def test_an_unknown_path_names_the_near_ones():
    with pytest.raises(PathError) as error:
        build_dataframe(pendulum(), variables=["results/tt"])
    assert error.value.near == ("results/t", "results/t_")


def test_without_measurements_the_tables_are_empty():
    assert build_dataframe([]).empty
    assert build_dataframe([], variables=["t"]).index.name == "measurement_id"
    assert paths_table([]).columns.tolist()[:2] == ["path", "name"]
    assert paths_rows([]) == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"variables": ["t"]},
        {"index": "theta"},
        {"unfold": "rows"},
        {"annotations": {"results/t": {"units": "s"}}},
    ],
)
def test_a_condition_that_no_measurement_fulfils_leaves_the_columns_and_their_types(options):
    trees = pendulum()
    with pytest.warns(ComaWarning, match="None of the 12 measurements") as caught:
        df = build_dataframe(trees, where="theta > 1000", **options)
    assert len(caught) == 1
    whole = build_dataframe(trees, **options)
    pd.testing.assert_frame_equal(df, whole.iloc[:0])
    assert df.empty
    assert df.attrs == whole.attrs


def test_every_path_is_listed_with_what_it_holds():
    trees = measured(
        ({"N": 1, "model": {"parameters": {"N": 1}}}, {"E": [1.0], "name": "a"}),
        ({"N": 3, "model": {"parameters": {"N": 3}}}, {"E": [1.0, 2.0], "psi": np.ones((2, 2)), "name": "b"}),
    )
    trees[0][1]["__class__"] = "chain.Chain"
    table = paths_table(trees).set_index("path")
    assert table.columns.tolist() == ["name", "role", "type", "distinct", "range", "measurements"]
    assert table.loc["info/measurement_id"].tolist() == ["measurement_id", "info", "int", 2, "1 ... 2", 2]
    assert table.loc["parameters/N"].tolist() == ["N", "parameter", "int", 2, "1 ... 3", 2]
    assert table.loc["parameters/model/parameters/N", "role"] == "copy of parameters/N"
    assert table.loc["results/E"].tolist() == ["E", "result", "list of float", 2, "shape (1,) ... (2,)", 2]
    assert table.loc["results/name"].tolist() == ["name", "result", "str", 2, "a, b", 2]
    assert table.loc["results/psi"].tolist() == ["psi", "result", "array of float64", 1, "shape (2, 2)", 1]
    assert table.loc["__class__"].tolist() == ["__class__", "class", "str", 1, "chain.Chain", 1]


def test_mixed_values_are_told():
    trees = [(i, {"results": to_plain({"x": x})}) for i, x in enumerate([1, None, 2.5, float("nan")])]
    row = paths_table(trees).iloc[0]
    assert row["type"] == "int or None or float"
    assert row["distinct"] == 4
    assert row["range"] == "1, None, 2.5 and 1 more"
    assert paths_table([(1, {"x": float("nan")})]).iloc[0]["range"] == "nan"


def test_types_and_ranges_of_dates_and_data_arrays_are_told():
    results = {"day": dt.datetime(2026, 1, 2), "psi": xr.DataArray([1.0], dims="x"), "z": 1j}  # noqa: DTZ001
    table = paths_table(measured(({}, results))).set_index("path")
    assert table.loc["results/day", ["type", "range"]].tolist() == ["datetime", "2026-01-02 00:00:00"]
    assert table.loc["results/psi", "type"] == "DataArray"
    assert table.loc["results/z", ["type", "range"]].tolist() == ["complex", "1j"]


@pytest.mark.parametrize(
    ("values", "distinct", "text"),
    [
        ([1, "1"], 2, "1, '1'"),
        ([None, "None", None], 2, "None, 'None'"),
        ([1.0, float("nan"), 3.0], 3, "1 ... 3, nan"),
        ([float("inf"), float("nan")], 2, "inf, nan"),
        ([float("nan"), float("nan")], 1, "nan"),
    ],
)
def test_values_that_differ_are_counted_and_named(values, distinct, text):
    trees = [(at, {"results": {"y": value}}) for at, value in enumerate(values, 1)]
    assert paths_table(trees).loc[0, ["distinct", "range"]].tolist() == [distinct, text]


def test_the_table_of_paths_tells_of_values_that_cannot_be_written_as_text():
    "Python writes no int of many thousand digits, pandas no half of a surrogate pair."
    found = paths_table([(1, {"results": {"n": 10**5000, "l": [10**5000], "t": "a\ud800"}})])
    assert found.range.tolist() == ["an int of 16,610 bits", "shape (1,)", r"a\ud800"]


@pytest.mark.parametrize("texts", [("a\ud800", "b"), ("\udc80", None)])
@pytest.mark.parametrize("unfold", ["columns", "rows"])
def test_text_that_pandas_cannot_encode_is_kept_as_objects(texts, unfold, tmp_path):
    trees = measured(*[({"a": a}, {"t": text, "l": [text]}) for a, text in enumerate(texts)])
    frame = build_dataframe(trees, unfold=unfold)
    assert frame.t.tolist() == list(texts)
    assert frame.t.dtype == object
    for suffix in (suffix for suffix, format in FORMATS.items() if format.is_table):
        pd.testing.assert_frame_equal(load(export(frame, tmp_path / f"t{suffix}")), frame)
