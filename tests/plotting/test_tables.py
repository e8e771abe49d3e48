"""What a plot takes of a table: its repeats, its missing values and its attrs, as of the Dataset of the same data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.errors import ComaWarning, LayoutError
from coma_xr.plotting.draw import draw

COORDS = {"T": [1.0, 2.0, 3.0], "mat": ["a", "b"], "repeat": [0, 1, 2, 3]}


@pytest.fixture
def doors():
    "A grid with repeats as a Dataset and as tables whose columns have two orders."
    rng = np.random.default_rng(0)
    shape = tuple(map(len, COORDS.values()))
    results = {name: (tuple(COORDS), rng.normal(size=shape)) for name in ("m", "w")}
    flag = (tuple(COORDS), rng.integers(0, 2, shape))
    ds = xr.Dataset({**results, "flag": flag}, COORDS)
    frame = ds.to_dataframe()
    return (
        ds,
        frame,
        frame.reset_index()[["flag", "w", "m", "repeat", "mat", "T"]].sample(frac=1, random_state=1),
    )


def offsets(figure):
    return np.sort(np.concatenate([art.get_offsets() for art in figure.axes[0].collections]), axis=0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x": "T", "y": "m"},
        {"x": "mat", "y": "m"},
        {"x": "T", "y": ["m", "w"]},
        {"x": "T", "y": "m", "error": ("sd", "repeat")},
        {"x": "T", "y": "m", "kind": "box"},
        {"x": "mat", "y": "m", "kind": "violin"},
    ],
)
def test_a_table_is_averaged_over_a_parameter_as_little_as_a_dataset(doors, arguments):
    unused = {"T", "mat"} - {arguments["x"]}
    for data in doors:
        with pytest.raises(LayoutError) as error:
            draw(data, **arguments)
        assert [name for name in ("T", "mat", "flag", "w") if f"'{name}' (" in error.value.what] == [*unused]


def test_repeats_of_points_are_averaged_in_all_doors(doors):
    for data in doors:
        figure = draw(data, x="T", y="m", hue="mat")
        assert figure.axes[0].get_title(loc="left") == "mean over repeat (n = 4)"
        clouds = draw(data, x="T", y="m", kind="scatter")
        assert clouds.axes[0].get_title(loc="left") == "mean over repeat (n = 4)"
        np.testing.assert_allclose(offsets(clouds), offsets(draw(doors[0], x="T", y="m", kind="scatter")))
        assert len(offsets(draw(data, x="T", y="m", kind="scatter", hue="repeat"))) == 24


@pytest.mark.filterwarnings("ignore:Too thin:coma_xr.errors.ComaWarning")
def test_a_result_on_an_axis_has_a_value_for_each_repeat_in_all_doors(doors):
    for data in doors:
        figure = draw(data, x="m", y="w", kind="scatter")
        assert figure.axes[0].get_title(loc="left") == ""
        assert len(offsets(figure)) == 24
        counts, _, _ = draw(data, x="m", kind="hist").axes[0].patches[0].get_data()
        assert counts.sum() == 24
        counts, _, _ = draw(data, x="m").axes[0].patches[0].get_data()
        assert counts.sum() == 24
        assert len(offsets(draw(data, x="flag", y="w", kind="scatter"))) == 24


def test_the_first_repeat_alone_is_no_mean_over_repeats(doors):
    frame = doors[1].reset_index()
    with pytest.raises(LayoutError, match="the column 'mat'"):
        draw(frame[frame["repeat"] == 0], x="T", y="m")


def test_rows_of_one_repeat_that_nothing_distinguishes_are_points():
    frame = pd.DataFrame({"x": [0, 0, 1, 1], "repeat": [0, 0, 0, 0], "y": [1.0, 3.0, 5.0, 6.0]})
    figure = draw(frame, x="x", y="y", kind="scatter")
    assert figure.axes[0].get_title(loc="left") == ""
    assert len(offsets(figure)) == 4


# Attrs


@pytest.mark.parametrize("index", [None, "T"])
def test_attrs_by_column_are_those_of_a_column(tmp_path, index):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda T: {"m": T**2}, {"T": [1, 2, 3]}, progress=False)
    e.annotate("T", units="K", long_name="temperature")
    ax = draw(e.to_dataframe(index=index), x="T", y="m").axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("temperature [K]", "m")


def test_attrs_of_a_series_are_those_of_its_column():
    series = pd.Series([1.0, 2.0], pd.Index([0, 1], name="t"), name="y")
    series.attrs = {"units": "m"}
    assert draw(series, x="t", y="y").axes[0].get_ylabel() == "y [m]"


def test_attrs_by_column_are_found_for_columns_of_several_levels():
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([("a", ""), ("b", "c")]))
    frame.attrs = {"units": {("a", ""): "s", "b c": "m"}}
    ax = draw(frame, x="a", y="b c").axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a [s]", "b c [m]")


# Missing values

NUMBERS = [pd.array([1, None, 3, 4], dtype) for dtype in ("Int64", "UInt8", "Float64", "float64")]
NUMBERS += [np.array([1, missing, 3, 4], dtype=object) for missing in (pd.NA, None, np.nan, pd.NaT)]


@pytest.mark.filterwarnings("ignore:Not drawn. 1 (value|point):coma_xr.errors.ComaWarning")
@pytest.mark.parametrize("values", NUMBERS, ids=lambda values: f"{values.dtype} {values[1]}")
def test_a_missing_number_of_a_table_is_no_number(values):
    frame = pd.DataFrame({"x": [1, 1, 2, 2], "repeat": [0, 1, 0, 1], "y": values})
    ax = draw(frame, x="x", y="y").axes[0]
    assert ax.lines[0].get_xydata().tolist() == [[1, 1], [2, 3.5]]
    assert ax.get_title(loc="left") == "mean over repeat (n = 1 to 2)"
    rows = frame.drop(columns="repeat")
    assert len(offsets(draw(rows, x="x", y="y", kind="scatter"))) == 3
    box = draw(rows, x="x", y="y", kind="box").axes[0]
    assert max(y for line in box.lines for y in line.get_ydata()) == 4
    assert min(y for line in box.lines for y in line.get_ydata()) == 1
    if str(frame.y.dtype) != "object":
        assert len(offsets(draw(rows, x="y", y="x", kind="scatter"))) == 3
        assert draw(rows, x="y").axes[0].patches[0].get_data()[0].sum() == 3


@pytest.mark.parametrize(
    "array", [pd.array([True, None, False], "boolean"), pd.array(["a", None, "b"], "string")]
)
def test_a_missing_name_of_a_table_is_a_label(array):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": array})
    ax = draw(frame, x="y", y="x").axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()][-1] == "NA"
    assert len(offsets(draw(frame, x="x", y="y"))) == 3


@pytest.mark.parametrize(("missing", "text"), [(None, "None"), (np.nan, "NaN"), (pd.NA, "NA")])
@pytest.mark.parametrize(
    "arguments", [{"x": "x", "y": "w"}, {"x": "w", "y": "n"}, {"x": "w", "kind": "hist"}]
)
def test_a_result_that_is_no_name_is_reported(missing, text, arguments):
    values = np.array(["a", missing, 1, missing], dtype=object)
    ds = xr.Dataset({"w": ("x", values), "n": ("x", [1.0, 2, 3, 4])}, {"x": [1, 2, 3, 4]})
    with pytest.warns(ComaWarning, match=rf"Not drawn: 2 values {text} of w\."):
        draw(ds, **arguments)


def test_a_result_that_is_no_name_is_reported_on_maps():
    values = np.array([["a", None], [1, "a"]], dtype=object)
    ds = xr.Dataset({"w": (("x", "y"), values)}, {"x": [1, 2], "y": [1, 2]})
    with pytest.warns(ComaWarning, match=r"Not drawn: 1 value None of w\."):
        draw(ds, x="x", y="y", z="w")


def test_a_result_that_is_none_is_reported_and_a_measurement_without_one_is_not(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda a: {"w": [None, "u", "v"][a]}, {"a": [0, 1, 2, 3]}, progress=False, on_error="continue")
    with pytest.warns(ComaWarning, match=r"Not drawn: 1 value None of w\."):
        draw(e.to_dataset(), x="a", y="w")
    assert e.to_dataset().w.values.tolist() == [None, "u", "v", None]
    draw(e.to_dataset().isel(a=slice(1, None)), x="a", y="w")


def test_none_among_numbers_is_reported_and_nan_is_a_hole():
    values = np.array([1, None, np.nan, 4], dtype=object)
    with pytest.warns(ComaWarning, match=r"Not drawn: 1 value None of y\."):
        draw(xr.Dataset({"y": ("x", values)}, {"x": [1, 2, 3, 4]}), x="x", y="y")
