"""Names of paths, and the paths that names mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.errors import PathError
from coma_xr.retrieve.names import Names, free_name, is_parameter, role
from coma_xr.tree import join, split

PATHS = [
    "info/measurement_id",
    "parameters/t",
    "parameters/layout/N",
    "parameters/layout/P",
    "parameters/model/results/P",
    "results/N",
    "results/t",
    "results/E",
]


def test_the_shallowest_path_has_the_short_name_a_parameter_before_a_result():
    names = Names(PATHS)
    assert {path: names.of(path) for path in PATHS} == {
        "info/measurement_id": "measurement_id",
        "parameters/t": "t",
        "parameters/layout/N": "layout_N",
        "parameters/layout/P": "P",
        "parameters/model/results/P": "results_P",
        "results/N": "N",
        "results/t": "results_t",
        "results/E": "E",
    }


def test_a_defined_name_wins():
    names = Names(PATHS, [("N", "parameters/layout/N"), ("g", "parameters/g")])
    assert names.of("parameters/layout/N") == "N"
    assert names.of("results/N") == "results_N"
    assert names.resolve("N") == "parameters/layout/N"
    assert names.resolve("g") == "parameters/g"


def test_items_of_lists_are_counted_from_one():
    names = Names(PATHS)
    assert names.of("results/E/0") == "E_1"
    assert names.of("results/E/2/0") == "E_3_1"
    assert names.of("results/E/-1") == "E_-1"
    assert names.of("results/sites/*/E") == "sites_E"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("t", "parameters/t"),
        ("results/t", "results/t"),
        ("/results/t/", "results/t"),
        ("results_t", "results/t"),
        ("layout/N", "parameters/layout/N"),
        ("layout_N", "parameters/layout/N"),
        ("N", "results/N"),
        ("measurement_id", "info/measurement_id"),
        ("E_1", "results/E/0"),
        ("E_-1", "results/E/-1"),
        ("E_2_1", "results/E/1/0"),
        ("results/E/0", "results/E/0"),
        ("results/*/E", "results/*/E"),
    ],
)
def test_one_resolver_understands_names_and_paths(text, path):
    assert Names(PATHS).resolve(text) == path


def test_a_path_of_the_root_is_found_by_its_name():
    assert Names(["x", "results/y"]).resolve("x") == "x"
    assert Names(["x", "results/x"]).resolve("x") == "results/x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "results/Et",
            r"No measurement has a path or name 'results/Et'. .*Did you mean 'results/t' or 'results/E'",
        ),
        ("layout_n", r"'layout_n'\. Available: layout_N, .* Did you mean 'layout_N'\?"),
        (
            "parameters/layout",
            r"'parameters/layout' is a branch, not a value. Available: parameters/layout/N, par",
        ),
        ("E_0", r"No measurement has a path or name 'E_0'"),
        ("nothing/*/E", r"No measurement has a path or name 'nothing/\*/E'"),
    ],
)
def test_an_unknown_name_lists_the_near_ones(text, message):
    with pytest.raises(PathError, match=message):
        Names(PATHS).resolve(text)


def test_the_innermost_branch_gives_the_role():
    assert role("parameters/model/results/P") == "result"
    assert role("results/fit/info/host") == "info"
    assert role("results/fit/parameters/a") == "parameter"
    assert role("E") == "other"
    assert role("parameters/layout/__class__") == "class"


def test_a_parameter_tells_measurements_apart_unless_it_belongs_to_something_else():
    assert is_parameter("parameters/layout/N")
    assert is_parameter("parameters/model/parameters/T")
    assert not is_parameter("parameters/model/results/P")
    assert not is_parameter("parameters/model/info/version")
    assert not is_parameter("results/parameters/T")


def test_names_that_would_be_equal_are_kept_apart():
    names = Names(["a_b/c", "a/b_c", "b_c", "c"])
    assert len({names.of(path) for path in names.paths}) == 4
    assert free_name("a/b", {"b", "a_b", "a/b"}) == "a/b_"


SEGMENTS = st.sampled_from(["a", "b", "a_b", "results", "parameters", "info", "1", "a/b"])


@given(st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(join), unique=True, max_size=12))
def test_every_path_has_a_name_of_its_own_that_means_nothing_else(paths):
    names = Names(paths)
    found = [names.of(path) for path in paths]
    assert len(set(found)) == len(paths)
    for path in paths:
        assert len(split(path)) == 1 or names.resolve(path) == path
