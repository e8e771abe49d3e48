"""The layout of a Dataset follows from the scans that were run, also when they differ."""

from __future__ import annotations

import pytest

import coma_xr as coma
from coma_xr import P
from coma_xr.errors import ComaWarning


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path, durable=False)


def f(a, b):
    return {"y": a + b}


def run(e, scan, function=f):
    return e.run(function, scan, progress=False)


def dims(e):
    return e.to_dataset().y.dims


GRID = {"a": [1, 2], "b": [1, 2]}


def points(*pairs):
    return coma.cases([{"a": a, "b": b} for a, b in pairs])


def test_more_points_than_a_grid_covers_make_a_list(e):
    run(e, GRID)
    run(e, points((1, 1), (5, 7), (6, 9)))
    with pytest.warns(ComaWarning, match="The grid a .4. x b .4. is 38 % full"):
        assert dims(e) == ("a", "b")
    with pytest.warns(ComaWarning, match=r"a grid over a, b to points.*e\.define_layout\('grid', dims="):
        run(e, points((5, 5), (6, 7), (7, 9), (8, 8)))
    assert dims(e) == ("measurement",)


def test_points_alone_are_a_list(e):
    run(e, points((1, 1), (2, 2)))
    run(e, points((3, 1), (4, 2)))
    assert dims(e) == ("measurement",)


@pytest.mark.parametrize("L", [[5], [5, 6]])
def test_points_next_to_a_parameter_of_one_value_are_a_list(e, L):
    run(e, points((1, 1), (2, 5)) * coma.grid(L=L), lambda a, b, L: {"y": a + b + L})
    assert ("L" in dims(e)) == (len(L) > 1)
    assert e.to_dataset().y.size == 2 * len(L)


def test_of_two_structures_that_covers_more_counts(e):
    run(e, coma.zipped(a=[1, 2], b=[1, 2]))
    assert dims(e) == ("a",)
    with pytest.warns(ComaWarning, match="a grid over a to a grid over a, b"):
        run(e, {"a": [1, 2, 3], "b": [1, 2]})
    assert dims(e) == ("a", "b")


def test_what_was_zipped_is_a_dim_when_it_is_no_function_any_more(e):
    run(e, coma.zipped(a=[1, 2], b=[1, 2]))
    with pytest.warns(ComaWarning, match="a grid over a to a grid over a, b"):
        run(e, coma.zipped(a=[1, 2], b=[2, 1]))
    assert dims(e) == ("a", "b")
    assert e.to_dataset().y.values.tolist() == [[2, 3], [3, 4]]


def test_what_was_derived_is_a_dim_when_it_is_no_function_any_more(e):
    run(e, coma.grid(a=[1, 2]).derive(b=lambda p: 10 * p.a))
    assert dims(e) == ("a",)
    with pytest.warns(ComaWarning, match="a grid over a to a grid over a, b"):
        run(e, coma.grid(a=[1, 2]).derive(b=lambda p: 20 * p.a))
    assert dims(e) == ("a", "b")


def test_the_status_is_that_of_the_last_scan_unless_it_is_part_of_it(e):
    run(e, {"a": [1, 2], "b": [1, 2]})
    run(e, {"a": [1], "b": [1]})
    assert len(e.missing()) == 0
    e.remove(where=(P.a == 2) & (P.b == 2))
    run(e, {"a": [1], "b": [1, 2]})
    assert [dict(values) for values in e.missing()] == [{"a": 2, "b": 2}]
    e.run(
        lambda a, b, rng: {"y": rng.random()}, {"a": [1], "b": [1]}, repeats=2, progress=False, code="accept"
    )
    assert len(e.missing()) == 0
