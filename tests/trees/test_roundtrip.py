"""Whatever is stored comes back as it was: value, type and dtype, at every depth."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from coma_xr.testing import assert_same, trees, values
from coma_xr.trees import json
from coma_xr.trees.plain import from_plain, to_plain

# The same examples each time, so that a change is to blame for what fails; ten times as many with --full.
EXAMPLES = {"values": 4_500, "trees": 500}
FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
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


def try_all(name, examples, report_line):
    tried = []

    @settings(FIXED, max_examples=examples)
    @given(STRATEGIES[name]())
    def check(value):
        tried.append(None)
        comes_back(value)

    start = time.perf_counter()
    check()
    seconds = time.perf_counter() - start
    report_line(f"round trip of {name}: {len(tried):,} examples, each in 4 forms of JSON, {seconds:.0f} s")


@pytest.mark.parametrize("name", STRATEGIES)
def test_everything_comes_back_through_json(name, report_line):
    """Plain and strict, pretty and compact."""
    try_all(name, EXAMPLES[name], report_line)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", STRATEGIES)
def test_everything_comes_back_many_times_more(name, report_line):
    """The same at a size that takes minutes."""
    try_all(name, 20 * EXAMPLES[name], report_line)


def test_the_check_knows_words_from_texts():
    """A text that reads NaN is legal in strict JSON."""
    assert b"NaN" not in tokens(b'{"NaN":"a\\"NaN, NaN"}')
    assert b"NaN" in tokens(b'{"NaN":[1,NaN]}')
