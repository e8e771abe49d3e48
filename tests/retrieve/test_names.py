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


def named(paths, definition=()):
    return Names(map(split, paths), definition)


def test_the_shallowest_path_has_the_short_name_a_parameter_before_a_result():
    names = named(PATHS)
    assert {path: names.of(split(path)) for path in PATHS} == {
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
    names = named(PATHS, [("N", split("parameters/layout/N")), ("g", split("parameters/g"))])
    assert names.of(split("parameters/layout/N")) == "N"
    assert names.of(split("results/N")) == "results_N"
    assert names.resolve("N") == split("parameters/layout/N")
    assert names.resolve("g") == split("parameters/g")


def test_items_of_lists_are_counted_from_one():
    names = named(PATHS)
    assert names.of(split("results/E/0")) == "E_1"
    assert names.of(split("results/E/2/0")) == "E_3_1"
    assert names.of(split("results/E/-1")) == "E_-1"
    assert names.of(split("results/sites/*/E")) == "sites_E"


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
    assert named(PATHS).resolve(text) == split(path)


def test_a_path_of_the_root_is_found_by_its_name():
    assert named(["x", "results/y"]).resolve("x") == split("x")
    assert named(["x", "results/x"]).resolve("x") == split("results/x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "results/Et",
            r"No measurement has a path or name 'results/Et'. .*Did you mean 'results/t', 'results/E' or",
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
        named(PATHS).resolve(text)


def test_the_innermost_branch_gives_the_role():
    assert role(split("parameters/model/results/P")) == "result"
    assert role(split("results/fit/info/host")) == "info"
    assert role(split("results/fit/parameters/a")) == "parameter"
    assert role(split("E")) == "other"
    assert role(split("parameters/layout/__class__")) == "class"


def test_a_parameter_tells_measurements_apart_unless_it_belongs_to_something_else():
    assert is_parameter(split("parameters/layout/N"))
    assert is_parameter(split("parameters/model/parameters/T"))
    assert not is_parameter(split("parameters/model/results/P"))
    assert not is_parameter(split("parameters/model/info/version"))
    assert not is_parameter(split("results/parameters/T"))


def test_names_that_would_be_equal_are_kept_apart():
    names = named(["a_b/c", "a/b_c", "b_c", "c"])
    assert len({names.of(path) for path in names.paths}) == 4
    assert free_name(("a", "b"), {"b", "a_b", "a/b"}) == "a/b_"


SEGMENTS = st.sampled_from(["a", "b", "a_b", "results", "parameters", "info", "1", "a/b"])


@given(st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(tuple), unique=True, max_size=12))
def test_every_path_has_a_name_of_its_own_that_means_nothing_else(paths):
    names = Names(paths)
    found = [names.of(path) for path in paths]
    assert len(set(found)) == len(paths)
    for path in paths:
        assert len(path) == 1 or names.resolve(join(path)) == path
