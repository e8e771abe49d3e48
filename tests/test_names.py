"""Names of paths, and the paths that names mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.errors import PathError
from coma_xr.tree import Names, free_name, is_parameter, role, split

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
        "parameters/layout/N": "N",
        "parameters/layout/P": "P",
        "parameters/model/results/P": "results_P",
        "results/N": "results_N",
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
        ("results_N", "results/N"),
        ("N", "parameters/layout/N"),
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
    ("text", "near"),
    [
        ("results/Et", ("results/t", "results/E", "results/N")),
        ("results_n", ("results_N", "results_t", "results_P")),
        ("E_0", ()),
        ("nothing/*/E", ()),
        ("", ()),
    ],
)
def test_an_unknown_name_lists_the_near_ones(text, near):
    with pytest.raises(PathError, match="No measurement has a path or name") as error:
        named(PATHS).resolve(text)
    assert (error.value.name, error.value.near) == (text, near)


def test_a_branch_is_no_value_but_has_some():
    names = named(PATHS)
    with pytest.raises(PathError, match="'layout' is a branch with 2 values") as error:
        names.resolve("layout")
    assert error.value.available == ("parameters/layout/N", "parameters/layout/P")
    assert names.branch("layout") == ("parameters", "layout")
    assert names.branch("N") is None
    assert names.branch("nothing") is None


def test_a_name_that_a_longer_path_had_is_an_unknown_name_with_the_way_out():
    with pytest.raises(PathError) as error:
        named(PATHS).resolve("layout_N")
    assert error.value.ways == ("The name of parameters/layout/N is 'N'.",)


def test_recorded_names_stay_and_newcomers_get_longer_ones():
    recorded = {"N": split("results/N"), "old": split("results/gone")}
    names = Names(map(split, PATHS), recorded=recorded)
    assert names.of(split("results/N")) == "N"
    assert names.of(split("parameters/layout/N")) == "layout_N"
    with pytest.raises(PathError):
        names.resolve("old")


def test_the_items_of_a_list_are_renamed_together():
    names = named(["results/E", "results/E_1", "results/F"])
    assert [names.of(("results", "E", n)) for n in "01"] == ["results_E_1", "results_E_2"]
    assert names.resolve("E_1") == ("results", "E_1")
    assert names.resolve("results_E_1") == ("results", "E", "0")
    assert names.of(("results", "F", "0")) == "F_1"


def test_a_key_with_a_slash_is_a_name_and_existing_branches_are_tried_after_it():
    names = named(["parameters/layout~1N", "parameters/layout/N", "results/fit/a"])
    assert names.resolve("layout/N") == ("parameters", "layout/N")
    assert names.resolve("fit/a") == ("results", "fit", "a")
    assert names.resolve("parameters/layout/N") == ("parameters", "layout", "N")


def test_a_value_at_the_root_that_shares_its_name_has_a_path_that_leads_to_it():
    names = named(["N", "parameters/N"])
    assert names.resolve("N") == ("parameters", "N")
    assert names.text(("N",)) == "/N"
    assert names.resolve("/N") == names.resolve("N", in_pair=True) == ("N",)


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
    assert free_name(("a", "b"), {"b", "a_b", "a/b"}) == "_a_b"


SEGMENTS = st.sampled_from(
    [
        "a",
        "b",
        "a_b",
        "a_1",
        "b_1",
        "1",
        "results",
        "parameters",
        "info",
        "a/b",
        "results/a",
        "*",
        "~1",
        "é",
        "/a",
    ]
)


@given(st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(tuple), unique=True, max_size=12))
def test_every_path_has_a_name_and_a_text_of_its_own_that_mean_nothing_else(paths):
    names = Names(paths)
    found = [names.of(path) for path in paths]
    assert len(set(found)) == len(paths)
    for path in paths:
        assert names.resolve(names.of(path)) == path
        assert names.resolve(names.text(path)) == path
        assert names.resolve(path) == path
        item = (*path, "0")
        if item not in paths:
            assert names.resolve(names.of(item)) == item
