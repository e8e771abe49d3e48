import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.sampling import sample
from coma_xr.errors import ComaWarning, ParameterError

METHODS = ["random", "lhs", "sobol"]


def need(method):
    if method != "random":
        pytest.importorskip("scipy")


@pytest.mark.parametrize("method", METHODS)
def test_points_lie_in_their_intervals_and_among_their_choices(method):
    need(method)
    scan = sample(
        64,
        a=(-1, 2.5),
        b=(1e-3, 1e3, "log"),
        N=(1, 3, "int"),
        model=["Ising", "Potts"],
        L=2.0,
        method=method,
    )
    points = list(scan)
    assert len(scan) == len(points) == 64
    assert all(-1 <= p["a"] <= 2.5 and 1e-3 <= p["b"] <= 1e3 and p["L"] == 2.0 for p in points)
    assert {p["N"] for p in points} == {1, 2, 3}
    assert {p["model"] for p in points} == {"Ising", "Potts"}
    assert [type(value) for value in points[0].values()] == [float, float, int, str, float]
    # As many below the middle of the logarithms as above it, about.
    assert 16 < sum(p["b"] < 1 for p in points) < 48
    assert scan.structure == [{"dim": "measurement", "names": ["a", "b", "N", "model", "L"], "points": True}]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_points(method):
    need(method)
    first = sample(8, a=(0, 1), b=(0, 1), method=method)
    assert first.rows() == first.rows() == sample(8, a=(0, 1), b=(0, 1), method=method, seed=0).rows()
    assert first.rows() != sample(8, a=(0, 1), b=(0, 1), method=method, seed=1).rows()
    assert (
        sample(8, a=(0, 1), method=method, seed=None).rows()
        != sample(8, a=(0, 1), method=method, seed=None).rows()
    )


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_more_points_begin_with_the_fewer(method):
    need(method)
    few = sample(8, a=(0, 1), b=[1, 2, 3], method=method).rows()
    assert sample(32, a=(0, 1), b=[1, 2, 3], method=method).rows()[:8] == few


def test_a_latin_hypercube_has_a_point_in_each_slice():
    need("lhs")
    for name in "ab":
        slices = sorted(int(10 * p[name]) for p in sample(10, a=(0, 1), b=(0, 1), method="lhs"))
        assert slices == list(range(10))


def test_a_sobol_sequence_that_is_not_balanced_is_a_warning():
    need("sobol")
    text = r"^A Sobol sequence of 100 points is not balanced, .* The nearest are 64 and 128\.$"
    with pytest.warns(ComaWarning, match=text):
        scan = sample(100, a=(0, 1), method="sobol")
    assert len(scan.rows()) == 100


@given(st.integers(1, 20), st.integers(-(2**53), 2**53), st.integers(0, 100))
def test_integers_reach_both_ends_and_no_further(n, low, width):
    values = [p["N"] for p in sample(n, N=(low, low + width, "int"))]
    assert all(low <= value <= low + width and type(value) is int for value in values)


@given(st.floats(1e-300, 1e300), st.floats(1.0001, 1e5))
def test_logarithms_stay_inside(low, factor):
    high = min(low * factor, 1e305)
    assert all(low <= p["a"] <= high for p in sample(50, a=(low, high, "log")))


def test_a_constant_and_a_path_are_taken_as_in_a_grid():
    scan = sample(2, {"parameters/layout/N": [7], "seed": ["x"]}, model="Ising", v=[[1, 2]])
    assert list(scan) == [{"N": 7, "seed": "x", "model": "Ising", "v": [1, 2]}] * 2
    assert scan.paths[0] == "parameters/layout/N"


def test_a_million_points_are_no_million_objects():
    scan = sample(1_000_000, a=(0, 1), b=(0, 9, "int"))
    before = sys.getallocatedblocks()
    assert (len(scan), len(next(iter(scan)))) == (1_000_000, 2)
    assert sys.getallocatedblocks() - before < 10_000


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    # None there is how Python remembers that something cannot be imported.
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    text = "The methods 'lhs' and 'sobol' need SciPy, which is not installed.\nInstall it: pip install coma_xr[sample]"
    with pytest.raises(ParameterError, match=f"^{re.escape(text)}$"):
        sample(4, a=(0, 1), method="sobol")
    assert len(sample(4, a=(0, 1))) == 4


KINDS = "an interval (low, high), (low, high, 'log') or (low, high, 'int'), or a list of choices."


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: sample(4, [1]), "sample() cannot take a list. Expected names with their intervals."),
        (
            lambda: sample(4),
            "No parameter is given. Expected at least one name, such as 'theta_0'.",
        ),
        (lambda: sample(4, a=(0, 1, "lin")), f"'a' = (0, 1, 'lin') is not understood.\nExpected {KINDS}"),
        (lambda: sample(4, a=(1,)), f"'a' = (1,) is not understood.\nExpected {KINDS}"),
        (lambda: sample(4, a=("x", "y")), f"'a' = ('x', 'y') is not understood.\nExpected {KINDS}"),
        (lambda: sample(4, a=[]), f"'a' has no choices.\nExpected {KINDS}"),
        (
            lambda: sample(4, a=(1, 1)),
            "'a' = (1, 1) is not an interval. Expected a lower and a higher number.",
        ),
        (
            lambda: sample(4, a=(0, math.inf)),
            "'a' = (0, inf) is not an interval. Expected a lower and a higher number.",
        ),
        (
            lambda: sample(4, a=(0, 1, "log")),
            "'a' = (0, 1, 'log') cannot be logarithmic. Expected an interval above zero.",
        ),
        (
            lambda: sample(4, a=(0, 1.5, "int")),
            "'a' = (0, 1.5, 'int') is not an interval of integers. Expected integers as its ends.",
        ),
    ],
)
def test_misuse_is_an_error_that_says_so(make, text):
    with pytest.raises(ParameterError, match=f"^{re.escape(text)}$"):
        make()


def test_ends_may_be_numpys():
    assert len(sample(3, a=(np.float64(0), np.float64(1)), b=(np.int64(1), np.int64(4), "int")).rows()) == 3
