"""Which parameters become dims."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import coma_xr as coma
from coma_xr.errors import ComaWarning, LayoutError, PathError
from coma_xr.retrieve.dataset import build_dataset
from tests.retrieve.builders import EXPANDED, PENDULUM, measured, pendulum, scanned


def shape(ds):
    """Return the dims that measurements have, in order, with their sizes."""
    return dict(zip(ds.measurement_id.dims, ds.measurement_id.shape, strict=True))


def parameters(names):
    """Return names of parameters with their paths."""
    return [(name, f"parameters/{name}") for name in names]


def product(function=lambda p: {"E": 0.0}, **axes):
    sets = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return measured(*[(p, function(p)) for p in sets])


# Defined


def test_defined_parameters_are_dims_in_their_order_also_with_one_value():
    trees = product(a=[1, 2], b=[1, 2, 3], c=[5])
    definition = [(name, f"parameters/{name}") for name in "cba"]
    assert shape(build_dataset(trees, definition=definition)) == {"c": 1, "b": 3, "a": 2}


def test_an_expanded_axis_is_an_index_with_a_coordinate_over_both_dims():
    ds = build_dataset(pendulum(), definition=PENDULUM, rule=EXPANDED)
    assert shape(ds) == {"theta_0": 3, "theta_index": 4}
    assert ds.theta_0.values.tolist() == [-60.0, -30.0, -5.0]
    assert ds.theta.dims == ("theta_0", "theta_index")
    assert ds.theta.sel(theta_0=-30).values.tolist() == [-30.0, -15.0, 15.0, 30.0]
    assert "theta_index" not in ds.coords
    assert ds.L.dims == ()
    assert ds.L == 1.0


def test_an_expanded_axis_keeps_its_dims_when_there_is_one_amplitude():
    ds = build_dataset(pendulum()[:4], definition=PENDULUM, rule=EXPANDED)
    assert ds.theta.dims == ("theta_0", "theta_index")


def test_an_unfinished_expanded_axis_has_holes_at_its_end():
    ds = build_dataset(pendulum()[:-1], definition=PENDULUM, rule=EXPANDED)
    assert ds.measurement_id.sel(theta_0=-60).values.tolist() == [9, 10, 11, 0]
    assert np.isnan(ds.theta.sel(theta_0=-60).values[-1])


def test_axes_in_step_are_coords_along_the_first():
    trees = measured(*[({"a": a, "b": 10 * a, "c": c}, {"E": a}) for a in (1, 2, 3) for c in (0, 1)])
    axes = [{"dim": "a", "names": ["a", "b"]}, {"dim": "c", "names": ["c"]}]
    definition = parameters("abc")
    ds = build_dataset(trees, definition=definition, rule=scanned(definition, *axes))
    assert shape(ds) == {"a": 3, "c": 2}
    assert ds.b.dims == ("a",)
    assert ds.b.values.tolist() == [10, 20, 30]


def test_axes_that_are_no_longer_in_step_are_dims_of_their_own():
    trees = product(a=[1, 2], b=[10, 20])
    axes = [{"dim": "a", "names": ["a", "b"]}]
    definition = parameters("ab")
    ds = build_dataset(trees, definition=definition, rule=scanned(definition, *axes))
    assert shape(ds) == {"a": 2, "b": 2}


POINTS = [({"a": a, "b": b, "L": 1.0}, {"E": a + b}) for a, b in [(0.3, 7), (0.1, 8), (0.1, 5)]]


def test_a_scan_of_points_lies_along_one_dim_in_the_order_of_ids():
    axes = [{"dim": "measurement", "names": ["a", "b"], "points": True}, {"dim": "L", "names": ["L"]}]
    definition = parameters("abL")
    ds = build_dataset(measured(*POINTS), definition=definition, rule=scanned(definition, *axes, points=True))
    assert shape(ds) == {"measurement": 3}
    assert list(zip(ds.a.values, ds.b.values, strict=True)) == [(0.3, 7), (0.1, 8), (0.1, 5)]
    assert ds.L.dims == ("measurement",)
    assert "measurement" not in ds.coords


def test_points_times_a_grid_are_a_dim_of_the_grid():
    trees = measured(*[({**p, "m": m}, r) for p, r in POINTS for m in (1, 2)])
    axes = [{"dim": "measurement", "names": ["a", "b"], "points": True}, {"dim": "m", "names": ["m"]}]
    definition = parameters("abm")
    ds = build_dataset(trees, definition=definition, rule=scanned(definition, *axes))
    assert shape(ds) == {"measurement": 3, "m": 2}
    assert ds.a.dims == ("measurement",)


def test_a_structure_of_other_parameters_is_no_matter():
    axes = [{"dim": "x", "names": ["x"]}, {"dim": "a", "names": ["a", "gone"]}]
    rule = scanned(parameters(["x", "a", "gone"]), *axes)
    ds = build_dataset(product(a=[1, 2], b=[1, 2]), definition=parameters("a"), rule=rule)
    assert shape(ds) == {"a": 2, "row": 2}


def test_a_defined_parameter_that_no_measurement_has_is_an_error():
    with pytest.raises(PathError, match=r"No measurement has 'g'\. Available: .*parameters/a"):
        build_dataset(product(a=[1, 2]), definition=[("a", "parameters/a"), ("g", "parameters/g")])


# Given


def test_given_dims_leave_the_rest_in_rows_sorted_by_what_is_left_over():
    ds = build_dataset(pendulum()[::-1], definition=PENDULUM, dims=["theta_0"])
    assert shape(ds) == {"theta_0": 3, "row": 4}
    assert ds.theta.sel(theta_0=-5).values.tolist() == [-5.0, -2.5, 2.5, 5.0]
    assert "row" not in ds.coords


def test_given_dims_may_be_paths_with_names():
    trees = measured(*[({"layout": {"N": n}, "b": b}, {"N": n}) for n in (1, 2) for b in (0, 1)])
    ds = build_dataset(trees, dims=["b", ("N", "parameters/layout/N")])
    assert shape(ds) == {"b": 2, "N": 2}
    assert ds.results_N.sel(N=2, b=1) == 2
    assert ds.N.attrs["path"] == "parameters/layout/N"


def test_no_dims_at_all_are_rows():
    assert shape(build_dataset(pendulum(), dims=[])) == {"row": 12}


def test_a_function_may_be_a_dim():
    ds = build_dataset(pendulum(), dims=[("degree", lambda m: abs(m.parameters.theta_0)), "t_"])
    assert ds.degree.values.tolist() == [5.0, 30.0, 60.0]
    assert ds.degree.attrs == {}


def test_a_dim_given_twice_is_an_error():
    with pytest.raises(
        LayoutError,
        match=r"The dim 'theta' is given twice\. Choose another name for one of them: \(name, path\)\.",
    ):
        build_dataset(pendulum(), dims=["theta", "parameters/theta"])


def test_an_unknown_dim_names_the_near_ones():
    with pytest.raises(PathError) as error:
        build_dataset(pendulum(), dims=["thet"])
    assert (error.value.name, error.value.near) == ("thet", ("theta", "theta_0"))


def test_measurements_that_lack_a_parameter_are_left_out_and_counted():
    trees = measured(({"a": 1, "b": 1}, {"E": 1}), ({"a": 2}, {"E": 2}), ({"a": 3, "b": 1}, {"E": 3}))
    with pytest.warns(ComaWarning) as caught:
        ds = build_dataset(trees, dims=["a", "b"])
    assert str(caught[0].message) == (
        "1 of 3 measurements lack parameters/b and are left out. "
        "e.annotate('parameters/b', default=...) gives them a value."
    )
    assert ds.measurement_id.values.ravel().tolist() == [1, 3]
    ds = build_dataset(trees, dims=["a", "b"], annotations={"parameters/b": {"default": 0}})
    assert ds.E.sel(a=2, b=0) == 2


def test_dims_that_no_measurement_has_together_are_an_error():
    trees = measured(({"a": 1}, {}), ({"b": 2}, {}))
    with pytest.raises(
        LayoutError, match="No measurement has all parameters of the dims; each lacks one of param"
    ):
        build_dataset(trees, dims=["a", "b"])


# Found


def test_parameters_that_vary_are_found_in_the_order_of_the_tree():
    assert shape(build_dataset(product(b=["x", "y"], a=[3, 1, 2], c=[7]))) == {"b": 2, "a": 3}


def test_of_parameters_that_map_one_to_one_the_shallowest_is_the_dim():
    trees = measured(
        *[
            ({"model": {"kind": f"M{k}", "x": x}, "k": k, "x": x}, {"E": x})
            for k in (1, 2)
            for x in (0.5, 1.5)
        ]
    )
    ds = build_dataset(trees)
    assert shape(ds) == {"k": 2, "x": 2}
    assert ds.kind.dims == ("k",)
    assert ds.kind.values.tolist() == ["M1", "M2"]
    assert "model_x" not in ds.coords


def test_what_differs_in_every_measurement_is_a_coord():
    ds = build_dataset(product(lambda p: {"E": 1.0}, a=[1, 2], b=[1, 2]))
    assert shape(ds) == {"a": 2, "b": 2}
    trees = measured(*[({"a": a, "seed": 10 * i}, {}) for i, a in enumerate([1, 1, 2, 2])])
    ds = build_dataset(trees)
    assert shape(ds) == {"a": 2, "row": 2}
    assert ds.seed.values.tolist() == [[0, 10], [20, 30]]


def test_what_differs_in_every_measurement_is_the_dim_when_there_is_no_other():
    assert shape(build_dataset(measured(*[({"a": a, "g": 9.81}, {}) for a in (1, 2, 3)]))) == {"a": 3}


def test_what_others_determine_is_dropped_the_one_with_most_values_first():
    trees = measured(*[({"n": n, "b": b, "sum": 10 * n + b // 2}, {}) for n in (1, 2) for b in range(4)])
    ds = build_dataset(trees)
    assert shape(ds) == {"n": 2, "b": 4}
    assert ds["sum"].dims == ("n", "b")
    trees = measured(*[({"V": V, "type": V > 2, "m": m}, {}) for V in range(5) for m in (0, 1)])
    ds = build_dataset(trees)
    assert shape(ds) == {"V": 5, "m": 2}
    assert ds.type.dims == ("V",)


def test_results_and_infos_below_parameters_are_no_candidates():
    trees = measured(
        *[({"a": a, "model": {"info": {"id": a % 2}, "results": {"P": a % 2}}}, {}) for a in (1, 2, 3)]
    )
    ds = build_dataset(trees)
    assert shape(ds) == {"a": 3}
    assert ds.P.dims == ("a",)
    assert "id" not in ds


def test_a_parameter_that_only_some_have_is_a_coord_and_nothing_is_left_out():
    trees = measured(*[({"a": a, **({"u": 5} if a > 1 else {})}, {"E": a}) for a in (1, 2, 3)])
    ds = build_dataset(trees)
    assert shape(ds) == {"a": 3}
    np.testing.assert_array_equal(ds.u, [np.nan, 5, 5])


def test_one_stray_measurement_does_not_spoil_the_dims():
    trees = [*product(a=list(range(10)), b=[1, 2, 3]), (99, {"results": {"E": 1.0}})]
    with pytest.warns(
        ComaWarning, match=r"^1 of 31 measurements lack parameters/a, parameters/b and are left out"
    ):
        ds = build_dataset(trees)
    assert shape(ds) == {"a": 10, "b": 3}


def test_without_parameters_there_are_rows():
    assert shape(build_dataset([(i, {"results": {"E": i}}) for i in (1, 2, 3)])) == {"row": 3}


def test_the_same_parameters_measured_twice_are_rows_in_the_order_of_ids():
    trees = measured(*[({"a": a}, {"E": i}) for i, a in enumerate([1, 2, 1, 2])])
    ds = build_dataset(trees)
    assert shape(ds) == {"a": 2, "row": 2}
    assert ds.measurement_id.values.tolist() == [[1, 3], [2, 4]]


def test_of_a_defined_experiment_parameter_sets_that_were_measured_twice_are_told_of():
    a = [("a", "parameters/a")]
    trees = measured(*[({"a": a}, {"E": i}) for i, a in enumerate([1, 2, 1, 2, 3])])
    text = (
        r"^2 parameter sets have several measurements, 1, 3 for example, which lie along a dim 'row'\. e\.remove\(\[3\]\) "
        r"moves one away, measurement_id\.isel\(row=1\) of the Dataset names the others; dims= with a path that"
    )
    with pytest.warns(ComaWarning, match=text) as caught:
        assert shape(build_dataset(trees, definition=a)) == {"a": 3, "row": 2}
    assert len(caught) == 1
    with pytest.warns(ComaWarning, match=r"^1 parameter set has several measurements, 1, 3 for example"):
        build_dataset(trees[::2], definition=a)
    # Who names the dims knows of the rows, and what is recorded may tell them apart.
    assert shape(build_dataset(trees, definition=a, dims=["a"])) == {"a": 3, "row": 2}
    other = measured(*[({"a": 1, "L": L}, {"E": L}) for L in (1, 2)])
    assert shape(build_dataset(other, definition=a)) == {"a": 1, "row": 2}


def test_a_repeated_grid_that_is_thin_warns_once():
    trees = measured(
        *[({"a": i, "b": i % 7, "c": 0}, {}) for i in range(20)], *[({"a": 0, "b": 3, "c": 0}, {})]
    )
    with pytest.warns(
        ComaWarning, match=r"The grid a \(20\) x b \(7\) is 15 % full: 21 measurements"
    ) as caught:
        build_dataset(trees, dims=["a", "b"])
    assert len(caught) == 1


def test_random_points_do_not_become_millions_of_cells_in_silence():
    random = np.random.default_rng(1)
    trees = measured(*[(dict(zip("abc", point, strict=True)), {}) for point in random.random((150, 3))])
    definition = [(name, f"parameters/{name}") for name in "abc"]
    with pytest.raises(
        LayoutError, match=r"a \(150\) x b \(150\) x c \(150\) is 0\.0044 % full: 150 measurements"
    ):
        build_dataset(trees, definition=definition, layout="grid")
    assert shape(build_dataset(trees, definition=definition, dims=["a"])) == {"a": 150}


def test_random_points_of_which_no_scan_is_known_are_points_and_a_full_grid_is_a_grid():
    random = np.random.default_rng(1)
    trees = measured(*[(dict(zip("ab", point, strict=True)), {}) for point in random.integers(0, 9, (9, 2))])
    assert shape(build_dataset(trees, definition=parameters("ab"))) == {"measurement": 9}
    assert shape(build_dataset(product(a=[1, 2], b=[1, 2, 3], L=[1.0]), definition=parameters("abL"))) == {
        "a": 2,
        "b": 3,
        "L": 1,
    }


def test_parameters_that_are_dictionaries_are_dims_and_their_items_coords(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    options = [{"n": 1, "model": "x"}, {"n": 2, "model": "y"}]
    assert e.run(lambda opt, a: {"y": opt["n"] * a}, {"opt": options, "a": [1, 2]}) == (4, 4)
    ds = e.to_dataset()
    assert ds.y.dims == ("opt", "a")
    assert ds.y.values.tolist() == [[1, 2], [2, 4]]
    assert ds.opt.values.tolist() == ['{"n":1,"model":"x"}', '{"n":2,"model":"y"}']
    assert (ds.n.dims, ds.n.values.tolist()) == (("opt",), [1, 2])
    assert (ds.measurement_status == 2).all()
    points = e.to_dataset(layout="points")
    assert points.sizes == {"measurement": 4}
    assert points.opt.values.tolist() == [options[0], options[0], options[1], options[1]]
    assert e.to_dataset(dims=["a", "opt/n"]).y.sel(n=2, a=2) == 4
    assert e.to_dataframe().opt.tolist() == points.opt.values.tolist()
    assert [m.id for m in e.measurements("`opt/n` == 2")] == [3, 4]


def test_values_of_several_types_that_are_equal_share_a_label():
    stamp = pd.Timestamp("2020-01-01")
    trees = measured(({"t": stamp}, {"y": 1}), ({"t": stamp.to_pydatetime()}, {"y": 2}))
    with pytest.warns(ComaWarning, match="1 parameter set has several measurements, 1, 2 for example"):
        ds = build_dataset(trees, definition=[("t", "parameters/t")])
    assert dict(ds.sizes) == {"t": 1, "row": 2}
