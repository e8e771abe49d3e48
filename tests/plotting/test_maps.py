"""Heatmaps and contours: places with holes, single rows, names, and points on no grid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh

from coma_xr.errors import ComaWarning, LayoutError
from coma_xr.plotting.draw import plot

NAN = np.nan


def plane(z, h=None, **coords):
    ds = xr.Dataset({"z": (("a", "b"), z)}, coords=coords)
    if h is not None:
        ds["h"] = ("a", "b"), h
        ds.h.attrs["path"] = "results/h"
        ds = ds.set_coords("h")
    return ds


def mesh(figure):
    (mesh,) = (artist for artist in figure.axes[0].collections if isinstance(artist, QuadMesh))
    return mesh.get_coordinates(), mesh.get_array()


def test_a_single_row_or_column_is_as_wide_as_one_step():
    for z in ([[0.0, 1.0, 2.0]], [[0.0], [1.0], [2.0]]):
        ds = plane(z)
        corners, values = mesh(plot(ds, x="b", y="a", z="z"))
        assert values.ravel().tolist() == [0, 1, 2]
        assert [np.ptp(corners[..., 0]), np.ptp(corners[..., 1])] == [ds.sizes["b"], ds.sizes["a"]]


@pytest.mark.parametrize(
    ("column", "places"),
    [([1.0, 2.0, 3.0], [1, 2, 3]), ([NAN, 2.0, 3.0], [1, 2, 3]), ([1.0, NAN, 3.0], [1, 2, 3])],
    ids=["full", "an end", "a hole"],
)
def test_cells_of_a_column_with_places_of_its_own_continue_its_steps(column, places):
    h = np.column_stack([[0.0, 1.0, 2.0], column])
    ds = plane(np.arange(6.0).reshape(3, 2), h, b=[0, 1])
    corners, values = mesh(plot(ds, x="b", y="h", z="z"))
    # Each column is a strip, with nothing between it and the next.
    strips = corners[:, ::2, 1].T
    np.testing.assert_allclose(strips[-1], [places[0] - 0.5, 1.5, 2.5, 3.5])
    np.testing.assert_array_equal(values[:, ::2].filled(NAN), ds.z)


def test_a_row_with_one_place_or_without_any_is_drawn():
    h = [[0.0, 1.0], [5.0, NAN], [2.0, 3.0]]
    corners, _ = mesh(plot(plane(np.arange(6.0).reshape(3, 2), h, a=[0, 1, 2]), x="h", y="a", z="z"))
    assert np.isfinite(corners).all()
    h[1] = [NAN, NAN]
    _, values = mesh(plot(plane(np.arange(6.0).reshape(3, 2), h, a=[0, 1, 2]), x="h", y="a", z="z"))
    assert sorted(values.compressed()) == [0, 1, 4, 5]


def test_more_names_than_colours_have_colours_that_differ():
    names = np.array([[f"n{i}{j}" for i in range(6)] for j in range(5)])
    figure = plot(plane(names), x="b", y="a", z="z")
    assert len(np.unique(mesh(figure)[1])) == 30
    (legend,) = figure.legends
    colors = {patch.get_facecolor() for patch in legend.get_patches()}
    assert len(colors) == len(legend.get_texts()) == 30


@pytest.mark.parametrize("kind", ["heatmap", "contour"])
def test_a_map_of_missing_values_alone_is_empty(kind):
    ax = plot(plane(np.full((2, 3), NAN), a=[0, 1], b=[5, 6, 7]), x="b", y="a", z="z", kind=kind).axes[0]
    assert (ax.get_xlabel(), len(ax.collections)) == ("b", 0)


def test_a_contour_of_equal_values_has_no_lines():
    assert (
        len(plot(plane(np.full((2, 3), 2.0)), x="b", y="a", z="z", kind="contour").axes[0].collections) == 1
    )
    assert len(plot(plane(np.eye(3)), x="b", y="a", z="z", kind="contour").axes[0].collections) == 2


def test_a_hole_of_a_contour_is_grey():
    z = np.arange(9.0).reshape(3, 3)
    before = plot(plane(z), x="b", y="a", z="z", kind="contour").axes[0].get_facecolor()
    z[1, 1] = NAN
    assert plot(plane(z), x="b", y="a", z="z", kind="contour").axes[0].get_facecolor() != before


def test_a_contour_needs_two_rows_and_columns():
    with pytest.raises(LayoutError, match="A contour needs at least 2 x 2 points, 'z' has 3 x 1."):
        plot(plane([[0.0, 1.0, 2.0]]), x="b", y="a", z="z", kind="contour")


@pytest.mark.parametrize("kind", ["heatmap", "contour"])
def test_points_on_a_line_are_no_map(kind):
    table = pd.DataFrame({"x": [0, 1, 2.5, 4], "y": [0, 1, 2.5, 4], "z": [1.0, 2, 3, 4]})
    with pytest.raises(
        LayoutError, match=f"A {kind} needs points in a plane; 4 points of 'z' lie on one line."
    ):
        plot(table, x="x", y="y", z="z", kind=kind)


def test_names_on_no_grid_are_no_heatmap():
    table = pd.DataFrame({"x": [0, 1, 2.5, 3], "y": [0, 2, 1, 5.0], "z": list("abcd")})
    with pytest.raises(LayoutError, match="The points of 'z' are on no grid, and names cannot be averaged"):
        plot(table, x="x", y="y", z="z", kind="heatmap")


def test_thin_cells_of_dates_have_no_other_scale():
    dates = pd.to_datetime(["2001-01-01", "2001-01-02", "2031-01-01"])
    with pytest.warns(ComaWarning, match=r"Too thin to be seen: the cells of 1 value of b\.$"):
        plot(plane(np.arange(6.0).reshape(2, 3), b=dates), x="b", y="a", z="z")
