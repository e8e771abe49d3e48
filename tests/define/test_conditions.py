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

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.define.conditions import Condition, P, as_condition, parse
from coma_xr.define.parameters import ParameterSet
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ParameterError, PathError
from coma_xr.retrieve.measurement import Measurement
from coma_xr.retrieve.names import Names
from coma_xr.tree import split
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
    ("condition", "text", "python"),
    [
        (P.a > 3, "a > 3", "P.a > 3"),
        (P["results/E"] <= 1.5, "`results/E` <= 1.5", "P['results/E'] <= 1.5"),
        (P.a < 3, "a < 3", "P.a < 3"),
        (np.float64(3) > P.a, "a < 3.0", "P.a < 3.0"),
        (P.a == enum.IntEnum("Level", ["LOW"]).LOW, "a == 1", "P.a == 1"),
        (P.a == xr.DataArray(np.str_("x")), "a == 'x'", "P.a == 'x'"),
        (P.a.isin(np.arange(2)), "a in [0, 1]", "P.a.isin([0, 1])"),
        (2 - P.a * 3 >= -P.b, "2 - a * 3 >= -b", "2 - P.a * 3 >= -P.b"),
        ((2 - P.a) * 3 != P.b, "(2 - a) * 3 != b", "(2 - P.a) * 3 != P.b"),
        ((-2) ** P.a == 4, "(-2) ** a == 4", "(-2) ** P.a == 4"),
        (P.a - (P.b - 1) > 0, "a - (b - 1) > 0", "P.a - (P.b - 1) > 0"),
        ((P.a**P.b) ** 2 > 0, "(a ** b) ** 2 > 0", "(P.a ** P.b) ** 2 > 0"),
        (abs(P.a // 2 % 3) > 1, "abs(a // 2 % 3) > 1", "abs(P.a // 2 % 3) > 1"),
        ((P.a > 3) & (P.b == "x") & P.c, "a > 3 and b == 'x' and c", "(P.a > 3) & (P.b == 'x') & P.c"),
        ((P.a | P.b) & ~(P.c | P.d), "(a or b) and not (c or d)", "(P.a | P.b) & ~(P.c | P.d)"),
        (~(P.a > 3) | ~P.b, "not a > 3 or not b", "~(P.a > 3) | ~P.b"),
        (P.a.isin([1, None, NAN]), "a in [1, None, nan]", "P.a.isin([1, None, float('nan')])"),
        (~P.a.isin({2, 1}), "a not in [1, 2]", "~P.a.isin([1, 2])"),
        (P.a.isnull() | P.b.notnull(), "a is null or b is not null", "P.a.isnull() | P.b.notnull()"),
        (P.a.between(1, 2), "a >= 1 and a <= 2", "(P.a >= 1) & (P.a <= 2)"),
        (P.a.between(1, 2, "neither"), "a > 1 and a < 2", "(P.a > 1) & (P.a < 2)"),
        (P.a.close(0.3), "a.close(0.3)", "P.a.close(0.3)"),
        ((P.a + 1).close(P.b, atol=1), "(a + 1).close(b, atol=1.0)", "(P.a + 1).close(P.b, atol=1.0)"),
        (P.m.lower().startswith("is"), "m.lower().startswith('is')", "P.m.lower().startswith('is')"),
        (P["in"] > P["a b"], "`in` > `a b`", "P['in'] > P['a b']"),
        (P["a`b"] == [1, [True]], "`a``b` == [1, [True]]", "P['a`b'] == [1, [True]]"),
        (P.a > -math.inf, "a > -inf", "P.a > float('-inf')"),
        (P["_x"] == P["class"], "_x == class", "P['_x'] == P['class']"),
    ],
)
def test_a_condition_is_written_as_text_and_as_python(condition, text, python):
    assert (str(condition), repr(condition)) == (text, python)
    for other in (parse(text), eval(python, {"P": P})):
        assert other == condition
        assert repr(other) == python


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
        (1 / P.a == math.inf, 0, True),
        ((P.a**0.5).isnull(), -1, True),
        (10.0**P.a == math.inf, 400, True),
        (P.a + 1 > 0, 10**400, True),
        (as_condition(P.a), True, True),
        (as_condition(P.a), False, False),
        (as_condition(P.a), np.True_, True),
        (P.a > 1, np.float32(1.5), True),
        (P.a == 0.1, np.float32(0.1), False),
        (P.a == "s", enum.StrEnum("Kind", ["S"]).S, True),
        (P.a == P.a, object, True),
        (P.a == 1, object(), False),
        (P.a.isin([1]), object(), False),
    ],
)
def test_values_are_compared_by_the_rule_of_sameness_and_order(condition, a, expected):
    assert holds(condition, a=a) is expected
    assert holds(~condition, a=a) is not expected


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
    ("condition", "a", "message"),
    [
        (P.a > 3, "Ising", "In the condition a > 3: 'Ising' (text) and 3 (a number) have no order. Numbers are"),
        (P.a > 3, True, "True (a bool) and 3 (a number) have no order."),
        (P.a > 3, [1, 2], ("[1, 2] (a list) and 3 (a number) have no order. Numbers are compared with numbers, "
         "text with text, dates with dates such as '2026-01-31'. One item of a list is named by its place, as in P['results/E/0'].")),
        (P.a > 3, {"N": 1}, "A value in a branch is named by its path, as in P['layout/N']."),
        (P.a + 1 > 3, "x", "+ is for numbers, not for 'x' (text)."),
        (-P.a > 3, True, "- is for numbers, not for True (a bool)."),
        (P.a.close(3), "x", ".close() is for numbers, not for 'x' (text)."),
        (P.a.lower() == "x", 3, ".lower() is for text, not for 3 (a number)."),
        (P.a.contains("x"), 3, ".contains() is for text, not for 3 (a number)."),
        (~P.a, 1, "a name alone is a condition where it is True or False, not where it is 1 (a number)"),
        (P.a > 3, "x" * 100, "'" + "x" * 36 + "... (text)"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_compared_are_shown(condition, a, message):
    with pytest.raises(TypeError) as error:
        holds(condition, a=a)
    assert message in str(error.value)
    with pytest.raises(TypeError) as error:
        condition.evaluate_columns({"a": [a]}.__getitem__)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("condition", "when", "expected"),
    [
        (P.a > "2026-01-31", dt.datetime(2026, 1, 31, 12), True),
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


def test_dates_that_python_does_not_compare_have_no_order():
    with pytest.raises(
        TypeError, match=r"'Ising' \(text\) have no order.* dates with dates such as '2026-01-31'"
    ):
        holds(P.a > "Ising", a=dt.date(2026, 1, 31))
    with pytest.raises(TypeError, match="have no order"):
        holds(P.a > P.b, a=dt.date(2026, 1, 31), b=dt.datetime(2026, 1, 31))
    with pytest.raises(TypeError, match="have no order"):
        holds(P.a > "2026-01-31T12:00Z", a=dt.datetime(2026, 1, 31))


def test_values_may_be_in_the_form_that_files_have():
    array = to_plain(np.array([1, 2]))
    assert holds(P.a == P.b, a=array, b=np.array([1, 2]))
    with pytest.raises(TypeError, match="One item of a list is named by its place"):
        holds(P.a > 1, a=array)


def test_an_error_does_not_depend_on_what_stands_beside():
    "As arrays ask all parts, so does a single measurement."
    with pytest.raises(TypeError, match="no order"):
        holds((P.b == 1) & (P.a > 3), a="x", b=2)
    with pytest.raises(TypeError, match="no order"):
        holds((P.b == 2) | (P.a > 3), a="x", b=2)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: P.a > 1 and P.b, ("P.a > 1 is asked of each measurement; by itself it is neither true nor false, as "
         "Python's and, or, not, in, if and 1 < P.a < 3 want it. Write & for and, | for or, ~ for not, with each "
         "side in parentheses: (P.a > 1) & (P.b < 2); P.a.isin([1, 2]); P.a.between(1, 3); or a text")),
        (lambda: P.a or P.b, "P.a is asked of each measurement"),
        (lambda: not P.a, "P.a is asked of each measurement"),
        (lambda: 1 < P.a < 3, "P.a > 1 is asked of each measurement"),
        (lambda: P.a in [1, 2], "P.a == 1 is asked of each measurement"),
        (lambda: P.a in {1, 2}, "For `in`, write P.a.isin([1, 2])."),
        (lambda: {P.a: 1}, "P.a is no key of a dictionary or set"),
        (lambda: 1 in P.a, "write P.a.isin([1, 2]) or P.a.contains('text')."),
        (lambda: max(P.a, P.b), "P.b > P.a is asked of each measurement"),
        (lambda: P.a > 1 & P.b, ("A side of & is 1, which is no condition. & holds more tightly than comparisons: put "
         "each side in parentheses, as in (P.a > 1) & (P.b < 2).")),
        (lambda: 1 | P.b, "A side of | is 1, which is no condition."),
        (lambda: (P.a > 1) & True, "A side of & is True, which is no condition."),
        (lambda: (P.a > 1) & P.b == 2, "(P.a > 1) & P.b is a condition, which is not compared. & and | hold more"),
        (lambda: (P.a > 1) & P.b > 2, "(P.a > 1) & P.b is a condition, which is not compared."),
        (lambda: P.b == P.a & P.c, "P.a & P.c is a condition, not a value."),
        (lambda: (P.a + 1) & P.b, "A side of &: P.a + 1 is a value, not a condition; compare it, as in P.a + 1 > 0."),
        (lambda: len(P.a), "P.a has no length"),
        (lambda: list(P.a), "P.a is not a list of values"),
        (lambda: sum(P.a > 1), "P.a > 1 is not a list of values"),
        (lambda: P.a(3), "P.a is not called"),
        (lambda: (P.a > 3)(1), "P.a > 3 is not called; a condition is given to where=."),
        (lambda: P.a[0], "An item of P.a is named by its path, as in P['results/E/0']."),
        (lambda: P("a"), "P is not called; a name is written P.a, a path P['results/E']."),
        (lambda: "a" in P, "P has a term for every name"),
        (lambda: len(P), "P has a term for every name, and no length."),
        (lambda: list(P), "P has a term for every name; it is not a list of them."),
        (lambda: P and P.a, "P is no condition; write one of its names, as in P.a > 1."),
        (lambda: P[0], "P[...] takes a name or a path, such as P['results/E'], not 0."),
        (lambda: P.a > None, "> compares with numbers or text, not with None, which has no order."),
        (lambda: P.a < True, "< compares with numbers or text, not with True, which has no order."),
        (lambda: P.a.between([1], 2), ">= compares with numbers or text, not with [1], which has no order."),
        (lambda: P.a + "x", "+ is for numbers, not for 'x'."),
        (lambda: True * P.a, "* is for numbers, not for True."),
        (lambda: P.a.close("x"), ".close() is for numbers, not for 'x'."),
        (lambda: P.a.startswith(1), "A part of a text is text, not 1."),
        (lambda: P.a.isin("abc"), ".isin() takes a list of values, such as [1, 2], not 'abc'."),
        (lambda: P.a.isin(3), ".isin() takes a list of values, such as [1, 2], not 3."),
        (lambda: P.a == np.array([1, 2]), "not with a value of type ndarray. For a choice among several values there is .isin()."),
        (lambda: np.array([1, 2]) < P.a, "not with a value of type ndarray. For a choice among several values there is .isin()."),
        (lambda: xr.DataArray([1, 2]) < P.a, "For a choice among several values there is .isin()."),
        (lambda: P.a == np.longdouble(1), "not with a value of type longdouble."),
        (lambda: P.a == 1j, "not with a value of type complex."),
        (lambda: P.a == {"a": 1}, "not with a value of type dict."),
        (lambda: P.a == P, "not with a value of type _Names."),
        (lambda: P.a == 1 << 4000, "Conditions compare with ints of at most 3000 bits."),
        (lambda: np.sin(P.a), "does not support ufuncs"),
    ],
)  # fmt: skip
def test_misuse_explains_itself(mistake, message):
    with pytest.raises(TypeError) as error:
        mistake()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("mistake", "kind", "message"),
    [
        (lambda: P.layout.N > 1, AttributeError, "A value in a branch is named by its path: P['layout/N']."),
        (lambda: P.a.isnul(), AttributeError, "P.a has no 'isnul'. Available: isin, between, close, isnull, notnull"),
        (lambda: P.a.isnul(), AttributeError, "Did you mean 'isnull'"),
        (lambda: P._x > 1, AttributeError, "A name that begins with an underscore is written P['_x']."),
        (lambda: P[""] > 1, ParameterError, "P[''] names nothing"),
        (lambda: P["/"] > 1, ParameterError, "P['/'] names nothing"),
        (lambda: P.a.close(1, rtol=-1), ParameterError, "rtol is a number from 0 upwards, not -1."),
        (lambda: P.a.close(1, atol=NAN), ParameterError, "atol is a number from 0 upwards, not nan."),
        (lambda: P.a.between(1, 2, "low"), ParameterError, "inclusive is 'both', 'left', 'right' or 'neither'"),
    ],
)  # fmt: skip
def test_wrong_names_and_options_are_explained(mistake, kind, message):
    with pytest.raises(kind) as error:
        mistake()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "got True, the same for all measurements. Something was compared at once: is P still coma.P"),
        (np.float64(1).T > 0, "got np.True_, the same for all measurements."),
        (
            None,
            "Expected a condition, such as P.a > 3, the text 'a > 3' or a function of a measurement; got None",
        ),
        (3, "got 3, of type int."),
        (np.array([True]), "got array([ True]), of type ndarray."),
        (int, "got <class 'int'>, of type type."),
        (P, "got P itself."),
        (P.a + 1, "P.a + 1 is a value, not a condition; compare it, as in P.a + 1 > 0."),
    ],
)
def test_what_is_no_condition_is_said_to_be_none(value, message):
    with pytest.raises(TypeError) as error:
        as_condition(value)
    assert message in str(error.value)


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
    with pytest.raises(TypeError, match=r"the function returns True or False, here it returned None"):
        condition.evaluate(p.__getitem__, p)
    with pytest.raises(TypeError, match=r"a function needs the measurement or parameter set itself"):
        condition.evaluate(p.__getitem__)
    with pytest.raises(
        TypeError, match=r"the function 'positive' is called with one measurement or parameter set"
    ):
        ((P.a > 1) & condition).evaluate_columns({"a": [1]}.__getitem__)
    with pytest.raises(TypeError, match=r"here it returned P.a > 1"):
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
    with pytest.raises(
        TypeError, match=r"here it returned array\(\[1, 2\]\) .*, which is neither true nor false\.$"
    ):
        len(coma.grid(a=[1]).where(lambda p: np.array([1, 2])))


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
        condition._sign = "<"
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
        assert repr(twin) == repr(condition)
    assert pickle.loads(pickle.dumps(P)) is P
    assert copy.deepcopy(P) is P
    assert repr(P) == "P"
    assert repr(pickle.loads(pickle.dumps(P.a + 1))) == "P.a + 1"


def test_names_are_resolved_and_errors_point_at_them():
    names = Names(map(split, ["parameters/model", "results/E", "parameters/layout/N"]))
    condition = parse("E > 3 and `layout/N` == 1")
    paths = {"E": ("results", "E"), "layout/N": ("parameters", "layout", "N")}
    assert condition.resolve(names.resolve) == paths
    with pytest.raises(PathError) as error:
        parse("E > 3 and modle == 'Ising'").resolve(names.resolve)
    assert "No measurement has a path or name 'modle'." in str(error.value)
    assert "Did you mean 'model'?" in str(error.value)
    assert str(error.value).endswith("\n    E > 3 and modle == 'Ising'\n              ^")
    with pytest.raises(
        PathError, match=r"A path stands in backticks, `results/E`; in Python it is P\['results/E'\]"
    ):
        parse("results/E > 3").resolve(names.resolve)
    for odd in (lambda m: True, P.model.isin(range(50_000))):
        with pytest.raises(PathError, match=r"No measurement has a path or name 'x'"):
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
        with pytest.raises(ParameterError, match="nested at most 64 levels"):
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
