"""Whatever is stored comes back as it was: value, type and dtype, at every depth."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from coma_xr.testing import assert_same, trees, values
from coma_xr.trees import json
from coma_xr.trees.plain import from_plain, to_plain

# The same examples each time, so that a change is to blame for what fails; twenty times as many with --full.
EXAMPLES = 1_250
PARTS = [("values", 1), ("values", 2), ("values", 3), ("trees", 4)]
FIXED = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
STRATEGIES = {"values": values, "trees": trees}
FORMS = [(strict, pretty) for strict in (False, True) for pretty in (False, True)]


def comes_back(value):
    """Check one value in all four forms of text."""
    tree = to_plain(value)
    for strict, pretty in FORMS:
        data = json.encode(tree, strict=strict, pretty=pretty)
        if strict:
            assert not {b"NaN", b"Infinity", b"-Infinity"} & tokens(data)
        assert_same(from_plain(json.decode(data)), value)


def tokens(data):
    """Return the words of a text of JSON that stand outside its strings."""
    return {
        word
        for part in data.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
        for word in part.replace(b",", b" ")
        .replace(b"[", b" ")
        .replace(b"]", b" ")
        .replace(b"}", b" ")
        .split()
    }


def try_all(name, number, examples, report_line):
    tried = []

    @seed(number)
    @settings(FIXED, max_examples=examples)
    @given(STRATEGIES[name]())
    def check(value):
        tried.append(None)
        comes_back(value)

    start = time.perf_counter()
    check()
    seconds = time.perf_counter() - start
    report_line(f"round trip of {name}: {len(tried):,} examples, each in 4 forms of JSON, {seconds:.0f} s")


@pytest.mark.parametrize(("name", "number"), PARTS)
def test_everything_comes_back_through_json(name, number, report_line):
    """Plain and strict, pretty and compact."""
    try_all(name, number, EXAMPLES, report_line)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "number"), PARTS)
def test_everything_comes_back_many_times_more(name, number, report_line):
    """The same at a size that takes minutes."""
    try_all(name, 10 * number, 20 * EXAMPLES, report_line)


def test_the_check_knows_words_from_texts():
    """A text that reads NaN is legal in strict JSON."""
    assert b"NaN" not in tokens(b'{"NaN":"a\\"NaN, NaN"}')
    assert b"NaN" in tokens(b'{"NaN":[1,NaN]}')
