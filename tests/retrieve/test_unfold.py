"""Lists and arrays as dims or columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.variables import flat_columns, measure
from coma_xr.values.plain import to_plain


def filled(values, size=None):
    folded = measure(values)
    return folded.fill(np.arange(len(values)), size or len(values), folded.shape)[0]


def test_lists_of_equal_length_keep_their_type():
    array = filled([[1, 2], [3, 4]])
    assert array.dtype == np.int64
    assert array.tolist() == [[1, 2], [3, 4]]


def test_ragged_lists_are_padded_at_each_level():
    folded = measure([[[1.0], [2.0, 3.0]], [[4.0]]])
    assert folded.shape == (2, 2)
    assert folded.ragged == [True, True]
    array, _ = folded.fill(np.array([0, 1]), 2, (2, 2))
    nan = np.nan
    np.testing.assert_array_equal(array, [[[1, nan], [2, 3]], [[4, nan], [nan, nan]]])
    assert folded.counts(0, np.array([0, 1]), 2, (2, 2)).tolist() == [2, 1]
    assert folded.counts(1, np.array([0, 1]), 2, (2, 2)).tolist() == [[1, 2], [1, 0]]


def test_cells_without_a_list_stay_holes():
    np.testing.assert_array_equal(filled([MISSING, [1, 2]], 3), [[np.nan] * 2, [1, 2], [np.nan] * 2])


def test_arrays_keep_their_dtype_and_are_padded():
    array = filled([to_plain(np.arange(2, dtype="float32")), to_plain(np.arange(2, dtype="float32"))])
    assert array.dtype == np.float32
    array = filled([to_plain(np.array([True, False])), to_plain(np.array([True]))])
    assert array.tolist() == [[True, False], [True, None]]


def test_arrays_of_text_and_numbers_stay_what_they_are():
    assert filled([to_plain(np.array(["a"])), to_plain(np.array([1]))]).tolist() == [["a"], [1]]


def test_lists_are_numbered_arrays_are_not():
    assert measure([[1], [2]]).labelled
    assert not measure([to_plain(np.arange(2))]).labelled
    assert not measure([to_plain(np.arange(2)), [1, 2]]).labelled


def test_lists_of_arrays_are_nested():
    assert measure([[to_plain(np.arange(3)), to_plain(np.arange(3))]]).shape == (2, 3)


def test_empty_lists_are_a_dim_of_length_zero():
    assert measure([[], []]).shape == (0,)
    assert filled([[], []]).shape == (2, 0)


@pytest.mark.parametrize(
    "values",
    [[[1], 2], [[1, [2]]], [to_plain(np.arange(2)), to_plain(np.ones((2, 2)))], [to_plain(np.array(1.0)), 2]],
)
def test_what_shares_no_number_of_levels_is_not_unfolded(values):
    assert measure(values) is None


def test_padding_that_is_almost_all_is_wasteful():
    assert measure([[0]] * 50 + [[0] * 100]).wasteful
    assert not measure([[0] * 50, [0] * 100]).wasteful


def test_columns_are_numbered_as_in_coma():
    assert flat_columns("N", [[[1, 2], [3, 4]]]) == {"N_1_1": [1], "N_1_2": [2], "N_2_1": [3], "N_2_2": [4]}
    assert flat_columns("x", [1, MISSING]) == {"x": [1, MISSING]}
    assert flat_columns("x", [[], []]) == {}


NESTED = st.lists(st.lists(st.lists(st.integers(), max_size=3), max_size=3), min_size=1, max_size=5)


@given(NESTED)
def test_every_item_of_nested_lists_is_at_its_place(values):
    folded = measure(values)
    array, _ = folded.fill(np.arange(len(values)), len(values), folded.shape)
    items = 0
    for where, value in np.ndenumerate(array):
        item = values
        try:
            for position in where:
                item = item[position]
        except IndexError:
            assert value is None or np.isnan(value)
        else:
            if not isinstance(item, list):
                assert value == item
                items += 1
    if len(folded.shape) == 2:
        assert items == sum(len(inner) for outer in values for inner in outer)
