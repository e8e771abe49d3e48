"""Measurements as a labelled Dataset."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from coma_xr.errors import ComaWarning, LayoutError, PathError
from coma_xr.retrieve.dataset import build_dataset
from tests.retrieve.builders import EXPANDED, PENDULUM, measured, pendulum


def test_the_first_minute():
    notes = {"results/t": {"units": "s", "long_name": "time"}, "parameters/theta": {"units": "degree"}}
    ds = build_dataset(
        pendulum(), definition=PENDULUM, rule=EXPANDED, annotations=notes, attrs={"id": 1, "none": None}
    )
    assert list(ds.data_vars) == ["t", "t_"]
    assert set(ds.coords) == {"theta_0", "theta", "L", "measurement_id", "measurement_status"}
    assert ds.t.attrs == {"path": "results/t", "name": "t", "units": "s", "long_name": "time"}
    assert ds.theta.attrs == {"path": "parameters/theta", "name": "theta", "units": "degree"}
    assert ds.attrs == {"id": 1}
    assert ds.t.sel(theta_0=-30)[0] == -3.0


def test_every_value_is_at_the_labels_of_its_parameters():
    trees = measured(*[({"a": a, "s": s}, {"E": f"{a}{s}"}) for s in ("x", "b") for a in (3, 1, 2)])
    ds = build_dataset(trees)
    assert ds.s.values.tolist() == ["x", "b"]
    assert ds.a.values.tolist() == [1, 2, 3]
    assert all(ds.E.sel(a=a, s=s) == f"{a}{s}" for a in (1, 2, 3) for s in ("x", "b"))


# Types and holes


def with_hole(results):
    return measured(*[({"a": a, "b": b}, results) for a, b in [(1, 1), (1, 2), (2, 1)]])


@pytest.mark.parametrize("value", [1, 2.5, True, "text", 2**60 + 1])
def test_a_full_grid_keeps_types(value):
    ds = build_dataset(measured(({"a": 1}, {"x": value}), ({"a": 2}, {"x": value})))
    assert ds.x.dtype.kind == {int: "i", float: "f", bool: "b", str: "U"}[type(value)]
    assert ds.x.values.tolist() == [value, value]
    assert set(ds.x.attrs) == {"path", "name"}


@pytest.mark.parametrize(
    ("value", "dtype", "hole", "said"),
    [
        (1, "float64", math.nan, {"type": "int", "fill": "NaN"}),
        (2**60 + 1, "object", None, {"type": "int", "fill": "None"}),
        (2.5, "float64", math.nan, {}),
        (True, "object", None, {"type": "bool", "fill": "None"}),
        ("text", "object", None, {"type": "str", "fill": "None"}),
    ],
)
def test_a_hole_changes_types_only_as_needed_and_attributes_say_so(value, dtype, hole, said):
    ds = build_dataset(with_hole({"x": value}))
    assert ds.x.dtype == dtype
    assert ds.x.sel(a=1, b=2).item() == value
    found = ds.x.sel(a=2, b=2).item()
    assert (found is None) if hole is None else math.isnan(found)
    assert {key: ds.x.attrs[key] for key in ds.x.attrs if key not in ("path", "name")} == said
    assert ds.measurement_id.values.tolist() == [[1, 2], [3, 0]]


def test_a_measurement_without_the_result_is_a_hole_too():
    ds = build_dataset(measured(({"a": 1}, {"x": 1}), ({"a": 2}, {})))
    np.testing.assert_array_equal(ds.x, [1, np.nan])
    assert ds.measurement_id.values.tolist() == [1, 2]


def test_text_with_holes_keeps_none():
    ds = build_dataset(with_hole({"s": "a"}))
    assert ds.s.values.ravel().tolist() == ["a", "a", "a", None]
    assert ds.copy(deep=True).s.values.ravel()[3] is None


def test_values_of_several_kinds_are_objects_of_their_own():
    ds = build_dataset(measured(({"a": 1}, {"x": "one"}), ({"a": 2}, {"x": 2})))
    assert ds.x.values.tolist() == ["one", 2]


# Coordinates


def test_constants_are_scalar_coords_and_what_varies_lies_along_what_determines_it():
    trees = measured(
        *[({"a": a, "g": 9.81, "b": b, "half": a / 2, "none": None}, {}) for a in (1, 2) for b in (1, 2)]
    )
    ds = build_dataset(trees)
    assert ds.g.dims == ()
    assert ds.g == 9.81
    assert ds.none.item() is None
    assert ds.half.dims == ("a",)
    assert ds.sel(a=2).half == 1.0


def test_recorded_parameters_are_coords_of_a_defined_experiment():
    trees = measured(*[({"a": a, "u": a * b, "b": b}, {}) for a in (1, 2) for b in (1, 3)])
    ds = build_dataset(trees, definition=[(n, f"parameters/{n}") for n in "ab"])
    assert ds.u.dims == ("a", "b")
    assert ds.u.sel(a=2, b=3) == 6


def test_parameters_that_are_lists_are_coords_with_a_dim():
    ds = build_dataset(measured(*[({"a": a, "range": [0.1, 1000]}, {}) for a in (1, 2)]))
    assert ds["range"].dims == ("range_index",)
    assert ds["range"].values.tolist() == [0.1, 1000.0]


def test_parameters_that_are_lists_label_dims_as_text():
    trees = measured(({"shape": [1, 2]}, {"E": 1}), ({"shape": [2, 2]}, {"E": 2}))
    ds = build_dataset(trees, definition=[("shape", "parameters/shape")])
    assert ds.E.sel(shape="[2,2]") == 2


def test_nan_and_none_label_dims_too():
    trees = measured(
        *[({"a": a, "b": b}, {"E": i}) for i, (a, b) in enumerate([(math.nan, None), (1.0, "x")])]
    )
    ds = build_dataset(trees, dims=["a", "b"])
    np.testing.assert_array_equal(ds.a, [1.0, np.nan])
    assert ds.b.values.tolist() == [None, "x"]
    assert ds.E.values[1, 0] == 0


def test_copies_and_classes_are_not_shown():
    trees = measured(*[({"T": T, "model": {"parameters": {"T": T}, "__class__": "m.M"}}, {}) for T in (1, 2)])
    assert set(build_dataset(trees).variables) == {"T", "measurement_id", "measurement_status"}


# Lists and arrays


def test_lists_are_dims_counted_from_one_and_arrays_are_not_counted():
    ds = build_dataset(measured(*[({"a": a}, {"E": [a, 2 * a], "psi": np.ones((2, 3))}) for a in (1, 2)]))
    assert ds.E.dims == ("a", "E_index")
    assert ds.E.dtype == np.int64
    assert ds.E.sel(a=2, E_index=2) == 4
    assert ds.psi.dims == ("a", "psi_index", "psi_index_2")
    assert set(ds.coords) == {"a", "E_index", "measurement_id", "measurement_status"}


def test_ragged_lists_are_padded_and_tell_their_length():
    trees = measured(({"a": 1}, {"N": [[1], [2, 3]]}), ({"a": 2}, {"N": [[4, 5]]}))
    ds = build_dataset(trees)
    assert ds.N.dims == ("a", "N_index", "N_index_2")
    np.testing.assert_array_equal(ds.N.sel(a=1), [[1, np.nan], [2, 3]])
    assert ds.N_length.values.tolist() == [2, 1]
    assert ds.N_length_2.values.tolist() == [[1, 2], [2, 0]]
    assert "N_length" in ds.coords


def test_a_hole_in_the_grid_has_lists_of_length_zero():
    trees = measured(*[({"a": a, "b": b}, {"E": [1.0] * n}) for a, b, n in [(1, 1, 1), (1, 2, 2), (2, 1, 2)]])
    assert build_dataset(trees).E_length.values.tolist() == [[1, 2], [2, 0]]


def test_ragged_arrays_are_padded_and_tell_their_sizes():
    trees = measured(({"a": 1}, {"p": np.ones((1, 2))}), ({"a": 2}, {"p": np.ones((3, 2))}))
    ds = build_dataset(trees)
    assert ds.p.shape == (2, 3, 2)
    assert ds.p_length.values.tolist() == [1, 3]
    assert "p_length_2" not in ds


def test_padding_that_is_almost_all_is_avoided_and_said():
    trees = measured(*[({"a": a}, {"E": np.ones(1 if a < 20 else 500)}) for a in range(21)])
    with pytest.warns(ComaWarning) as caught:
        ds = build_dataset(trees)
    assert [str(warning.message) for warning in caught] == [
        "Each cell holds one object of what cannot be one array: 'E' would be padded to 500, under 10 % full."
    ]
    assert ds.E.sel(a=20).item().shape == (500,)


@pytest.mark.parametrize(
    "make",
    [
        lambda a: pd.DataFrame({"n": [a]}),
        lambda a: [{"n": a}],
        lambda a: [pd.DataFrame({"n": [a]}), pd.DataFrame({"m": [a]})],
        lambda a: [[{"n": a}], [{"n": a, "d": {"y": 1}}]],
    ],
)
def test_values_of_one_kind_that_are_objects_in_their_normal_form_are_not_warned_of(make, recwarn):
    ds = build_dataset(measured(*[({"a": a}, {"x": make(a)}) for a in (1, 2)]), variables=["x"])
    assert ds.x.dtype == object
    assert ds.x.dims == ("a",)
    assert not recwarn.list


def test_a_list_here_and_a_number_there_are_objects_and_said():
    with pytest.warns(ComaWarning, match="one array: 'x' has values of different kinds"):
        ds = build_dataset(measured(({"a": 1}, {"x": [1, 2]}), ({"a": 2}, {"x": 3})))
    assert ds.x.values.tolist() == [[1, 2], 3]


def test_lists_of_text_and_bool_are_unfolded_too():
    ds = build_dataset(
        measured(({"a": 1}, {"s": ["a", "b"], "on": [True]}), ({"a": 2}, {"s": ["c"], "on": [False]}))
    )
    assert ds.s.values.tolist() == [["a", "b"], ["c", None]]
    assert ds.on.dtype == bool


# Annotations


def moved(times):
    return measured(
        *[({"a": a}, {"x": [a * t for t in times[a]], "v": [a] * 3, "t": times[a]}) for a in times]
    )


NOTES = {
    "results/x": {"dims": ["time"], "coords": {"time": "results/t"}, "units": "m"},
    "results/v": {"dims": ["time"]},
    "results/t": {"units": "s"},
}


def test_an_annotated_coordinate_that_is_equal_everywhere_labels_the_dim():
    ds = build_dataset(moved({1: [0.0, 0.5, 1.0], 2: [0.0, 0.5, 1.0]}), annotations=NOTES)
    assert ds.x.dims == ds.v.dims == ("a", "time")
    assert ds.time.dims == ("time",)
    assert ds.x.sel(a=2, time=0.5) == 1.0
    assert ds.time.attrs == {"path": "results/t", "name": "t", "shown_as": "time", "units": "s"}
    assert ds.x.attrs["units"] == "m"
    assert set(ds.data_vars) == {"x", "v"}


def test_an_annotated_coordinate_that_differs_has_the_dims_of_the_measurements():
    ds = build_dataset(moved({1: [0.0, 0.5, 1.0], 2: [0.0, 0.7, 1.4]}), annotations=NOTES)
    assert ds.time.dims == ("a", "time")
    assert ds.time.sel(a=2).values.tolist() == [0.0, 0.7, 1.4]


def test_a_shared_dim_is_as_long_as_its_longest_list():
    trees = measured(*[({"a": a}, {"x": [1.0, 2.0, 3.0], "v": [1.0, 2.0]}) for a in (1, 2)])
    ds = build_dataset(trees, annotations={"results/x": {"dims": ["time"]}, "results/v": {"dims": "time"}})
    assert ds.v.shape == (2, 3)
    assert ds.v_length.values.tolist() == [2, 2]
    assert "x_length" not in ds


def test_more_dims_than_levels_are_an_error():
    trees = measured(({"a": 1}, {"x": [1], "y": 1}))
    with pytest.raises(LayoutError, match="'x' was given the dims time, site, but has lists of 1 levels"):
        build_dataset(trees, annotations={"results/x": {"dims": ["time", "site"]}})
    with pytest.raises(LayoutError, match="'y' was given the dims time, but has no lists"):
        build_dataset(trees, annotations={"results/y": {"dims": ["time"]}})


def test_one_coordinate_of_two_paths_is_an_error():
    notes = {"results/x": {"coords": {"time": "results/t"}}, "results/v": {"coords": {"time": "results/v"}}}
    with pytest.raises(LayoutError, match="'time' was annotated as results/t and as results/v"):
        build_dataset(moved({1: [0.0, 1.0, 2.0]}), annotations=notes)


def test_annotations_may_wait_for_their_measurements():
    ds = build_dataset(moved({1: [0.0, 1.0, 2.0]}), annotations={"results/later": {"units": "m"}})
    assert "later" not in ds


def test_an_asterisk_that_matches_nothing_in_a_measurement_makes_a_hole():
    trees = measured(({"a": 1}, {"s": [{"x": 1}]}), ({"a": 2}, {"s": []}))
    ds = build_dataset(trees, variables={"x": "results/s/*/x"})
    np.testing.assert_array_equal(ds.x, [[1.0], [np.nan]])


def test_a_default_makes_a_constant_a_parameter():
    trees = measured(({"a": 1}, {"E": 1}), ({"a": 1, "L": 2.0}, {"E": 2}))
    definition = [("a", "parameters/a"), ("L", "parameters/L")]
    ds = build_dataset(trees, definition=definition, annotations={"parameters/L": {"default": 1.0}})
    assert ds.E.sel(a=1, L=1.0) == 1
    assert ds.E.sel(a=1, L=2.0) == 2


# Variables by name


def test_variables_are_paths_names_and_functions():
    trees = measured(*[({"a": a}, {"E": [a, 3 * a], "t": a, "x": 0}) for a in (1, 2)])
    ds = build_dataset(
        trees, variables={"gap": lambda m: m.results.E[1] - m.results.E[0], "T": "t", "first": "results/E/0"}
    )
    assert list(ds.data_vars) == ["gap", "T", "first"]
    assert ds.gap.values.tolist() == [2, 4]
    assert ds["first"].values.tolist() == [1, 2]
    assert ds.T.attrs == {"path": "results/t", "name": "t", "shown_as": "T"}
    assert ds.gap.attrs == {}


def test_variables_in_a_list_have_names_by_the_rule():
    trees = measured(*[({"a": a}, {"E": [a, 3 * a], "sites": [{"x": 1}, {"x": a}]}) for a in (1, 2)])
    ds = build_dataset(trees, variables=["results/E/-1", "E_1", "results/sites/*/x", "info/measurement_id"])
    assert list(ds.data_vars) == ["E_-1", "E_1", "x", "measurement_id"]
    assert ds.x.dims == ("a", "x_index")
    assert ds.coma_id.values.tolist() == [1, 2]


def test_a_dim_that_is_asked_for_stays_a_coordinate():
    ds = build_dataset(measured(({"a": 1}, {"E": 1}), ({"a": 2}, {"E": 2})), variables=["a", "E"])
    assert list(ds.data_vars) == ["E"]
    assert ds.a.values.tolist() == [1, 2]


def test_a_path_that_no_measurement_has_names_the_near_ones():
    with pytest.raises(PathError) as error:
        build_dataset(pendulum(), variables=["results/tt"])
    assert (error.value.name, error.value.near) == ("results/tt", ("results/t", "results/t_"))


def test_one_name_for_two_things_is_an_error():
    trees = measured(({"a": 1}, {"E": 1, "t": 1}), ({"a": 2}, {"E": 2, "t": 2}))
    with pytest.raises(LayoutError, match="The name 'a' is requested twice, for parameters/a and results/E"):
        build_dataset(trees, variables={"a": "results/E"})


def test_a_name_of_the_user_wins_over_ours():
    trees = measured(
        *[({"a": a}, {"measurement_id": 7, "row": 8, "E": [1], "E_index": 9}) for a in (1, 1, 2)]
    )
    with pytest.warns(ComaWarning, match="coma_xr calls its own one 'coma_") as caught:
        ds = build_dataset(trees)
    assert len(caught) == 3
    assert ds.E.dims == ("a", "coma_row", "coma_E_index")
    assert ds.coma_id.values.tolist() == [[1, 2], [3, 0]]
    assert set(ds.data_vars) == {"measurement_id", "row", "E", "E_index"}


def test_without_measurements_the_dataset_is_empty():
    ds = build_dataset([], variables=["t"], dims=["a"], definition=PENDULUM, attrs={"id": 1})
    assert not ds.variables
    assert ds.attrs == {"id": 1}


def test_a_tree_of_one_s_own_form_has_results_too():
    ds = build_dataset([(1, {"x": 1, "deep": {"y": 2}}), (2, {"x": 3, "deep": {"y": 4}})])
    assert ds.y.dims == ("row",)
    assert ds.x.values.tolist() == [1, 3]


# Properties

VALUES = st.one_of(
    st.integers(-5, 5), st.floats(allow_nan=False, width=16), st.sampled_from(["a", "b", "c"]), st.booleans()
)


@st.composite
def experiments(draw):
    """Parameter sets without doubles, part of a grid, with a result of one kind each."""
    kind = st.sampled_from([st.integers(-9, 9), st.floats(-9, 9), st.sampled_from("abcd"), st.booleans()])
    axes = [
        draw(st.lists(draw(kind), min_size=1, max_size=4, unique=True))
        for _ in range(draw(st.integers(1, 3)))
    ]
    grid = [dict(zip("abc", values, strict=False)) for values in _product(axes)]
    chosen = draw(
        st.lists(st.sampled_from(grid), min_size=1, max_size=12, unique_by=lambda p: tuple(p.values()))
    )
    results = draw(kind)
    return [(p, {"E": draw(results), "l": draw(st.lists(st.integers(0, 9), max_size=3))}) for p in chosen]


def _product(axes):
    rows = [()]
    for values in axes:
        rows = [(*row, value) for row in rows for value in values]
    return rows


def built(trees, names):
    import warnings

    with warnings.catch_warnings():
        # Whether these grids are thin is not what is looked at.
        warnings.simplefilter("ignore", ComaWarning)
        definition = [(name, f"parameters/{name}") for name in names]
        return build_dataset(trees, definition=definition, layout="grid")


@settings(deadline=None)
@given(experiments())
def test_every_value_is_found_at_its_labels_and_nothing_else_is(sets):
    ds = built(measured(*sets), sets[0][0])
    for id, (parameters, results) in enumerate(sets, 1):
        point = ds.isel({name: _position(ds[name].values, value) for name, value in parameters.items()})
        assert point.E.item() == results["E"]
        assert point.measurement_id.item() == id
        length = len(results["l"])
        if "l_index" in point.dims:
            assert point.l.values[:length].tolist() == results["l"]
            assert all(value is None or np.isnan(value) for value in point.l.values[length:].tolist())
    assert (ds.measurement_id != 0).sum() == len(sets)


def _position(labels, value):
    (position,) = [i for i, label in enumerate(labels.tolist()) if label == value]
    return position


@settings(deadline=None)
@given(experiments(), st.randoms(use_true_random=False))
@pytest.mark.ci
def test_the_order_in_which_measurements_are_read_does_not_matter(sets, random):
    trees = measured(*sets)
    shuffled = random.sample(trees, len(trees))
    xr.testing.assert_identical(built(shuffled, sets[0][0]), built(trees, sets[0][0]))


@settings(deadline=None)
@given(experiments())
def test_found_dims_lose_no_measurement(sets):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        ds = build_dataset(measured(*sets))
    found = ds.measurement_id.values.ravel()
    assert sorted(found[found != 0]) == list(range(1, len(sets) + 1))
