"""Every kind of plot with every kind of data: a figure, or an error of ours that says why not."""

from __future__ import annotations

import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr.errors import ComaError, ComaWarning
from coma_xr.plotting.draw import plot
from coma_xr.plotting.kinds import KINDS

pytestmark = pytest.mark.ci


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


N = 6
AXES = {
    "numbers": np.linspace(-1, 1, N),
    "whole numbers": np.arange(N),
    "text": np.array(list("abcdef")),
    "bool": np.arange(N) % 2 == 0,
    "dates": pd.date_range("2026-01-01", periods=N).to_numpy(),
    "times": np.arange(N) * np.timedelta64(90, "s"),
    "objects": objects(1, None, 2.5, Decimal("3.5"), 4, 5),
    "names with holes": objects("a", None, "b", "c", "d", "e"),
    "days": objects(*(dt.date(2026, 1, day + 1) for day in range(N))),
    "falling": np.linspace(5, 0, N),
    "nothing": np.full(N, np.nan),
    "no dates": np.full(N, "NaT", dtype="M8[ns]"),
    "one number": np.full(N, 3.0),
    "huge": np.linspace(-1e100, 1e100, N),
    "tiny": np.linspace(1e-100, 2e-100, N),
}
HOLES = {"full": 1.0, "holes": 0.6, "one point": 0.0, "nothing": -1.0}


def dataset(x, fill):
    rng = np.random.default_rng(5)
    z = rng.normal(size=(N, 3))
    keep = rng.random((N, 3)) <= fill
    if fill == 0:
        keep[2, 1] = True
    z = np.where(keep, z, np.nan)
    return xr.Dataset(
        {"z": (("n", "k"), z), "v": ("n", x), "w": ("n", z[:, 1]), "s": ("n", np.array(list("ppqqrr")))},
        coords={"k": [1, 2, 4], "c": ("n", x), "measurement_id": (("n", "k"), keep.astype(int))},
    )


ARGUMENTS = {
    "line": [
        {"x": "c", "y": "w"},
        {"x": "c", "y": "z", "hue": "k"},
        {"x": "w", "y": "v"},
        {"x": "n", "y": "z", "hue": "v", "col": "k"},
        {"x": "c", "y": ["w", "v"]},
    ],
    "scatter": [
        {"x": "v", "y": "w", "hue": "c"},
        {"x": "c", "y": "z", "style": "k"},
        {"x": "c", "y": "n", "z": "w"},
    ],
    "heatmap": [
        {"x": "c", "y": "k", "z": "z"},
        {"x": "k", "y": "v", "z": "z"},
        {"x": "c", "y": "s", "z": "w"},
    ],
    "contour": [{"x": "c", "y": "k", "z": "z"}, {"x": "c", "y": "s", "z": "w"}],
    "box": [{"x": "s", "y": "w"}, {"x": "c", "y": "w"}, {"x": "k", "y": "z"}],
    "violin": [{"x": "s", "y": "w"}, {"x": "k", "y": "z"}],
    "hist": [{"x": "v"}, {"x": "c", "hue": "s"}, {"x": "v", "col": "s"}],
}


def rendered(data, **how):
    """Return the figure, or None when an error of ours says why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            figure = plot(data, **how)
    except ComaError:
        return None
    # The layout takes most of the time and is the same for all.
    figure.set_layout_engine("none")
    figure.draw_without_rendering()
    return figure


COMMON = ("numbers", "text", "dates", "bool", "nothing")
FILLED = [(axis, fill) for fill in HOLES for axis in (AXES if fill == "holes" else COMMON)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("axis", "fill"), FILLED)
def test_each_kind_with_each_axis(axis, kind, fill):
    data = dataset(AXES[axis], HOLES[fill])
    for given in ARGUMENTS[kind]:
        rendered(data, kind=kind, **given)


@pytest.mark.parametrize(("axis", "fill"), FILLED)
def test_what_is_refused_is_refused_for_a_reason(axis, fill):
    "Lines, points, maps and counts of one variable each can always be drawn; nothing at all too."
    data = dataset(AXES[axis], HOLES[fill])
    for kind in ("line", "scatter", "heatmap", "hist"):
        figure = rendered(data, kind=kind, **ARGUMENTS[kind][0])
        assert figure is not None
        assert figure.axes[0].get_xlabel().partition(" ")[0] in {"c", "v"}


@pytest.mark.parametrize("scale", ["log", "symlog", "asinh"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", ["numbers", "whole numbers", "nothing", "huge", "tiny"])
def test_each_kind_on_other_scales(axis, kind, scale):
    for given in ARGUMENTS[kind]:
        rendered(dataset(AXES[axis], 1.0), kind=kind, xscale=scale, yscale=scale, **given)


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_no_points_at_all(kind):
    "An empty panel says that it is empty on purpose."
    data = dataset(AXES["numbers"], 1.0).isel(n=slice(0))
    for given in ARGUMENTS[kind or "line"]:
        figure = rendered(data, kind=kind, **given)
        if figure is not None:
            assert "no values" in [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_one_point(kind):
    data = dataset(AXES["numbers"], 1.0).isel(n=[2])
    for given in ARGUMENTS[kind or "line"]:
        rendered(data, kind=kind, **given)


def test_a_point_alone_is_seen():
    ax = rendered(xr.Dataset({"y": ("x", [2.0])}, coords={"x": [1]}), x="x", y="y").axes[0]
    assert ax.lines[0].get_marker() == "o"
    assert ax.lines[0].get_xydata().tolist() == [[1, 2]]


@pytest.mark.parametrize("axis", AXES)
def test_tables(axis):
    frame = dataset(AXES[axis], 0.6).drop_vars("k").to_dataframe().reset_index()
    for kind in KINDS:
        for given in (
            {"x": "c", "y": "w"},
            {"x": "w", "y": "z", "hue": "c"},
            {"x": "c", "y": "k", "z": "z"},
            {"x": "v"},
        ):
            rendered(frame, kind=kind, **given)


def test_columns_of_pandas_own_types():
    frame = pd.DataFrame(
        {
            "size": pd.Categorical(["big", "small", "big"], categories=["small", "big"]),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "ok": pd.array([True, None, False], dtype="boolean"),
            "month": pd.period_range("2026-01", periods=3, freq="M"),
            "day": pd.date_range("2026", periods=3, tz="Europe/Berlin"),
            ("two", "levels"): [1.0, 2.0, 3.0],
        }
    )
    for x in frame.columns:
        for y in ("two levels", "n", "ok"):
            name = "two levels" if isinstance(x, tuple) else x
            figure = rendered(frame, x=name, y=y) if name != y else None
            assert figure is None or figure.axes[0].get_ylabel() == y
    ax = rendered(frame, x="size", y="two levels").axes[0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["small", "big"]


def test_an_index_of_several_levels():
    index = pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["p", "q"])
    series = pd.Series(np.arange(4.0), index=index, name="y")
    figure = rendered(series, x="p", y="y", hue="q")
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[0, 2], [1, 3]]
    stacked = xr.Dataset.from_dataframe(series.to_frame()).stack(both=("p", "q"))
    assert rendered(stacked, x="both", y="y") is not None
    assert rendered(stacked, x="p", y="y", hue="q") is not None


def test_a_data_array_needs_no_names():
    assert rendered(xr.DataArray([1.0, 2.0], dims="n")).axes[0].get_xlabel() == "n"
    assert rendered(xr.DataArray(np.ones((2, 3)), dims=("b", "a"))).axes[0].get_xlabel() == "a"
    assert rendered(xr.DataArray(np.ones((2, 3)), dims=("b", "a")), hue="b").axes[0].get_ylabel() == "value"
