"""Every value that a measurement can store is in Datasets and DataFrames, and comes back from every format."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings

import coma_xr as coma
from coma_xr.testing import assert_same, values
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

SUFFIXES = (".csv", ".json", ".nc", ".parquet", ".zarr")
NUMBERS = count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values())
@example(value={"__type__": "numpy.ndarray"})
@example(value={"a/b": {"\ud800": 1}})
@example(value=[{"__type__": "wire", "tree": {"__type__": "coma.set"}}])
@pytest.mark.filterwarnings("ignore")
def test_what_a_function_returns_is_exported_and_comes_back(value, tmp_path):
    directory = tmp_path / f"e{next(NUMBERS)}"
    e = coma.Experiment(directory)
    assert e.run(lambda x: {"v": value}, {"x": [1, 2]}, progress=False).saved == 2
    assert_same(e.measurement(1).results["v"], e.measurement(2).results["v"])
    for data in (e.to_dataset(), e.to_dataframe()):
        for suffix in SUFFIXES:
            assert_same(coma.load(coma.export(data, directory / f"x{suffix}", overwrite=True)), data)
