"""Paths into trees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.errors import ExperimentError, PathError
from coma_xr.tree import WILDCARD, follow, join, leaves, put, split

TREE = {
    "parameters": {"n": 2, "layout": {"V1": 20.0}},
    "results": {
        "E": [0.5, 1.5],
        "nested": [[0, 0.5], [1, 1.5]],
        "sites": [{"energy": 1.0}, {"energy": 2.0}, {"other": 3.0}],
        "by_name": {"a": {"energy": 4.0}, "b": {}},
        "1": "a key of digits",
        "a/b*": "an odd key",
        "none": None,
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("parameters/layout/V1", 20.0),
        ("/parameters/layout/V1", 20.0),
        ("parameters/layout/", {"V1": 20.0}),
        ("", TREE),
        ("results/E/1", 1.5),
        ("results/E/-1", 1.5),
        ("results/1", "a key of digits"),
        ("results/none", None),
        (("results", "E", 0), 0.5),
        (["results", "a/b*"], "an odd key"),
        ("results/a~1b*", "an odd key"),
        ("results/nested/*/0", [0, 1]),
        ("results/nested/*/*", [0, 0.5, 1, 1.5]),
        ("results/sites/*/energy", [1.0, 2.0]),
        ("results/by_name/*/energy", [4.0]),
        ("results/E/*", [0.5, 1.5]),
    ],
)
def test_follow_finds(path, value):
    """A path leads to its value; an asterisk gives a flat list of what it finds."""
    assert follow(TREE, path) == value


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "results/energi",
            "No 'energi' in results (path 'results/energi'). Available: E, nested, sites, by_name, 1, ",
        ),
        ("parameters/layuot/V1", "Did you mean 'layout'?"),
        ("results/E/2", "No '2' in results/E (path 'results/E/2'), which is a list of 2."),
        ("results/E/x", "which is a list of 2."),
        ("parameters/n/x", "which is an int."),
        ("nothing", "No 'nothing' in the tree (path 'nothing'). Available: parameters, results."),
        ("results/*/x", "The path 'results/*/x' matches nothing."),
        ("results/sites/*/x", "The path 'results/sites/*/x' matches nothing."),
    ],
)
def test_follow_says_where_a_path_ends(path, text):
    """A path that leads nowhere is a KeyError that names the place, what is there, and near names."""
    with pytest.raises(PathError) as caught:
        follow(TREE, path)
    assert text in str(caught.value)
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, ExperimentError)


keys = st.text(min_size=1)


@given(st.lists(keys, max_size=4))
def test_split_is_the_inverse_of_join(segments):
    """Any keys survive being written as one text and parsed again."""
    assert split(join(segments)) == tuple(segments)


def test_an_escaped_asterisk_is_a_key():
    """``~2`` is an asterisk that is a key; the segments of a sequence are keys; version 1's escapes are read."""
    assert split(r"a\/b/\*/c\\d/~1") == ("a/b", "*", "c\\d", "~1")
    assert split("a/~2") == split(("a", "*")) == ("a", "*")
    assert split("a/*") == ("a", WILDCARD)
    assert join(split("a/*/b")) == "a/*/b"


def test_put_makes_the_branches_on_the_way():
    """A value is written at its path, beside what is there."""
    tree = {"parameters": {"n": 1}}
    put(tree, "parameters/layout/N", 2)
    assert tree == {"parameters": {"n": 1, "layout": {"N": 2}}}


def test_put_refuses_what_stands_in_the_way():
    """A value is not replaced by a branch, and a wildcard names no place."""
    tree = {"parameters": {"n": 1}}
    with pytest.raises(
        PathError,
        match=r"Nothing can be written at 'parameters/n/x', because 'parameters/n' is a value of type int\.",
    ):
        put(tree, "parameters/n/x", 2)
    with pytest.raises(PathError, match=r"'parameters/\*' does not name one place"):
        put(tree, "parameters/*", 2)
    assert tree == {"parameters": {"n": 1}}


def test_leaves_are_values_lists_arrays_and_empty_branches():
    """Only dictionaries with content are followed; an array's stored form is one value."""
    array = {"__type__": "numpy.ndarray", "shape": [1], "list": [1.0]}
    tree = {"a": {"b": 1, "c": {}}, "d": [1, {"e": 2}], "f": array, "g": {"__type__": "wire"}}
    assert dict(leaves(tree)) == {
        ("a", "b"): 1,
        ("a", "c"): {},
        ("d",): [1, {"e": 2}],
        ("f",): array,
        ("g", "__type__"): "wire",
    }
