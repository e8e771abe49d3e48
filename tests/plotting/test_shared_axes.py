"""Plots in the user's own axes, with what they show already."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex, to_rgb

import coma_xr as coma
from coma_xr.errors import ComaWarning, LayoutError


@pytest.fixture
def ax():
    return plt.subplots()[1]


def signed(name: str = "y") -> xr.Dataset:
    return xr.Dataset({name: ("x", [-1.0, 0.0, 1.0, 2.0])}, {"x": [0, 1, 10, 100]})


@pytest.mark.parametrize(("role", "number"), [("x", "1 value of x"), ("y", "2 values of y")])
@pytest.mark.parametrize("by_plot", [False, True])
def test_values_without_a_place_on_the_scale_of_the_axes_are_reported(ax, role, number, by_plot):
    if by_plot:
        ones = xr.Dataset({"y": ("x", [1.0, 2.0])}, {"x": [1, 2]})
        coma.plot(ones, x="x", y="y", ax=ax, **{f"{role}scale": "log"})
    else:
        getattr(ax, f"set_{role}scale")("log")
    with pytest.warns(ComaWarning, match=f"Not drawn: {number} that are 0 or less, on a log scale"):
        coma.plot(signed(), x="x", y="y", ax=ax)
    assert getattr(ax, f"get_{role}scale")() == "log"


def test_a_scale_that_hides_an_earlier_plot_is_reported(ax):
    coma.plot(signed(), x="x", y="y", ax=ax)
    ones = xr.Dataset({"y": ("x", [1.0, 2.0])}, {"x": [1, 2]})
    with pytest.warns(ComaWarning, match="Hidden: what was drawn before at y of 0 or less, by the log scale"):
        coma.plot(ones, x="x", y="y", ax=ax, yscale="log")


def test_a_scale_of_the_axes_keeps_its_settings(ax):
    ax.set_yscale("symlog", linthresh=0.125)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coma.plot(signed(), x="x", y="y", ax=ax)
    assert ax.yaxis.get_transform().linthresh == 0.125


def test_names_have_no_place_on_a_logarithmic_scale_of_the_axes(ax):
    ax.set_xscale("log")
    names = xr.Dataset({"y": ("k", [1.0, 2.0])}, {"k": ["a", "b"]})
    message = "The axis x of these axes is on a log scale, and 'k' holds names. Plot it in other axes."
    with pytest.raises(LayoutError, match=message):
        coma.plot(names, x="k", y="y", ax=ax)
    assert not ax.has_data()


# What tells plots apart


def entries(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def colors(*axes) -> set[str]:
    return {to_hex(line.get_color()) for ax in axes for line in ax.lines}


CUBE = xr.Dataset(
    {"y": (("T", "k", "x"), np.arange(12.0).reshape(2, 2, 3)), "w": ("x", [30.0, 20.0, 10.0])},
    {"T": ("T", [1.5, 2.0], {"units": "K"}), "k": ["a", "b"], "x": [0, 1, 2]},
)


@pytest.mark.parametrize("kind", ["line", "scatter", "box"])
@pytest.mark.parametrize("as_table", [False, True])
def test_selections_of_a_dataset_are_told_apart(ax, kind, as_table):
    for temperature in (1.5, 2.0):
        part = CUBE.sel(T=temperature, k="a").drop_vars("w")
        if kind == "box":
            part = part.expand_dims(repeat=3)
        data = part.to_dataframe().reset_index() if as_table else part
        coma.plot(data, x="x", y="y", kind=kind, ax=ax)
    units = "" if as_table else " K"
    assert entries(ax) == [f"y, T = 1.5{units}", f"y, T = 2{units}"]


def test_groups_of_two_selections_are_told_apart(ax):
    for temperature in (1.5, 2.0):
        coma.plot(CUBE.sel(T=temperature), x="x", y="y", hue="k", ax=ax)
    assert entries(ax) == ["k, T = 1.5 K", "a", "b", " ", "k, T = 2 K", "a", "b"]
    assert len(colors(ax)) == 4


def test_groups_of_two_selections_with_equal_colours_are_reported(ax):
    numbers = CUBE.assign_coords(k=[1, 2])
    coma.plot(numbers.sel(T=1.5), x="x", y="y", hue="k", ax=ax)
    with pytest.warns(ComaWarning, match="in the same axes look alike: T = 1.5 K, T = 2 K"):
        coma.plot(numbers.sel(T=2.0), x="x", y="y", hue="k", ax=ax)


def test_the_entries_of_one_variable_are_under_one_title(ax):
    for names in (["a", "b"], ["c", "d"]):
        coma.plot(CUBE.isel(T=0).assign_coords(k=names), x="x", y="y", hue="k", ax=ax)
    assert ax.get_legend().get_title().get_text() == "k"
    assert entries(ax) == ["a", "b", "c", "d"]


def test_a_second_y_axis_has_other_colours_and_one_legend_with_the_first(ax):
    other = ax.twinx()
    coma.plot(CUBE.isel(T=0, k=0), x="x", y="y", ax=ax)
    coma.plot(CUBE, x="x", y="w", ax=other)
    assert len(colors(ax, other)) == 2
    assert ax.get_legend() is None
    assert entries(other) == ["y", "w"]


def test_a_plot_takes_another_colour_than_a_line_of_the_user(ax):
    ax.plot([0, 1], [0, 1], label="theory")
    coma.plot(CUBE, x="x", y="w", ax=ax)
    first, second = (to_rgb(line.get_color()) for line in ax.lines)
    assert np.linalg.norm(np.subtract(first, second)) > 0.4
    assert entries(ax) == ["theory", "w"]
