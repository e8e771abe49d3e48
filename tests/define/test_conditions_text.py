# These methods are the conditions', not those of pandas.
import contextlib
import datetime as dt
import math
import re
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coma_xr.define.conditions import P, parse
from coma_xr.errors import ParameterError

names = st.sampled_from(
    ["a", "b", "E_1", "results/E", "in", "nan", "θ", "a b", "a`b", "_x", "a\\/b", "class"]
)
names |= st.text(min_size=1, max_size=3).filter(lambda text: text.strip("/"))
scalars = st.integers() | st.floats() | st.text(max_size=4) | st.booleans() | st.none()
numbers = st.integers() | st.floats()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
some_names = names.map(lambda name: P[name])

SIGNS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    # A constant zero is no divisor.
    "/": lambda a, b: a / b if isinstance(b, type(P.a)) or b else a / 2,
    "//": lambda a, b: a // b if isinstance(b, type(P.a)) or b else a // 2,
    "%": lambda a, b: a % b if isinstance(b, type(P.a)) or b else a % 2,
    "**": lambda a, b: a**b,
}
COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
calculations = st.sampled_from(list(SIGNS.values()))
comparisons = st.sampled_from(list(COMPARISONS.values()))


def larger(term):
    return st.one_of(
        st.builds(lambda f, a, b: f(a, b), calculations, term, term | numbers),
        st.builds(lambda f, a, b: f(a, b), calculations, numbers, term),
        st.builds(lambda f, a: f(a), st.sampled_from([abs, lambda a: -a]), term),
        st.builds(lambda a, up: a.upper() if up else a.lower(), term, st.booleans()),
    )


terms = st.recursive(some_names, larger, max_leaves=6)
tolerances = st.floats(0, 1)
simple = st.one_of(
    st.builds(lambda f, a, b: f(a, b), comparisons, terms, terms | numbers | st.text(max_size=4)),
    st.builds(lambda a, b: a == b, terms, values),
    st.builds(lambda a, b: a.isin(b), terms, st.lists(values, max_size=4)),
    st.builds(lambda a, b, r, t: a.close(b, rtol=r, atol=t), terms, terms | numbers, tolerances, tolerances),
    st.builds(lambda a, low, high: a.between(low, high), terms, numbers, terms),
    st.builds(lambda a: a.isnull(), terms),
    st.builds(lambda a, text: a.startswith(text) | a.contains(text), terms, st.text(max_size=4)),
    st.builds(lambda a: ~a, some_names),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner | some_names),
        st.builds(lambda a, b: a | b, inner | some_names, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(conditions)
def test_the_text_of_a_condition_says_the_same_condition(condition):
    again = parse(str(condition))
    assert again == condition
    assert again.names == condition.names


@settings(deadline=None)
@given(st.text(max_size=20) | st.text("ab1.()[]'`+-*<=! andorisnul", max_size=30))
def test_any_text_is_a_condition_or_an_error(text):
    try:
        condition = parse(text)
    except ParameterError:
        return
    assert parse(str(condition)) == condition


@settings(deadline=None)
@given(names)
def test_a_name_in_text_is_the_name(name):
    assert parse(str(P[name] > 1)).names == (name,)
    assert parse("`" + name.replace("`", "``") + "` > 1").names == (name,)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("1 < A < 3", (P.A > 1) & (P.A < 3)),
        ("1 < A <= B != 2", (P.A > 1) & (P.A <= P.B) & (P.B != 2)),
        ("a and b or c and not d", (P.a & P.b) | (P.c & ~P.d)),
        ("a or (b or c)", P.a | P.b | P.c),
        ("not not a > 1", P.a > 1),
        ("not a in [1]", ~P.a.isin([1])),
        ("a not in (1, 'x',)", ~P.a.isin([1, "x"])),
        ("a in [-1, +2, [], nan, -inf]", P.a.isin([-1, 2, [], math.nan, -math.inf])),
        ("a is not null", P.a.notnull()),
        ("a + 1 is null", (P.a + 1).isnull()),
        ("a == None or b == True", (P.a == None) | (P.b == True)),
        ("2 * 3 + a > 7 // 2 - 2 ** 3 ** 0", 6 + P.a > 1),
        ("a > 1 / 2", P.a > 0.5),
        ("a > 2 ** 80", P.a > 2**80),
        ("a == 2 ** 53 + 1", P.a == 2**53 + 1),
        ("a < 10 ** 400 and a > 0e400", (P.a < 10**400) & (P.a > 0.0)),
        ("a < Decimal('1e400') and a < 2 * inf", (P.a < Decimal("1e400")) & (P.a < math.inf)),
        ("a > 2 ** -1 and a > (-1) ** 4001", (P.a > 0.5) & (P.a > -1)),
        ("-a ** 2 < --b", -(P.a**2) < P.b.__neg__().__neg__()),
        ("a ** -b ** 2 > 0", P.a ** -(P.b**2) > 0),
        ("a - b - c * d % 2 > 0", P.a - P.b - P.c * P.d % 2 > 0),
        ("+a > 0", P.a > 0),
        ("abs(-3) < abs(a)", abs(P.a) > 3),
        ("abs > 3", P["abs"] > 3),
        (".5 < a < 1.e3", (P.a > 0.5) & (P.a < 1000.0)),
        ("a.between(1, b, inclusive='left')", (P.a >= 1) & (P.a < P.b)),
        ("a.close(0.3, rtol=1e-3) and b.isin([1])", P.a.close(0.3, rtol=1e-3) & P.b.isin([1])),
        ("m . lower ( ) == 'x'", P.m.lower() == "x"),
        ("`results/E`.notnull()", P["results/E"].notnull()),
        ("a\n  > 1\nand b", (P.a > 1) & P.b),
        ("m == \"it's\" or m == '\\x41\\u00e4\\n'", (P.m == "it's") | (P.m == "Aä\n")),
        ("µ > 1", P.µ > 1),
        ("Δθ_0 > 1 and 温度 > 3", (P.Δθ_0 > 1) & (P.温度 > 3)),
        ("A=='x'and'y'==B or`C`in[1]", (P.A == "x") & (P.B == "y") | P.C.isin([1])),
        ("lambda > 1 and class == 'a' or if", (P["lambda"] > 1) & (P["class"] == "a") | P["if"]),
        ("d > date('2026-01-31')", P.d > dt.date(2026, 1, 31)),
        (
            "d == datetime('2026-01-31T12:00:00+01:00')",
            P.d == dt.datetime.fromisoformat("2026-01-31T12:00:00+01:00"),
        ),
        (
            "d < timedelta('1.5') or z == complex('(1+2j)')",
            (P.d < dt.timedelta(seconds=1.5)) | (P.z == 1 + 2j),
        ),
        ("x in [Decimal('0.1'), Fraction('1/3')]", P.x.isin([Decimal("0.1"), Fraction(1, 3)])),
    ],
)
def test_texts_say_conditions(text, condition):
    assert parse(text) == condition


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("A > 3 and", "$"),
        ("A > 3 or or B", "or B"),
        ("A > ) and B", ")"),
        ("A > 3 ]", "]"),
        ("(A > 1", "$"),
        ("abs(A", "$"),
        ("A.close(1", "$"),
        ("A, B", "A"),
        ("A < > 3", "> 3"),
        ("A = 3", "= 3"),
        ("A > 3 AND B", "AND"),
        ("A | B", "|"),
        ("~A", "~"),
        ("A; B", ";"),
        ("A[0] > 1", "0]"),
        ("layout.N > 3", "layout.N"),
        ("A.isnull", "A.isnull"),
        ("1 < 2", "2"),
        ("A > 3 and True", "True"),
        ("'a'", "'a'"),
        ("A + 1", "A"),
        ("not A + 1", "A + 1"),
        ("(A > 1) == True", "A > 1"),
        ("A == (B > 1)", "B > 1"),
        ("A < 3 is null", "3 is"),
        ("-(A > 3)", "A > 3"),
        ("A == 'x", "'x"),
        ("A == '\\q'", "\\q"),
        ("A == '\\U00ffffff'", "\\U"),
        ("`A > 3", "`A"),
        ("`` > 3", "``"),
        ("`/` > 3", "`/`"),
        ("A is None", "None"),
        ("A is B", "B"),
        ("A == null", "null"),
        ("1 is null", "1 is"),
        ("A not B", "not"),
        ("A in B", "B"),
        ("A in [B]", "B]"),
        ("A in [1 2]", "2]"),
        ("2a > 1", "a"),
        ("A == 1_000", "_000"),
        ("A == 0x10", "x10"),
        ("A == " + "9" * 2000, "9"),
        ("A == " + "9" * 999, "9"),
        ("A < None", "None"),
        ("A + 'a' > 1", "'a'"),
        ("-'a' < A", "-'a'"),
        ("sin(A) > 1", "sin"),
        ("__import__('os')", "__import__"),
        ("date(A) > 1", "date"),
        ("d > date('2026-13-01')", "date"),
        ("x == Fraction('1/0')", "Fraction"),
        ("A.__class__()", "__class__"),
        ("A._ask(1)", "_ask"),
        ("A._arguments", "A._arguments"),
        ("'A'.isnull()", "'A'"),
        ("(A > 1).isnull()", "A > 1"),
        ("A.close(1, foo=2)", "foo"),
        ("A.close()", "A.close"),
        ("A.close(1, rtol=B)", "A.close"),
        ("A.close((B > 1))", "B > 1"),
        ("A.contains(B)", "A.contains"),
        ("A.contains(1)", "A.contains"),
        ("A if B else C", "if"),
        ("lambda: A", ":"),
        ("[A for A in B]", "for"),
        ("A.isin(*B)", "*B"),
        ("A.isin(**B)", "**B"),
        ("A == 'a' 'b'", "'b'"),
        ("A == 'a''b'", "'b'"),
        ("`A`B > 1", "B >"),
        ("A'b' > 1", "'b'"),
        ("A == f'{B}'", "'{B}'"),
    ],
)
def test_errors_point_at_the_place(text, place):
    with pytest.raises(ParameterError) as caught:
        parse(text)
    shown, caret = caught.value.excerpt.splitlines()[-2:]
    if len(text) < 60:
        assert shown.removeprefix("    ") == text.replace("\n", " ")
        assert len(caret) - 5 == (len(text) if place == "$" else text.index(place))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a < 1e400", "1e400 is too large for a float"),
        ("a in [1, -1e400]", "1e400 is too large for a float"),
        ("a.between(0, 1.5E+999)", "1.5E+999 is too large for a float"),
        ("a.close(1, rtol=1e400)", "1e400 is too large for a float"),
        ("a > 1e-400", "1e-400 is too small for a float"),
        ("a < 1e300 * 1e300", "* of 1e+300 and 1e+300 is too large, or not a real number"),
        ("a < 10 ** 400 * 0.5", "and 0.5 is too large"),
        ("a < (-8) ** 0.5", "** of -8 and 0.5 is too large, or not a real number"),
        ("a < 10 ** 4000", "** of 10 and 4000 is too large"),
        ("a + 10 ** 400 > 3", "+ cannot be applied to 1000"),
        ("a.close(10 ** 400)", ".close() cannot be applied to 1000"),
        ("a.close(1, rtol=10 ** 400)", "cannot be used"),
    ],
)
def test_numbers_that_doubles_lack_are_errors(text, fault):
    with pytest.raises(ParameterError, match=re.escape(fault)) as caught:
        parse(text)
    assert "^" in caught.value.excerpt


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_condition_is_an_error(text):
    with pytest.raises(ParameterError) as caught:
        parse(text)
    assert caught.value.expected == "a condition such as 'A > 3'"


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("A = 3", "Write == for equality."),
        ("A & B", "Write 'and', not &."),
        ("A > 3 nad B", "Did you mean 'and'?"),
        ("model == Ising Bond", "Put text in quotation marks."),
        ("model in [Ising]", "Put text in quotation marks: 'Ising'."),
        ("2a > 1", "Write 2 * a for a product, `2a` for a name."),
        ("layout.N > 3", "Put a name with a dot, or a path, in backticks, such as `results/E`."),
        ("A is None", "Write 'is null' or 'is not null' for missing, None or NaN; or == None."),
        ("A not B", "Write 'not in' and a list, as in model not in ['Ising', 'Bond']."),
    ],
)
def test_errors_name_a_way_out(text, way):
    with pytest.raises(ParameterError) as caught:
        parse(text)
    assert caught.value.ways == (way,)


def test_misspelt_methods_and_options_are_named():
    with pytest.raises(ParameterError) as caught:
        parse("A.startwith('x')")
    assert (caught.value.name, caught.value.near) == ("startwith", ("startswith",))
    with pytest.raises(ParameterError) as caught:
        parse("A.close(1, rtoll=2)")
    assert (caught.value.near, caught.value.available) == (("rtol", "atol"), ("other", "rtol", "atol"))


def test_an_unreadable_condition_is_worded_with_its_place():
    with pytest.raises(ParameterError) as caught:
        parse("A > 3 AND B")
    assert str(caught.value) == (
        "'AND' is misplaced. Expected an operator, a comma or the end. Did you mean 'and'?\n"
        "    A > 3 AND B\n"
        "          ^"
    )


def test_only_the_line_with_the_place_is_shown():
    with pytest.raises(ParameterError) as error:
        parse("A > 1 and\nB >\tx y and\nC")
    assert error.value.excerpt == "    B > x y and\n          ^"


def test_of_a_long_line_only_the_surroundings_are_shown():
    with pytest.raises(ParameterError) as error:
        parse("A > 1 and " * 50 + "B = 1" + " and A > 1" * 50)
    shown, caret = error.value.excerpt.splitlines()
    assert len(shown) < 140
    assert shown[caret.index("^")] == "="


@pytest.mark.parametrize(
    "text",
    [
        "(" * 90_000,
        "(" * 60 + "a" + ")" * 60,
        "not " * 20_000 + "a",
        "-" * 90_000 + "a > 1",
        "a == " + "[" * 90_000,
        "a > " + "9" * 90_000,
        "a > 1" + " + 1" * 20_000,
        "a" + "**9" * 20_000 + " > 1",
        "a > " + "9**" * 100 + "9",
        "a" + ".lower()" * 10_000 + " == 'x'",
        "a" * 200_000,
        "a < " * 20_000 + "b",
        "a and " * 15_000 + "b",
        "a in [" + "1," * 40_000 + "]",
        "`" * 90_001,
        "'" + "\\" * 90_000,
        "x == Fraction('1e999999999')",
        "x == Decimal('1e999999999')",
        "x == timedelta('1e999999999')",
        "x == complex('" + "1" * 90_000 + "')",
        "x == stored('" + "[" * 5_000 + "]" * 5_000 + "')",
        """x == stored('{"__type__": "numpy.ndarray", "shape": [1000000000000], "list": [], "dtype": "f8"}')""",
        """x == stored('{"__type__": "coma.range", "start": 0, "stop": 1000000000000, "step": 1}')""",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_do_no_harm(text):
    "They are read or refused, in a moment, and without an error of Python's own."
    start = time.process_time()
    with contextlib.suppress(ParameterError):
        assert parse(text).evaluate({}.__getitem__) in (True, False)
    assert time.process_time() - start < 10


def test_a_number_that_would_fill_the_memory_is_an_error():
    with pytest.raises(ParameterError, match=r"\*\* of 9 and 387420489 is too large"):
        parse("a < 9 ** 9 ** 9")


def test_a_complex_number_is_written_as_the_error_about_its_literal_states():
    condition = parse("z == complex('1+2j')")
    assert condition == (P.z == 1 + 2j)
    assert parse(str(condition)) == condition
    for text in ("z == 1+2j", "z == 2J"):
        with pytest.raises(ParameterError, match=r"Write complex\('1\+2j'\)"):
            parse(text)
    with pytest.raises(ParameterError, match=r"Write 2 \* a for a product"):
        parse("z == 2jx")
