"""Pairs of values of all storable kinds: every door gives one answer to whether they are the same."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.same import equal, is_null
from tests.test_same import CLASSES

pytestmark = pytest.mark.ci

# DataFrames spread lists over columns. pandas groups neither what it cannot hash nor True or one month apart from 1.
VALUES = [value for row in CLASSES for value in row if not isinstance(value, dict)]
NUMBERS = itertools.count()


def is_storable(value):
    try:
        scan(value)
    except TypeError:
        return False
    return True


def scan(*values):
    return coma.cases([{"v": value} for value in values])


VALUES = [value for value in VALUES if is_storable(value)]


def f(v):
    return {"y": 1}


def groups(e):
    frame = e.to_dataframe()
    if "v" not in frame or any(
        is_null(value) or isinstance(value, (bool, set, np.timedelta64)) for value in frame.v
    ):
        return None
    try:
        return len(frame.groupby("v", sort=False))
    except (TypeError, KeyError, ValueError):
        return None


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@settings(max_examples=150, deadline=None)
@given(a=st.sampled_from(VALUES), b=st.sampled_from(VALUES))
def test_every_door_tells_alike_whether_two_values_are_the_same(tmp_path_factory, a, b):
    number, path = 2 - equal(a, b), tmp_path_factory.getbasetemp() / f"same{next(NUMBERS)}"
    e = coma.Experiment(path / "e")
    assert e.run(f, scan(a, b), progress=False).saved == number
    # From the files, in the other order.
    e = coma.Experiment(path / "e")
    assert e.run(f, scan(b, a), progress=False).saved == 0
    other = coma.Experiment(path / "other")
    other.run(f, scan(b), progress=False)
    assert e.merge(other) == {}
    ds = e.to_dataset(layout="grid")
    assert dict(ds.sizes) == {"v": number}
    assert groups(e) in (None, number)
    assert len(e.duplicates()) == 0


# What both a Dataset and a condition can be asked for by a value; text asks for times, too.
ASKED = [
    value
    for value in VALUES
    if not isinstance(value, (str, list, tuple, set, frozenset, range, np.ndarray))
    and not is_null(value)
    and not isinstance(value, (pd.Period, pd.Interval))
]


@settings(max_examples=100, deadline=None)
@given(a=st.sampled_from(ASKED), b=st.sampled_from(ASKED))
def test_sel_and_conditions_find_the_same(tmp_path_factory, a, b):
    e = coma.Experiment(tmp_path_factory.getbasetemp() / f"asked{next(NUMBERS)}")
    e.run(f, scan(a, b), progress=False)
    ds = e.to_dataset(layout="grid")
    for value in (a, b):
        try:
            condition = coma.P.v == value
        except coma.ConditionError:
            # Not all numbers and durations can be written in a condition.
            continue
        ids = {m.id for m in e.measurements(where=condition)}
        assert {m.id for m in e.measurements(where=coma.P.v.isin([value]))} <= ids
        found = ds.coma.sel({"v": value}, tolerance=0)
        assert set(np.atleast_1d(found.measurement_id.values).tolist()) == ids
