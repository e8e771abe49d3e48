"""Values of parameters on the command line: what is read, and that nothing is executed."""

import datetime as dt
import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coma_xr.errors import ParameterError
from coma_xr.terminal.scan_arguments import describe_values, parse_scan, to_word


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2,3", [1, 2, 3]),
        ("[1,2.5]", [1, 2.5]),
        ("-1,-2e-3", [-1, -2e-3]),
        ("1", 1),
        ("1/4", 0.25),
        ("2*pi", 2 * math.pi),
        ("-inf", -math.inf),
        ("1+2j", 1 + 2j),
        ("Ising,runge-kutta,data/a.csv", ["Ising", "runge-kutta", "data/a.csv"]),
        ("[Ising,2026-10-15]", ["Ising", dt.date(2026, 10, 15)]),
        ("'two words','1'", ["two words", "1"]),
        (r"'it\'s, \\',2", ["it's, \\", 2]),
        ("true,False", [True, False]),
        ("None", None),
        ("2026-01-31", dt.date(2026, 1, 31)),
        ("2026-10-15T12:00", dt.datetime(2026, 10, 15, 12)),  # noqa: DTZ001
        ("range(3)", range(3)),
        ("range(0,1,0.25),5", [0.0, 0.25, 0.5, 0.75, 5]),
        ("linspace(0,1,3)", [0.0, 0.5, 1.0]),
        ("linspace(0,1,num=2,endpoint=False)", [0.0, 0.5]),
        ("logspace(0,2,3)", [1.0, 10.0, 100.0]),
        ("geomspace(1,100,3)", [1.0, 10.0, 100.0]),
        ("[linspace(0,1,2),5]", [0.0, 1.0, 5]),
        ("(1,2),(3,4)", [(1, 2), (3, 4)]),
        ("[[1,2]]", [[1, 2]]),
        ("{'a': 1}", [{"a": 1}]),
    ],
)
def test_values_are_read(text, values):
    found = parse_scan([f"x={text}"])["x"]
    assert (found, type(found)) == (values, type(values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x= has no values."),
        ("1,,2", "x=1,,2 has nothing between two commas."),
        ("3x", "x: '3x' is neither a number nor a word."),
        ("two words", "x: 'two words' is neither a number nor a word."),
        ("[[2026-10-15]]", "x: '2026-10-15' is neither a number nor a word."),
        ("[1,2", "x: '[1,2' is neither a number nor a word."),
        ("lnspace(0,1,3)", "x: unknown function lnspace()."),
        ("linspace(0)", "x: linspace(0) cannot be read: it needs start and stop."),
        ("geomspace(0,1,3)", "x: geomspace(0, 1, 3) cannot be read: "),
        ("range(1,2,0)", "x: range(1, 2, 0) cannot be read: "),
        (
            "range(10**12)",
            "x: range(10 ** 12) cannot be read: 1,000,000,000,000 values are more than 1,000,000.",
        ),
        ("linspace(0,1,10**9)", "x: linspace(0, 1, 10 ** 9) cannot be read: 1,000,000,000 values"),
        ("linspace(0,1,-3)", "x: linspace(0, 1, -3) cannot be read: "),
        ("9**9**9", "x: 9 ** 9 ** 9 cannot be computed."),
        ("1/0", "x: 1 / 0 cannot be computed."),
        ("__import__('os').getcwd()", "x: unknown function __import__('os').getcwd()."),
        ("().__class__", "x: '().__class__' is neither a number nor a word."),
        ("[x for x in (1,2)]", "x: 'x for x in (1,2)' is neither a number nor a word."),
    ],
)
def test_what_cannot_be_read_is_named(text, message):
    with pytest.raises(ParameterError) as raised:
        parse_scan([f"x={text}"])
    assert raised.value.message("terminal").startswith(message)
    assert ".." not in raised.value.message("terminal")


VALUES = st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.text(max_size=8), st.dates())


@given(st.lists(VALUES, min_size=1, max_size=4))
@settings(max_examples=60)
def test_values_of_a_toml_file_are_those_of_the_command_line(values):
    assert parse_scan([to_word("x", values)])["x"] == values


@given(st.text(max_size=20))
@settings(max_examples=60)
def test_any_text_is_a_value_or_an_error(text):
    with suppress(ParameterError):
        assert "x" in parse_scan([f"x={text}"])


def test_a_directory_among_the_values_is_answered_with_its_option():
    with pytest.raises(ParameterError) as caught:
        parse_scan(["a=1,2", "runs"])
    assert caught.value.ways == ("Write -o runs for the directory of the experiment.",)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([at / 49 for at in range(50)], "0, 0.02040816326530612, ..., 0.9795918367346939, 1"),
        ([1 / 3, 1 / 7, 1 / 9, 1 / 11], "0.3333333333333333, ..., 0.09090909090909091"),
        (list(range(7)), "0, 1, 2, 3, 4, 5, 6"),
    ],
)
def test_long_numbers_are_printed_in_whole_and_fewer_of_them(values, text):
    assert describe_values(values) == (len(values), text)
