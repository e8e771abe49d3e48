"""What the options of a Dataset change: unfold, fill, where, info, renamed paths."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from coma_xr.define.conditions import P
from coma_xr.errors import ComaWarning, LayoutError, PathError
from coma_xr.retrieve.dataframe import build_dataframe
from coma_xr.retrieve.dataset import build_dataset
from tests.retrieve.builders import measured, pendulum, scanned

TIMES = [0.0, 0.5, 1.0]


def cells():
    return measured(
        *[
            (
                {"a": a},
                {"P": [a, 2.0], "N": [[a, 1], [2, 3]], "x": [a * t for t in TIMES], "t": TIMES, "E": 0},
            )
            for a in (1, 2)
        ]
    )


# unfold


def test_unfold_names_the_dims_and_the_same_name_is_the_same_dim():
    ds = build_dataset(cells(), unfold={"P": "cell", "N": ["cell", "site"]})
    assert ds.P.dims == ("a", "cell")
    assert ds.N.dims == ("a", "cell", "site")
    assert ds.cell.values.tolist() == [1, 2]


def test_unfold_gives_a_dim_the_coordinate_of_another_path():
    ds = build_dataset(cells(), unfold={"results/x": {"time": "results/t"}})
    assert ds.x.dims == ("a", "time")
    assert ds.time.values.tolist() == TIMES
    assert ds.x.sel(a=2, time=0.5) == 1.0
    assert "t" not in ds.variables


def test_unfold_may_leave_a_dim_without_a_coordinate():
    ds = build_dataset(cells(), variables={"pos": "results/x"}, unfold={"pos": {"time": None}})
    assert ds.pos.dims == ("a", "time")
    assert ds.time.values.tolist() == [1, 2, 3]


def test_none_keeps_lists_whole_without_a_warning():
    ds = build_dataset(cells(), unfold={"N": None})
    assert ds.N.dims == ("a",)
    assert ds.N.sel(a=2).item() == [[2, 1], [2, 3]]


def test_unfold_comes_before_annotations_and_functions_have_it_too():
    notes = {"results/P": {"dims": ["well"], "units": "1"}}
    ds = build_dataset(
        cells(),
        variables={"P": "results/P", "f": lambda m: m.results.P * 2},
        annotations=notes,
        unfold={"P": "cell", "f": "twice"},
    )
    assert ds.P.dims == ("a", "cell")
    assert ds.P.attrs["units"] == "1"
    assert ds.f.dims == ("a", "twice")


def test_unfold_of_what_is_not_there_names_the_near_ones():
    with pytest.raises(PathError) as error:
        build_dataset(cells(), unfold={"results/PP": "cell"})
    assert (error.value.name, error.value.near[0]) == ("results/PP", "results/P")
    with pytest.raises(LayoutError, match=r"unfold=\{'P': 3\} is not understood\."):
        build_dataset(cells(), unfold={"P": 3})


# fill


def holes(value):
    return measured(*[({"a": a, "b": b}, {"x": value, "y": value}) for a, b in [(1, 1), (1, 2), (2, 1)]])


@pytest.mark.parametrize(
    ("value", "fill", "dtype", "hole", "said"),
    [
        (1, -1, "int64", -1, {"fill": -1}),
        (1, 0.5, "float64", 0.5, {"type": "int", "fill": "0.5"}),
        (1, None, "object", None, {"type": "int", "fill": "None"}),
        (1, math.nan, "float64", math.nan, {"type": "int", "fill": "NaN"}),
        (1, "none", "object", "none", {"type": "int", "fill": "none"}),
        (2.5, 0, "float64", 0.0, {"fill": 0}),
        (True, False, "bool", False, {"fill": False}),
        (True, math.nan, "float64", math.nan, {"type": "bool", "fill": "NaN"}),
        ("ab", "", "<U2", "", {"fill": ""}),
        ("ab", "none", "<U4", "none", {"fill": "none"}),
    ],
)
def test_fill_says_what_stands_in_holes_and_types_stay_as_far_as_it_allows(value, fill, dtype, hole, said):
    ds = build_dataset(holes(value), fill={"x": fill})
    assert ds.x.dtype == dtype
    found = ds.x.values[1, 1]
    assert found is hole or found == hole or (math.isnan(found) and math.isnan(hole))
    assert ds.x.values[0, 0] == value
    assert {key: ds.x.attrs[key] for key in ds.x.attrs if key not in ("path", "name")} == said
    assert ds.y.dtype == build_dataset(holes(value)).y.dtype


def test_one_fill_is_for_all_variables_and_for_padding():
    ds = build_dataset(measured(({"a": 1}, {"n": [1]}), ({"a": 2}, {"n": [2, 3]})), fill=0)
    assert ds.n.dtype == np.int64
    assert ds.n.values.tolist() == [[1, 0], [2, 3]]


def test_a_fill_of_many_values_or_for_what_is_not_there_is_an_error():
    with pytest.raises(
        LayoutError, match=r"fill=\[1, 2\] is neither\. Expected one value, or a mapping of names to values\."
    ):
        build_dataset(holes(1), fill=[1, 2])
    with pytest.raises(PathError, match="'xx'"):
        build_dataset(holes(1), fill={"xx": 0})


# info


def informed():
    trees = measured(*[({"a": a}, {"E": a}) for a in (1, 2)])
    for number, (_, tree) in enumerate(trees):
        tree["info"] |= {
            "start_date": f"2026-11-22T13:20:0{number}Z",
            "duration": 0.5,
            "version": f"1.{number}",
        }
    return trees


def test_infos_are_variables_when_they_are_named():
    ds = build_dataset(informed(), variables=["info/start_date", "duration", "version"])
    assert ds.start_date.dtype == "datetime64[ns]"
    assert ds.start_date.values[1] == np.datetime64("2026-11-22T13:20:01")
    assert ds.duration.values.tolist() == [0.5, 0.5]
    assert ds.version.values.tolist() == ["1.0", "1.1"]
    assert "version" not in build_dataset(informed()).variables


def test_a_version_may_be_a_dim():
    ds = build_dataset(informed(), dims=["a", "info/version"])
    assert ds.E.dims == ("a", "version")
    assert ds.E.sel(a=2, version="1.1") == 2


def test_a_date_with_a_hole_is_nat():
    trees = informed()
    del trees[1][1]["info"]["start_date"]
    ds = build_dataset(trees, variables=["start_date"])
    assert np.isnat(ds.start_date.values).tolist() == [False, True]


# renamed paths


def test_a_renamed_path_is_found_under_its_new_name():
    trees = [*measured(({"a": 1}, {"E": 1})), *measured(({"a": 2}, {"energy": 2}), first_id=2)]
    notes = {"results/energy": {"formerly": "results/E", "units": "J"}}
    ds = build_dataset(trees, annotations=notes)
    assert list(ds.data_vars) == ["energy"]
    assert ds.energy.values.tolist() == [1, 2]
    assert ds.energy.attrs["units"] == "J"
    assert build_dataset(trees, variables={"e": "energy"}, annotations=notes).e.values.tolist() == [1, 2]


def test_a_renamed_branch_moves_with_all_below_it():
    trees = [
        (1, {"parameters": {"model": {"N": 2, "kind": "x"}}, "results": {"E": 1}}),
        (2, {"parameters": {"layout": {"N": 3, "kind": "x"}}, "results": {"E": 2}}),
    ]
    notes = {"parameters/layout": {"formerly": ["parameters/model"]}}
    ds = build_dataset(trees, definition=[("N", "parameters/layout/N")], annotations=notes)
    assert ds.E.sel(N=2) == 1
    assert ds.kind.item() == "x"
    assert ds.kind.attrs["path"] == "parameters/layout/kind"


# where


def test_only_what_is_chosen_takes_part():
    ds = build_dataset(pendulum(), where=(P.theta_0 < -5) & (P.theta > 0))
    assert sorted(ds.measurement_id.values[ds.measurement_id.values > 0]) == [7, 8, 11, 12]


def test_functions_are_computed_of_the_chosen_ones_only():
    trees = measured(*[({"a": a}, {"E": a}) for a in (0, 1, 2)])
    ds = build_dataset(trees, variables={"inverse": lambda m: 1 / m.parameters.a}, where="a > 0")
    assert ds.inverse.values.tolist() == [1.0, 0.5]


def test_names_do_not_depend_on_what_was_chosen():
    trees = measured(
        ({"a": 1, "layout": {"N": 1}}, {"E": 1}), ({"a": 2, "layout": {"N": 2}}, {"E": 1, "N": 7}),
    )  # fmt: skip
    assert "results_N" in build_dataset(trees).variables
    assert "N" in build_dataset(trees, where="a == 1").variables
    with pytest.raises(PathError, match=r"No measurement chosen here has 'results/N'"):
        build_dataset(trees, variables=["results/N"], where="a == 1")


def test_when_nothing_is_chosen_the_dataset_is_empty():
    with pytest.warns(ComaWarning, match="None of the 12 measurements fulfils the condition theta_0 > 0"):
        assert not build_dataset(pendulum(), where="theta_0 > 0").variables


def test_values_of_the_chosen_keep_their_types():
    trees = measured(({"a": 1}, {"x": 1}), ({"a": 2}, {"x": "text"}))
    assert build_dataset(trees, where="a == 1").x.dtype == np.int64


# kinds of parameters


def test_dates_label_dims_in_their_order():
    days = [dt.datetime(2026, 1, day) for day in (3, 1, 2)]  # noqa: DTZ001
    ds = build_dataset(measured(*[({"day": day}, {"E": day.day}) for day in days]))
    assert ds.day.dtype == "datetime64[ns]"
    assert ds.E.values.tolist() == [1, 2, 3]
    assert ds.E.sel(day="2026-01-02") == 2


def test_results_may_be_of_any_type_that_is_stored():
    results = {
        "date": dt.datetime(2026, 1, 1, 12),  # noqa: DTZ001
        "day": dt.date(2026, 1, 1),
        "span": dt.timedelta(seconds=1),
        "z": 1 + 2j,
        "single": np.float32(0.5),
        "set": {1},
        "raw": b"ab",
    }
    ds = build_dataset(measured(({"a": 1}, results), ({"a": 2}, results)))
    assert {name: str(ds[name].dtype) for name in results} == {
        "date": "datetime64[ns]",
        "day": "datetime64[ns]",
        "span": "timedelta64[ns]",
        "z": "complex128",
        "single": "float32",
        "set": "object",
        "raw": "object",
    }
    assert ds.raw.values.tolist() == [b"ab", b"ab"]
    assert ds.z.values[0] == 1 + 2j


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3]],
        [None, "x", 1],
        [True, False],
        [True, 1],
        ["b", "a"],
        [dt.date(2026, 1, 2), dt.date(2026, 1, 1)],
        [math.nan, 1.0],
        [{"x": 1}, {"x": 2}],
        [1 + 1j, 2j],
    ],
    ids=str,
)
@pytest.mark.parametrize("layout", ["grid", "points"])
def test_a_parameter_of_any_kind_tells_measurements_apart(values, layout):
    trees = measured(
        *[({"p": value, "b": b}, {"E": 10 * i + b}) for i, value in enumerate(values) for b in (1, 2)]
    )
    definition = [(n, f"parameters/{n}") for n in "pb"]
    if isinstance(values[0], dict):
        definition[0] = ("p", "parameters/p/x")
    ds = build_dataset(trees, definition=definition, layout=layout)
    assert sorted(ds.E.values.ravel().tolist()) == [10 * i + b for i in range(len(values)) for b in (1, 2)]
    assert dict(ds.E.sizes) == (
        {"p": len(values), "b": 2} if layout == "grid" else {"measurement": 2 * len(values)}
    )


def test_two_things_that_do_not_go_together_are_an_error():
    with pytest.raises(LayoutError, match="layout='row' is unknown"):
        build_dataset(pendulum(), layout="row")
    with pytest.raises(LayoutError, match="layout='points' has one dim for all parameters"):
        build_dataset(pendulum(), layout="points", dims=["theta"])


def test_points_of_an_old_experiment_have_their_parameters_as_coords():
    ds = build_dataset(pendulum(), layout="points")
    assert dict(ds.sizes) == {"measurement": 12}
    assert ds.theta.dims == ds.theta_0.dims == ("measurement",)
    assert ds.L.dims == ()


def test_derived_parameters_are_coords_over_what_they_follow_from():
    trees = measured(*[({"a": a, "c": a + b, "b": b}, {"E": a}) for a in (1, 2) for b in (1, 2)])
    axes = [{"dim": n, "names": [n], **({"derived": True} if n == "c" else {})} for n in "abc"]
    definition = [(name, f"parameters/{name}") for name in "acb"]
    ds = build_dataset(trees, definition=definition, rule=scanned(definition, *axes))
    assert ds.E.dims == ("a", "b")
    assert ds.c.dims == ("a", "b")
    trees += measured(({"a": 1, "c": 99, "b": 1}, {"E": 5}), first_id=5)
    with pytest.warns(ComaWarning, match="full"):
        ds = build_dataset(trees, definition=definition, rule=scanned(definition, *axes))
    assert set(ds.E.dims) == {"a", "b", "c"}


def test_a_condition_that_no_measurement_fulfils_is_said():
    "Without any measurement there is nothing to say of a condition."
    for build in (build_dataset, build_dataframe):
        with pytest.warns(ComaWarning, match="None of the 2 measurements fulfils the condition a > 10"):
            assert not len(build(cells(), where="a > 10"))
        with pytest.warns(ComaWarning, match="No measurement fulfils the condition"):
            build(cells()[:1], where=lambda p: p.a > 10)
        build([], where="a > 10")


@pytest.mark.parametrize("unfold", [{"P": "a"}, {"N": ["cell", "a"]}, {"results/x": {"a": "results/t"}}])
def test_a_dim_of_lists_cannot_be_one_of_the_measurements(unfold):
    with pytest.raises(LayoutError, match=r"but 'a' is a dim of the measurements already\."):
        build_dataset(cells(), unfold=unfold)


def test_two_dims_of_one_variable_have_two_names():
    with pytest.raises(LayoutError, match="'N' was given the dims site, site, but 'site' is listed twice"):
        build_dataset(cells(), unfold={"N": ["site", "site"]})


@pytest.mark.parametrize("dim", ["E", "P"])
def test_a_dim_of_lists_has_no_name_of_a_variable(dim):
    with pytest.raises(LayoutError, match=f"but '{dim}' is a variable of the Dataset"):
        build_dataset(cells(), unfold={"P": dim})


def test_a_dim_of_lists_has_no_name_of_a_parameter_among_points():
    with pytest.raises(LayoutError, match="but 'a' is a variable of the Dataset"):
        build_dataset(cells(), unfold={"P": "a"}, layout="points")


@pytest.mark.parametrize("unfold", [{"P": ""}, {"P": ["cell", ""]}, {"P": {"": "results/t"}}])
def test_a_dim_of_lists_has_a_name(unfold):
    with pytest.raises(LayoutError, match="is not understood"):
        build_dataset(cells(), unfold=unfold)


@pytest.mark.parametrize(
    "options",
    [
        {"unfold": {"P": "measurement_id"}},
        {"unfold": {"x": {"measurement_id": "results/t"}}},
        {"annotations": {"results/x": {"coords": {"measurement_id": "results/t"}}}},
    ],
)
def test_ids_give_way_to_names_that_are_given_to_lists(options):
    ds = build_dataset(cells(), **options)
    assert ds.coma_id.dims == ("a",)
    assert ds.coma_id.values.tolist() == [1, 2]
    assert "a" not in ds.measurement_id.dims


@pytest.mark.parametrize(
    ("variables", "expected"), [(["x", "t"], {"x"}), (["t", "x"], {"x"}), ({"x": "x", "T": "t"}, {"x", "T"})]
)
def test_a_variable_that_is_asked_for_labels_another_one(variables, expected):
    ds = build_dataset(cells(), variables=variables, unfold={"x": {"t": "results/t"}})
    assert set(ds.data_vars) == expected
    assert ds.t.dims == ("t",)
    assert ds.t.values.tolist() == TIMES


def test_lists_without_named_dims_are_labelled_too():
    for name in ("t", "x_index"):
        ds = build_dataset(cells(), annotations={"results/x": {"coords": {name: "results/t"}}})
        assert ds[name].dims == ("x_index",)
        assert ds[name].values.tolist() == TIMES
    ds = build_dataset(cells(), annotations={"results/x": {"coords": {"level": "results/E"}}})
    assert ds.level.ndim == 0


def test_a_function_has_the_labels_that_the_call_gives():
    ds = build_dataset(
        cells(), variables={"twice": lambda m: m.results.x}, unfold={"twice": {"s": "results/t"}}
    )
    assert ds.s.values.tolist() == TIMES


@pytest.mark.parametrize(
    ("coords", "fault"),
    [
        ({"results/x": {"a": "results/t"}}, "'a' has the name of a dim of the measurements"),
        ({"results/x": {"E": "results/t"}}, "'E' has the name of results/E"),
        ({"results/x": {"P": "results/t"}}, "'P' has the name of results/P"),
        ({"results/x": {"s": "results/x"}}, "'s' of 'results/x' is this path itself"),
        ({"results/x": {"x": "results/x"}}, "'x' of 'results/x' is this path itself"),
        ({"results/x": {"s": "results/t"}, "results/P": {"s": "results/E"}}, "'s' was annotated as"),
    ],
)
def test_a_coordinate_that_is_something_else_is_an_error(coords, fault):
    notes = {path: {"coords": given} for path, given in coords.items()}
    with pytest.raises(LayoutError, match=fault):
        build_dataset(cells(), annotations=notes)


@pytest.mark.parametrize(
    "coords",
    [
        {"results/gone": {"t": "results/t"}},
        {"results/x": {"t": "results/t"}, "results/t": {"P": "results/P"}},
        {"results/x": {"t": "results/t"}, "results/t": {"x": "results/x"}},
    ],
)
def test_coordinates_of_what_is_not_shown_stay(coords):
    ds = build_dataset(cells(), annotations={path: {"coords": given} for path, given in coords.items()})
    assert {"x", "t", "P", "E"} <= set(ds.variables)
