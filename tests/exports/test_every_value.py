"""Every value that a measurement can store is in Datasets and DataFrames, and comes back from every format."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
from itertools import count

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.define.values import look
from coma_xr.exports.formats import FORMATS
from coma_xr.same import compare, is_null
from coma_xr.testing import assert_same, values
from coma_xr.tree import is_typed, join
from coma_xr.values.plain import to_plain
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]

SUFFIXES = sorted(FORMATS)
SINGLE = {
    bool,
    bytes,
    complex,
    dt.date,
    dt.datetime,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    float,
    fractions.Fraction,
    int,
    pd.Timedelta,
    pd.Timestamp,
    str,
    type(None),
}
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


def single_values(node, path=("results", "v")):
    """Yield path and value of what is one value of a measurement, at every depth of dictionaries and lists."""
    if type(node) is dict:
        for key, child in node.items():
            yield from single_values(child, (*path, key))
    elif type(node) is list:
        for place, child in enumerate(node):
            yield from single_values(child, (*path, place))
    elif isinstance(node, np.generic) or type(node) in SINGLE:
        yield path, node


def counts_as(cell, value):
    """Return whether a cell of a table stands for a value; None and NaN may be holes."""
    return compare("==", cell, value) or (is_null(cell) and is_null(value))


def check_doors(pair, tmp_path):
    """Compare single values of two measurements, whose columns hold both, with the cells of each table."""
    e = coma.Experiment(tmp_path / f"e{next(NUMBERS)}")
    e.run(lambda x: {"v": pair[x]}, {"x": [0, 1]}, progress=False)
    trees = [as_dictionary(e.measurement(number).results["v"]) for number in (1, 2)]
    for number, tree in enumerate(trees):
        for path, value in single_values(tree):
            if "" in path:
                continue
            text = join(path)
            assert_same(e.measurement(number + 1)[text], value)
            if is_typed(look(to_plain({"results": {"v": pair[number]}}), path[:-1])):
                # A dictionary with a key that could be mistaken is one value for tables.
                continue
            ds, df = e.to_dataset({"w": text}), e.to_dataframe({"w": text})
            if "w" in ds and not set(ds.w.dims) - {"x"}:
                assert counts_as(ds.w.values[number], value), (text, "Dataset", ds.w.values, value)
            if "w" in df:
                assert counts_as(df.w.iloc[number], value), (text, "DataFrame", df.w.tolist(), value)
            rows = e.retrieve_results([("w", text)], [("x", "parameters/x")])
            cells = [
                cell
                for result in rows
                for row in result.table
                for cell in np.ravel(np.asarray(row, dtype=object))
            ]
            if len(rows) > number:
                assert any(counts_as(cell, value) for cell in cells), (text, "results", cells, value)
            if type(value) is int and value.bit_length() > 3000:
                continue
            condition = coma.P[text].isnull() if is_null(value) else coma.P[text] == value  # noqa: PD003
            assert number in e.to_dataset(where=condition).x.values, (text, "where")
            assert number in e.to_dataframe(where=condition).x.values, (text, "where")


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


@pytest.mark.filterwarnings("ignore")
@FEW
@example(pair=({"__type__": "numpy.ndarray"}, None))
@example(pair=({"a": dt.date(2020, 1, 1)}, {"a": np.timedelta64(5, "Y")}))
@given(pair=st.tuples(values(changed=True), values(changed=True)))
def test_every_table_and_condition_has_the_values_of_each_measurement(pair, tmp_path):
    check_doors(pair, tmp_path)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
@MANY
@given(pair=st.tuples(values(changed=True), values(changed=True)))
def test_every_table_and_condition_has_the_values_of_many_measurements(pair, tmp_path):
    check_doors(pair, tmp_path)


test_what_a_function_returns_is_exported_and_comes_back = FEW(property_of(check_result))
test_what_a_function_is_given_is_exported_and_comes_back = FEW(property_of(check_parameter))
test_many_results = pytest.mark.full(MANY(property_of(check_result)))
test_many_parameters = pytest.mark.full(MANY(property_of(check_parameter)))
