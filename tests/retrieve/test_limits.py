"""Values that are ordinary labels, and experiments beyond the limits of the libraries below."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pandas as pd
import pytest

import coma_xr as coma
from coma_xr.exports.formats import FORMATS
from coma_xr.testing import assert_same


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path)


LABELS = [
    [2, 5, None],
    [1.5, None, float("nan")],
    [True, None],
    ["a", None],
    [pd.Timestamp("2020-01-01"), pd.NaT, None],
    [float("inf"), 1.0, float("-inf")],
]


@pytest.mark.parametrize("labels", LABELS, ids=repr)
@pytest.mark.parametrize("ending", [None, *(suffix for suffix, format in FORMATS.items() if format.is_table)])
def test_tables_keep_every_label(e, labels, ending, tmp_path):
    e.run(lambda d: {"y": 1.0}, {"d": labels}, progress=False)
    table = e.to_dataframe()
    if ending is not None:
        table = coma.load(e.export(tmp_path / f"a{ending}"))
    assert_same(table["d"].tolist(), labels)
    assert table.groupby("d", dropna=False)["y"].sum().sum() == len(labels)
    assert e.to_dataset()["y"].size == len(labels)


def test_none_in_a_result_is_a_hole_of_its_numbers(e):
    e.run(lambda d: {"y": d}, {"d": [2, None]}, progress=False)
    assert e.to_dataframe()["y"].dtype == float


def run_with(e, constants, varied):
    settings = {f"s{number}": number for number in range(constants)}
    settings |= {f"v{number}": [1, 2] for number in range(varied)}
    e.run(lambda **given: {"y": given["v0"], "curve": [1.0, 2.0]}, coma.grid(**settings), progress=False)


def test_parameters_with_one_value_are_dims_until_numpy_has_no_more(e):
    run_with(e, 61, 2)
    assert len(e.to_dataset()["y"].dims) == 63


def test_beyond_they_are_scalar_coordinates(e):
    run_with(e, 62, 2)
    with pytest.warns(coma.ComaWarning, match="65 dims exceed the limit of NumPy, 64.*scalar coordinates"):
        ds = e.to_dataset()
    assert ds["curve"].dims == ("v0", "v1", "curve_index")
    assert ds["s7"].item() == 7


def test_more_varied_parameters_than_dims_are_points(e):
    for i in range(2):
        e.run(
            lambda **given: {"y": 1.0}, coma.grid({f"v{number}": i for number in range(70)}), progress=False
        )
    with pytest.warns(coma.ComaWarning, match="the layout is points"):
        assert e.to_dataset()["y"].dims == ("measurement",)
    with pytest.raises(coma.LayoutError, match="A grid over 70 dims is too large"):
        e.to_dataset(layout="grid")


LARGE = {f"p{number}": range(10) for number in range(20)}


def test_a_scan_larger_than_an_index_is_lazy(e):
    scan = coma.grid(**LARGE)
    assert repr(scan).startswith("<Scan of 100,000,000,000,000,000,000 parameter sets")
    assert scan._repr_html_()
    assert [row["p19"] for row in islice(scan, 3)] == [0, 1, 2]
    with pytest.raises(coma.ParameterError, match="has no length"):
        len(scan)
    with pytest.raises(coma.ParameterError, match=r"A scan of 1e\+20 parameter sets is too large"):
        e.run(lambda **given: 1.0, scan, progress=False)
    assert len(e) == 0
    assert e.run(lambda **given: 1.0, scan, limit=3, progress=False).saved == 3


def test_rows_of_a_table_are_a_scan(e):
    table = pd.DataFrame({"a": [1, 2], "b": [3.5, 4.5]})
    for rows in (table.itertuples(), table.itertuples(index=False)):
        assert coma.cases(rows).names == ("a", "b")
    assert e.run(lambda a, b: {"y": a * b}, list(table.itertuples()), progress=False).saved == 2
    assert np.allclose(e.to_dataframe()["y"], [3.5, 9.0])


def test_what_is_missing_of_a_scan_too_large_to_be_listed_is_counted(tmp_path):
    scan = coma.grid(a=range(1000), b=range(1000), c=range(1000))
    e = coma.Experiment(tmp_path / "huge")
    e.run(lambda a, b, c: 1.0, scan, limit=3, progress=False)
    again = coma.Experiment(tmp_path / "huge")
    assert again.status()["missing"] == 10**9 - 3
    message = "At least 999,999,997 parameter sets more of the last scan.* Run the scan again with limit="
    with pytest.warns(coma.ComaWarning, match=message):
        assert len(again.missing()) == 0
    # Running a part of it changes nothing.
    again.run(lambda a, b, c: 1.0, {"a": [0], "b": [0], "c": [0]}, progress=False, code="accept")
    assert again.status()["missing"] == 10**9 - 3
    again.forget_missing()
    assert again.status()["missing"] == 0
