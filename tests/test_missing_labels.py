"""None, NaN, NaT, NA and infinities as values of a parameter are ordinary labels at every door."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import coma_xr as coma
from coma_xr import P
from coma_xr.exports.formats import FORMATS
from coma_xr.testing import assert_same
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

AXES = {
    "None": (None, [None, 1, 2]),
    "None among text": (None, [None, "a", "b"]),
    "NaN": (np.nan, [np.nan, 1.0, 2.0]),
    "NaT": (np.datetime64("NaT", "s"), [pd.NaT, pd.Timestamp("2020"), pd.Timestamp("2021")]),
    "NaT of NumPy": (np.datetime64("NaT", "s"), list(np.array(["NaT", "2020", "2021"], "M8[D]"))),
    "NaT of durations": (np.timedelta64("NaT", "s"), list(np.array(["NaT", 1, 2], "m8[s]"))),
    "NA": (pd.NA, [pd.NA, 1, 2]),
    "inf": (np.inf, [np.inf, 1.0, 2.0]),
    "-inf": (-np.inf, [-np.inf, 1.0, 2.0]),
}


def number(a, x):
    return {"y": next(NUMBERS)}


NUMBERS = iter(range(1, 10**6))


@pytest.fixture(scope="module", params=AXES)
def axis(request, tmp_path_factory):
    """Return the label, the experiment, and its Dataset, in which the label has the two smallest results."""
    label, labels = AXES[request.param]
    e = coma.Experiment(tmp_path_factory.mktemp("labels") / "e")
    assert e.run(number, {"a": labels, "x": [1, 2]}, progress=False).saved == 6
    return label, e, e.to_dataset()


def smallest(e):
    return sorted(e.to_dataframe()["y"])[:2]


def test_it_is_a_label_of_a_dataset(axis):
    label, e, ds = axis
    assert ds["y"].shape == (3, 2)
    assert np.isfinite(ds["y"].values).all()
    assert ds.coma.sel(a=label)["y"].values.tolist() == smallest(e)


def test_where_finds_it(axis):
    label, e, ds = axis
    assert e.to_dataset(where=P.a == label)["y"].values.ravel().tolist() == smallest(e)
    assert e.to_dataframe(where=P.a == label)["y"].tolist() == smallest(e)
    found = ds.coma.where(P.a == label)["y"].values
    assert found[~np.isnan(found)].tolist() == smallest(e)


def test_groups_of_a_table_keep_it(axis):
    _, e, _ = axis
    groups = e.to_dataframe().groupby("a", dropna=False, sort=False)["y"]
    assert min(groups.sum()) == sum(smallest(e))
    assert groups.ngroups == 3


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_exports_keep_it(axis, suffix, tmp_path):
    _, e, ds = axis
    for data in (ds, e.to_dataframe()):
        assert_same(coma.load(coma.export(data, tmp_path / f"x{suffix}", overwrite=True)), data)


@pytest.mark.parametrize("channels", [{"x": "a", "hue": "x"}, {"x": "x", "hue": "a"}, {"x": "x", "col": "a"}])
def test_figures_name_it(axis, channels):
    label, _, ds = axis
    coma.plot(ds, y="y", **channels)
    plt.gcf().canvas.draw()
    texts = " ".join(text.get_text() for text in plt.gcf().findobj(plt.Text))
    assert {"nan": "NaN", "<NA>": "NA", "-inf": "\N{MINUS SIGN}inf"}.get(str(label), str(label)) in texts


def test_running_again_computes_nothing(axis):
    _, e, ds = axis
    scan = coma.grid(a=list(ds["a"].values), x=[1, 2])
    assert e.run(number, scan, progress=False).skipped == 6


@pytest.mark.ci
def test_a_report_shows_it_among_the_values_of_its_parameter(axis, tmp_path):
    _, e, _ = axis
    assert e.report(tmp_path / "report.html").exists()


@pytest.mark.parametrize("values", [[2, 5, None], [None, np.nan, 1.0], [pd.Timestamp("2020"), None]])
def test_none_stays_a_label_where_the_parameter_is_no_dim(values, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    numbers = range(len(values))
    e.run(lambda x, a: {"y": x}, coma.zipped(x=numbers, a=values), progress=False)
    e.new_measurement().save({"parameters": {"x": 9}, "results": {"y": 9}})
    points = e.to_dataset(layout="points")
    for ds in (points, coma.load(coma.export(points, tmp_path / "points.nc"))):
        for number, value in zip(numbers, values, strict=True):
            if value is None or pd.notna(value):
                assert ds.coma.sel(a=value)["y"].values.ravel().tolist() == [number]
                assert np.nansum(ds.coma.where(P.a == value)["y"]) == number
    assert len(e.to_dataframe(where=P.a == None)) == 1
