"""What a plot takes of a table: its repeats, its missing values and its attrs, as of the Dataset of the same data."""

from __future__ import annotations

import pandas as pd
import pytest

import coma_xr as coma
from coma_xr.plotting.draw import draw

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
