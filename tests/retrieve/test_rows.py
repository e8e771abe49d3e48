"""Tables: options of DataFrames, and their long form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.define.conditions import P
from coma_xr.errors import LayoutError, PathError
from coma_xr.retrieve.dataframe import build_dataframe, long_columns
from coma_xr.retrieve.dataset import build_dataset
from tests.retrieve.builders import measured


def trees():
    return measured(
        *[({"a": a, "L": 1.0}, {"t": [0.0, 0.5], "x": [0.0, a * 0.5], "E": a, "P": [a]}) for a in (1, 2)]
    )


def test_lists_of_equal_lengths_stand_side_by_side_others_below():
    df = build_dataframe(trees(), unfold="rows")
    assert list(df.columns) == ["a", "L", "E", "t_index", "P_index", "t", "x", "P"]
    assert df.index.tolist() == [1, 1, 1, 2, 2, 2]
    first = df.loc[2]
    assert first.t.tolist()[:2] == [0.0, 0.5]
    assert first.x.tolist()[:2] == [0.0, 1.0]
    assert first.t_index.tolist()[:2] == [1.0, 2.0]
    assert first.P.tolist()[2] == 2.0
    assert first.P.isna().tolist() == [True, True, False]
    assert first.E.tolist() == [2, 2, 2]


def test_annotated_dims_name_the_numbers_and_bring_ragged_lists_together():
    ragged = measured(({"a": 1}, {"t": [1, 2], "x": [5]}), ({"a": 2}, {"t": [3], "x": []}))
    notes = {"results/t": {"dims": ["time"]}, "results/x": {"dims": "time"}}
    df = build_dataframe(ragged, unfold="rows", annotations=notes)
    assert list(df.columns) == ["a", "time", "t", "x"]
    assert df.time.tolist() == [1, 2, 1]
    assert df.t.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(df.x, [5, np.nan, np.nan])
    with pytest.raises(LayoutError, match="'t' was given the dims time, site, but has lists of 1 levels"):
        build_dataframe(ragged, unfold="rows", annotations={"results/t": {"dims": ["time", "site"]}})


LABELLED = {"results/x": {"dims": ["time"], "coords": {"time": "results/t"}}}


@pytest.mark.parametrize("as_array", [list, np.array, lambda v: xr.DataArray(v, dims="i"), pd.Series])
def test_coordinates_that_were_annotated_label_their_rows_as_in_the_dataset(as_array):
    t = as_array([0.0, 0.5])
    trees = measured(*[({"a": a}, {"t": t, "x": as_array([1.0 * a, 2.0 * a])}) for a in (1, 2)])
    notes = {**LABELLED, "results/t": {"units": "s"}}
    df = build_dataframe(trees, unfold="rows", annotations=notes)
    assert df.columns.tolist() == ["a", "time", "x"]
    assert df.time.tolist() == build_dataset(trees, annotations=notes).time.values.tolist() * 2
    assert df.attrs["units"] == {"time": "s"}
    table = build_dataframe(trees, variables=["x"], unfold="rows", annotations=notes)
    pd.testing.assert_frame_equal(table, df)


def test_labels_that_differ_or_are_missing_are_those_of_each_measurement():
    ragged = [
        ({"a": 1}, {"t": [1.0], "x": [5, 6]}),
        ({"a": 2}, {"t": [2.0, 3.0], "x": [7]}),
        ({"a": 3}, {"x": [8]}),
    ]
    df = build_dataframe(measured(*ragged), unfold="rows", annotations=LABELLED)
    np.testing.assert_array_equal(df.time, [1, np.nan, 2, np.nan])
    # What all others agree on is the label of a measurement without one, as in a Dataset.
    df = build_dataframe(measured(*ragged[1:]), unfold="rows", annotations=LABELLED)
    assert df.time.tolist() == [2, 2]


def test_a_coordinate_of_two_levels_and_one_of_all_items():
    notes = {
        "results/x": {"dims": ["i", "j"], "coords": {"j": "results/t", "weight": "results/w"}},
    }
    trees = measured(({"a": 1}, {"x": [[1, 2], [3]], "t": ["p", "q"], "w": [[5, 6], [7]]}))
    df = build_dataframe(trees, unfold="rows", annotations=notes)
    assert df.drop(columns="a").values.tolist() == [
        [1, "p", 5, 1],
        [1, "q", 6, 2],
        [2, "p", 7, 3],
    ]


def test_a_coordinate_without_dims_is_one_value_of_each_measurement():
    notes = {"results/x": {"coords": {"temperature": "results/T"}}}
    trees = measured(({"a": 1}, {"x": [5, 6], "T": 300}), ({"a": 2}, {"x": [7], "T": 400}))
    df = build_dataframe(trees, unfold="rows", annotations=notes)
    assert df[["temperature", "x"]].values.tolist() == [[300, 5], [300, 6], [400, 7]]
    assert build_dataset(trees, annotations=notes).temperature.values.tolist() == [300, 400]
    lists = measured(({"a": 1}, {"x": [5, 6], "T": [1, 2, 3]}))
    assert build_dataframe(lists, unfold="rows", annotations=notes)["T"].dropna().tolist() == [1, 2, 3]


def test_what_labels_no_rows_stays_a_column():
    trees = measured(({"a": 1}, {"x": 5, "t": [1.0, 2.0]}))
    df = build_dataframe(trees, unfold="rows", annotations=LABELLED)
    assert df.t.tolist() == [1, 2]


def test_a_coordinate_without_lists_is_an_error_as_in_a_dataset():
    trees = measured(({"a": 1}, {"x": [5], "t": "a"}))
    for build in (build_dataset, lambda *a, **k: build_dataframe(*a, **k, unfold="rows")):
        with pytest.raises(LayoutError) as error:
            build(trees, annotations=LABELLED)
        assert error.value.name == "time"


def test_arrays_and_nested_lists_have_a_number_for_each_level():
    df = build_dataframe(measured(({"a": 1}, {"N": [[1, 2], [3]], "M": np.ones((1, 2))})), unfold="rows")
    assert df[["N_index", "N_index_2"]].dropna().values.tolist() == [[1, 1], [1, 2], [2, 1]]
    assert df[["M_index", "M_index_2"]].dropna().values.tolist() == [[1, 1], [1, 2]]
    array = xr.DataArray([1.0, 2.0], dims="x")
    assert list(build_dataframe(measured(({}, {"psi": array})), unfold="rows").columns) == ["x", "psi"]


def test_all_coordinates_of_data_arrays_are_columns():
    coords = {"x": [0.25, 0.5], "place": ("x", ["p", "q"]), "T": 300.0, "both": (("x", "psi"), [[1], [2]])}
    psi = xr.DataArray([[1.0], [2.0]], coords, ["x", "psi"])
    E = xr.DataArray([5, 6], {"x": [0.25, 0.5], "T": 400.0}, ["x"])
    other = xr.DataArray([7, 8], {"x": [1, 2]}, ["x"])
    df = build_dataframe(measured(({"a": 1}, {"psi": psi, "E": E, "F": E + 1, "o": other})), unfold="rows")
    df = df.astype(object).where(df.notna(), None)
    assert df[["x", "psi_psi", "place", "T", "both", "psi"]].head(2).values.tolist() == [
        [0.25, 1, "p", 300.0, 1, 1.0],
        [0.5, 1, "q", 300.0, 2, 2.0],
    ]
    assert df[["x", "T", "E", "F", "o"]].iloc[2:].values.tolist() == [
        [0.25, 400.0, 5, 6, None],
        [0.5, 400.0, 6, 7, None],
        [1, None, None, None, 7],
        [2, None, None, None, 8],
    ]


def test_a_dim_with_the_name_of_a_parameter_gets_another_name():
    array = xr.DataArray([1.0, 2.0], {"a": [5, 6]}, ["a"])
    df = build_dataframe(measured(({"a": 1}, {"psi": array})), unfold="rows")
    assert df[["a", "psi_a", "psi"]].values.tolist() == [[1, 5, 1], [1, 6, 2]]


def test_coordinates_of_data_arrays_label_their_rows():
    array = xr.DataArray([1.0, 2.0], {"x": [0.25, 0.5]}, ["x"])
    df = build_dataframe(measured(({"a": 1}, {"psi": array}), ({"a": 2}, {"psi": 2 * array})), unfold="rows")
    assert df.x.tolist() == [0.25, 0.5] * 2
    assert df.psi.tolist() == [1.0, 2.0, 2.0, 4.0]
    df = build_dataframe(measured(({"a": 1}, {"psi": array, "E": xr.DataArray(2)})))
    assert isinstance(df.psi[1], np.ndarray)
    assert df.E.tolist() == [2]


def test_a_measurement_with_an_empty_list_keeps_its_row():
    df = build_dataframe(measured(({"a": 1}, {"E": []}), ({"a": 2}, {"E": [7]})), unfold="rows")
    assert df.index.tolist() == [1, 2]
    assert df.a.tolist() == [1, 2]


def test_without_lists_rows_are_measurements():
    pd.testing.assert_frame_equal(
        build_dataframe(measured(({"a": 1}, {"E": 2})), unfold="rows"),
        build_dataframe(measured(({"a": 1}, {"E": 2}))),
    )


def test_the_index_may_be_parameters():
    df = build_dataframe(trees(), variables=["E"], index=["a", "parameters/L"])
    assert df.index.names == ["a", "L"]
    assert df.columns.tolist() == ["measurement_id", "E"]
    assert df.loc[(2, 1.0), "E"] == 2
    assert build_dataframe(trees(), index="a").index.tolist() == [1, 2]
    with pytest.raises(PathError, match="'aa'"):
        build_dataframe(trees(), index="aa")
    with pytest.raises(LayoutError, match="index=t: lists are several columns and label no rows"):
        build_dataframe(trees(), index="t")


def test_units_are_in_the_attributes():
    notes = {"results/x": {"units": "m"}, "parameters/a": {"units": "s", "long_name": "age"}}
    df = build_dataframe(trees(), annotations=notes)
    assert df.attrs == {"units": {"a": "s", "x_1": "m", "x_2": "m"}, "long_name": {"a": "age"}}
    assert build_dataframe(trees(), annotations=notes, index="a", unfold="rows").attrs["units"]["x"] == "m"


def test_only_what_is_chosen_and_not_excluded_is_there():
    assert build_dataframe(trees(), where=P.E > 1).index.tolist() == [2]
    assert build_dataframe(trees(), excluded={2}).index.tolist() == [1]


def test_infos_have_real_types():
    table = trees()
    for _, tree in table:
        tree["info"] |= {"start_date": "2026-11-22T13:20:07Z", "repeat": tree["info"]["measurement_id"]}
    df = build_dataframe(table, variables=["info/start_date"])
    assert df.start_date.dtype.kind == "M"
    assert df.repeat.tolist() == [1, 2]


def test_another_unfold_is_an_error():
    with pytest.raises(LayoutError, match=r"unfold='long' is unknown\. Available: columns, rows\."):
        build_dataframe(trees(), unfold="long")


@given(
    st.lists(st.lists(st.integers(), max_size=4), max_size=6), st.lists(st.integers(), min_size=6, max_size=6)
)
def test_the_long_form_has_every_item_once_beside_what_it_belongs_to(lists, others):
    columns, rows = long_columns({"a": others[: len(lists)], "E": lists}, {}, len(lists))
    expected = [
        (row, number, item) for row, items in enumerate(lists) for number, item in enumerate(items, 1)
    ]
    if expected:
        found = [
            (row, number, item)
            for row, number, item in zip(rows, columns["E_index"], columns["E"], strict=True)
            if isinstance(number, int)
        ]
        assert found == expected
        assert columns["a"] == [others[row] for row in rows]
    assert sorted(set(rows)) == list(range(len(lists)))


def test_a_dictionary_that_looks_like_a_stored_form_is_one_value_in_rows(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    odd = {"__type__": "coma.complex", "real": 1}
    e.run(lambda x: {"odd": odd, "E": [1, 2]}, {"x": [1]}, progress=False)
    assert e.to_dataframe(unfold="rows")["odd"].tolist() == [odd, odd]
    assert e.to_dataframe(["odd"]).loc[1, "odd"] == e.to_dataset(["odd"]).odd.item() == odd
