"""Means over repeats and samples: the errors of few values, and the warnings about them."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import xarray as xr

from coma_xr.errors import ComaWarning
from coma_xr.plotting.draw import plot


def half_width(ax, at):
    """Return half the length of the error bar at a point, NaN without one."""
    (segments,) = (collection.get_segments() for collection in ax.collections)
    return np.ptp(segments[at][:, 1]) / 2 if len(segments[at]) else math.nan


@pytest.mark.parametrize(("error", "width"), [("ci", 12.7062), ("se", 1)])
def test_a_point_with_one_value_has_no_error(error, width):
    y = [[1.0, 3.0], [2.0, np.nan], [np.nan, np.nan]]
    ds = xr.Dataset({"y": (("x", "repeat"), y)}, coords={"x": [0, 1, 2]})
    ax = plot(ds, x="x", y="y", error=error).axes[0]
    assert ax.lines[0].get_ydata().tolist() == [2.0, 2.0]
    assert half_width(ax, 0) == pytest.approx(width, rel=1e-4)
    assert math.isnan(half_width(ax, 1))


def test_binned_errors_of_too_few_samples_are_reported():
    walk = np.cumsum(np.random.default_rng(1).normal(size=64))
    alone = [1.0, *[np.nan] * 63]
    ds = xr.Dataset({"y": (("x", "time"), [walk, np.zeros(64), alone])}, coords={"x": [0, 1, 2]})
    with pytest.warns(ComaWarning, match="The binned errors of 1 series still grow at the longest bins"):
        ax = plot(ds, x="x", y="y", error=("binned", "time")).axes[0]
    assert half_width(ax, 0) > walk.std() / math.sqrt(64)
    assert half_width(ax, 1) == 0
    assert math.isnan(half_width(ax, 2))


def test_samples_that_are_not_correlated_are_not_reported():
    noise = np.random.default_rng(1).normal(size=(2, 64))
    ds = xr.Dataset({"y": (("x", "time"), noise)}, coords={"x": [0, 1]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot(ds, x="x", y="y", error="time")
    with pytest.warns(ComaWarning, match="along 'time' are in an order and may be correlated"):
        plot(ds.cumsum("time"), x="x", y="y", error="time")
