# These methods are the conditions', not those of pandas.
import contextlib
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coma_xr.define.condition_tokens import quoted, tokens
from coma_xr.define.conditions import P, as_condition, parse
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
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
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
    assert repr(again) == repr(condition)
    assert again.names == condition.names


@settings(max_examples=150, deadline=None)
@given(conditions)
def test_the_python_of_a_condition_says_the_same_condition(condition):
    assert as_condition(eval(repr(condition), {"P": P, "float": float, "abs": abs})) == condition


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
    assert parse(f"{quoted(name)} > 1").names == (name,)
    assert [token.value for token in tokens(quoted(name))] == [name, ""]


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
        ("a > 2 ** 80", P.a > 2.0**80),
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
    ],
)
def test_texts_say_conditions(text, condition):
    assert parse(text) == condition
    assert repr(parse(text)) == repr(condition)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A > 3 and", "Expected a name or a value here.\n    A > 3 and\n             ^"),
        ("A = 3", "Equality is written ==.\n    A = 3\n      ^"),
        ("A > 3 AND B", "not 'AND'. Did you mean 'and'?\n    A > 3 AND B\n          ^"),
        ("A > 3 nad B", "not 'nad'. Did you mean 'and'?"),
        ("model == Ising Bond", "Expected 'and', 'or' or the end, not 'Bond'. Text stands in quotation marks."),
        ("A & B", "Write 'and', not &.\n    A & B\n      ^"),
        ("A || B", "Write 'or', not |."),
        ("~A", "Write 'not', not ~."),
        ("!A", "Write 'not', or != for unequal."),
        ("A ^ 2 > 1", "A power is written **."),
        ("A; B", "';' means nothing here; a name with it stands in backticks.\n    A; B\n     ^"),
        ("θ₀ > 1", "'₀' means nothing here; a name with it stands in backticks."),
        ("layout.N > 3", "A name with a dot, or a path, stands in backticks, such as `results/E`."),
        ("A > 3 ]", "Expected 'and', 'or' or the end, not ']'."),
        ("1 < 2", "1 < 2 is the same for all measurements.\n    1 < 2\n      ^"),
        ("A > 3 and True", "True is the same for all measurements; compare it with a name."),
        ("'a'", "'a' is the same for all measurements; compare it with a name."),
        ("A + 1", "P.A + 1 is a value, not a condition; compare it"),
        ("not A + 1", "P.A + 1 is a value, not a condition; compare it"),
        ("(A > 1) == True", "This is a condition, not a value; conditions are joined by 'and' and 'or'."),
        ("A == (B > 1)", "conditions are joined by 'and' and 'or'.\n    A == (B > 1)\n         ^"),
        ("A < 3 is null", "This is a condition, not a value"),
        ("-(A > 3)", "This is a condition, not a value; conditions are joined"),
        ("A == 'x", "The quotation mark that begins here is never closed.\n    A == 'x\n         ^"),
        ("A == '\\q'", "This is no escape; a backslash is written \\\\.\n    A == '\\q'\n          ^"),
        ("A == '\\U00ffffff'", "This is no escape"),
        ("`A > 3", "The backtick that begins here is never closed.\n    `A > 3\n    ^"),
        ("`` > 3", "Between these backticks is no name."),
        ("`/` > 3", "Between these backticks is no name."),
        ("A is None", "Write 'is null' (missing, None or NaN) or 'is not null'; or == None."),
        ("1 is null", "1 is the same for all measurements; a name stands before 'is'."),
        ("A not B", "Expected 'in', as in: model not in ['Ising', 'Bond']."),
        ("A in B", "Expected a list, such as ['Ising', 'Bond'].\n    A in B\n         ^"),
        ("A in [B]", "A list holds values that are the same for all measurements.\n    A in [B]\n          ^"),
        ("A in [1 2]", "Expected ',' or ']' here."),
        ("A in (1 2)", "Expected ',' or ')' here."),
        ("2a > 1", "A number runs into a name here; write 2 * a, and names in backticks: `2a`."),
        ("A == " + "9" * 2000, "A number has at most 1000 digits here."),
        ("A == " + "9" * 999, "Conditions compare with ints of at most 3000 bits."),
        ("A < None", "< compares with numbers or text, not with None, which has no order.\n    A < None\n      ^"),
        ("A + 'a' > 1", "+ is for numbers, not for 'a'.\n    A + 'a' > 1\n      ^"),
        ("-'a' < A", "- is for numbers, not for 'a'."),
        ("(A > 1", "Expected ')', which closes a parenthesis, or a sign before this.\n    (A > 1\n          ^"),
        ("abs(A", "Expected ')' after what abs() is of."),
        ("sin(A) > 1", "sin() is no function here; there is abs(). Methods follow a dot."),
        ("__import__('os')", "__import__() is no function here"),
        ("A.__class__()", "There is no method .__class__(). Available: isin, between"),
        ("A._ask(1)", "There is no method ._ask()."),
        ("A.startwith('x')", "Did you mean 'startswith'"),
        ("A.isnull", "A name with a dot, or a path, stands in backticks"),
        ("'A'.isnull()", "'A' has no methods; a name stands before the dot."),
        ("(A > 1).isnull()", "A > 1 has no methods; a name stands before the dot."),
        ("A.close(1, foo=2)", "got an unexpected keyword argument 'foo'"),
        ("A.close(1, rtol=B)", "What stands here is the same for all measurements, as P.B is not."),
        ("A.close(1", "Expected ',' or ')' here."),
        ("A.close((B > 1))", "This is a condition, not a value"),
        ("A.contains(B)", "What stands here is the same for all measurements, as P.B is not."),
        ("A.contains(1)", "A part of a text is text, not 1."),
        ("", "The condition is empty; write one such as 'A > 3'."),
        (" \n", "The condition is empty"),
    ],
)  # fmt: skip
def test_errors_point_at_the_place(text, message):
    with pytest.raises(ParameterError) as error:
        parse(text)
    assert message in str(error.value)


def test_only_the_line_with_the_place_is_shown():
    with pytest.raises(ParameterError) as error:
        parse("A > 1 and\nB >\tx y and\nC")
    assert str(error.value).endswith("\n    B > x y and\n          ^")


def test_of_a_long_line_only_the_surroundings_are_shown():
    with pytest.raises(ParameterError) as error:
        parse("A > 1 and " * 50 + "B = 1" + " and A > 1" * 50)
    shown, caret = str(error.value).splitlines()[1:]
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
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_do_no_harm(text):
    "They are read or refused, in a moment, and without an error of Python's own."
    start = time.process_time()
    with contextlib.suppress(ParameterError):
        assert parse(text).evaluate({}.__getitem__) in (True, False)
    assert time.process_time() - start < 10


def test_a_number_that_would_fill_the_memory_is_a_double():
    assert parse("a < 9 ** 9 ** 9") == (P.a < math.inf)
