"""Every value that a measurement can store is in Datasets and DataFrames, and comes back from every format."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings

import coma_xr as coma
from coma_xr.exports.formats import FORMATS
from coma_xr.testing import assert_same, values
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

SUFFIXES = sorted(FORMATS)
NUMBERS = count()
FEW = settings(deadline=None, max_examples=5, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=500)


def stored(value):
    """Return what a result gives back of a value."""
    if isinstance(value, dict):
        return {key: stored(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [stored(item) for item in value]
    if isinstance(value, np.ma.MaskedArray):
        if value.dtype.kind not in "fcmM":
            return value.tolist()
        missing = np.nan if value.dtype.kind in "fc" else np.array("NaT", value.dtype)
        return np.where(np.ma.getmaskarray(value), missing, value.data).astype(value.dtype)
    if isinstance(value, (np.bool_, np.integer, np.float64, np.str_)) and not isinstance(
        value, np.timedelta64
    ):
        return value.item()
    return value


def as_dictionary(value):
    """Return the dictionary of a branch of a measurement; anything else as it is."""
    is_branch = type(value).__name__ == "Branch"
    return {key: as_dictionary(child) for key, child in value.items()} if is_branch else value


def check_exports(e, directory):
    for data in (e.to_dataset(), e.to_dataframe()):
        for suffix in SUFFIXES:
            assert_same(coma.load(coma.export(data, directory / f"x{suffix}", overwrite=True)), data)


def check_result(value, tmp_path):
    directory = tmp_path / f"e{next(NUMBERS)}"
    e = coma.Experiment(directory)
    assert e.run(lambda x: {"v": value}, {"x": [1, 2]}, progress=False).saved == 2
    for number in (1, 2):
        assert_same(as_dictionary(e.measurement(number).results["v"]), stored(value))
    check_exports(e, directory)


def check_parameter(value, tmp_path):
    directory = tmp_path / f"e{next(NUMBERS)}"
    e, received = coma.Experiment(directory), []
    scan = coma.cases([{"v": value, "x": x} for x in (1, 2)])
    assert e.run(lambda v, x: received.append(v) or {"y": x}, scan, progress=False).saved == 2
    for given_value in received:
        assert_same(given_value, value)
    assert e.run(lambda v, x: {"y": x}, scan, progress=False).skipped == 2
    assert e.to_dataset()["y"].size == len(e.to_dataframe()) == 2
    check_exports(e, directory)


def property_of(check):
    def test(value, tmp_path):
        check(value, tmp_path)

    marked = pytest.mark.filterwarnings("ignore")(given(value=values(changed=True))(test))
    for special in (
        {"__type__": "numpy.ndarray"},
        {"a/b": {"\ud800": 1}},
        [{"__type__": "wire", "tree": {"__type__": "coma.set"}}],
        {"a": np.array((1, 2.5), dtype="i4,f8")},
        np.array([[1 + 0j]], dtype="clongdouble"),
        np.array(["1969-12-31T23:58:12", "NaT"], dtype=">M8[s]"),
        np.array([1 + 2j, 3], dtype=">c8"),
    ):
        marked = example(value=special)(marked)
    return marked


test_what_a_function_returns_is_exported_and_comes_back = FEW(property_of(check_result))
test_what_a_function_is_given_is_exported_and_comes_back = FEW(property_of(check_parameter))
test_many_results = pytest.mark.full(MANY(property_of(check_result)))
test_many_parameters = pytest.mark.full(MANY(property_of(check_parameter)))
