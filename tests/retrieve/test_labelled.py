"""DataArrays and Datasets in results, with dims and coords of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.errors import ComaWarning
from coma_xr.retrieve import requests
from coma_xr.retrieve.dataframe import build_dataframe
from coma_xr.retrieve.dataset import build_dataset
from coma_xr.retrieve.tables import retrieve_results
from tests.retrieve.builders import measured


def wave(a, x=(0.0, 0.5, 1.0), **more):
    return xr.DataArray(
        a * np.array(x),
        {"x": ("x", list(x), {"units": "m"}), "charge": 3, **more},
        ["x"],
        attrs={"units": "V"},
    )


def two(function, **axes):
    return measured(*[({"a": a}, function(a)) for a in (1, 2)])


def test_a_data_array_brings_its_dims_coords_and_attributes():
    ds = build_dataset(two(lambda a: {"psi": wave(a)}))
    assert ds.psi.dims == ("a", "x")
    assert ds.psi.sel(a=2, x=0.5) == 1.0
    assert ds.x.dims == ("x",)
    assert ds.x.attrs == {"units": "m"}
    assert ds.charge.dims == ()
    assert ds.charge.dtype.kind == "i"
    assert ds.psi.attrs == {"units": "V", "path": "results/psi", "name": "psi"}


def test_a_coordinate_that_differs_has_the_dims_of_the_measurements_too_and_is_no_union():
    ds = build_dataset(two(lambda a: {"psi": wave(a, (0.0, 0.5 * a, 1.0 * a))}))
    assert ds.sizes == {"a": 2, "x": 3}
    assert ds.x.dims == ("a", "x")
    assert ds.x.sel(a=2).values.tolist() == [0.0, 1.0, 2.0]


def test_a_scalar_coordinate_that_differs_lies_along_the_parameters():
    ds = build_dataset(two(lambda a: {"psi": wave(a).assign_coords(gap=10 * a)}))
    assert ds.gap.dims == ("a",)
    assert ds.gap.values.tolist() == [10, 20]


def test_arrays_of_unequal_length_are_padded_and_tell_their_length():
    ds = build_dataset(two(lambda a: {"psi": wave(a, [0.0, 1.0, 2.0][: a + 1])}))
    np.testing.assert_array_equal(ds.psi, [[0.0, 1.0, np.nan], [0.0, 2.0, 4.0]])
    assert ds.psi_length.values.tolist() == [2, 3]
    np.testing.assert_array_equal(ds.x, [[0.0, 1.0, np.nan], [0.0, 1.0, 2.0]])


def test_the_same_coordinate_in_two_results_is_one_and_another_one_has_another_name():
    ds = build_dataset(two(lambda a: {"psi": wave(a), "phi": wave(2 * a), "chi": wave(a, (5.0, 6.0, 7.0))}))
    assert ds.psi.dims == ds.phi.dims == ("a", "x")
    assert ds.chi.dims == ("a", "chi_x")
    assert ds.chi_x.values.tolist() == [5.0, 6.0, 7.0]


def test_a_dim_with_the_name_of_a_parameter_gets_another_name():
    ds = build_dataset(two(lambda a: {"psi": xr.DataArray([a, 2, 3], dims="a")}))
    assert ds.psi.dims == ("a", "psi_a")


def test_dims_in_another_order_are_the_same_dims():
    flat = xr.DataArray(np.arange(6).reshape(2, 3), dims=["x", "y"])
    ds = build_dataset(two(lambda a: {"psi": flat if a == 1 else flat.transpose()}))
    assert ds.psi.dims == ("a", "x", "y")
    assert ds.psi.dtype.kind == "i"
    np.testing.assert_array_equal(ds.psi.sel(a=1), ds.psi.sel(a=2))


def test_arrays_of_other_dims_are_objects_and_said():
    with pytest.warns(ComaWarning, match="one array: 'psi' has values of different kinds"):
        ds = build_dataset(two(lambda a: {"psi": xr.DataArray([1.0], dims="xy"[a - 1])}))
    assert ds.psi.sel(a=2).item().dims == ("y",)


def test_the_dims_of_a_data_array_can_be_renamed():
    ds = build_dataset(two(lambda a: {"psi": wave(a)}), unfold={"psi": "position"})
    assert ds.psi.dims == ("a", "position")
    assert ds.position.values.tolist() == [0.0, 0.5, 1.0]


def test_a_data_array_without_dims_is_a_scalar():
    ds = build_dataset(two(lambda a: {"E": xr.DataArray(a, {"T": 300})}))
    assert ds.E.dims == ("a",)
    assert ds.E.dtype.kind == "i"
    assert ds["T"] == 300


def test_a_measurement_without_the_array_is_a_hole():
    trees = measured(({"a": 1}, {"psi": wave(1)}), ({"a": 2}, {}))
    ds = build_dataset(trees)
    assert ds.x.dims == ("x",)
    assert np.isnan(ds.psi.sel(a=2)).all()


def test_a_dataset_is_its_variables():
    def fit(a):
        return {"fit": xr.Dataset({"line": wave(a), "slope": ((), 2 * a)})}

    ds = build_dataset(two(fit))
    assert ds.line.dims == ("a", "x")
    assert ds.line.attrs["path"] == "results/fit/line"
    assert ds.slope.values.tolist() == [2, 4]
    assert list(build_dataset(two(fit), variables={"s": "results/fit/slope"}).data_vars) == ["s"]


def test_a_function_may_return_a_data_array():
    ds = build_dataset(two(lambda a: {"E": a}), variables={"w": lambda m: wave(m.results.E)})
    assert ds.w.sel(a=2, x=1.0) == 2.0


def test_coordinates_may_be_text_and_dates():
    days = pd.date_range("2026-01-01", periods=2)
    array = xr.DataArray([1.0, 2.0], {"day": days, "who": ("day", ["x", "yz"])}, ["day"])
    ds = build_dataset(two(lambda a: {"v": array * a}))
    assert ds.v.sel(a=2, day="2026-01-02") == 4.0
    assert ds.who.values.tolist() == ["x", "yz"]


def test_a_series_brings_its_index():
    ds = build_dataset(
        two(lambda a: {"s": pd.Series([a, 2 * a], index=pd.Index(["lo", "hi"], name="level"))})
    )
    assert ds.s.sel(a=2, level="hi") == 4


def test_points_have_them_too():
    ds = build_dataset(two(lambda a: {"psi": wave(a)}), layout="points")
    assert ds.psi.dims == ("measurement", "x")


def fits():
    return two(lambda a: {"fit": xr.Dataset({"line": wave(a), "slope": ((), 2 * a)}), "k": a})


@pytest.mark.parametrize(("text", "dims"), [("line", ("a", "x")), ("slope", ("a",)), ("fit/slope", ("a",))])
def test_variables_of_stored_datasets_are_found_by_their_names(text, dims):
    ds = build_dataset(fits(), variables=text)
    assert [variable.dims for variable in ds.data_vars.values()] == [dims]
    assert ds.identical(build_dataset(fits())[[*ds.data_vars]])
    assert build_dataframe(fits(), variables=text).columns.tolist() == ["a", text.rpartition("/")[2]]


def test_datasets_that_nobody_asks_for_are_not_decoded(monkeypatch):
    decoded = []
    read = requests.from_plain
    monkeypatch.setattr(requests, "from_plain", lambda node: decoded.append(node) or read(node))
    build_dataset(fits(), variables="k")
    assert decoded == []


def test_tables_take_variables_of_stored_datasets():
    found = retrieve_results(fits(), [("line", "results/fit/line")])[0]
    assert found.table.shape == (2, 1)
    np.testing.assert_array_equal(found.table[1, 0], [0.0, 1.0, 2.0])


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_xarray_has_may_be_a_parameter(is_whole):
    lattices = [xr.Dataset({"u": ("t", [1.0, u])}) for u in (1.0, 2.0)]
    lattices = lattices if is_whole else [lattice.u for lattice in lattices]
    trees = measured(*[({"lattice": one, "a": a}, {"y": a}) for one in lattices for a in (1, 2)])
    ds = build_dataset(trees, definition=[("lattice", "parameters/lattice"), ("a", "parameters/a")])
    assert ds.sizes == {"lattice": 2, "a": 2}
    assert ds.measurement_id.values.tolist() == [[1, 2], [3, 4]]
    assert build_dataframe(trees).a.tolist() == [1, 2, 1, 2]


def test_a_dataset_that_is_a_parameter_is_one_object():
    lattices = [xr.Dataset({"u": ("t", [1.0, u])}) for u in (1.0, 2.0)]
    ds = build_dataset(measured(*[({"lattice": one}, {"y": 1}) for one in lattices]), layout="points")
    assert ds.lattice.values[1].identical(lattices[1])


def test_attributes_that_are_arrays_of_unequal_length_are_no_common_ones():
    ds = build_dataset(
        two(lambda a: {"psi": wave(a).assign_attrs(range=np.arange(a + 1), ends=np.array([0, 1]))})
    )
    assert "range" not in ds.psi.attrs
    assert ds.psi.attrs["ends"].tolist() == [0, 1]


def test_units_that_differ_between_measurements_are_said_and_not_shown():
    with pytest.warns(ComaWarning, match="no value was converted: 'psi' is in 'm1', 'm2'"):
        ds = build_dataset(two(lambda a: {"psi": wave(a).assign_attrs(units=f"m{a}")}))
    assert "units" not in ds.psi.attrs


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_coordinates_that_differ_by_rounding_errors_are_one(offset):
    x = np.linspace(0.1, 1, 10) + offset
    trees = two(lambda a: {"psi": xr.DataArray(x * a, {"x": x * (1 + (a - 1) * 2e-16)}, ["x"])})
    with pytest.warns(ComaWarning, match="'x' differs between measurements by rounding errors"):
        ds = build_dataset(trees)
    assert ds.psi.dims == ("a", "x")
    np.testing.assert_array_equal(ds.x, x)


def test_coordinates_of_two_results_that_differ_by_rounding_errors_are_one():
    x = np.array([0.1, 0.3])
    noisy = np.array([0.1, 0.1 + 0.2])
    result = {"f": xr.DataArray(x, {"x": x}, ["x"]), "g": xr.DataArray(x, {"x": noisy}, ["x"])}
    with pytest.warns(ComaWarning, match="'x' differs between variables by rounding errors"):
        ds = build_dataset(measured(({"a": 1}, result)))
    assert ds.g.dims == ("x",)
    assert build_dataframe(measured(({"a": 1}, result)), unfold="rows").columns.tolist() == [
        "a",
        "x",
        "f",
        "g",
    ]


@pytest.mark.parametrize("change", [1e-8, 1.0])
def test_coordinates_with_larger_differences_stay(change):
    x = np.linspace(0, 1, 11)
    ds = build_dataset(two(lambda a: {"psi": xr.DataArray(x, {"x": x + a * change}, ["x"])}))
    assert ds.x.dims == ("a", "x")
    np.testing.assert_array_equal(ds.x.sel(a=2), x + 2 * change)


def test_annotated_coordinates_that_differ_by_rounding_errors_are_one():
    notes = {"results/E": {"dims": ["t"], "coords": {"t": "results/t"}}}
    trees = two(lambda a: {"E": [1.0, 2.0], "t": [0.1, 0.3 if a == 1 else 0.1 + 0.2]})
    with pytest.warns(ComaWarning, match="rounding errors"):
        assert build_dataset(trees, annotations=notes).t.dims == ("t",)


def test_annotated_units_that_are_not_those_of_the_values_are_reported_everywhere(tmp_path):
    def model(a):
        return {"E": xr.DataArray(a, attrs={"units": "joule"}), "t": [xr.DataArray(a, attrs={"units": "s"})]}

    e = coma.Experiment(tmp_path / "e", config={})
    e.run(model, {"a": [1, 2]}, progress=False)
    assert e.to_dataframe(["E"]).attrs == {"units": {"E": "joule"}}
    text = "'{}' is annotated in 'meV', its values are in 'joule'"
    with pytest.warns(coma.ComaWarning, match=text.format("results/E")):
        e.annotate("E", units="meV")
    e.annotate("t", units="s")
    joined = coma.open_experiments(tmp_path / "e")
    for look in (e.to_dataset, e.to_dataframe, joined.to_dataset, joined.to_dataframe):
        with pytest.warns(
            coma.ComaWarning, match="Annotated units differ from those of the values, and no value"
        ) as caught:
            look()
        assert [text.format("E") in str(warning.message) for warning in caught] == [True]


def test_an_array_without_labels_shares_a_dim_only_with_as_many_labels():
    def results(a):
        f = xr.DataArray([1, 2, 3], dims="t", coords={"t": [0, 10, 20]})
        return {"h": xr.DataArray([7, 8, 9, 9.5], dims="t"), "f": f, "g": xr.DataArray([4, 5, a], dims="t")}

    ds = build_dataset(two(results))
    assert [ds[name].dims for name in "hfg"] == [("a", "h_t"), ("a", "t"), ("a", "t")]
    assert ds.t.values.tolist() == [0, 10, 20]
    df = build_dataframe(two(results), unfold="rows").loc[1]
    assert df.loc[df.h.notna(), ["h_t", "h"]].values.tolist() == [[1, 7], [2, 8], [3, 9], [4, 9.5]]
    assert df.loc[df.f.notna(), ["t", "f", "g"]].values.tolist() == [[0, 1, 4], [10, 2, 5], [20, 3, 1]]


def test_the_number_of_a_repeat_has_one_name(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    with pytest.warns(ComaWarning, match="2 of 4"):
        e.run(lambda repeat, rng: 1 / repeat, {"repeat": [0, 1]}, repeats=2, progress=False)
    for look, has in ((e.to_dataset, "coords"), (e.to_dataframe, "columns")):
        with pytest.warns(ComaWarning, match="calls its own one 'coma_repeat' here"):
            assert {"repeat", "coma_repeat"} <= set(getattr(look(), has))
    assert e.failures()[["repeat", "coma_repeat"]].values.tolist() == [[0, 0], [0, 1]]


def with_own_labels(given):
    arrays = [xr.DataArray([1.0, 2.0 * a], {"t": [1, 2], "aux": ("t", [7, 8])}, ["t"]) for a in (1, 2)]
    results = [{"x": array, "other": array, "n": [3, 4], "name": ["ab", "c"]} for array in arrays]
    trees = list(measured(*[({"a": a}, result) for a, result in enumerate(results, 1)]))
    table = build_dataframe(trees, variables=["x"], unfold="rows", annotations={"results/x": given})
    return build_dataset(trees, annotations={"results/x": given}), table


@pytest.mark.parametrize("dim", ["t", "q", "aux"])
def test_labels_that_are_given_win_over_those_of_an_array(dim):
    ds, table = with_own_labels({"dims": [dim], "coords": {dim: "results/name"}})
    assert ds.x.dims == ("a", dim)
    assert ds[dim].values.tolist() == ["ab", "c"]
    assert table[dim].tolist() == ["ab", "c"] * 2
    other = ds.other.dims[1]
    assert ds[other].values.tolist() == [1, 2]
    aux = "x_aux" if dim == "aux" else "aux"
    assert ds[aux].values.tolist() == [7, 8]
    assert table[aux].tolist() == [7, 8] * 2


@pytest.mark.parametrize(("name", "place"), [("t", "other_t"), ("aux", "x_aux")])
def test_a_given_coordinate_without_named_dims_labels_an_array(name, place):
    ds, _ = with_own_labels({"coords": {name: "results/name"}})
    assert ds.x.dims == ("a", "t")
    assert ds[name].dims == ("t",)
    assert ds[name].values.tolist() == ["ab", "c"]
    assert place in ds.coords


def test_labels_of_a_list_are_not_those_of_an_array():
    ds = build_dataset(
        measured(
            ({"a": 1}, {"n": [3, 4], "name": ["ab", "c"], "x": xr.DataArray([1, 2], {"t": [5, 6]}, ["t"])})
        ),
        unfold={"n": {"t": "results/name"}},
    )
    assert ds.n.sel(t="c") == 4
    assert ds.x.sel(x_t=6) == 2
