"""Whatever is stored comes back as it was: value, type and dtype, at every depth, from every kind of file."""

from __future__ import annotations

import itertools
import json as standard_json
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from coma_xr.encoding.formats import FORMATS
from coma_xr.store.place import ExperimentDirectory
from coma_xr.testing import assert_same, trees, values
from coma_xr.values.plain import from_plain, to_plain

pytestmark = pytest.mark.ci

# The same examples each time, so that a change is to blame for what fails.
PARTS = [("values", 1, 1_600), ("values", 2, 1_600), ("values", 3, 1_500), ("trees", 4, 300)]
STRATEGIES = {"values": values, "trees": trees}

# With --full: so many examples of each part.
MANY = 15_700

# Kinds of files that each example is written to and read from.
KINDS = 16

# So many measurements share an experiment.
BATCH = 50

FIXED = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# JSON and XML, indented and compact, as Python spells NaN and as the standard of JSON allows.
CONFIGURATIONS = [
    {"archive_default_format": format, "archive_pretty_print": pretty, "archive_strict_json": strict}
    for format, pretty, strict in itertools.product(["json", "xml"], [True, False], [True, False])
]


def examples(name: str, number: int, many: int) -> list[Any]:
    """Return examples of a strategy, the same for the same number."""
    found: list[Any] = []

    @seed(number)
    @settings(FIXED, max_examples=many)
    @given(STRATEGIES[name]())
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


def check(found: list[Any], directory: Path) -> None:
    """Check values in every kind of file, of active and of inactive experiments."""
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        plain = [to_plain({"results": {"value": value}}) for value in batch]
        for tree, value in zip(plain, batch, strict=True):
            assert_same(from_plain(tree)["results"]["value"], value)
        for config in CONFIGURATIONS:
            with tempfile.TemporaryDirectory(dir=directory) as path:
                check_files(ExperimentDirectory(path, config=config), plain)


def check_files(place: ExperimentDirectory, plain: list[Any]) -> None:
    encode = FORMATS[place.suffix].encode_rest
    for tree in plain:
        rest = encode(tree, pretty=place.pretty, strict=place.strict)
        place.look().measurements.add({"host": "1e5"}, rest)
    check_place(place, plain)
    place.deactivate()
    assert not list(Path(place.path).glob("measurement.0*"))
    check_place(ExperimentDirectory(place.path, mode="r"), plain)


def check_place(place: ExperimentDirectory, plain: list[Any]) -> None:
    """Check that the measurements are these trees, which were found to be the values."""
    found = [tree for _, tree in place.look().measurements.trees()]
    assert not place.look().measurements.problems
    for tree, was in zip(found, plain, strict=True):
        assert tree.pop("info")["host"] == "1e5"
        same(tree, was)
    if place.strict and place.suffix == ".json":
        for path in Path(place.path).glob("*.json"):
            standard_json.loads(path.read_bytes().decode("utf-8"), parse_constant=refuse)


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def same(one: Any, other: Any) -> None:
    """Check that two plain trees are equal in value, type and order; NaN equals NaN, 0.0 differs from -0.0."""
    assert type(one) is type(other), (one, other)
    if type(one) is dict:
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif type(one) is list:
        assert len(one) == len(other)
        for part, was in zip(one, other, strict=True):
            same(part, was)
    elif type(one) is float:
        assert one == other or (math.isnan(one) and math.isnan(other)), (one, other)
        assert math.copysign(1, one) == math.copysign(1, other) or math.isnan(one), (one, other)
    else:
        assert one == other


@pytest.mark.parametrize(("name", "number", "many"), PARTS)
def test_everything_comes_back_from_every_kind_of_file(name, number, many, quick_path, tally):
    """JSON and XML, pretty and compact, plain and strict, active and inactive."""
    found = examples(name, number, many)
    assert len(found) == many
    check(found, quick_path)
    tally("round trips").add(KINDS * many)


@pytest.mark.full
@pytest.mark.parametrize(("name", "number"), [part[:2] for part in PARTS])
def test_a_million_round_trips(name, number, quick_path, tally):
    """The same, with other examples."""
    counted, part = tally("round trips"), 1000 * number
    while counted.tried < KINDS * MANY:
        found = examples(name, part, 500)
        check(found, quick_path)
        counted.add(KINDS * len(found))
        part += 1


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0.0, -0.0), (math.nan, 0.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ([1], [1, 2])],
)
def test_the_comparison_finds_what_differs(one, other):
    with pytest.raises(AssertionError):
        same({"a": [one]}, {"a": [other]})
    same({"a": [one]}, {"a": [one]})


def test_the_examples_need_strict_json_and_more_than_plain_xml():
    """Else the sixteen kinds of file would be fewer."""
    found = [to_plain(value) for value in examples("values", 1, 300)]
    texts = [FORMATS[".json"].encode(tree).decode() for tree in found]
    assert any(re.search(r"[^\"\w]NaN\b", text) for text in texts)
    assert any("class_name" in FORMATS[".xml"].encode({"m": tree}).decode() for tree in found)
