"""Plots, told by their artists: what is drawn, with which colours, labels and legend entries."""

from __future__ import annotations

import dataclasses
import io
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import coma_xr as coma
from coma_xr.errors import ComaError, ComaWarning, ExperimentError, LayoutError, ParameterError, PathError
from coma_xr.plotting.arguments import KIND_NAMES, PlotSpec
from coma_xr.plotting.draw import plot
from coma_xr.plotting.kinds import KINDS

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


def drawn(data, *args, **how):
    "A plot that was rendered too, so that no text or layout is refused later."
    figure = plot(data, *args, **how)
    figure.savefig(io.BytesIO(), format="png")
    return figure


def apart(*shape):
    "Values of which no two rows are equal."
    return np.arange(float(np.prod(shape))).reshape(shape)


def points(line):
    return np.column_stack(
        [np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)]
    ).tolist()


def entries(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


@pytest.fixture
def pendulum():
    angles = np.linspace(-1, 1, 5)
    amplitude = np.array([-60.0, -30.0])
    ds = xr.Dataset(
        {
            "t": (("theta_0", "theta_index"), np.arange(10.0).reshape(2, 5)),
            "t_": (("theta_0", "theta_index"), np.arange(10.0).reshape(2, 5) / 2),
        },
        coords={
            "theta_0": amplitude,
            "theta": (("theta_0", "theta_index"), np.outer(-amplitude, angles)),
            "measurement_id": (("theta_0", "theta_index"), np.arange(1, 11).reshape(2, 5)),
        },
    )
    ds.t.attrs = {"path": "results/t", "name": "t", "units": "s", "long_name": "time"}
    ds.t_.attrs = {"path": "results/t_", "name": "t_", "units": "s", "long_name": "time, small angles"}
    ds.theta.attrs = {"path": "parameters/theta", "name": "theta", "units": "degree"}
    ds.theta_0.attrs = {"path": "parameters/theta_0", "name": "theta_0", "units": "degree"}
    return ds


@pytest.fixture
def repeats():
    y = np.array([[[1.0, 3.0, np.nan], [2.0, 2.0, 5.0]], [[0.0, 4.0, 8.0], [1.0, 1.0, 1.0]]])
    return xr.Dataset({"y": (("L", "x", "repeat"), y)}, coords={"L": [4, 8], "x": [0.0, 1.0]})


# Lines


def test_the_tutorials_figure_is_one_call(pendulum):
    figure = drawn(pendulum, x="theta", y=["t", "t_"], col="theta_0")
    assert titles(figure) == [f"theta_0 = {MINUS}60 degree", f"theta_0 = {MINUS}30 degree"]
    assert entries(figure) == ["time", "time, small angles"]
    assert [ax.get_xlabel() for ax in figure.axes] == ["theta [degree]"] * 2
    assert [ax.get_ylabel() for ax in figure.axes] == ["time [s]", ""]
    first, second = figure.axes[0].lines
    np.testing.assert_array_equal(first.get_ydata(), pendulum.t[0])
    np.testing.assert_array_equal(second.get_ydata(), pendulum.t_[0])
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()


def test_paths_are_names_too(pendulum):
    figure = drawn(pendulum, x="parameters/theta", y="results/t", hue="parameters/theta_0")
    assert figure.axes[0].get_ylabel() == "time [s]"


def test_a_variable_and_a_coord_change_places(pendulum):
    ax = drawn(pendulum, x="t", y="theta", hue="theta_0").axes[0]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), pendulum.t[0])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), pendulum.theta[0])


def test_lines_are_sorted_by_x():
    ds = xr.Dataset({"y": ("x", [3.0, 1.0, 2.0])}, coords={"x": [30, 10, 20]})
    assert points(drawn(ds, x="x", y="y").axes[0].lines[0]) == [[10, 1], [20, 2], [30, 3]]


def test_a_curve_of_two_results_goes_along_its_dim():
    turn = np.linspace(0, 2 * np.pi, 9)
    ds = xr.Dataset({"u": ("time", np.cos(turn)), "v": ("time", np.sin(turn))}, coords={"time": turn})
    line = drawn(ds, x="u", y="v").axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), ds.u)
    np.testing.assert_array_equal(line.get_ydata(), ds.v)
    assert isinstance(drawn(ds, x="u", y="v", kind="scatter").axes[0].collections[0], PathCollection)


def test_a_line_goes_through_the_holes_of_other_lines():
    y = [[0.0, np.nan, 2.0, np.nan], [np.nan, 1.0, np.nan, 3.0]]
    ds = xr.Dataset({"y": (("m", "x"), y)}, coords={"m": ["a", "b"], "x": np.arange(4)})
    lines = drawn(ds, x="x", y="y", hue="m").axes[0].lines
    assert [points(line) for line in lines] == [[[0, 0], [2, 2]], [[1, 1], [3, 3]]]


def test_a_line_breaks_where_its_own_measurement_gave_nothing():
    ds = xr.Dataset(
        {"y": ("x", [0.0, np.nan, 2.0, np.nan, 4.0])},
        coords={"x": np.arange(5), "measurement_id": ("x", [1, 0, 2, 3, 4])},
    )
    x, y = drawn(ds, x="x", y="y").axes[0].lines[0].get_data()
    assert list(x) == [0, 2, 3, 4]
    assert np.isnan(y).tolist() == [False, False, True, False]


def breaks(line):
    "The x of the breaks of a line, and the number of its points."
    x, y = (np.asarray(values, float) for values in line.get_data())
    return x[np.isnan(y)].tolist(), int(np.isfinite(x + y).sum())


def test_a_line_breaks_at_a_pole():
    ds = xr.Dataset({"y": ("x", [-0.5, -1, np.inf, 1, 0.5])}, coords={"x": [-2.0, -1, 0, 1, 2]})
    with pytest.warns(ComaWarning, match="1 infinite value of y"):
        assert breaks(drawn(ds, x="x", y="y").axes[0].lines[0]) == ([0], 4)
    with pytest.warns(ComaWarning, match="1 infinite value of y"):
        assert breaks(drawn(ds.to_dataframe().reset_index(), x="x", y="y").axes[0].lines[0]) == ([0], 4)


def test_a_line_breaks_where_no_line_has_a_value():
    ds = xr.Dataset({"y": (("m", "x"), [[0.0, np.nan, 2, 3], [1, np.nan, np.nan, 4]])})
    assert [breaks(line) for line in drawn(ds, x="x", y="y", hue="m").axes[0].lines] == [([1], 3), ([1], 2)]


@pytest.mark.filterwarnings("ignore:Not drawn")
def test_a_line_breaks_where_a_logarithmic_axis_has_no_place():
    ds = xr.Dataset({"y": ("n", [1.0, -1, 2, 3]), "x": ("n", [1.0, 2, 3, 4])})
    assert breaks(drawn(ds, x="x", y="y", yscale="log").axes[0].lines[0]) == ([2], 3)
    line = drawn(ds, x="y", y="x", xscale="log", kind="line").axes[0].lines[0]
    assert np.isnan(line.get_xdata()).tolist() == [False, True, False, False]


def test_few_points_are_marked_and_of_many_the_lonely_ones():
    few = xr.Dataset({"y": ("x", np.arange(5.0))})
    line = drawn(few, y="y").axes[0].lines[0]
    assert (line.get_marker(), line.get_markevery()) == ("o", None)
    y = np.arange(100.0)
    assert drawn(xr.Dataset({"y": ("x", y)}), y="y").axes[0].lines[0].get_marker() == "None"
    y[[49, 51]] = np.nan
    lonely = xr.Dataset({"y": ("x", y)}, coords={"measurement_id": ("x", np.arange(1, 101))})
    line = drawn(lonely, y="y").axes[0].lines[0]
    assert (line.get_marker(), line.get_markevery()) == ("o", [50])


def test_names_on_x_make_points_and_no_line():
    ds = xr.Dataset({"E": ("model", [1.0, 2.0])}, coords={"model": ["QcaBond", "Ising"]})
    ax = drawn(ds, x="model", y="E", labels={"QcaBond": "Bond"}).axes[0]
    assert not ax.lines
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Bond", "Ising"]


def test_every_dim_coord_and_variable_can_tell_groups_apart(pendulum):
    ds = pendulum.assign(kind_of=("theta_0", ["slow", "fast"])).assign_coords(half=pendulum.theta_0 / 2)
    for role in ("hue", "style", "row", "col"):
        for name in ("theta_0", "kind_of", "half"):
            figure = drawn(ds, x="theta_index", y="t", **{role: name})
            assert sum(len(ax.lines) for ax in figure.axes) == 2


# Colours and legends


def test_few_numbers_get_a_legend_and_many_a_colour_bar():
    ds = xr.Dataset({"y": (("k", "x"), apart(20, 3))}, coords={"k": np.arange(20)})
    few = drawn(ds.isel(k=[0, 1, 2]), x="x", y="y", hue="k")
    assert entries(few) == ["0", "1", "2"]
    assert few.legends[0].get_title().get_text() == "k"
    assert len(few.axes) == 1
    many = drawn(ds, x="x", y="y", hue="k")
    assert not many.legends
    assert many.axes[1].get_ylabel() == "k"
    assert len({to_hex(line.get_color()) for line in many.axes[0].lines}) == 20


def test_values_have_as_few_digits_as_tell_them_apart_in_one_notation():
    values = [0.1, 0.1 + 1e-7, 1e-9]
    ds = xr.Dataset({"y": (("k", "x"), apart(3, 2))}, coords={"k": values})
    powers = [f"10$^{{{MINUS}9}}$", f"10$^{{{MINUS}1}}$", f"1.000001 {TIMES} 10$^{{{MINUS}1}}$"]
    assert entries(drawn(ds, x="x", y="y", hue="k")) == powers
    assert entries(drawn(ds.isel(k=[0, 1]), x="x", y="y", hue="k")) == ["0.1", "0.1000001"]


def test_names_have_colours_that_differ_and_then_dashes():
    ds = xr.Dataset({"y": (("k", "x"), apart(12, 2))}, coords={"k": [f"model {n}" for n in range(12)]})
    lines = drawn(ds, x="x", y="y", hue="k").axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 12


def test_hue_and_style_have_a_heading_each_in_one_legend(pendulum):
    figure = drawn(pendulum, x="theta", y=["t", "t_"], hue="theta_0")
    found = ["theta_0 [degree]", f"{MINUS}60", f"{MINUS}30", " ", "time", "time, small angles"]
    assert entries(figure) == found


def test_the_same_on_hue_and_style_is_one_section(repeats):
    figure = drawn(repeats, x="x", y="y", hue="L", style="L")
    assert entries(figure) == ["4", "8"]


def test_a_legend_lies_outside_of_the_data(pendulum):
    figure = drawn(pendulum, x="theta", y="t", hue="theta_0")
    assert figure.legends[0].get_window_extent().x0 >= figure.axes[0].get_window_extent().x1


def test_several_variables_of_different_units_say_them_in_the_legend():
    ds = xr.Dataset({"T": ("x", [1.0, 2.0], {"units": "K"}), "p": ("x", [2.0, 1.0], {"units": "Pa"})})
    assert entries(drawn(ds, x="x", y=["T", "p"])) == ["T [K]", "p [Pa]"]
    figure = drawn(ds, x="x", y=["T", "p"], row="variable")
    assert [ax.get_ylabel() for ax in figure.axes] == ["T [K]", "p [Pa]"]
    assert figure.axes[0].get_xlabel() == ""


# Labels


def test_labels_are_for_axes_legends_titles_and_values():
    ds = xr.Dataset(
        {"P": (("model", "doa"), apart(2, 3), {"units": "1/s"})},
        coords={"model": ["QcaBond", "QcaIsing"], "doa": [1.0, 2.0, 3.0]},
    )
    labels = {"doa": "$d/a$", "QcaBond": "Bond", "P": "$P$", "model": "Model", 2.0: "two"}
    figure = drawn(ds, x="doa", y="P", hue="model", labels=labels)
    assert figure.axes[0].get_xlabel() == "$d/a$"
    assert figure.axes[0].get_ylabel() == "$P$ [1/s]"
    assert entries(figure) == ["Bond", "QcaIsing"]
    assert figure.legends[0].get_title().get_text() == "Model"
    assert titles(drawn(ds, x="doa", y="P", col="model", labels=labels)) == [
        "Model = Bond",
        "Model = QcaIsing",
    ]
    assert entries(drawn(ds, x="model", y="P", hue="doa", labels=labels)) == ["1", "two", "3"]


def test_a_label_that_ends_in_a_bracket_gets_no_units(pendulum):
    figure = drawn(pendulum, x="theta", y="t", hue="theta_0", labels={"t": "time (s)"})
    assert figure.axes[0].get_ylabel() == "time (s)"


def test_attrs_that_arithmetic_took_from_another_variable_are_not_used(pendulum):
    with xr.set_options(keep_attrs=True):
        ds = pendulum.assign(ratio=pendulum.t / pendulum.t_)
    assert ds.ratio.attrs["units"] == "s"
    assert drawn(ds, x="theta", y="ratio", hue="theta_0").axes[0].get_ylabel() == "ratio"
    assert drawn(ds, x="theta", y="t", hue="theta_0").axes[0].get_ylabel() == "time [s]"
    with xr.set_options(keep_attrs=True):
        ds["later"] = pendulum.t + 1
    assert drawn(ds, x="theta", y="later", hue="theta_0").axes[0].get_ylabel() == "later"
    ds["ratio"].attrs = {"long_name": "ratio of times", "units": "1"}
    assert drawn(ds, x="theta", y="ratio", hue="theta_0").axes[0].get_ylabel() == "ratio of times [1]"
    for name in ds.variables:
        ds[name].attrs.pop("name", None)
    assert drawn(ds, x="theta", y="t", hue="theta_0").axes[0].get_ylabel() == "time [s]"


def test_what_a_call_or_a_note_renamed_keeps_its_units(tmp_path):
    "Until arithmetic makes something else of it."
    e = coma.Experiment(tmp_path / "moved")
    e.run(lambda a: {"t": [0.0, 0.5, 1.0], "x": [0.0, a, 2.0 * a]}, {"a": [1.0, 2.0]})
    e.annotate("parameters/a", units="m/s", long_name="velocity")
    e.annotate("results/t", units="s", long_name="time since launch")
    e.annotate("results/x", units="m", dims=["time"], coords={"time": "results/t"})
    ax = drawn(e.to_dataset(), x="time", y="x", hue="a").axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time since launch [s]", "x [m]")
    ds = e.to_dataset({"place": "results/x"}, dims=[("v", "parameters/a")])
    figure = drawn(ds, x="time", y="place", hue="v")
    assert figure.axes[0].get_ylabel() == "place [m]"
    assert figure.legends[0].get_title().get_text() == "velocity [m/s]"
    with xr.set_options(keep_attrs=True):
        ds["square"] = ds.place**2
    assert drawn(ds, x="time", y="square", hue="v").axes[0].get_ylabel() == "square"


def test_a_coord_that_came_with_an_array_keeps_its_units(pendulum):
    del pendulum.theta.attrs["name"]
    assert drawn(pendulum, x="theta", y="t", hue="theta_0").axes[0].get_xlabel() == "theta [degree]"


def test_a_short_log_scale_has_numbers_and_a_long_one_powers_of_ten():
    def written(factor):
        y = xr.DataArray([[2.0, 4.0], [5.0, 2.0 * factor]], dims=("b", "a"))
        ds = xr.Dataset({"y": y.isel(b=1), "z": y}, {"a": [1.0, 2.0], "b": [1.0, 2.0]})
        axes = [
            drawn(ds, x="a", y="y", yscale="log").axes[0],
            drawn(ds, x="a", y="b", z="z", zscale="log").axes[1],
        ]
        return [{text.get_text() for text in ax.get_yticklabels(which="both")} for ax in axes]

    for texts in written(5):
        assert {"5", "10"} <= texts
        assert not any("$" in text for text in texts)
    for texts in written(1e4):
        assert "10$^{3}$" in texts


@pytest.mark.parametrize("text", ["costs $5", "$", "$\\nosuch$", "_hidden", "a_b^c", "50 %"])
def test_any_text_can_be_a_name(text):
    ds = xr.Dataset({text: (("k", "x"), apart(2, 2))}, coords={"k": [text, "other"]})
    shown = entries(drawn(ds, x="x", y=text, hue="k"))[0]
    assert shown.replace("\\$", "$") == text


# Means and errors


def test_repeats_are_averaged_and_the_figure_says_so(repeats):
    ax = drawn(repeats, x="x", y="y", hue="L").axes[0]
    assert points(ax.lines[0]) == [[0, 2], [1, 3]]
    assert ax.get_title(loc="left") == "mean over repeat (n = 2 to 3)"


def test_mean_and_standard_error_over_a_dim(repeats):
    ax = drawn(repeats, x="x", y="y", hue="L", error="repeat").axes[0]
    assert ax.get_title(loc="left") == "mean ± standard error over repeat (n = 2 to 3)"
    bars = ax.collections[0].get_segments()
    assert np.ptp(np.array(bars[0])[:, 1]) == pytest.approx(2 * np.std([1, 3], ddof=1) / np.sqrt(2))
    assert np.ptp(np.array(bars[1])[:, 1]) == pytest.approx(2 * np.std([2, 2, 5], ddof=1) / np.sqrt(3))


def test_the_error_of_one_value_is_not_drawn():
    ds = xr.Dataset({"y": (("x", "repeat"), [[1.0, np.nan], [2.0, 4.0]])}, coords={"x": [0, 1]})
    bars = drawn(ds, x="x", y="y", error="repeat").axes[0].collections[0].get_segments()
    assert [bool(np.isnan(bar).any()) for bar in bars if len(bar)] in ([True, False], [False])


@pytest.mark.parametrize("err_style", ["band", "bars"])
def test_an_error_from_a_variable(err_style):
    ds = xr.Dataset({"y": ("x", [1.0, 2.0]), "y_err": ("x", [0.1, 0.5])}, coords={"x": [0, 1]})
    ax = drawn(ds, x="x", y="y", error="y_err", err_style=err_style).axes[0]
    heights = np.concatenate([path.vertices[:, 1] for path in ax.collections[0].get_paths()])
    assert {0.9, 1.1, 1.5, 2.5} <= set(np.round(heights, 12).tolist())
    assert len(ax.collections) == 1


def test_many_points_get_a_band_and_few_get_bars():
    ds = xr.Dataset({"y": ("x", np.arange(20.0)), "e": ("x", np.ones(20))})
    assert (
        type(drawn(ds, y="y", x="x", error="e").axes[0].collections[0]).__name__
        == "FillBetweenPolyCollection"
    )
    few = ds.isel(x=slice(5))
    assert type(drawn(few, y="y", x="x", error="e").axes[0].collections[0]).__name__ == "LineCollection"


def test_repeats_in_a_table_are_averaged_too():
    frame = pd.DataFrame({"x": [0, 0, 1, 1], "repeat": [0, 1, 0, 1], "y": [1.0, 3.0, 5.0, 5.0]})
    ax = drawn(frame, x="x", y="y").axes[0]
    assert points(ax.lines[0]) == [[0, 2], [1, 5]]
    assert ax.get_title(loc="left") == "mean over repeat (n = 2)"
    assert drawn(frame, x="x", y="y", error="repeat").axes[0].collections


# Maps


def test_a_map_over_two_dims():
    ds = xr.Dataset(
        {"E": (("b", "a"), np.arange(6.0).reshape(2, 3), {"units": "eV"})}, {"a": [30, 10, 20], "b": [1, 2]}
    )
    ax, bar = drawn(ds, x="a", y="b", z="E").axes
    mesh = ax.collections[0]
    assert isinstance(mesh, QuadMesh)
    np.testing.assert_array_equal(mesh.get_array(), [[1, 2, 0], [4, 5, 3]])
    assert mesh.get_coordinates()[0, :, 0].tolist() == [5, 15, 25, 35]
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("a", "b", "E [eV]")


def test_the_cells_of_a_log_axis_meet_half_way_on_it():
    ds = xr.Dataset({"E": (("b", "a"), apart(2, 3))}, {"a": [1, 10, 100], "b": [1, 2]})
    mesh = drawn(ds, x="a", y="b", z="E", xscale="log").axes[0].collections[0]
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], 10 ** np.array([-0.5, 0.5, 1.5, 2.5]))


def test_rows_of_a_map_have_their_own_x(pendulum):
    mesh = drawn(pendulum, x="theta", y="theta_0", z="t").axes[0].collections[0]
    reach = np.ptp(mesh.get_coordinates()[..., 0], axis=1)
    assert reach.tolist() == [150, 150, 75, 75]
    assert mesh.get_array().compressed().tolist() == pendulum.t.values.ravel().tolist()


def test_coordinates_with_holes_make_a_map(pendulum):
    ds = pendulum.copy(deep=True)
    ds.theta[0, 4] = np.nan
    ds.t[0, 4] = np.nan
    assert drawn(ds, x="theta", y="theta_0", z="t").axes[0].collections[0].get_array().count() == 9


def test_values_on_both_sides_of_zero_have_white_at_zero():
    ds = xr.Dataset({"E": (("b", "a"), [[-1.0, 2.0], [0.0, 1.0]])})
    norm = drawn(ds, x="a", y="b", z="E").axes[0].collections[0].norm
    assert (norm.vmin, norm.vmax) == (-2, 2)


def test_panels_share_the_colours_of_a_map():
    ds = xr.Dataset({"E": (("s", "b", "a"), np.arange(8.0).reshape(2, 2, 2))}, {"s": ["up", "down"]})
    figure = drawn(ds, x="a", y="b", z="E", col="s")
    assert len(figure.axes) == 3
    assert {ax.collections[0].get_clim() for ax in figure.axes[:2]} == {(0, 7)}


def test_points_on_no_grid_are_drawn_as_they_are():
    rng = np.random.default_rng(1)
    ds = xr.Dataset(
        {"f": ("measurement", rng.random(20))}, {n: ("measurement", rng.random(20)) for n in "ab"}
    )
    found = drawn(ds, x="a", y="b", z="f").axes[0].collections[0]
    np.testing.assert_array_equal(found.get_offsets(), np.column_stack([ds.a, ds.b]))
    np.testing.assert_array_equal(found.get_array(), ds.f)
    assert drawn(ds, x="a", y="b", z="f", kind="contour").axes[0].collections


def test_points_that_are_asked_for_are_drawn_over_all_dims():
    ds = xr.Dataset(
        {"E": (("r", "n"), [[0.0, 1.0], [2.0, np.nan]]), "size": ("r", [5.0, 7.0])}, {"r": [1, 2]}
    )
    (found,) = drawn(ds, x="r", y="E", kind="scatter").axes[0].collections
    assert found.get_offsets().tolist() == [[1, 0], [1, 1], [2, 2]]
    figure = drawn(ds, x="E", y="r", hue="size", kind="scatter")
    assert [part.get_offsets().tolist() for part in figure.axes[0].collections] == [
        [[0, 1], [1, 1]],
        [[2, 2]],
    ]
    with pytest.raises(LayoutError) as caught:
        plot(ds, x="r", y="E")
    assert "Draw all points: kind='scatter'." in map(str, caught.value.ways)


def test_the_colours_are_those_of_the_points_that_are_drawn():
    nan = np.nan
    points = {"x": [1.0, *[nan] * 9, 2.0, 3.0], "y": range(12), "c": [0.5, *range(10, 19), 1.0, 2.0]}
    with pytest.warns(ComaWarning, match="Not drawn: 9 points without x"):
        figure = drawn(pd.DataFrame(points), x="x", y="y", hue="c", kind="scatter")
    assert entries(figure) == ["0.5", "1", "2"]


def test_a_table_on_a_grid_makes_a_map():
    frame = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "f": [0.0, 1.0, 2.0, 3.0]})
    mesh = drawn(frame, x="a", y="b", z="f").axes[0].collections[0]
    np.testing.assert_array_equal(mesh.get_array(), [[0, 2], [1, 3]])


# Counts


def test_x_alone_is_counted():
    ds = xr.Dataset({"n": (("k", "x"), [[1, 1, 2], [3, 1, 1]])}, coords={"k": ["a", "b"]})
    ax = drawn(ds, x="n").axes[0]
    assert ax.patches[0].get_data().values.tolist() == [4, 1, 1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("n", "count")
    figure = drawn(ds, x="n", hue="k")
    assert entries(figure) == ["a", "b"]
    assert figure.axes[0].patches[0].get_data().values.tolist() == [2, 1, 0]


# Failed and missing points


@pytest.fixture
def broken():
    flags = {"flag_values": [0, 1, 2, 3], "flag_meanings": "not_asked missing done failed"}
    return xr.Dataset(
        {"y": (("k", "x"), [[1.0, np.nan, np.nan, 4.0], [1.0, np.nan, 3.0, np.nan]])},
        coords={"x": [0, 1, 2, 3], "measurement_status": (("k", "x"), [[2, 3, 3, 2], [2, 1, 2, 0]], flags)},
    )


def test_failed_and_missing_points_are_marked_on_request(broken):
    figure = drawn(broken, x="x", y="y", hue="k", status=True)
    assert entries(figure)[-3:] == ["measurement", "failed (2)", "missing (1)"]
    marks = {line.get_marker(): line.get_xdata().tolist() for line in figure.axes[0].lines[2:]}
    assert marks == {"x": [1, 2], "|": [1]}
    only = drawn(broken, x="x", y="y", hue="k", status="failed")
    assert entries(only)[-1] == "failed (2)"
    assert len(drawn(broken, x="x", y="y", hue="k").axes[0].lines) == 2


def test_holes_of_a_map_are_marked_at_their_place(broken):
    ax = drawn(broken, x="x", y="k", z="y", status=["failed"]).axes[0]
    assert points(ax.lines[0]) == [[1, 0], [2, 0]]


def test_without_a_status_the_ids_tell_what_is_missing(broken):
    ds = broken.drop_vars("measurement_status").assign_coords(
        measurement_id=(("k", "x"), [[1, 0, 2, 3], [4, 5, 6, 0]])
    )
    assert entries(drawn(ds, x="x", y="y", hue="k", status=True))[-2:] == ["missing (2)", "no value (2)"]


def test_what_is_not_drawn_is_said():
    ds = xr.Dataset({"y": ("x", [1.0, np.inf, 0.0, -1.0])}, coords={"x": [1, 2, 3, 4]})
    with pytest.warns(
        ComaWarning, match=r"Not drawn: 1 infinite value of y, 2 values of y that are 0 or less, on a log"
    ):
        line = drawn(ds, x="x", y="y", yscale="log").axes[0].lines[0]
    assert points(line) == [[1, 1]]


# Panels and figures


def test_panels_share_axes_and_wrap():
    ds = xr.Dataset({"y": (("k", "x"), apart(7, 3))}, coords={"k": np.arange(7)})
    figure = drawn(ds, x="x", y="y", col="k")
    assert len(figure.axes) == 7
    assert len({ax.get_subplotspec().rowspan.start for ax in figure.axes}) == 3
    assert [bool(ax.get_xlabel()) for ax in figure.axes] == [False] * 4 + [True] * 3
    assert all(ax.get_shared_x_axes().joined(figure.axes[0], ax) for ax in figure.axes)
    two = drawn(ds, x="x", y="y", col="k", col_wrap=2)
    assert len({ax.get_subplotspec().rowspan.start for ax in two.axes}) == 4


def test_rows_and_columns_are_named_at_the_edges():
    ds = xr.Dataset({"y": (("r", "c", "x"), np.ones((2, 2, 3)))}, coords={"r": ["a", "b"], "c": [1, 2]})
    figure = drawn(ds, x="x", y="y", row="r", col="c")
    assert titles(figure) == ["c = 1", "c = 2", "", ""]
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["r = a", "r = b"]


def test_the_size_of_a_figure_is_that_of_its_panels():
    ds = xr.Dataset({"y": (("k", "x"), apart(3, 3))})
    one, three = drawn(ds.isel(k=0), x="x", y="y"), drawn(ds, x="x", y="y", col="k", height=2, aspect=1.5)
    assert one.get_size_inches().tolist() == pytest.approx([5.04, 3.6])
    assert three.get_size_inches().tolist() == pytest.approx([9, 2.25])


def test_it_draws_on_the_users_axes(repeats):
    own = Figure(layout="constrained")
    left, right = own.subplots(1, 2)
    assert plot(repeats, x="x", y="y", hue="L", ax=left) is own
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["4", "8"]
    assert not right.lines
    assert plot(repeats, x="x", y="y", col="L", ax=[left, right]) is own
    assert right.get_title() == "L = 8"
    own.savefig(io.BytesIO())


def test_it_draws_on_the_axes_of_a_subfigure(repeats):
    own = Figure()
    ax = own.subfigures(1, 2)[0].subplots()
    assert plot(repeats.isel(L=0), x="x", y="y", ax=ax) is own


def test_a_figure_can_be_pickled(repeats):
    figure = drawn(repeats, x="x", y="y", hue="L")
    assert len(pickle.loads(pickle.dumps(figure)).axes[0].lines) == 2


def test_plotting_leaves_matplotlibs_settings_as_they_are(repeats):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    drawn(repeats, x="x", y="y", hue="L")
    assert dict(mpl.rcParams) == before


# Errors


def test_a_dim_that_nothing_uses_is_named_with_the_ways_out(pendulum):
    with pytest.raises(LayoutError) as caught:
        plot(pendulum, x="theta", y="t")
    error = caught.value
    assert error.what == (
        "This plot does not use the dim 'theta_0' (2 values: -60.0, -30.0), over which theta, t vary."
    )
    assert [str(way) for way in error.ways] == [
        "Use it for hue or style or row or col: hue='theta_0'.",
        "Select one value: ds.sel(theta_0=-60.0).",
        "Average over it: error='theta_0'.",
        "Draw all points: kind='scatter'.",
    ]
    assert 'Select one value: --where "theta_0 == -60.0".' in error.message("terminal")
    assert len(drawn(pendulum, x="theta", y="t", kind="scatter").axes[0].collections[0].get_offsets()) == 10


def test_an_error_quotes_names_that_python_or_the_shell_would_read_otherwise():
    ds = xr.Dataset({"y": (("x", "a b"), np.ones((2, 2)))}, {"x": [1, 2], "a b": ["u", "v"]})
    with pytest.raises(LayoutError, match=r"ds\.sel\(\{'a b': 'u'\}\)") as caught:
        coma.plot(ds, x="x", y="y")
    text = caught.value.message("terminal")
    assert "--hue 'a b'." in text
    assert "--where '`a b` == \"u\"'." in text
    assert "--error 'a b'." in text


def test_only_what_varies_over_a_forgotten_dim_is_said_to():
    ds = xr.Dataset(
        {"n": (("a", "b"), [[1.0, 2.0]]), "k": ("a", [1.0]), "s": 1.0}, {"a": [1], "b": [1, 2]}
    ).isel(a=[0, 0])
    with pytest.raises(LayoutError, match=r"the dim 'b' \(2 values: 1, 2\), over which n varies\."):
        plot(ds, x="a", y=["k", "n"])
    with pytest.raises(LayoutError, match=r"^x is not given, and 'n' varies over a, b\. "):
        plot(ds, y=["s", "n"])
    with pytest.raises(LayoutError, match="^'s' is one value, with no dim to draw over") as caught:
        plot(ds, y="s")
    assert caught.value.available == ("n", "k", "s")


OVER = {"x": "theta", "y": "t", "hue": "theta_0"}
MAP = {"x": "theta", "y": "theta_0", "z": "t"}

# What an error begins with, and the arguments that it is about.
WRONG = [
    ("No variable is given to be plotted over 'theta'.", {"x": "theta"}),
    ("Neither x nor y is given.", {}),
    ("x is not given, and 't' varies over theta_0, theta_index.", {"y": "t"}),
    ("x and y both name several variables", {"x": ["t", "t_"], "y": ["t", "t_"]}),
    ("y=['t', 't'] names a variable twice", {"x": "theta", "y": ["t", "t"]}),
    ("y=[] is empty", {"y": []}),
    ("hue=['t']: only x and y take several", {"x": "theta", "y": "t", "hue": ["t"]}),
    ("kind='hist' takes no y", {"x": "t", "y": "t_", "kind": "hist"}),
    ("A map shows z ('t') by its colours and takes no style", {**MAP, "style": "t_"}),
    ("A map shows z ('t') by its colours and takes no error", {**MAP, "error": "t_"}),
    ("kind='line' takes no z", {**MAP, "kind": "line"}),
    ("No variable is given for the colours.", {"x": "theta", "kind": "heatmap"}),
    ("error names 1 variable for 2", {**OVER, "y": ["t", "t_"], "error": "t_"}),
    ("error=['t', 'theta_0'] mixes dims and variables", {"x": "theta", "y": "t", "error": ["t", "theta_0"]}),
    ("The dim 'theta_0' is on hue", {**OVER, "x": "theta_index", "error": "theta_0"}),
    ("error=('ci', 200) cannot be used", {**OVER, "error": ("ci", 200)}),
    ("error=('sd', 3) cannot be used", {**OVER, "error": ("sd", 3)}),
    ("zscale applies to the colours of z", {**OVER, "zscale": "log"}),
    (
        "hue_scale applies to the colours of hue",
        {"x": "theta", "y": "t", "col": "theta_0", "hue_scale": "log"},
    ),
    ("levels applies to the kind 'contour', and this plot is a line", {**OVER, "levels": 5}),
    ("bins applies to the kind 'heatmap' and 'hist', and this plot is a line", {**OVER, "bins": 5}),
    ("map_kw applies to the kind 'heatmap' and 'contour'", {**OVER, "map_kw": {"alpha": 1}}),
    ("col_wrap breaks the panels of col", {"x": "theta", "y": "t", "row": "theta_0", "col_wrap": 2}),
    ("ax=int cannot be drawn on", {**OVER, "ax": 1}),
    ("figsize is the size of the whole figure", {**OVER, "figsize": (3, 3), "height": 3}),
    ("vmin=2 is not below the upper limit 1", {**MAP, "vmin": 2, "vmax": 1}),
    ("cmap='virdis' is not a colour map", {**MAP, "cmap": "virdis"}),
    ("order=['a'] has no value of anything in this plot", {**OVER, "order": ["a"]}),
    ("order: 'theta_0' has none of these values", {**OVER, "order": {"theta_0": ["a"]}}),
    ("palette does not have a colour for -30", {**OVER, "palette": {-60: "k"}}),
    ("xlim=('a', 'b') cannot be used", {**OVER, "xlim": ("a", "b")}),
]


@pytest.mark.parametrize(("text", "arguments"), WRONG, ids=[text for text, _ in WRONG])
def test_what_cannot_be_is_an_error_that_names_it(pendulum, text, arguments):
    from matplotlib import pyplot as plt

    with pytest.raises(LayoutError) as caught:
        plot(pendulum, **arguments)
    assert caught.value.what.startswith(text)
    assert not plt.get_fignums(), "no half-drawn figure is left"


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("x", "tetha", "theta"),
        ("kind", "lines", "line"),
        ("xscale", "lg", "log"),
        ("err_style", "bar", "bars"),
        ("status", "faild", "failed"),
        ("legend", "botom", "bottom"),
    ],
)
def test_a_misspelt_value_is_answered_with_the_near_one(pendulum, name, value, near):
    with pytest.raises((LayoutError, ParameterError, PathError)) as caught:
        plot(pendulum, **{**OVER, name: value})
    assert caught.value.name == value
    assert caught.value.near[0] == near


def test_one_axes_for_several_panels_is_an_error(pendulum):
    ax = Figure().subplots()
    with pytest.raises(LayoutError, match="ax is one Axes, and row and col make 2 panels"):
        plot(pendulum, x="theta", y="t", col="theta_0", ax=ax)


def test_values_without_a_place_in_a_plot_say_what_to_do():
    lists = np.empty(2, dtype=object)
    lists[:] = [[1], [2, 3]]
    ds = xr.Dataset(
        {"z": ("x", [1j, 2]), "lists": ("x", lists), "names": ("x", ["a", "b"]), "y": ("x", [1.0, 2.0])}
    )
    with pytest.raises(LayoutError, match="'z' is complex") as caught:
        plot(ds, x="x", y="z")
    assert "ds.assign(part=ds['z'].real)" in str(caught.value.ways[0])
    with pytest.raises(LayoutError, match=r"cells of 'lists' hold lists or dictionaries. Make them a dim"):
        plot(ds, x="x", y="lists")
    with pytest.raises(
        LayoutError, match="One axis cannot show all variables: names holds names, y holds num"
    ):
        plot(ds, x="x", y=["names", "y"])
    with pytest.raises(LayoutError, match="'names' holds names and cannot be on a log scale"):
        plot(ds, x="x", y="names", yscale="log")
    with pytest.raises(LayoutError, match="'names' holds names and cannot be an error"):
        plot(ds, x="x", y="y", error="names")


def test_more_styles_than_can_be_told_apart_are_an_error():
    ds = xr.Dataset({"y": (("k", "x"), apart(9, 2))})
    with pytest.raises(LayoutError, match="style='k' has 9 values, and only 6 dashes"):
        plot(ds, x="x", y="y", style="k")


def test_more_panels_than_can_be_seen_are_an_error():
    ds = xr.Dataset({"y": (("k", "x"), apart(101, 2))})
    with pytest.raises(LayoutError, match="These would be 101 panels, more than 100"):
        plot(ds, x="x", y="y", col="k")


def test_what_does_not_vary_with_an_argument_is_an_error():
    ds = xr.Dataset({"y": ("x", [1.0, 2.0])}, coords={"x": [0, 1], "k": [1, 2]})
    with pytest.raises(LayoutError, match=r"y \(over x\) does not vary with hue='k' \(over k\)"):
        plot(ds, x="x", y="y", hue="k")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("colour", "Use hue."),
        ("logx", "Use xscale='log'."),
        ("yerr", "Use error."),
        ("hue_order", "Use order."),
        ("legend_title", "Pass labels={'a': '...'}"),
        ("marker", "line_kw={'marker': 's'}"),
        ("hues", "Did you mean 'hue'"),
    ],
)
def test_an_unknown_argument_is_answered_with_the_right_one(pendulum, name, text):
    with pytest.raises(TypeError) as caught:
        plot(pendulum, **{name: 1})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("height", "big", "a number of inches above 0 or None"),
        ("height", 0, "a number of inches above 0 or None"),
        ("aspect", True, "a number above 0 or None"),
        ("aspect", float("nan"), "a number above 0 or None"),
        ("col_wrap", 1.5, "an integer from 1 on"),
        ("robust", "yes", "True or False"),
        ("title", 3, "a string or None"),
        ("figsize", 3, "width and height in inches, such as (3.4, 2.4)"),
        ("levels", [2, 1], "a number of levels, or the levels in ascending order"),
        ("bins", 0, "a number of bins, or their edges in ascending order"),
        ("vmin", "low", "a number"),
        ("line_kw", 3, "a mapping such as {'alpha': 0.5}"),
        ("labels", "x", "a mapping such as {'t': 'time'}"),
        ("labels", ["x"], "a mapping such as {'t': 'time'}"),
    ],
)
def test_arguments_of_a_wrong_kind_are_errors(pendulum, name, value, expected):
    with pytest.raises(ParameterError) as caught:
        plot(pendulum, x="theta", y="t", col="theta_0", **{name: value})
    assert caught.value.what.startswith(f"{name}={value!r} ")
    assert caught.value.expected == expected


def test_numbers_of_numpy_are_numbers(pendulum):
    plot(pendulum, x="theta", y="t", col="theta_0", col_wrap=np.int64(2), height=np.float32(2))


def test_labels_of_a_misspelt_name_are_an_error(pendulum):
    "What is not in this data may be in another: one dictionary serves all figures of a paper."
    labels = {"theta": "angle", "variable": "", -60: "high", 7: "low", "Ising": "I", "full_model": "Full"}
    drawn(pendulum, **OVER, labels={**labels, "theta_1": "another"})
    with pytest.raises(
        PathError, match=r"labels: 'theta_O' is not in the plotted data[^?]*Did you mean 'theta_0'"
    ):
        drawn(pendulum, **OVER, labels={"theta_O": "start"})


def test_labels_take_paths(pendulum):
    figure = drawn(pendulum, **OVER, labels={"parameters/theta": "angle"})
    assert figure.axes[0].get_xlabel().startswith("angle")


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        ({"order": {"modl": ["a"]}}, "model"),
        ({"order": {"model": ["A", "b"]}}, "a"),
        ({"palette": {"a": "r", "B": "b"}}, "B"),
        ({"palette": "virdis", "hue": "t"}, "viridis"),
        ({"line_kw": {"linewidht": 3}}, "linewidth"),
        ({"legend_kw": {"locc": 3}}, "loc"),
        ({"kind": "scatter", "scatter_kw": {"edgecolour": "k"}}, "edgecolor"),
        ({"y": "t_"}, "t"),
        ({"labels": {"mode": "M"}}, "model"),
    ],
    ids=str,
)
def test_misspelt_keys_of_mappings_and_columns_are_answered_with_the_right_one(arguments, near):
    frame = pd.DataFrame({"theta": [1, 2, 3.0], "t": [1, 2, 4.0], "model": ["a", "b", "a"]})
    with pytest.raises(ComaError) as caught:
        plot(frame, **{"x": "theta", "y": "t", "hue": "model", **arguments})
    assert near in caught.value.near
    assert "row" not in (caught.value.available or ())


def test_an_empty_selection_is_an_error(pendulum):
    for data in (pendulum.isel(theta_0=[]), xr.Dataset(), pd.DataFrame({"a": []})):
        with pytest.raises(LayoutError, match="The data is empty: "):
            plot(data, x="theta", y="t")
    ds = pendulum.assign(E=(("theta_0", "E_index"), np.ones((2, 0))))
    with pytest.raises(LayoutError, match="the dim 'E_index' has no values"):
        plot(ds, x="E_index", y="E", hue="theta_0")
    drawn(ds, x="theta", y="t", hue="theta_0")


@pytest.mark.parametrize("error", ["E_index", ("se", "E_index"), ("percentile", 50, "E_index"), None])
def test_one_of_several_variables_without_values_is_an_error(error):
    ds = xr.Dataset({"E": (("x", "E_index"), np.ones((2, 0))), "y": ("x", [1.0, 2.0])})
    with pytest.raises(LayoutError, match="the dim 'E_index' has no values"):
        plot(ds, x="x", y=["E", "y"], error=error)
    drawn(ds, x="x", y="y")


def test_items_of_lists_are_drawn_by_their_paths(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda x: {"fit": [x, 10.0 * x]}, {"x": [1, 2]}, progress=False)
    ax = plot(e.to_dataset(), x="x", y=["fit/0", "results/fit/-1"]).axes[0]
    assert [points(line) for line in ax.lines] == [[[1, 1], [2, 2]], [[1, 10], [2, 20]]]
    with pytest.raises(PathError, match="'fit/2' leads nowhere: 'fit' has lists of the shape"):
        plot(e.to_dataset(), x="x", y="fit/2", hue="fit_index")


def test_what_is_no_data_is_an_error():
    with pytest.raises(ExperimentError, match="list cannot be plotted. Expected a Dataset"):
        plot([1, 2])


def test_no_warning_comes_with_an_ordinary_plot(pendulum):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(pendulum, x="theta", y=["t", "t_"], col="theta_0")


def test_the_docstring_and_the_help_list_every_kind():
    (listed,) = re.findall(r"kind : \{(.*)\}", plot.__doc__)
    assert set(re.findall(r'"(\w+)"', listed)) == set(KINDS)
    assert set(KIND_NAMES) == set(KINDS)
    (kind,) = (field for field in dataclasses.fields(PlotSpec) if field.name == "kind")
    assert set(re.findall(r"\w+", kind.metadata["help"])) - {"or"} == set(KINDS)


MIXED = {
    "u": ("m", [0.5, 1.5, 2.5]),
    "name": (None, ["a", "b", "a"]),
    "when": (None, np.array(["2026-01-01", "2026-01-02", "2026-01-04"], "M8[ns]")),
    "long": (None, np.array([1, 2, 3], "m8[h]").astype("m8[ns]")),
    "ok": (None, [True, False, True]),
}


@pytest.mark.parametrize("names", [("u", "name"), ("name", "u", "when"), ("u", "long"), ("when", "ok")])
@pytest.mark.parametrize("facet", ["row", "col"])
@pytest.mark.parametrize("with_ax", [False, True])
def test_panels_of_variables_show_values_of_any_kinds(names, facet, with_ax):
    columns = {name: ("n", MIXED[name][1], {"units": "m"} if MIXED[name][0] else {}) for name in names}
    ds = xr.Dataset(columns, {"n": [0, 1, 2]})
    axes = {"ax": plt.subplots(len(names))[1]} if with_ax else {}
    figure = coma.plot(ds, x="n", y=list(names), **{facet: "variable"}, **axes)
    figure.canvas.draw()
    labels = {"u": "u [m]", "long": "long [h]"}
    assert [ax.get_ylabel() for ax in figure.axes] == [labels.get(name, name) for name in names]
    for name, ax in zip(names, figure.axes, strict=True):
        drawn = [text.get_text() for text in ax.get_yticklabels()]
        if name in {"name", "ok"}:
            assert drawn == (["a", "b"] if name == "name" else ["False", "True"])
        low, high = ax.get_ylim()
        expected = {"u": (0.5, 2.5), "long": (1, 3), "name": (0, 1), "ok": (0, 1), "when": (20454, 20457)}[
            name
        ]
        assert low <= expected[0] <= expected[1] <= high
        assert high - low < 2.5 * (expected[1] - expected[0])


def test_variables_of_different_kinds_share_no_axis():
    ds = xr.Dataset({"u": ("n", [0.5, 1.5]), "name": ("n", ["a", "b"])}, {"n": [0, 1]})
    for arguments in ({}, {"row": "variable", "sharey": True}):
        with pytest.raises(
            LayoutError, match="Draw each in a panel of its own: row='variable'. Or plot them"
        ):
            coma.plot(ds, x="n", y=["u", "name"], **arguments)
    with pytest.raises(LayoutError, match="'name' holds names and cannot be on a log scale"):
        coma.plot(ds, x="n", y=["u", "name"], row="variable", yscale="log")
