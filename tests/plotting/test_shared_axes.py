"""Plots in the user's own axes, with what they show already."""

from __future__ import annotations

import warnings

import pytest
import xarray as xr
from matplotlib import pyplot as plt

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
