"""What each kind draws of errors, of values that are missing or all equal, and of names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from coma_xr.plotting.draw import plot
from coma_xr.plotting.kinds import MOST_BINS

NAN = np.nan


def bars(figure):
    "The colour of each error bar, and its ends."
    collections = [artist for artist in figure.axes[0].collections if isinstance(artist, LineCollection)]
    return [
        (to_hex(part.get_color()[0]), segment[:, 1].round(6).tolist())
        for part in collections
        for segment in part.get_segments()
        if len(segment)
    ]


def table(**columns):
    return pd.DataFrame({"x": [1.0, 2, 3], "y": [1.0, 2, 3], "e": 0.5, **columns})


def test_points_have_the_errors_in_their_colours():
    by_name = plot(table(h=["u", "u", "v"]), x="x", y="y", error="e", hue="h", kind="scatter")
    by_number = plot(table(h=[0.0, 0.5, 1.0]), x="x", y="y", error="e", hue="h", kind="scatter", legend=False)
    ends = [[0.5, 1.5], [1.5, 2.5], [2.5, 3.5]]
    assert [end for _, end in bars(by_name)] == [end for _, end in bars(by_number)] == ends
    assert [len({color for color, _ in bars(figure)}) for figure in (by_name, by_number)] == [2, 3]


def test_an_error_that_is_missing_everywhere_is_not_drawn():
    assert bars(plot(table(e=NAN), x="x", y="y", error="e")) == []
    assert [end for _, end in bars(plot(table(e=[NAN, 0.5, NAN]), x="x", y="y", error="e"))] == [[1.5, 2.5]]


def test_a_curve_without_values_is_not_drawn():
    ds = xr.Dataset({"y": (("h", "x"), [[NAN, NAN], [1.0, 2.0]])}, coords={"h": [1, 2], "x": [0, 1]})
    assert [line.get_ydata().tolist() for line in plot(ds, x="x", y="y", hue="h").axes[0].lines] == [[1, 2]]


def test_a_table_whose_x_goes_back_and_forth_is_drawn_as_points():
    assert plot(table(), x="x", y="y").axes[0].lines
    assert not plot(table(x=[1.0, 1.0, 2.0]), x="x", y="y").axes[0].lines


def test_names_are_counted_side_by_side():
    figure = plot(pd.DataFrame({"n": ["u", "v", "u"], "g": [1, 1, 2]}), x="n", hue="g", kind="hist")
    boxes = [(bar.get_x().round(3), bar.get_width(), bar.get_height()) for bar in figure.axes[0].patches]
    assert boxes == [(-0.4, 0.4, 1), (0.6, 0.4, 1), (0.0, 0.4, 1), (1.0, 0.4, 0)]


def test_bins_of_a_histogram_are_not_too_many_and_lose_no_value():
    values = np.append(np.linspace(0, 1, 200_000, endpoint=False), 9.5)
    (stairs,) = plot(xr.Dataset({"y": ("a", values)}), x="y", kind="hist").axes[0].patches
    counts, edges, _ = stairs.get_data()
    assert (len(counts), counts.sum()) == (MOST_BINS, len(values))
    assert edges[-1] >= 9.5
    empty = plot(xr.Dataset({"y": ("a", [NAN, NAN])}), x="y", kind="hist").axes[0]
    assert [patch.get_data().values.tolist() for patch in empty.patches] in ([], [[0]])


@pytest.mark.parametrize("medians", [True, False])
def test_a_violin_of_equal_samples_is_a_point(medians):
    ds = xr.Dataset({"y": (("a", "s"), [[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])})
    ax = plot(ds, x="a", y="y", kind="violin", box_kw={"showmedians": medians}).axes[0]
    assert [np.ravel(line.get_xydata()).tolist() for line in ax.lines] == [[0.0, 1.0]]
    assert len(ax.collections) == 1 + 3 + medians
    assert len({to_hex(artist.get_edgecolor()[0]) for artist in ax.collections[1:]}) == 1
