"""What is drawn where when little is named: the axes, the kind, and what distinguishes several variables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr.errors import ExperimentError, LayoutError, PathError
from coma_xr.plotting.draw import plot


def apart(**sizes):
    "Values of which no two rows are equal."
    return xr.DataArray(
        np.arange(float(np.prod([*sizes.values()]))).reshape([*sizes.values()]), dims=[*sizes]
    )


def axes(figure):
    return figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()


def lines(figure):
    return [
        np.column_stack([line.get_xdata(), line.get_ydata()]).tolist() for line in figure.axes[0].get_lines()
    ]


# The data


@pytest.mark.parametrize("index", [pd.RangeIndex(3), pd.Index([1, 2, 3], name="n")])
def test_a_series_is_a_table_of_one_column(index):
    series = pd.Series([1.0, 4.0, 9.0], index=index, name="square")
    x = index.name or "row"
    assert lines(plot(series, x=index.name, y="square")) == [[*map(list, zip(index, series, strict=True))]]
    assert axes(plot(series, x=index.name, y="square")) == (x, "square")
    assert axes(plot(series.rename(None), x=index.name, y="value")) == (x, "value")


def test_an_array_is_drawn_over_its_dim():
    array = xr.DataArray([1.0, 4.0], dims="n", coords={"n": [1, 2]})
    assert lines(plot(array)) == [[[1, 1], [2, 4]]]
    assert axes(plot(array)) == ("n", "value")
    assert axes(plot(array.rename("square"))) == ("n", "square")
    # A coordinate is an array of its own name.
    assert axes(plot(array.n)) == ("n", "value")


def test_a_column_may_have_the_name_of_rows():
    table = pd.DataFrame({"row": [1, 2], "y": [1.0, 4.0]})
    assert lines(plot(table, x="row", y="y")) == [[[1, 1], [2, 4]]]
    with pytest.raises(ExperimentError, match="Two columns of the table have the name 'a'"):
        plot(pd.DataFrame([[1, 2]], columns=["a", "a"]), x="a")


@pytest.mark.parametrize("name", [["y"], {"y": 1}, 3.5])
def test_what_is_no_name_is_an_error(name):
    with pytest.raises(PathError) as raised:
        plot(apart(x=3).to_dataset(name="y"), x="x", y=[name])
    assert raised.value.available == ("x", "y")


def test_measurements_have_their_ids_on_the_axis():
    ds = xr.Dataset({"y": ("measurement", [1.0, 2.0])}, {"measurement_id": ("measurement", [7, 9])})
    assert lines(plot(ds, x="measurement", y="y")) == [[[7, 1], [9, 2]]]


# The axes


def test_the_only_variable_needs_no_name():
    assert axes(plot(apart(a=3).to_dataset(name="y"))) == ("a", "y")
    square = apart(a=2, b=3).to_dataset(name="y")
    for figure in (plot(square), plot(square, x="b", y="a"), plot(square, x="b", z="y")):
        assert (*axes(figure), figure.axes[1].get_ylabel()) == ("b", "a", "y")
    assert axes(plot(square, hue="a")) == ("b", "y")
    assert axes(plot(square, x="y")) == ("y", "count")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "x is not given, and 'y' varies over a, b, c. Choose one of them for x."),
        ({"kind": "heatmap"}, "A map of 'y' (over a, b, c) needs two axes. Choose dims for x and y."),
        ({"z": "y", "x": "a"}, "A map of 'y' (over a, b, c) needs two axes. Choose dims for x and y."),
        ({"x": "y", "kind": "line"}, "No variable is given to be plotted over 'y'."),
        ({"y": "y", "kind": "hist"}, "A hist counts the values of x, which is not given."),
        ({"z": "y", "x": ["a", "b"], "y": "b"}, "A map has one x and one y. Plot map by map, with ax=."),
        (
            {"x": "a", "y": "y", "hue": "b", "style": "c", "error": "se"},
            "error='se' needs a dim, and none is",
        ),
        (
            {"x": "a", "y": "b", "z": "y"},
            "This plot does not use the dim 'c' (4 values), over which y varies.",
        ),
        ({"x": "a", "y": "b", "hue": "a"}, "This plot does not use the dim 'b'"),
    ],
)
def test_what_is_needed_is_named(arguments, message):
    with pytest.raises(LayoutError) as raised:
        plot(apart(a=2, b=3, c=4).to_dataset(name="y"), **arguments)
    assert " ".join(str(raised.value).split()).startswith(message)


def test_a_dim_of_one_value_is_no_axis_unless_it_is_alone():
    assert axes(plot(apart(a=1, b=3).to_dataset(name="y"), y="y")) == ("b", "y")
    assert lines(plot(apart(a=1).assign_coords(a=[3]).to_dataset(name="y"), y="y")) == [[[3, 0]]]


def test_single_values_and_means_over_all_dims_are_not_drawn():
    ds = xr.Dataset({"y": 1.0, "z": 2.0, "r": ("repeat", [1.0, 2.0])})
    with pytest.raises(LayoutError, match="'y' is one value, with no dim to draw over"):
        plot(ds, y="y")
    with pytest.raises(LayoutError, match="'y', 'z' are one value each, with no dim to draw over"):
        plot(ds, y=["y", "z"])
    with pytest.raises(LayoutError, match="'r' varies over repeat alone, so that no dim is left for x"):
        plot(ds, y="r", error="repeat")
    with pytest.raises(LayoutError, match="y does not vary over 'repeat', over which error is taken"):
        plot(ds.assign(y=apart(x=2)), x="x", y="y", error=("se", "repeat"))


def test_a_map_of_many_dims_offers_its_mean():
    with pytest.raises(LayoutError) as raised:
        plot(apart(a=2, b=3, c=4).to_dataset(name="y"), x="a", y="b", z="y")
    assert "Average over it: ds.mean('c')." in [str(way) for way in str(raised.value).splitlines()]
    with pytest.raises(LayoutError, match=r"Draw all points: kind='scatter'\."):
        plot(apart(a=2, b=3).to_dataset(name="y").assign(x=apart(a=2, b=3)), x="x", y="y", kind="line")


# What distinguishes variables


def test_several_variables_take_what_is_free():
    ds = xr.Dataset({"p": apart(x=3, a=2, b=2, c=2, d=2), "q": -1 - apart(x=3, a=2, b=2, c=2, d=2)})
    few = ds.isel(b=0, c=0, d=0)

    def looks(figure, of):
        return len({getattr(line, f"get_{of}")() for line in figure.axes[0].lines})

    by_hue = plot(few, x="x", y=["p", "q"], hue="a")
    assert (looks(by_hue, "color"), looks(by_hue, "linestyle")) == (2, 2)
    by_style = plot(few, x="x", y=["p", "q"], style="a")
    assert (looks(by_style, "color"), looks(by_style, "linestyle")) == (2, 2)
    rows = plot(ds.isel(c=0, d=0), x="x", y=["p", "q"], hue="a", style="b")
    assert [ax.get_ylabel() for ax in rows.axes] == ["p", "q"]
    rows = plot(few, x=["p", "q"], kind="hist", hue="a")
    assert [ax.get_xlabel() for ax in rows.axes] == ["p", "q"]
    with pytest.raises(LayoutError, match="hue, style, row and col are all in use"):
        plot(ds, x="x", y=["p", "q"], hue="a", style="b", row="c", col="d")


def test_variables_over_two_dims_are_points():
    ds = xr.Dataset({"u": apart(a=2, b=3), "v": apart(a=2, b=3) ** 2})
    (points,) = plot(ds, x="u", y="v").axes[0].collections
    assert points.get_offsets().tolist() == [[n, n**2] for n in range(6)]
