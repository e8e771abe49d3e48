# ruff: noqa: DTZ001, PD003, PD004
# Dates in files mostly have no zone; .isnull() is the conditions', not that of pandas.
import copy
import datetime as dt
import enum
import math
import pickle
import subprocess
import sys
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.define.conditions import Condition, P, as_condition, parse
from coma_xr.define.parameters import ParameterSet
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ArgumentError, ComaWarning, ConditionError, ParameterError, PathError
from coma_xr.retrieve.measurement import Measurement
from coma_xr.text import shortened
from coma_xr.tree import Names, split
from coma_xr.values.plain import to_plain

NAN = float("nan")


def holds(condition, **values):
    return as_condition(condition).evaluate(values.__getitem__)


def test_names_are_given_in_order_and_once():
    condition = (P["results/E"] < P.b) & (P.a + P.b > 1) & P.flag
    assert condition.names == ("results/E", "b", "a", "flag")


def test_every_name_is_a_parameter():
    for name in ("T", "names", "evaluate", "isin", "shape", "dtype", "keys"):
        assert (getattr(P, name) > 1).names == (name,)
    assert not [name for name in dir(P) if not name.startswith("_")]


def test_a_path_is_given_as_text_or_as_segments():
    assert (P["parameters/layout/N"] > 1).names == ("parameters/layout/N",)
    assert (P["results", "a/b", 0] > 1).names == ("results/a~1b/0",)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (P.a > 3, "a > 3"),
        (P["results/E"] <= 1.5, "`results/E` <= 1.5"),
        (P.a < 3, "a < 3"),
        (np.float64(3) > P.a, "a < 3.0"),
        (P.a == enum.IntEnum("Level", ["LOW"]).LOW, "a == 1"),
        (P.a == xr.DataArray(np.str_("x")), "a == 'x'"),
        (P.a.isin(np.arange(2)), "a in [0, 1]"),
        (2 - P.a * 3 >= -P.b, "2 - a * 3 >= -b"),
        ((2 - P.a) * 3 != P.b, "(2 - a) * 3 != b"),
        ((-2) ** P.a == 4, "(-2) ** a == 4"),
        (P.a - (P.b - 1) > 0, "a - (b - 1) > 0"),
        ((P.a**P.b) ** 2 > 0, "(a ** b) ** 2 > 0"),
        (abs(P.a // 2 % 3) > 1, "abs(a // 2 % 3) > 1"),
        ((P.a > 3) & (P.b == "x") & P.c, "a > 3 and b == 'x' and c"),
        ((P.a | P.b) & ~(P.c | P.d), "(a or b) and not (c or d)"),
        (~(P.a > 3) | ~P.b, "not a > 3 or not b"),
        (P.a.isin([1, None, NAN]), "a in [1, None, nan]"),
        (~P.a.isin({2, 1}), "a not in [1, 2]"),
        (P.a.isnull() | P.b.notnull(), "a is null or b is not null"),
        (P.a.between(1, 2), "a >= 1 and a <= 2"),
        (P.a.between(1, 2, "neither"), "a > 1 and a < 2"),
        (P.a.close(0.3), "a.close(0.3)"),
        ((P.a + 1).close(P.b, atol=1), "(a + 1).close(b, atol=1.0)"),
        (P.m.lower().startswith("is"), "m.lower().startswith('is')"),
        (P["in"] > P["a b"], "`in` > `a b`"),
        (P["a`b"] == [1, [True]], "`a``b` == [1, [True]]"),
        (P.a > -math.inf, "a > -inf"),
        (P["_x"] == P["class"], "_x == class"),
        (P.d > dt.date(2026, 1, 31), "d > date('2026-01-31')"),
        (P.d > np.datetime64("2026-01-31"), "d > datetime('2026-01-31T00:00:00')"),
        (P.d > np.datetime64("2026-01"), "d > '2026-01'"),
        (
            P.d == pd.Timestamp("2026-01-31T12:00:00.123456789"),
            "d == datetime('2026-01-31T12:00:00.123456789')",
        ),
        (P.d <= pd.Timestamp("2026-01-31", tz="UTC"), "d <= datetime('2026-01-31T00:00:00+00:00')"),
        (P.d < pd.Timedelta("1.5s"), "d < timedelta('1.5')"),
        (P.z == np.complex64(1 + 2j), "z == complex('(1+2j)')"),
        (P.x.isin([Decimal("0.1"), Fraction(1, 3)]), "x in [Decimal('0.1'), Fraction('1/3')]"),
        (P.d == pd.NaT, "d == nan"),
    ],
)
def test_a_condition_is_written_as_text(condition, text):
    assert (str(condition), repr(condition)) == (text, f"<Condition: {text}>")
    assert parse(text) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition


@pytest.mark.parametrize(
    ("condition", "a", "expected"),
    [
        (P.a == 1, 1.0, True),
        (P.a == 1, True, False),
        (P.a == True, True, True),
        (P.a == 1, "1", False),
        (P.a != 1, "1", True),
        (P.a == NAN, NAN, True),
        (P.a != NAN, NAN, False),
        (P.a == NAN, None, False),
        (P.a == None, None, True),
        (P.a == None, NAN, False),
        (P.a == 0.3, 0.1 + 0.2, False),
        (P.a.close(0.3), 0.1 + 0.2, True),
        (P.a.close(0.3, rtol=0, atol=0.1), 0.35, True),
        (P.a.close(0.3), NAN, False),
        (P.a == 2**60 + 1, 2**60, False),
        (P.a == [1, [2.0]], [1.0, [2]], True),
        (P.a == (1, 2), [1, 2], True),
        (P.a == [1, 2], [1, True], False),
        (P.a.isin([1, "x"]), 1.0, True),
        (P.a.isin([1, "x"]), True, False),
        (P.a.isin([[1, 2], None]), [1, 2], True),
        (P.a.isin([NAN]), NAN, True),
        (P.a.isin([]), 1, False),
        (P.a.between(1, 2), 2, True),
        (P.a.between(1, 2, "left"), 2, False),
        (P.a.between(1, 2, "right"), 2, True),
        (P.a.between(1, 2, "right"), 1, False),
        (P.a < "b", "a", True),
        (P.a.startswith("Is"), "Ising", True),
        (P.a.endswith("ing"), "Ising", True),
        (P.a.contains("s.n"), "Ising", False),
        (P.a.contains("sin"), "Ising", True),
        (P.a.lower() == "ising", "Ising", True),
        (P.a.upper().contains("ISI"), "Ising", True),
        (P.a % 2 == 1, 3, True),
        (-P.a // 2 == -2, 3, True),
        (abs(-P.a) == 3, 3, True),
        (+P.a == 3, 3, True),
        (P.a / 2 == 1.5, 3, True),
        ((P.a**0.5).isnull(), -1, True),
        (10.0**P.a == math.inf, 400, True),
        (P.a + 1 > 0, 10**400, True),
        (as_condition(P.a), True, True),
        (as_condition(P.a), False, False),
        (as_condition(P.a), np.True_, True),
        (P.a > 1, np.float32(1.5), True),
        (P.a == 0.1, np.float32(0.1), False),
        (P.a == P.a, object, True),
        (P.a == 1, object(), False),
        (P.a.isin([1]), object(), False),
    ],
)
def test_values_are_compared_by_the_rule_of_sameness_and_order(condition, a, expected):
    assert holds(condition, a=a) is expected
    assert holds(~condition, a=a) is not expected


@pytest.mark.parametrize("expression", ["/", "//", "%"])
def test_a_division_by_zero_follows_numpy_and_warns_once_for_an_array(expression):
    condition = as_condition(f"(1 {expression} a).isnull() or 1 {expression} a > 0")
    with pytest.warns(ComaWarning, match="divides by zero, which gives inf or NaN"):
        assert holds(condition, a=0)
    with pytest.warns(ComaWarning, match="divides by zero") as caught:
        as_condition(f"1 {expression} a > 0").evaluate_columns({"a": np.zeros(10)}.__getitem__)
    assert len(caught) == 1
    with pytest.raises(ParameterError, match="1 / 0 divides by zero") as error:
        as_condition("a > 1 / 0")
    assert error.value.excerpt == "    a > 1 / 0\n            ^"


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("o == {'a': 2, 'b': [1, {}]}", P.o == {"a": 2.0, "b": (1, {})}),
        ("o in [{'a': date('2020-01-01')}, None]", P.o.isin([{"a": dt.date(2020, 1, 1)}, None])),
        ("{'a': -1} != o", P.o != {"a": -1}),
    ],
)
def test_a_dictionary_has_a_written_form(text, condition):
    assert as_condition(text).evaluate({"o": {"a": 2, "b": [1, {}]}}.__getitem__) is condition.evaluate(
        {"o": {"a": 2, "b": [1, {}]}}.__getitem__
    )
    assert as_condition(str(condition)) == condition


@pytest.mark.parametrize(
    "text", ["o == {a: 1}", "o == {**a}", "o == {'a': b}", "o == {[1]: 1}", "o == {'a'}"]
)
def test_a_dictionary_in_text_has_constants_as_keys_and_values(text):
    with pytest.raises(ParameterError) as caught:
        as_condition(text)
    assert "^" in caught.value.excerpt


@pytest.mark.parametrize("nothing", [NOTHING, None, NAN])
def test_what_is_missing_has_no_order_and_is_null(nothing):
    for condition in (P.a < 1, P.a >= 1, P.a.between(0, 1), P.a + 1 > 0, P.a == 1, P.a.close(1)):
        assert not holds(condition, a=nothing)
        assert holds(~condition, a=nothing)
    for condition in (P.a.startswith("a"), P.a.lower() == "a", P.a < "x", P.a & P.a):
        assert not holds(condition, a=nothing)
    assert holds(P.a != 1, a=nothing)
    assert holds(P.a.isnull(), a=nothing)
    assert not holds(P.a.notnull(), a=nothing)
    assert holds((P.a + 1).isnull(), a=nothing)


def test_what_is_missing_is_the_same_as_nothing():
    def lookup(name):
        raise PathError(f"no {name}")

    assert not (P.a == None).evaluate(lookup)
    assert not (P.a == P.b).evaluate(lookup)
    assert not P.a.isin([None, NAN]).evaluate(lookup)
    assert P.a.isnull().evaluate(lookup)


@pytest.mark.parametrize(
    ("condition", "a", "excerpt"),
    [
        (P.a > 3, "Ising", "a > 3"),
        (P.a > 3, True, "a > 3"),
        (P.a > 3, [1, 2], "a > 3"),
        (P.a > 3, {"N": 1}, "a > 3"),
        (P.a + 1 > 3, "x", "a + 1"),
        (-P.a > 3, True, "-a"),
        (P.a.close(3), "x", "a.close(3)"),
        (P.a.lower() == "x", 3, "a.lower()"),
        (P.a.contains("x"), 3, "a.contains('x')"),
        ((P.b == 1) | ~P.a, 1, "a"),
    ],
)
def test_values_that_cannot_be_compared_are_shown_with_the_part_of_the_condition(condition, a, excerpt):
    with pytest.raises(ConditionError) as caught:
        holds(condition, a=a, b=2)
    assert caught.value.excerpt == f"    {excerpt}"
    assert (shortened(a, 40) in caught.value.what) is True
    with pytest.raises(ConditionError) as again:
        condition.evaluate_columns({"a": [a], "b": [2]}.__getitem__)
    assert str(again.value) == str(caught.value)


def test_values_that_cannot_be_compared_are_worded_with_a_way_out():
    with pytest.raises(ConditionError) as caught:
        holds(P.a > 3, a=[1, 2])
    assert str(caught.value) == (
        "[1, 2] (a list) and 3 (a number) cannot be put in order.\n"
        "Expected numbers with numbers, text with text, or dates with dates such as '2026-01-31'.\n"
        "Name one item of a list by its path: `results/E/0`, in Python P['results/E/0'].\n"
        "    a > 3"
    )
    with pytest.raises(ConditionError) as caught:
        holds(P.a > 3, a={"N": 1})
    assert caught.value.ways == (
        "Name a value in a branch by its path: `layout/N`, in Python P['layout/N'].",
    )


@pytest.mark.parametrize(
    ("condition", "when", "expected"),
    [
        (P.a > "2026-01-31", dt.datetime(2026, 1, 31, 12), False),
        (P.a == "2026-01-31", dt.datetime(2026, 1, 31, 12), True),
        (P.a <= "2026-01", dt.datetime(2026, 1, 31, 12), True),
        (P.a < "2026-01", dt.datetime(2026, 1, 31, 12), False),
        (P.a > "2026-01", dt.date(2026, 2, 1), True),
        (P.a == "2026-01", dt.date(2026, 1, 5), True),
        (P.a.isin(["2026-01", "2026-03"]), dt.date(2026, 3, 5), True),
        (P.a > dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 12), True),
        (P.a == dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 12), False),
        (P.a == dt.date(2026, 1, 31), dt.datetime(2026, 1, 31), True),
        (P.a.isin([dt.date(2026, 1, 31)]), dt.datetime(2026, 1, 31), True),
        (P.a == dt.datetime(2026, 1, 31), dt.date(2026, 1, 31), True),
        (P.a == dt.date(2026, 1, 31), "2026-01-31", True),
        (P.a.isin([dt.date(2026, 1, 31)]), "2026-01-31", True),
        (P.a >= "2026-01-31T13:00", dt.datetime(2026, 1, 31, 12), False),
        (P.a == "2026-01-31", dt.date(2026, 1, 31), True),
        (P.a == "2026-01-31", dt.datetime(2026, 1, 31), True),
        (P.a == "Ising", dt.date(2026, 1, 31), False),
        (P.a == "2026-01-30", dt.datetime(2026, 1, 31), False),
        (P.a.isin(["2026-01-30"]), dt.datetime(2026, 1, 31), False),
        (P.a.isin(["Ising", "2026-01-31"]), dt.date(2026, 1, 31), True),
        (
            P.a.between(dt.date(2026, 1, 1), pd.Timestamp("2026-02-01")),
            dt.datetime(2026, 1, 31),
            True,
        ),
        (P.a < np.datetime64("2026-01-31T12:00:00.5", "ns"), dt.datetime(2026, 1, 31, 12), True),
        (P.a < dt.date(2026, 1, 31), "2026-01-30", True),
    ],
)
def test_dates_are_compared_with_dates_and_their_texts(condition, when, expected):
    assert parse(str(condition)) == condition
    assert holds(condition, a=when) is expected
    assert condition.evaluate_columns({"a": [when]}.__getitem__).tolist() == [expected]
    if isinstance(when, dt.datetime):
        dates = xr.DataArray(np.array([when, "NaT"], dtype="datetime64[ns]"))
        assert condition.evaluate_columns({"a": dates}.__getitem__).values.tolist() == [expected, False]


def test_a_text_beside_a_date_is_a_date_on_either_side():
    values = {"a": "2026-01-31", "b": dt.datetime(2026, 1, 31), "c": dt.datetime(2026, 2, 1)}
    assert holds((P.a == P.b) & (P.b == P.a) & (P.a < P.c) & (P.c > P.a) & (P.b < P.c), **values)
    assert holds(~(P.a == P.c) & ~(P.c == P.a) & (P.b != P.c), **values)


def test_times_with_and_without_a_zone_have_no_order_and_are_never_equal():
    aware = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    for condition in (P.a > P.b, P.a > "2026-01-31T12:00Z", P.a < aware):
        with pytest.raises(ConditionError):
            holds(condition, a=dt.datetime(2026, 1, 31), b=aware)
    assert not holds(P.a == aware, a=dt.datetime(2026, 1, 31, 12))
    assert holds((P.a == "2026-01-31T13:00:00+01:00") & (P.a >= aware), a=aware)
    with pytest.raises(ConditionError):
        holds(P.a > "Ising", a=dt.date(2026, 1, 31))


@pytest.mark.parametrize(
    ("condition", "a", "expected"),
    [
        (P.a > dt.timedelta(seconds=1), np.timedelta64(1500, "ms"), True),
        (P.a == dt.timedelta(seconds=1), dt.timedelta(seconds=1), True),
        (P.a == 1 + 0j, 1, True),
        (P.a == 1j, 1j, True),
        (P.a == Decimal("0.1"), 0.1, False),
        (P.a == Fraction(1, 2), 0.5, True),
        (P.a < Decimal("0.5"), 0.25, True),
        (P.a * 2 == 1, Decimal("0.5"), True),
        (P.a.isin([Fraction(1, 2)]), 0.5, True),
        (P.a < Fraction(1, 2), to_plain(Decimal("0.25")), True),
    ],
)
def test_numbers_of_all_types_and_durations_are_compared(condition, a, expected):
    assert holds(condition, a=a) is expected
    assert condition.evaluate_columns({"a": [a]}.__getitem__).tolist() == [expected]


def test_a_value_that_is_not_found_names_the_nearest_one():
    values = {"a": [0.1 + 0.2, 1.0], "m": ["Ising", "Potts"], "d": [dt.date(2026, 1, 1)]}

    def warning(text):
        return parse(text).unfulfilled(2, "measurement", values, "nothing was changed")

    assert warning("a == 0.3") == (
        "None of the 2 measurements fulfils the condition a == 0.3; nothing was changed. "
        "The value of a nearest to 0.3 is 0.30000000000000004."
    )
    assert warning("m == 'ising' and a == 1").endswith("The value of m nearest to 'ising' is 'Ising'.")
    assert warning("d == '2026-02'").endswith("nearest to '2026-02' is datetime.date(2026, 1, 1).")
    assert "nearest" not in warning("a in [0.3, 1] or a > 3 or b == 1")


def test_values_may_be_in_the_form_that_files_have():
    array = to_plain(np.array([1, 2]))
    assert holds(P.a == P.b, a=array, b=np.array([1, 2]))
    with pytest.raises(ConditionError) as caught:
        holds(P.a > 1, a=array)
    assert caught.value.ways


def test_an_error_does_not_depend_on_what_stands_beside():
    "As arrays ask all parts, so does a single measurement."
    with pytest.raises(TypeError, match="cannot be put in order"):
        holds((P.b == 1) & (P.a > 3), a="x", b=2)
    with pytest.raises(TypeError, match="cannot be put in order"):
        holds((P.b == 2) | (P.a > 3), a="x", b=2)


@pytest.mark.parametrize(
    ("mistake", "what"),
    [
        (lambda: P.a > 1 and P.b, "a > 1 has no truth value"),
        (lambda: P.a or P.b, "a has no truth value"),
        (lambda: not P.a, "a has no truth value"),
        (lambda: 1 < P.a < 3, "a > 1 has no truth value"),
        (lambda: P.a in [1, 2], "a == 1 has no truth value"),
        (lambda: max(P.a, P.b), "b > a has no truth value"),
        (lambda: P.a in {1, 2}, "a cannot be a key of a dictionary or an item of a set"),
        (lambda: {P.a: 1}, "a cannot be a key of a dictionary or an item of a set"),
        (lambda: 1 in P.a, "a does not support `in`"),
        (lambda: P.a > 1 & P.b, "One side of & is 1, which is not a condition: & binds more tightly"),
        (lambda: 1 | P.b, "One side of | is 1, which is not a condition"),
        (lambda: (P.a > 1) & True, "One side of & is True, which is not a condition"),
        (lambda: (P.a > 1) & P.b == 2, "a > 1 and b is a condition and cannot be compared"),
        (lambda: (P.a > 1) & P.b > 2, "a > 1 and b is a condition and cannot be compared"),
        (lambda: P.b == P.a & P.c, "a and c is a condition, not a value"),
        (lambda: (P.a + 1) & P.b, "a + 1 is a value, not a condition"),
        (lambda: len(P.a), "a differs between measurements and has no length"),
        (lambda: list(P.a), "a differs between measurements and cannot be iterated over"),
        (lambda: sum(P.a > 1), "a > 1 differs between measurements and cannot be iterated over"),
        (lambda: P.a(3), "a is not a function"),
        (lambda: (P.a > 3)(1), "a > 3 is not a function"),
        (lambda: P.a[0], "a cannot be indexed"),
        (lambda: P("a"), "P is not a function"),
        (lambda: "a" in P, "P has a term for every name and does not support `in`"),
        (lambda: len(P), "P has a term for every name and has no length"),
        (lambda: list(P), "P has a term for every name and cannot be iterated over"),
        (lambda: P and P.a, "P is not a condition"),
        (lambda: P[0], "P[0] is not available"),
        (lambda: P.a > None, "> cannot be used with None"),
        (lambda: P.a < True, "< cannot be used with True"),
        (lambda: P.a < 1j, "< cannot be used with complex('1j')"),
        (lambda: P.a.between([1], 2), ">= cannot be used with [1]"),
        (lambda: P.a + "x", "+ cannot be applied to 'x'"),
        (lambda: True * P.a, "* cannot be applied to True"),
        (lambda: P.a.close("x"), ".close() cannot be applied to 'x'"),
        (lambda: P.a.startswith(1), "1 is not text"),
        (lambda: P.a.isin("abc"), ".isin() cannot be applied to 'abc'"),
        (lambda: P.a.isin(3), ".isin() cannot be applied to 3"),
        (lambda: P.a == np.array([1, 2]), "A condition cannot be compared with an ndarray"),
        (lambda: np.array([1, 2]) < P.a, "A condition cannot be compared with an ndarray"),
        (lambda: xr.DataArray([1, 2]) < P.a, "A condition cannot be compared with an ndarray"),
        (lambda: P.a == object(), "A condition cannot be compared with an object"),
        (lambda: P.a == {1: 1}, "A dictionary in a condition has the key 1"),
        (lambda: P.a < {"b": 1}, "< cannot be used with {'b': 1}"),
        (lambda: P.a / 0 > 1, "a / 0 divides by zero"),
        (lambda: (P.a + 1) / 0 > 1, "(a + 1) / 0 divides by zero"),
        (lambda: 1 % (P.a * 0.0) > P.a // 0.0, "a // 0.0 divides by zero"),
        (lambda: P.a == 1 << 4000, "The condition has an int of 4001 bits."),
    ],
)
def test_misuse_is_an_error_that_names_it(mistake, what):
    with pytest.raises(ConditionError) as caught:
        mistake()
    assert caught.value.what.startswith(what)


def test_only_a_text_that_divides_by_zero_may_be_meant_as_a_path():
    with pytest.raises(ConditionError) as caught:
        _ = P.a / P.b / 0 > 1
    assert str(caught.value) == "a / b / 0 divides by zero. Expected another number."


def test_an_array_of_choices_names_isin():
    with pytest.raises(ConditionError) as caught:
        _ = P.a == np.array([1, 2])
    assert caught.value.ways == (
        "Use .isin() for a choice among several values.",
        "Pass .tolist() for one value that is an array.",
    )
    with pytest.raises(TypeError, match="does not support ufuncs"):
        np.sin(P.a)


def test_the_error_about_and_or_and_not_is_worded_with_what_to_write():
    with pytest.raises(ConditionError) as caught:
        _ = P.a > 1 and P.b
    assert str(caught.value) == (
        "a > 1 has no truth value, so `and`, `or`, `not`, `in`, `if` and 1 < P.a < 3 cannot be used.\n"
        "Use &, | and ~ with each side in parentheses, as in (P.a > 1) & (P.b < 2).\n"
        "Use P.a.isin([1, 2]) or P.a.between(1, 3), or a string: 'a > 1 and b in [1, 2]'."
    )


def test_wrong_names_and_options_are_named():
    with pytest.raises(AttributeError) as caught:
        _ = P.layout.N > 1
    assert caught.value.ways == ("Name a value in a branch by its path, as in P['layout/N'].",)
    with pytest.raises(AttributeError) as caught:
        P.a.isnul()
    assert caught.value.near == ("isnull", "isin")
    with pytest.raises(AttributeError, match=r"Write P\['_x'\] for a name"):
        _ = P._x > 1
    for mistake in (lambda: P[""] > 1, lambda: P["/"] > 1):
        with pytest.raises(ParameterError) as caught:
            mistake()
        assert caught.value.expected == "a name or a path, such as P['results/E']"
    for mistake in (lambda: P.a.close(1, rtol=-1), lambda: P.a.close(1, atol=NAN)):
        with pytest.raises(ParameterError) as caught:
            mistake()
        assert caught.value.expected == "a number from 0 up"
    with pytest.raises(ParameterError) as caught:
        P.a.between(1, 2, "lef")
    assert caught.value.near == ("left",)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (True, "True is not a condition; it is the same for all measurements."),
        (np.float64(1).T > 0, "True is not a condition; it is the same for all measurements."),
        (None, "None is not a condition but a NoneType."),
        (3, "3 is not a condition but an int."),
        (np.array([True]), "array([ True]) is not a condition but an ndarray."),
        (int, "<class 'int'> is not a condition but a type."),
        (P, "P is not a condition."),
        (P.a + 1, "a + 1 is a value, not a condition."),
    ],
)
def test_what_is_not_a_condition_is_an_error(value, what):
    with pytest.raises(ConditionError) as caught:
        as_condition(value)
    assert caught.value.what == what


def test_a_condition_may_be_a_condition_a_text_a_name_or_a_function():
    condition = P.a > 3
    assert as_condition(condition) is condition
    assert as_condition("a > 3") == condition
    assert as_condition(P.a) == parse("a")
    p = ParameterSet(["a"], [4])
    assert as_condition(lambda p: p.a > 3).evaluate(p.__getitem__, p)
    assert (as_condition(lambda p: np.bool_(p.a > 3)) & (P.a < 5)).evaluate(p.__getitem__, p)
    assert not (condition & (lambda p: p.a > 4)).evaluate(p.__getitem__, p)


def test_a_function_needs_something_to_be_called_with_and_returns_a_bool():
    def positive(p):
        return None

    condition = as_condition(positive)
    assert condition.names == ()
    assert condition.functions == (positive,)
    p = ParameterSet(["a"], [4])
    with pytest.raises(ConditionError) as caught:
        condition.evaluate(p.__getitem__, p)
    assert caught.value.excerpt == "    <function positive>"
    assert "check whether a return is missing" in caught.value.what
    with pytest.raises(
        ConditionError, match=r"A function of a measurement cannot be applied to values alone\."
    ):
        condition.evaluate(p.__getitem__)
    with pytest.raises(ConditionError) as caught:
        ((P.a > 1) & condition).evaluate_columns({"a": [1]}.__getitem__)
    assert caught.value.ways == ("Write the condition with P or as text.",)
    with pytest.raises(ConditionError, match="The function returned <Condition: a > 1>"):
        as_condition(lambda p: P.a > 1).evaluate(p.__getitem__, p)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (1, True),
        (0, False),
        (0.0, False),
        (np.bool_(True), True),
        (np.int64(0), False),
        (np.array([2]), True),
        ([], False),
    ],
)
def test_what_a_function_returns_counts_as_python_counts_it(answer, expected):
    p = ParameterSet(["a"], [4])
    assert as_condition(lambda p: answer).evaluate(p.__getitem__, p) is expected
    assert len(coma.grid(a=[1]).where(lambda p: answer)) == expected


def test_what_is_neither_true_nor_false_is_no_answer():
    with pytest.raises(ConditionError) as caught:
        len(coma.grid(a=[1]).where(lambda p: np.array([1, 2])))
    assert caught.value.what == "The function returned array([1, 2])."


def test_conditions_are_equal_when_they_are_written_the_same():
    first, second = P.a > 3, P.a > 3
    assert first == second
    assert hash(first) == hash(second)
    assert {first: 1}[second] == 1
    assert first != (P.a > 3.0)
    assert (P.a == 1) != (P.a == True)
    assert first is not None
    assert (first == None) is False
    one, other = as_condition(lambda p: True), as_condition(lambda p: False)
    assert str(one) == str(other)
    assert one != other


def test_conditions_do_not_change():
    condition = P.a > 3
    with pytest.raises(AttributeError):
        condition._operation = "<"
    listed = [1, 2]
    chosen = P.a.isin(listed)
    listed.append(3)
    assert str(chosen) == "a in [1, 2]"


@pytest.mark.parametrize(
    "text", ["a > 3 and not b in ['x', nan]", "abs(-a ** 2).close(b) or c is null and d"]
)
def test_conditions_travel_to_other_processes(text):
    condition = parse(text)
    for twin in (pickle.loads(pickle.dumps(condition)), copy.deepcopy(condition), copy.copy(condition)):
        assert twin == condition
    assert pickle.loads(pickle.dumps(P)) is P
    assert copy.deepcopy(P) is P
    assert repr(P) == "P"
    assert repr(pickle.loads(pickle.dumps(P.a + 1))) == "<Term: a + 1>"


def test_names_are_resolved_and_errors_point_at_them():
    names = Names(map(split, ["parameters/model", "results/E", "parameters/layout/N"]))
    condition = parse("E > 3 and `layout/N` == 1")
    paths = {"E": ("results", "E"), "layout/N": ("parameters", "layout", "N")}
    assert condition.resolve(names.resolve) == paths
    with pytest.raises(PathError) as error:
        parse("E > 3 and modle == 'Ising'").resolve(names.resolve)
    assert error.value.near == ("model",) or "Did you mean 'model'" in str(error.value)
    assert error.value.excerpt == "    E > 3 and modle == 'Ising'\n              ^"
    assert error.value.ways == ()
    with pytest.raises(PathError) as error:
        parse("model == Ising").resolve(names.resolve)
    assert error.value.ways == ("Put text in quotation marks: 'Ising'.",)
    with pytest.raises(PathError) as error:
        parse("results/E > 3").resolve(names.resolve)
    assert error.value.ways == ("Put a path in backticks: `results/E`, in Python P['results/E'].",)
    for odd in (lambda m: True, P.model.isin(range(50_000))):
        with pytest.raises(PathError, match="'x'"):
            ((P.x > 1) & odd).resolve(names.resolve)


def test_a_condition_is_asked_of_measurements_and_their_trees():
    tree = {"parameters": {"a": 1, "layout": {"N": 2}}, "results": {"E": [0.5, 1.5]}}
    condition = (P["parameters/layout/N"] == 2) & (P["results/E/1"] > 1) & P["results/F"].isnull()
    measurement = Measurement(1, tree)
    assert condition.evaluate(measurement.__getitem__, measurement)
    assert condition.evaluate(lambda path: look(tree, path.split("/")))


def test_conditions_nested_too_deeply_are_refused():
    term, values = P.a, []
    for _ in range(62):
        term, values = term + 1, [values]
    assert parse(str(term == 1)) == (term == 1)
    for condition in (lambda: term + 1 + 1 == 1, lambda: P.a == [[values]]):
        with pytest.raises(
            ParameterError, match=r"The condition is nested too deeply\. Expected at most 64 levels\."
        ):
            condition()


def test_many_conditions_can_be_joined():
    condition = P.a == 0
    for value in range(1, 500):
        condition = condition | (P.a == value)
    assert holds(condition, a=499)
    assert parse(str(condition)) == condition


def test_a_condition_can_be_asked_by_several_threads():
    condition, answers = P.a.isin(range(100)) & (P.a > 10), []

    def ask(a):
        answers.extend(holds(condition, a=a) is (10 < a < 100) for _ in range(200))

    threads = [threading.Thread(target=ask, args=(a,)) for a in (5, 50, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 600


def test_conditions_import_nothing_heavy():
    code = (
        "import sys\nfrom coma_xr.define.conditions import P, parse\n"
        "assert parse('a > 1 and b in [2]').evaluate({'a': 2, 'b': 2}.__getitem__)\n"
        "print([m for m in ('numpy', 'pandas', 'xarray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_conditions_are_instances_of_condition():
    assert isinstance(P.a > 1, Condition)
    assert not isinstance(P.a, Condition)


def test_a_misspelt_argument_and_text_without_quotation_marks_name_what_was_meant():
    with pytest.raises(ArgumentError) as caught:
        P.a.between(1, 2, inclusiv="left")
    assert caught.value.near == ("inclusive",)
    with pytest.raises(PathError, match="Put text in quotation marks: 'Ising'"):
        coma.grid(model=["Ising"]).where("model == Ising")
