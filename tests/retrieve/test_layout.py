"""Cells, rows and how full a grid is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from coma_xr.errors import ComaWarning, LayoutError
from coma_xr.retrieve.variables import Axis, Layout, check_fill, distinct, with_rows


def axis(dim, codes, size=None):
    codes = np.array(codes)
    return Axis(dim, codes, size or int(codes.max()) + 1, np.arange(size or int(codes.max()) + 1))


def test_cells_count_the_last_dim_fastest():
    layout = Layout((axis("a", [0, 1, 1]), axis("b", [2, 0, 2])), np.arange(3), {})
    assert layout.shape == (2, 3)
    assert layout.cells.tolist() == [2, 3, 5]
    assert not layout.full


def test_without_dims_there_is_one_cell():
    layout = Layout((), np.arange(1), {})
    assert (layout.size, layout.full, layout.cells.tolist()) == (1, True, [0])


def test_a_value_depends_on_as_few_dims_as_determine_it():
    a, b = [0, 0, 1, 1], [0, 1, 0, 1]
    layout = Layout((axis("a", a), axis("b", b)), np.arange(4), {})
    assert layout.determining(np.array(a), 2) == ("a",)
    assert layout.determining(np.array([0, 1, 1, 0]), 2) == ("a", "b")
    assert layout.determining(np.array([0, 0, 0, 0]), 1) == ()


def test_measurements_in_one_cell_are_sorted_along_a_dim():
    axes = with_rows([axis("a", [0, 1, 0, 0])], lambda: [np.array([5, 0, 5, 1])], np.arange(4), "row")
    assert axes[1].dim == "row"
    assert axes[1].codes.tolist() == [1, 0, 2, 0]
    assert axes[1].size == 3


def test_no_rows_where_each_cell_has_one_measurement():
    axes = [axis("a", [0, 1])]
    assert with_rows(axes, lambda: pytest.fail("not needed"), np.arange(2), "row") == tuple(axes)


def test_a_grid_of_which_half_is_full_is_no_matter():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_fill([axis("a", [0, 1]), axis("b", [0, 1])], 2, [])


def test_a_thin_grid_says_how_full_it_is_and_what_to_do():
    axes = [axis("a", [0, 1, 2, 2]), axis("b", [0, 1, 2, 3])]
    with pytest.warns(ComaWarning) as caught:
        check_fill(axes, 4, axes)
    assert str(caught[0].message) == (
        "The grid a (3) x b (4) is 33 % full: 4 measurements in 12 cells. Options: dims=['a'], 67 % full, "
        "with the others along a dim 'row'; or layout='points', which has one dim for all."
    )


def test_no_dims_at_all_are_no_way_out():
    one = axis("a", [0, 0, 0, 0, 1, 2, 3])
    for axes in ([one, axis("row", [0, 1, 2, 3, 0, 0, 0])], [one, axis("b", [6, 5, 4, 3, 2, 1, 0])]):
        with pytest.warns(ComaWarning, match=r"Options: layout='points', which has one dim for all\.$"):
            check_fill(axes, 7, axes[:1])
    # Of two dims that are thin without each other, neither is left out.
    axes = [axis("a", [0, 0, 0, 0, 1, 2, 3, 4, 5]), axis("b", [0, 1, 2, 3, 3, 3, 3, 3, 4])]
    with pytest.warns(ComaWarning, match=r"9 measurements in 30 cells\. Options: layout='points'"):
        check_fill(axes, 9, axes)


def test_what_failed_is_not_counted_as_a_measurement():
    axes = [axis("a", [0, 1, 2, 2]), axis("b", [0, 1, 2, 3])]
    for absent, text in (
        (1, "3 measurements and 1 parameter set"),
        (2, "2 measurements and 2 parameter sets"),
    ):
        with pytest.warns(ComaWarning, match=f"33 % full: {text} without one in 12 cells"):
            check_fill(axes, 4, axes, absent)


def test_a_large_grid_that_is_almost_empty_is_refused():
    random = np.random.default_rng(1)
    axes = [axis(dim, random.permutation(200)) for dim in "abc"]
    with pytest.raises(
        LayoutError, match=r"a \(200\) x b \(200\) x c \(200\) is 0\.0025 % full: 200 .*\n.*dims=\['"
    ):
        check_fill(axes, 200, axes)


def test_numbers_are_counted_however_far_they_spread():
    assert distinct(np.array([1, 5, 5])) == 2
    assert distinct(np.array([1, 2**60, 2**60])) == 2
    assert distinct(np.array([], dtype=int)) == 0
