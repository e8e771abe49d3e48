"""Whatever can be stored lies in every kind of file exactly as it was, and passes from one to another."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coma_xr.encoding.formats import FORMATS
from coma_xr.store.place import ExperimentDirectory
from coma_xr.testing import assert_same, trees
from coma_xr.values.plain import from_plain, to_plain


def stored(tree: Any, place: ExperimentDirectory) -> None:
    """Add a measurement with a tree among its results and in its info."""
    plain = to_plain({"results": tree})
    rest = FORMATS[place.suffix].encode_rest(plain, pretty=place.pretty)
    place.look().measurements.add({"host": "1e5", "more": plain["results"]}, rest)


def check(place: ExperimentDirectory, expected: list[Any]) -> None:
    """Check that all measurements are what they were."""
    found = dict(place.look().measurements.trees())
    assert not place.look().measurements.problems
    assert list(found) == list(range(1, len(expected) + 1))
    for tree, was in zip(found.values(), expected, strict=True):
        assert tree["info"]["host"] == "1e5"
        assert_same(from_plain(tree["results"]), was)
        assert_same(from_plain(tree["info"]["more"]), was)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("format", ["json", "xml"])
@pytest.mark.ci
def test_every_value_comes_back_from_every_kind_of_file(format, pretty, compress, request, report_line):
    examples = 500 if request.config.getoption("--full") else 12
    counted = []

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=examples,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(trees(), min_size=1, max_size=3))
    def try_all(expected):
        with tempfile.TemporaryDirectory() as directory:
            # Measurements of both formats, the experiment in one.
            for number, tree in enumerate(expected):
                other = format if number % 2 == 0 else {"json": "xml", "xml": "json"}[format]
                config = {"archive_default_format": other, "archive_pretty_print": pretty}
                stored(tree, ExperimentDirectory(directory, config=config))
            place = ExperimentDirectory(directory, config={"archive_pretty_print": pretty})
            place.write_index()
            check(place, expected)
            place.deactivate(compress=compress)
            assert [path.suffix for path in Path(directory).glob("exp*")] == [
                ".gz" if compress else f".{format}"
            ]
            check(place, expected)
            assert place.verify() == []
            place.activate()
            check(place, expected)
            assert place.verify() == []
        counted.append(len(expected))

    try_all()
    report_line(
        f"{sum(counted)} trees through {format} files, archive and back; pretty={pretty}, compressed={compress}"
    )
