"""Coma's tables, compared with what Coma 2 answered."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from coma_xr.define.conditions import P
from coma_xr.define.parameters import ParameterSet
from coma_xr.encoding.formats import format_of
from coma_xr.errors import ComaWarning, LayoutError, PathError
from coma_xr.retrieve.tables import Result, ResultList, retrieve_results
from tests.retrieve.builders import measured, pendulum

DATA = Path(__file__).parents[1] / "data" / "coma2"
ANSWERS = [
    answer
    for answer in json.loads((DATA / "expected.json").read_text())
    if (DATA / answer["experiment"]).is_dir()
]

TABLE = [("theta", "parameters/theta"), ("t", "results/t"), ("t_", "results/t_")]


def trees_of(directory):
    (experiment,) = (path for path in directory.glob("experiment.*") if path.suffix in (".json", ".xml"))
    decode = format_of(experiment.name).decode
    stored = decode(experiment.read_bytes())["experiment"].get("measurements")
    if stored is None:
        files = sorted(directory.glob("measurement.0*"))
        stored = [decode(file.read_bytes())["measurement"] for file in files]
    return [(tree["info"]["measurement_id"], tree) for tree in stored]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["experiment"])
def test_the_tables_are_those_of_coma_2(answer):
    trees = trees_of(DATA / answer["experiment"])
    results = retrieve_results(trees, answer["table_definition"], answer["parameter_set_definition"])
    found = [
        {
            "parameters": list(result.parameters),
            "table_columns": list(result.table_columns),
            "shape": list(result.table.shape),
            "table": result.table.tolist(),
            "measurement_ids": result.measurement_ids,
        }
        for result in results
    ]
    assert found == answer["results"]


def test_there_are_answers_to_compare_with():
    assert len(ANSWERS) >= 12


def test_results_show_themselves_as_in_the_tutorial():
    results = retrieve_results(pendulum(), TABLE, [("theta_0", "parameters/theta_0")])
    assert repr(results) == (
        "[Result((theta,t,t_),(theta_0=-5.0)),\n"
        " Result((theta,t,t_),(theta_0=-30.0)),\n"
        " Result((theta,t,t_),(theta_0=-60.0))]"
    )
    assert results[0].table_columns == ("theta", "t", "t_")
    assert results[0].parameters.theta_0 == -5.0
    assert results[0].table.shape == (4, 3)
    assert results[0].table_definition == dict(TABLE)


def test_results_are_filtered_by_name_or_path_and_chained():
    trees = measured(*[({"A": a, "B": b}, {"E": a + b}) for a in (1, 2) for b in (1.0, 2.0)])
    results = retrieve_results(trees, [("E", "results/E")], [("A", "parameters/A"), ("B", "parameters/B")])
    assert [r.measurement_ids for r in results["A", 1]] == [[1], [2]]
    assert [r.measurement_ids for r in results["A", 1.0]["parameters/B", 2]] == [[2]]
    assert isinstance(results[1:], ResultList)
    assert isinstance(results["A", 3], ResultList)
    assert list(results["A", 3]) == []


def test_a_filter_by_an_unknown_parameter_names_the_known_ones():
    results = retrieve_results(pendulum(), TABLE, [("theta_0", "parameters/theta_0")])
    with pytest.raises(PathError, match=r"Available: theta_0\. Did you mean 'theta_0'\?"):
        results["theta_1", -5.0]


def test_without_parameters_there_is_one_table():
    (result,) = retrieve_results(pendulum(), TABLE)
    assert repr(result) == "Result((theta,t,t_),())"
    assert result.table.shape == (12, 3)


def test_arrays_are_values_and_lists_are_columns():
    trees = measured(({"a": 1}, {"list": [1, 2], "array": np.arange(3)}))
    (result,) = retrieve_results(trees, [("l", "results/list"), ("a", "results/array")])
    assert result.table_columns == ("l_1", "l_2", "a")
    assert result.table.dtype == object
    np.testing.assert_array_equal(result.table[0, 2], np.arange(3))


def test_parameters_that_are_lists_tell_results_apart():
    trees = measured(({"s": [1, 2]}, {"E": 1}), ({"s": [1, 3]}, {"E": 2}), ({"s": [1, 2]}, {"E": 3}))
    results = retrieve_results(trees, [("E", "results/E")], [("s", "parameters/s")])
    assert [r.measurement_ids for r in results] == [[1, 3], [2]]
    assert results["s", (1, 3)][0].measurement_ids == [2]


def test_true_and_one_are_different_parameters_and_nan_is_one():
    trees = measured(*[({"a": a}, {"E": 0}) for a in (1, True, 1.0, float("nan"), float("nan"))])
    results = retrieve_results(trees, [("E", "results/E")], [("a", "parameters/a")])
    assert [r.measurement_ids for r in results] == [[1, 3], [2], [4, 5]]


def test_lists_of_unequal_length_are_an_error_under_the_same_parameters_only():
    trees = measured(({"a": 1}, {"E": [1]}), ({"a": 2}, {"E": [1, 2]}))
    results = retrieve_results(trees, [("E", "results/E")], [("a", "parameters/a")])
    assert [r.table_columns for r in results] == [("E_1",), ("E_1", "E_2")]
    with pytest.raises(
        LayoutError,
        match=r"results/E has lists of unequal length, or .*, such as in the measurements 1 and 2 of one table\.",
    ):
        retrieve_results(trees[::-1], [("E", "results/E")])


def test_what_lacks_a_path_is_left_out_and_counted():
    trees = measured(({"a": 1}, {"E": 1}), ({"a": 2}, {}), ({}, {"E": 3}))
    with pytest.warns(
        ComaWarning, match=r"^2 of 3 measurements lack results/E, parameters/a and are left out\.$"
    ):
        (result,) = retrieve_results(trees, [("E", "results/E")], [("a", "parameters/a")])
    assert result.measurement_ids == [1]


def test_a_path_that_no_measurement_has_names_the_near_ones():
    with pytest.raises(PathError) as error:
        retrieve_results(pendulum(), [("t", "results/tt")])
    assert (error.value.name, error.value.near) == ("results/tt", ("results/t", "results/t_"))


def test_a_table_without_columns_says_what_is_expected():
    with pytest.raises(
        PathError, match=r"The table has no columns\. Expected at least one, such as \('t', 'results/t'\)\."
    ):
        retrieve_results(pendulum(), [])


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            (("t", "results/t"), ("theta", "parameters/theta")),
            r"table_definition=\('t', 'results/t'\) is not a list\.",
        ),
        (
            (TABLE, ("t", "results/t")),
            r"parameter_set_definition=\('t', 'results/t'\) is not a list\.",
        ),
        (("results/t",), r"table_definition='results/t' is not a list\."),
        ((TABLE, "theta"), r"parameter_set_definition='theta' is not a list\."),
        ((("t", "t_"),), r"table_definition=\('t', 't_'\) is not a list\."),
    ],
)
def test_pairs_that_are_not_in_a_list_are_refused_with_the_right_form(given, text):
    with pytest.raises(PathError, match=text):
        retrieve_results(pendulum(), *given)


def test_a_mapping_of_names_to_paths_defines_columns_too():
    (result,) = retrieve_results(pendulum(), {"angle": "parameters/theta"})
    assert list(result.table_definition) == ["angle"]


def test_without_measurements_there_are_no_results():
    assert retrieve_results([], TABLE) == []


# Conditions, Datasets and DataFrames


def levels():
    trees = measured(
        *[({"A": a, "m": m}, {"E": [a, 2 * a], "s": m, "n": a}) for a in (1, 2) for m in ("x", "y")]
    )
    table = [("E", "results/E"), ("s", "results/s"), ("n", "results/n")]
    return retrieve_results(trees, table, [("A", "parameters/A")])


def test_results_are_chosen_by_conditions_on_their_parameters():
    results = retrieve_results(pendulum(), TABLE, [("theta_0", "parameters/theta_0"), ("L", "parameters/L")])
    assert [r.parameters.theta_0 for r in results[P.theta_0 < -5]] == [-30.0, -60.0]
    assert [r.parameters.theta_0 for r in results["-50 < theta_0 < -5"]] == [-30.0]
    assert len(results[P["parameters/L"] == 1]) == 3
    assert len(results[lambda p: p.theta_0 == -5]) == 1
    with pytest.warns(ComaWarning, match="None of the 3 results fulfils the condition L == 2"):
        assert isinstance(results[P.L == 2], ResultList)
    with pytest.raises(PathError, match="'theta'.*Did you mean 'theta_0'"):
        results[P.theta > 1]
    with pytest.raises(TypeError, match="the same for all measurements"):
        results[np.True_]


def test_tables_become_a_dataset_with_lists_and_types():
    ds = levels().to_dataset()
    assert ds.E.dims == ("A", "row", "E_index")
    assert ds.E.sel(A=2, E_index=2).values.tolist() == [4, 4]
    assert ds.n.dtype == np.int64
    assert ds.s.values.tolist() == [["x", "y"], ["x", "y"]]
    assert ds.E.attrs == {"path": "results/E", "name": "E"}
    assert ds.A.attrs == {"path": "parameters/A", "name": "A"}
    assert ds.measurement_id.values.tolist() == [[1, 2], [3, 4]]
    assert not ResultList().to_dataset().variables


def test_tables_become_a_dataframe():
    df = levels()["A", 2].to_dataframe()
    assert df.columns.tolist() == ["A", "E_1", "E_2", "s", "n"]
    assert df.index.tolist() == [3, 4]
    assert df.s.tolist() == ["x", "y"]
    assert df.n.dtype == np.int64


def test_results_made_by_hand_become_datasets_too():
    made = Result(ParameterSet(["A"], [1]), np.array([[1.0, 2.0]]), ["E_1", "E_2"], [("E", "results/E")], [5])
    assert ResultList([made]).to_dataset().E_2.sel(A=1).item() == 2.0


def test_values_of_any_type_stand_in_tables_as_they_are():
    array = xr.DataArray([1.0, 2.0], dims="x")
    trees = measured(({"a": 1}, {"psi": array, "z": 1j, "day": dt.date(2026, 1, 2)}))
    table = retrieve_results(trees, [("psi", "results/psi"), ("z", "results/z"), ("day", "results/day")])[
        0
    ].table
    assert table.shape == (1, 3)
    assert table[0, 0].identical(array)
    assert table[0, 1:].tolist() == [1j, dt.date(2026, 1, 2)]


def test_tables_know_defaults_older_paths_and_units():
    trees = measured(({"a": 1}, {"y": 2.0}), ({"b": 2, "L": 3.0}, {"y": 4.0}))
    notes = {
        "parameters/L": {"default": 1.0, "units": "m"},
        "parameters/b": {"formerly": "parameters/a"},
        "results/y": {"units": "s", "long_name": "time"},
    }
    rs = retrieve_results(
        trees, [("t", "results/y"), ("b", "parameters/b")], [("L", "parameters/L")], annotations=notes
    )
    assert [(r.parameters.L, r.table.tolist()) for r in rs] == [(1.0, [[2.0, 1.0]]), (3.0, [[4.0, 2.0]])]
    ds = rs["L", 3.0].to_dataset()
    assert (ds.t.attrs["units"], ds.t.attrs["long_name"], ds.L.attrs["units"]) == ("s", "time", "m")
    assert rs.to_dataframe().attrs == {"units": {"t": "s", "L": "m"}, "long_name": {"t": "time"}}
