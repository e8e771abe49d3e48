import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.parameters import Definition
from coma_xr.define.scans import Scan, grid
from coma_xr.errors import ParameterError, SerializationError

axes = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.integers() | st.text(max_size=2), max_size=4), min_size=1, max_size=4
)


def raises(text):
    return pytest.raises(ParameterError, match=f"^{re.escape(text)}$")


@given(axes)
def test_a_grid_is_the_product_with_the_last_name_fastest(axes):
    scan = grid(axes)
    expected = list(itertools.product(*axes.values()))
    assert scan.rows() == expected
    assert list(scan) == [dict(zip(axes, row, strict=True)) for row in expected]
    assert len(scan) == len(expected)
    assert scan.names == tuple(axes)


@given(axes, st.permutations("abcd"))
def test_rows_come_in_the_order_that_is_asked_for(axes, names):
    definition = Definition.of([name for name in names if name in axes])
    for row, own in zip(grid(axes).rows(definition), grid(axes), strict=True):
        assert dict(zip(definition.names, row, strict=True)) == own


@given(axes, st.integers(0, 4))
def test_a_dependent_axis_has_its_values_for_each_set(axes, n):
    scan = grid(axes).expand(z=lambda p: [f"{p[0]}{i}" for i in range(len(str(p[0])) % (n + 1))], w=[1, 2])
    assert len(scan) == len(scan.rows()) == len(list(scan))
    expected = [
        {**before, "z": f"{first}{i}", "w": w}
        for before in grid(axes)
        for first in [next(iter(before.values()))]
        for i in range(len(str(first)) % (n + 1))
        for w in (1, 2)
    ]
    assert list(scan) == expected


def test_the_pendulum_of_the_first_minute():
    scan = grid(theta_0=[-5, -30, -60]).expand(theta=lambda p: np.linspace(p.theta_0, -p.theta_0, 20))
    assert len(scan) == 60
    assert scan.rows()[:2] == [(-5, -5.0), (-5, pytest.approx(-4.4737, abs=1e-4))]
    assert type(scan.rows()[1][1]) is float
    assert repr(scan) == "<Scan of 60 parameter sets (theta_0: 3, theta: depends)>"
    assert scan.structure == [
        {"dim": "theta_0", "names": ["theta_0"]},
        {"dim": "theta_index", "names": ["theta"], "depends": True},
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (1.5, [1.5]),
        ("Ising", ["Ising"]),
        (None, [None]),
        (True, [True]),
        ({"N": 2}, [{"N": 2}]),
        (np.float64(2.5), [2.5]),
        (np.array(3), [3]),
        (range(3), [0, 1, 2]),
        ((1, "a"), [1, "a"]),
        ([[1, 2], (3,)], [[1, 2], [3]]),
        (np.array([0.5, 1.5], dtype="float32"), [0.5, 1.5]),
        ((i * i for i in range(3)), [0, 1, 4]),
        ([], []),
    ],
)
def test_a_list_has_many_values_and_anything_else_is_one(values, expected):
    found = [p["a"] for p in grid(a=values)]
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_columns_of_pandas_and_xarray_are_lists():
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    assert grid(a=pd.Series([1, 2]), b=xr.DataArray([1.5, 2.5])).rows()[-1] == (2, 2.5)


def test_arrays_in_a_list_stay_arrays():
    (first, second) = grid(v=[np.arange(2), np.arange(3)])
    assert isinstance(first["v"], np.ndarray)
    assert second["v"].shape == (3,)


def test_a_name_may_be_a_path():
    scan = grid({"parameters/layout/N": [1, 2]}, a=1).expand({("size", "parameters/layout/size"): [5]})
    assert scan.names == ("N", "a", "size")
    assert scan.paths == ("parameters/layout/N", "parameters/a", "parameters/layout/size")


def test_a_scan_is_not_changed_by_expanding_it():
    scan = grid(a=[1, 2])
    assert len(scan.expand(b=[1, 2, 3])) == 6
    assert scan.names == ("a",)
    assert len(scan) == 2


def test_a_function_may_give_one_value():
    assert grid(a=[1, 2]).expand(b=lambda p: 10 * p.a).rows() == [(1, 10), (2, 20)]


def test_a_later_function_sees_all_before_it_by_name_and_path():
    scan = grid({"parameters/x/a": [1, 2]}).expand(b=lambda p: p["parameters/x/a"] + 1, c=lambda p: p.a * p.b)
    assert scan.rows() == [(1, 2, 2), (2, 3, 6)]


def test_a_grid_of_a_million_points_makes_none_of_them():
    scan = grid(a=range(1000), b=range(1000))
    assert len(scan) == 1_000_000
    assert list(itertools.islice(scan, 2)) == [{"a": 0, "b": 0}, {"a": 0, "b": 1}]


def test_a_function_is_called_only_when_the_scan_is_gone_through():
    calls = []
    scan = grid(a=range(1000)).expand(b=lambda p: calls.append(p.a) or [1, 2])
    assert calls == []
    next(iter(scan))
    assert calls == [0]


def test_a_scan_is_a_table():
    frame = grid(a=[1, 2], model="Ising").to_dataframe()
    assert frame.to_dict("list") == {"a": [1, 2], "model": ["Ising", "Ising"]}


def test_a_scan_is_made_of_a_scan_or_a_dictionary_of_lists():
    scan = grid(a=[1, 2])
    assert Scan.of(scan) is scan
    assert Scan.of({"a": [1, 2], "L": 1.0}).rows() == [(1, 1.0), (2, 1.0)]


def test_what_makes_no_scan_is_an_error():
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    for wrong in ([{"a": 1}], pd.DataFrame({"a": [1]}), xr.Dataset({"a": [1]}), 5):
        text = (
            "A scan is made by coma.grid(...) or is a dictionary of lists, such as {'a': [1, 2], 'L': 1.0}; "
            f"a {type(wrong).__name__} is neither. add_parameter_set() takes single sets."
        )
        with raises(text):
            Scan.of(wrong)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: grid(), "A definition has at least one parameter, such as 'theta_0'; none was given."),
        (lambda: grid([1, 2]), "grid() takes names with their values, not a list."),
        (lambda: grid(a={1, 2}), "'a' is a set, which has no order; use a list."),
        (
            lambda: grid(theta=lambda p: [1]),
            (
                "'theta' is a function of the parameters before it, but it comes first; "
                "begin the scan with lists of values."
            ),
        ),
        (
            lambda: grid({"a": [1]}, a=[2]),
            "The parameter 'a' is there twice.",
        ),
        (
            lambda: grid(a=[1]).expand({"parameters/x/a": [2]}),
            (
                "The parameter name 'a' is there twice, for parameters/a and parameters/x/a. "
                "Give one another name: ('a_2', 'parameters/x/a')."
            ),
        ),
        (
            lambda: grid(a=[1]).rows(Definition.of(["b"])),
            "The parameters are b; here are a (lacking: b; unknown: a).",
        ),
    ],
)
def test_misuse_is_an_error_that_says_so(make, text):
    with raises(text):
        make()


def test_a_value_that_cannot_be_stored_is_named_when_the_scan_is_made():
    with pytest.raises(SerializationError, match=r"^parameters/model: cannot store a type\."):
        grid(model=[int])


def test_an_error_in_a_function_of_an_axis_is_the_users_own():
    with pytest.raises(ZeroDivisionError):
        len(grid(a=[0]).expand(b=lambda p: 1 / p.a))
