"""When two values are the same, near, or missing."""

# ruff: noqa: DTZ001

import datetime as dt
import decimal
import enum
import fractions
import itertools
import math
import pathlib
import pickle
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.values import plain_value
from coma_xr.same import compare, equal, is_missing, is_null, key, near, near_pairs, nearest, text_of
from coma_xr.values.plain import to_plain

UTC = dt.timezone.utc  # noqa: UP017
EAST = dt.timezone(dt.timedelta(hours=2))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


class Lattice(enum.Enum):
    ISING = "Ising"
    BOND = 2


def same(a, b):
    """The rule for plain values, written a second time and slowly."""
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
def test_two_plain_values_have_one_key_exactly_when_they_are_the_same(a, b):
    assert (key(a) == key(b)) is same(a, b)
    assert key(a) == key(a)
    assert hash(key(a)) == hash(key(a))


@given(plain)
def test_a_key_is_equal_to_its_copy_from_another_process(value):
    copy = pickle.loads(pickle.dumps(key(value)))
    assert copy == key(value)
    assert hash(copy) == hash(key(value))


# All values of a row are the same; no two of different rows are.
CLASSES = [
    [
        1,
        1.0,
        fractions.Fraction(1),
        decimal.Decimal("1.00"),
        1 + 0j,
        np.int8(1),
        np.float32(1),
        np.longdouble(1),
        np.array(1),
    ],
    [0, 0.0, -0.0, decimal.Decimal("-0"), 0j, np.float64(-0.0), np.complex64(0)],
    [True, np.True_],
    [False, np.False_],
    [0.5, fractions.Fraction(1, 2), decimal.Decimal("0.5"), np.float16(0.5), np.clongdouble(0.5)],
    [0.1, np.float64(0.1)],
    [np.float32(0.1), float(np.float32(0.1)), np.complex64(0.1)],
    [decimal.Decimal("0.1"), fractions.Fraction(1, 10), decimal.Decimal("0.100")],
    [np.longdouble(1) / 10] if np.finfo(np.longdouble).nmant > 52 else [],
    [0.1 + 0.2],
    [0.3],
    [1j, np.complex128(1j), np.clongdouble(1j)],
    [2**53 + 1, decimal.Decimal(2**53 + 1), np.int64(2**53 + 1)],
    [2**53, float(2**53)],
    [10**400, decimal.Decimal("1E400")],
    [math.inf, decimal.Decimal("Infinity"), np.float32(math.inf)],
    [
        math.nan,
        -math.nan,
        np.float32(math.nan),
        decimal.Decimal("NaN"),
        complex(0, math.nan),
        pd.NaT,
        pd.NA,
        np.datetime64("NaT", "s"),
        np.timedelta64("NaT", "s"),
        decimal.Decimal("sNaN"),
    ],
    [None],
    ["a", np.str_("a")],
    ["1", np.str_("1")],
    ["None"],
    ["Ising", Lattice.ISING],
    [2, Lattice.BOND, 2.0],
    [b"a", np.bytes_(b"a")],
    [
        dt.datetime(2020, 1, 1),
        pd.Timestamp("2020-01-01"),
        np.datetime64("2020-01-01", "D"),
        np.datetime64("2020-01-01", "ns"),
        np.datetime64("2020-01-01", "h"),
    ],
    [
        dt.datetime(2020, 1, 1, tzinfo=UTC),
        pd.Timestamp("2020-01-01", tz="UTC"),
        dt.datetime(2020, 1, 1, 2, tzinfo=EAST),
        pd.Timestamp("2020-01-01 01:00", tz="Europe/Berlin"),
    ],
    [np.datetime64("2020-01-01T00:00:00.000000001", "ns"), pd.Timestamp("2020-01-01T00:00:00.000000001")],
    [dt.date(2020, 1, 1)],
    [np.datetime64("2020-01", "M")],
    [np.datetime64("2020", "Y")],
    ["2020-01-01"],
    [dt.time(1, 2)],
    [dt.time(1, 2, tzinfo=UTC), dt.time(3, 2, tzinfo=EAST)],
    [dt.timedelta(days=1), pd.Timedelta("1D"), np.timedelta64(1, "D"), np.timedelta64(24, "h")],
    [np.timedelta64(1, "M")],
    [np.timedelta64(1, "Y")],
    [
        [1, 2],
        (1, 2),
        np.array([1, 2]),
        np.array([1.0, 2.0], np.float32),
        [1.0, fractions.Fraction(2)],
        np.array([1, 2], object),
    ],
    [[True, 2]],
    [[[1, 2]], np.array([[1, 2]]), ((1, 2),)],
    [[[1], [2]], np.array([[1], [2]], "u1")],
    [[], (), np.array([]), np.zeros(0, "M8[s]")],
    [[[], []], np.zeros((2, 0))],
    [np.zeros((0, 2)), np.zeros((0, 2), int)],
    [np.zeros((2, 0, 3))],
    [["a", "b"], np.array(["a", "b"])],
    [[math.nan, 1], np.array([np.nan, 1])],
    [
        np.array(["2020-01-01", "2021-01-01"], "M8[s]"),
        [dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)],
        np.array(["2020-01-01", "2021-01-01"], "M8[ns]"),
    ],
    [{"a": 1, "b": [1]}, {"b": (1.0,), "a": np.float32(1)}],
    [{"a": True, "b": [1]}],
    [{}],
    [{1, 2}, frozenset({1.0, 2})],
    [range(3), range(0, 3, 1)],
    [range(0), range(5, 2)],
    [pathlib.PurePosixPath("a"), pathlib.PurePosixPath("./a")],
    [uuid.UUID(int=1)],
    [pd.Period("2020-01", "M")],
    [pd.Interval(0, 1), pd.Interval(0.0, 1)],
]
VALUES = [(number, value) for number, row in enumerate(CLASSES) for value in row]


@pytest.mark.parametrize(("number", "value"), VALUES, ids=lambda value: repr(value)[:40])
def test_values_of_all_kinds_are_the_same_exactly_within_their_row(number, value):
    for other_number, other in VALUES:
        assert equal(value, other) is (number == other_number), (value, other)
        if number == other_number:
            assert hash(key(value)) == hash(key(other))
            assert text_of(key(value)) == text_of(key(other))


@pytest.mark.parametrize("value", [value for _, value in VALUES], ids=lambda value: repr(value)[:40])
def test_a_stored_value_has_the_key_of_the_object(value):
    """Also one that is read where nothing but files is known."""
    try:
        stored = to_plain([value])[0]
    except TypeError:
        pytest.skip("cannot be stored")
    assert key(stored) == key(value)
    assert key(plain_value("a", value)) == key(value)
    assert key({"x": [stored]}) == key({"x": [value]})


def test_a_stored_form_that_contradicts_itself_has_a_key_too():
    for node in [
        {"__type__": "coma.datetime", "value": "yesterday"},
        {"__type__": "coma.pandas.Timestamp", "value": "x", "unit": "s"},
        {"__type__": "numpy.ndarray", "shape": [3], "list": [1]},
        {"__type__": "numpy.ndarray"},
        {"__type__": "coma.decimal", "value": "1E+999999999999"},
    ]:
        assert hash(key(node)) == hash(key(dict(node)))
        assert not equal(node, 1)


def test_dictionaries_that_look_like_stored_forms_are_dictionaries():
    lookalike = {"__type__": "coma.float", "value": "nan"}
    assert not equal(to_plain(lookalike), math.nan)
    assert equal({"__type__": "wire", "L": 1}, {"__type__": "wire", "L": 1.0})


def test_objects_that_cannot_be_stored_equal_themselves():
    assert equal(pytest, pytest)
    assert not equal(pytest, math)
    assert not is_missing(pytest)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        pd.NA,
        pd.NaT,
        np.datetime64("NaT", "s"),
        decimal.Decimal("NaN"),
        np.float32("nan"),
        to_plain(pd.NA),
    ],
)
def test_missing_values_are_missing_and_none_is_null(value):
    assert is_missing(value)
    assert is_null(value)
    assert is_null(None)
    assert not is_missing(None)
    assert not is_missing([value])
    assert not is_missing(np.array([np.nan]))


def test_near_numbers_are_no_equal_ones():
    pairs = [
        (0.1 + 0.2, 0.3),
        (np.float32(0.1), 0.1),
        (0.1, np.float32(0.1)),
        (np.linspace(0, 1, 11, dtype=np.float32)[7], 0.7),
        (decimal.Decimal("0.1"), 0.1),
        (fractions.Fraction(1, 3), 1 / 3),
        (3, 3.0000000000000004),
        (1j, 1.0000000000000002j),
    ]
    for a, b in pairs:
        assert near(a, b), (a, b)
        assert near(b, a), (a, b)
        assert not equal(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (1.0, 1 + 1e-8),
        (0.5, 0.5000001),
        (10**12, 10**12 + 1),
        (1, "1"),
        (math.nan, 1.0),
        (True, 1.0000000000001),
        (math.inf, 1e308),
        (None, None),
        (0.0, 1e-300),
        (1j, 2j),
    ],
)
def test_other_values_are_not_near(a, b):
    assert not near(a, b)


def test_near_pairs_are_found_among_keys():
    assert near_pairs(map(key, [0.3, 1, 0.1 + 0.2, math.nan, math.inf, 0.3, "0.3", None])) == [
        (0.3, 0.30000000000000004)
    ]
    assert near_pairs([-0.3, -(0.1 + 0.2)]) == [(-0.30000000000000004, -0.3)]
    assert near_pairs([1e-30, 2e-30, -math.inf, -1.0]) == []
    assert near_pairs([10**12, 10**12 + 1]) == []
    single = float(np.float32(0.1))
    assert near_pairs(map(key, [np.float32(0.1), 0.1, decimal.Decimal("0.1"), fractions.Fraction(1, 3)])) == [
        (decimal.Decimal("0.1"), 0.1),
        (0.1, single),
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-100)))
def test_near_pairs_differ_by_less_than_single_precision(numbers):
    for smaller, greater in near_pairs(numbers):
        assert smaller < greater
        assert near(smaller, greater)
        assert greater - smaller < 1.2e-7 * greater
    for a, b in itertools.pairwise(sorted(set(numbers))):
        assert not near(a, b) or (a, b) in near_pairs(numbers)


def test_the_nearest_value_is_named():
    assert nearest(0.3, [1.0, 0.1 + 0.2, "a"]) == 0.1 + 0.2
    assert nearest("isin", ["Ising", "Bond"]) == "Ising"
    assert nearest(dt.date(2020, 1, 4), [dt.date(2020, 1, 1), dt.datetime(2020, 1, 5)]) == dt.datetime(
        2020, 1, 5
    )
    assert nearest("2020-02", [dt.date(2020, 1, 31), dt.date(2021, 1, 1)]) == dt.date(2020, 1, 31)
    assert nearest(1, ["a", None, [1]]) is None
    assert nearest(decimal.Decimal("0.1"), [0.1, 0.2]) == 0.1
    assert nearest("zzz", ["Ising"]) is None


DAY, NOON = dt.date(2020, 1, 5), dt.datetime(2020, 1, 5, 12)


@pytest.mark.parametrize(
    ("a", "sign", "b", "answer"),
    [
        (DAY, "==", np.datetime64("2020-01-05"), True),
        (DAY, "==", pd.Timestamp("2020-01-05"), True),
        (DAY, "==", dt.datetime(2020, 1, 5), True),
        (DAY, "!=", dt.datetime(2020, 1, 5), False),
        (DAY, "==", NOON, False),
        (DAY, "<", NOON, True),
        (DAY, "<", pd.Timestamp(NOON), True),
        (NOON, "==", "2020-01-05", True),
        (NOON, "==", "2020-01-05T12", True),
        (NOON, "==", "2020-01-05 12:00:01", False),
        (NOON, "==", "2020", True),
        (NOON, ">", "2020-01", False),
        (NOON, ">=", "2020-01", True),
        (NOON, "<=", "2020-01", True),
        (NOON, "<", "2020-01", False),
        (NOON, "<", "2020-02", True),
        ("2020-02", ">", NOON, True),
        (NOON, ">", "2019", True),
        (np.datetime64("2020-01", "M"), "==", "2020-01", True),
        (np.datetime64("2020-01", "M"), "<", DAY, True),
        (np.datetime64("2020-01", "M"), "<", "2020-02", True),
        (dt.datetime(2020, 1, 1, tzinfo=UTC), "==", "2020-01-01T02:00+02:00", True),
        (dt.datetime(2020, 1, 1, tzinfo=UTC), "==", "2020-01-01T00:00:00Z", True),
        (NOON, "==", "2020-13", False),
        (NOON, "==", "noon", False),
        (dt.timedelta(hours=1), "<", np.timedelta64(61, "m"), True),
        ("a", "<", "b", True),
        ("2020-01", "==", "2020-01-01", False),
        (1, "<", fractions.Fraction(3, 2), True),
        (decimal.Decimal("0.1"), "<", 0.1, True),
        (np.float32(0.1), ">", 0.1, True),
        (2**53 + 1, ">", float(2**53), True),
        (Lattice.BOND, ">", 1, True),
        (None, "<", 1, False),
        (math.nan, ">=", 1, False),
        (pd.NaT, "<", NOON, False),
        (None, "==", None, True),
        (math.nan, "==", pd.NA, True),
        ([1, 2], "==", np.array([1, 2]), True),
        (True, "==", 1, False),
    ],
)
def test_comparisons_convert_dates_and_texts(a, sign, b, answer):
    assert compare(sign, a, b) is answer
    if not isinstance(a, np.ndarray):
        assert compare(sign, to_plain([a])[0], to_plain([b])[0]) is answer


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (True, 2),
        (1, "a"),
        (NOON, 1),
        (NOON, "noon"),
        (NOON, dt.datetime(2020, 1, 1, tzinfo=UTC)),
        ([1], [2]),
        (1j, 2),
        (dt.timedelta(1), NOON),
        (np.timedelta64(1, "M"), dt.timedelta(1)),
        ({}, 1),
    ],
)
def test_what_has_no_order_is_an_error(a, b):
    with pytest.raises(TypeError):
        compare("<", a, b)
    assert compare("==", a, b) is False


def test_the_key_of_a_range_is_that_of_its_items():
    ranges = [range(a, b, step) for a in range(-4, 5) for b in range(-4, 5) for step in (-3, -2, -1, 1, 2, 3)]
    for one in ranges:
        for other in ranges[::7]:
            assert (key(one) == key(other)) == (list(one) == list(other))
