"""Plain values to arrays and labels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.retrieve.columns import MISSING, as_array, factorize, numbered, scatter
from coma_xr.testing import assert_same
from coma_xr.values.plain import to_plain


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, False], "bool"),
        ([1, 2], "int64"),
        ([1, 2.5], "float64"),
        ([1.0, 2.0], "float64"),
        ([1, 2j], "complex128"),
        (["a", "bcd"], "<U3"),
        ([2**53 + 1, 0.5], "object"),
        ([2**70, 1], "object"),
        ([True, 1], "object"),
        (["a", 1], "object"),
        (["a", None], "object"),
        ([None], "object"),
        (["a\0"], "object"),
        (["a" * 10_000, *["b"] * 2000], "object"),
        ([], "float64"),
    ],
)
def test_each_kind_of_value_has_its_dtype_and_keeps_its_value(values, dtype):
    array, attrs = as_array(values)
    assert array.dtype == dtype
    assert array.tolist() == values
    assert attrs == {}


def test_none_among_numbers_is_nan_and_attributes_say_so():
    array, attrs = as_array([1, None, 2.5])
    np.testing.assert_array_equal(array, [1.0, np.nan, 2.5])
    assert attrs == {"type": "float or int or None", "fill": "NaN"}


def test_lists_and_arrays_stay_single_objects():
    array, _ = as_array([[1, 2], to_plain(np.arange(2))])
    assert array.shape == (2,)
    assert array[0] == [1, 2]
    assert isinstance(array[1], np.ndarray)


@pytest.mark.parametrize(
    ("values", "expected", "attrs"),
    [
        ([1, 2], [np.nan, 2.0, 1.0], {"type": "int", "fill": "NaN"}),
        ([True, False], [None, False, True], {"type": "bool", "fill": "None"}),
        (["a", "b"], [None, "b", "a"], {"type": "str", "fill": "None"}),
        ([0.5, 1.5], [np.nan, 1.5, 0.5], {}),
        ([2**60 + 1, 1], [None, 1, 2**60 + 1], {"type": "int", "fill": "None"}),
        ([MISSING, 2], [np.nan, 2.0, np.nan], {"type": "int", "fill": "NaN"}),
        (["a", 1], [None, 1, "a"], {}),
    ],
)
def test_holes_change_the_type_only_as_far_as_needed_and_attributes_say_so(values, expected, attrs):
    array, said = scatter(values, np.array([2, 1]), 3, full=False)
    np.testing.assert_array_equal(array, np.array(expected, dtype=array.dtype))
    assert list(map(type, array.tolist())) == list(map(type, expected))
    assert said == attrs


def test_a_full_array_keeps_its_type():
    array, attrs = scatter([1, 2, 3], np.array([2, 0, 1]), 3, full=True)
    assert array.dtype == np.int64
    assert array.tolist() == [2, 3, 1]
    assert attrs == {}


@pytest.mark.parametrize(
    ("values", "codes", "labels"),
    [
        ([3, 1, 3], [1, 0, 1], [1, 3]),
        ([1, 1.0, 2.5], [0, 0, 1], [1.0, 2.5]),
        (["b", "a", "b"], [0, 1, 0], ["b", "a"]),
        ([True, False], [1, 0], [False, True]),
        ([True, 1, 1.0], [0, 1, 1], [True, 1]),
        ([None, 2, None], [0, 1, 0], [None, 2]),
        ([[1, 2], [1, 2], [3]], [0, 0, 1], ["[1,2]", "[3]"]),
        ([0.0, -0.0], [0, 0], [0.0]),
    ],
)
def test_values_are_numbered_as_parameters_are_compared(values, codes, labels):
    numbers, found = factorize(values)
    assert numbers.tolist() == codes
    assert found.tolist() == labels


def test_nan_is_one_value_and_comes_last():
    numbers, labels = factorize([float("nan"), 2.0, float("nan")])
    assert numbers.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(labels, [2.0, np.nan])


def test_numbers_are_combined_beyond_what_an_integer_holds():
    keys = [np.array([0, 1, 1]), np.array([2, 2, 2]), np.array([0, 0, 1])]
    combined, _ = numbered(keys, [2**31, 2**31, 2**31])
    assert len(np.unique(combined)) == 3


@pytest.mark.parametrize(
    ("single", "other", "dtype"),
    [
        (np.array(1.5), 2.0, "float64"),
        (np.array(3), 4, "int64"),
        (np.ma.masked, 2.0, "float64"),
        (np.array(1.5, "f4"), 2.0, "float64"),
        (np.float32(1.5), 2, "float64"),
        (np.complex64(1j), 2.0, "complex128"),
        (np.array(1.5, "f4"), np.float32(2), "float32"),
        (np.array("2020", "M8[D]"), np.datetime64("2021", "D"), "datetime64[ns]"),
    ],
)
def test_an_array_without_dims_stands_in_one_column_with_numbers(single, other, dtype, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e.run(lambda x: {"y": single if x == 1 else other, "both": single}, {"x": [1, 2]}, progress=False)
        ds, df = e.to_dataset(), e.to_dataframe()
    assert ds["y"].dtype == df["y"].dtype == dtype
    assert ds["both"].dtype == df["both"].dtype != object
    assert ds["y"].values[1] == np.asarray(other)
    assert_same(coma.load(coma.export(df, tmp_path / "a.csv")), df)
