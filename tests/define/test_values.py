import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.values import (
    NOTHING,
    describe,
    hand_out,
    key,
    look,
    near_doubles,
    near_doubles_text,
    normalise,
)
from coma_xr.errors import SerializationError

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def same(a, b):
    """The rule of the design, said a second time and slowly."""
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b or str(a) == str(b) == "nan"
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return type(a) is type(b) and a == b


@given(plain, plain)
def test_two_values_have_one_key_exactly_when_they_are_the_same(a, b):
    assert (key([a]) == key([b])) is same(a, b)
    assert key([a]) == key([a])
    assert key([a, b]) == key([a, b])
    assert hash(key([a])) == hash(key([a]))


@given(st.lists(plain, max_size=3))
def test_a_key_is_equal_to_its_copy_from_another_process(values):
    copy = pickle.loads(pickle.dumps(key(values)))
    assert copy == key(values)
    assert hash(copy) == hash(key(values))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (-0.0, 0.0),
        (math.nan, -math.nan),
        (math.nan, float("nan")),
        ((1, 2), [1, 2]),
        ({"a": 1, "b": [math.nan]}, {"b": [math.nan], "a": 1.0}),
        (np.float64(0.5), 0.5),
        (2**60, float(2**60)),
        (normalise("a", np.float32(0.1)), 0.10000000149011612),
        (normalise("a", np.array([1, 2])), normalise("a", np.array([1.0, 2.0]))),
        ({"__type__": "numpy.ndarray", "shape": [1], "list": [5]}, normalise("a", np.array([5]))),
    ],
)
def test_these_values_are_the_same(a, b):
    assert key([a]) == key([b])
    assert hash(key([a])) == hash(key([b]))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, True),
        (0, False),
        (True, False),
        (0.1 + 0.2, 0.3),
        (1, "1"),
        (None, "None"),
        (None, math.nan),
        (2**53 + 1, float(2**53)),
        ([1, [2]], [1, 2]),
        ([True], [1]),
        (["_TRUE"], [True]),
        ({"a": 1}, {"a": True}),
        ({}, []),
        ([1, 2], normalise("a", np.array([1, 2]))),
        (normalise("a", np.array([[1, 2]])), normalise("a", np.array([1, 2]))),
        (0.1, normalise("a", np.float32(0.1))),
    ],
)
def test_these_values_are_not_the_same(a, b):
    assert key([a]) != key([b])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.array(7), 7),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        ((1, (2, 3)), [1, [2, 3]]),
    ],
)
def test_values_are_normalised_to_plain_ones(value, expected):
    result = normalise("a", value)
    assert result == expected
    assert type(result) is type(expected)


def test_a_number_of_xarray_is_a_number():
    xr = pytest.importorskip("xarray")
    assert type(normalise("a", xr.DataArray(2.5))) is float


def test_a_value_that_cannot_be_stored_is_named_with_its_parameter():
    with pytest.raises(
        SerializationError, match=r"^parameters/model/sub: the key '' is empty, and no path leads to it\."
    ):
        normalise("model", {"sub": {"": 1}})
    with pytest.raises(SerializationError, match=r"^parameters/model: cannot store a module\. "):
        normalise("model", pytest)
    with pytest.raises(
        SerializationError, match=r"^parameters/z: cannot store a numpy\.ndarray of dtype object"
    ):
        normalise("z", np.array([None]))


def test_what_is_handed_out_can_be_changed_without_harm():
    values = [1, [1, 2], normalise("a", np.arange(3))]
    number, items, array = hand_out(values)
    items.append(3)
    array[0] = 9
    assert number == 1
    assert values[1] == [1, 2]
    assert values[2]["list"] == [0, 1, 2]


def test_a_place_that_is_not_there_is_nothing():
    tree = {"a": {"b": [1, 2]}}
    assert look(tree, ("a", "b", "-1")) == 2
    for segments in [("x",), ("a", "b", "2"), ("a", "b", "x"), ("a", "b", "0", "c")]:
        assert look(tree, segments) is NOTHING
    assert repr(NOTHING) == "NOTHING"


def test_a_parameter_set_is_described_as_coma_2_did():
    assert describe(["theta_0", "model"], [-5.0, "Ising"]) == "(theta_0=-5.0,model=Ising)"


def test_numbers_that_hardly_differ_are_found():
    columns = {"x": [0.3, 1, 0.1 + 0.2, math.nan, math.inf, 0.3], "y": [1e-30, 2e-30, "0.3"]}
    assert near_doubles(columns) == [("x", 0.3, 0.30000000000000004)]
    assert near_doubles({"x": [-0.3, -(0.1 + 0.2)]}) == [("x", -0.30000000000000004, -0.3)]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-100)))
def test_near_doubles_differ_by_less_than_a_billionth(numbers):
    for name, smaller, greater in near_doubles({"x": numbers}):
        assert name == "x"
        assert smaller < greater
        assert greater - smaller < 1e-9 * greater


def test_the_warning_of_near_doubles_names_both():
    assert near_doubles_text([("x", 0.3, 0.30000000000000004)]) == (
        "Numbers that hardly differ count as different: x = 0.3 and 0.30000000000000004. "
        "Round them if the same was meant."
    )
    many = near_doubles_text([("x", 1.0, 1.0)] * 5)
    assert "and 2 more." in many


def test_values_of_other_types_are_told_apart():
    """Complex numbers, dates and complex arrays differ by what they hold, not only by their type."""
    import datetime as dt

    import numpy as np

    values = [
        1j,
        2j,
        dt.date(2020, 1, 1),
        dt.date(2020, 1, 2),
        np.array([1j]),
        np.array([2j]),
        np.array([1.0]),
        "2020-01-01",
    ]
    keys = {key([normalise("a", value)]) for value in values}
    assert len(keys) == len(values)
    assert key([normalise("a", np.array([1j]))]) == key([normalise("a", np.array([1j]))])
