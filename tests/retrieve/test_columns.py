"""Trees to columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.retrieve.columns import MISSING, collect
from coma_xr.tree import join, leaves, split
from coma_xr.values.plain import to_plain


def texts(found):
    return list(map(join, found))


def test_a_column_has_one_value_for_each_measurement():
    columns = collect([(1, {"a": {"x": 1}}), (2, {"a": {"x": 2}})])
    assert columns.ids == [1, 2]
    assert columns[split("a/x")] == [1, 2]


def test_what_a_measurement_lacks_is_missing_not_none():
    columns = collect([(1, {"x": None}), (2, {}), (3, {"y": 1})])
    assert columns[split("x")] == [None, MISSING, MISSING]
    assert columns[split("y")] == [MISSING, MISSING, 1]
    assert columns[split("z")] == [MISSING] * 3


def test_paths_stand_in_the_order_of_the_trees_new_ones_behind_their_siblings():
    columns = collect([(1, {"p": {"a": 1}, "r": {"t": 1}}), (2, {"p": {"b": 1, "a": 1}, "r": {"t": 1}})])
    assert texts(columns.paths) == ["p/a", "p/b", "r/t"]


def test_rows_stand_in_the_order_of_ids_whatever_comes_first():
    columns = collect([(7, {"x": 7}), (2, {"y": 2}), (5, {"x": 5})], compute={"id": lambda id, tree: id})
    assert columns.ids == [2, 5, 7]
    assert columns[split("x")] == [MISSING, 5, 7]
    assert columns.computed["id"] == [2, 5, 7]


def test_a_path_may_lead_into_lists_and_arrays():
    columns = collect([(1, to_plain({"E": [1, [2, 3]], "psi": np.arange(4).reshape(2, 2)})), (2, {"E": [4]})])
    assert columns[split("E/1/0")] == [2, MISSING]
    assert columns[split("E/-1")] == [[2, 3], 4]
    assert columns[split("psi/1/0")] == [2, MISSING]
    assert columns[split("psi/x")] == [MISSING, MISSING]


def test_a_branch_here_and_a_value_there():
    columns = collect([(1, {"x": {"0": 1}}), (2, {"x": [2]}), (3, {"x": 3}), (4, {"x": {}})])
    assert texts(columns.paths) == ["x", "x/0"]
    assert columns[split("x")] == [MISSING, [2], 3, MISSING]
    assert columns[split("x/0")] == [1, 2, MISSING, MISSING]


def test_arrays_are_values_and_dictionaries_that_look_like_them_are_not():
    array = to_plain(np.arange(2))
    columns = collect([(1, {"x": array}), (2, {"x": {**array, "__type__": "mine"}}), (3, {"x": array})])
    assert columns[split("x")] == [array, MISSING, array]
    assert columns[split("x/__type__")] == [MISSING, "mine", MISSING]


def test_only_what_is_needed_is_kept_but_every_path_is_known():
    asked = []

    def keep(path):
        asked.append(path)
        return path == ("r", "t")

    columns = collect([(i, {"r": {"t": i, "x": [0] * 99}}) for i in range(200)], keep=keep)
    assert texts(columns.paths) == ["r/t", "r/x"]
    assert columns[split("r/t")] == list(range(200))
    assert ("r", "x") not in columns.kept
    assert sorted(texts(asked)) == ["r", "r/t", "r/x"]


def test_a_default_stands_where_a_path_is_missing():
    columns = collect([(1, {"p": {"a": 1}}), (2, {"p": {"a": 2, "L": 3.0}})])
    columns.fill(split("p/L"), 1.0)
    columns.fill(split("p/g"), 9.81)
    assert columns[split("p/L")] == [1.0, 3.0]
    assert columns[split("p/g")] == [9.81, 9.81]
    assert texts(columns.paths) == ["p/a", "p/L", "p/g"]


def test_keys_with_slashes_are_paths_of_their_own():
    columns = collect([(1, {"a/b": 1, "a": {"b": 2}})])
    assert texts(columns.paths) == ["a~1b", "a/b"]
    assert columns[split("a~1b")] == [1]


def test_no_trees_make_no_columns():
    columns = collect([])
    assert (columns.ids, columns.paths, len(columns)) == ([], [], 0)


KEYS = st.sampled_from(["a", "b", "0", "x/y", "*", "__type__"])
LEAVES = (
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.lists(st.integers())
)
TREES = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | LEAVES, max_size=4),
    max_leaves=12,
)


@given(st.lists(TREES, max_size=6))
def test_every_leaf_of_every_tree_is_in_its_column_and_nothing_else_is(trees):
    columns = collect(enumerate(trees))
    found_leaves = [dict(leaves(tree)) for tree in trees]
    known = {keys for found in found_leaves for keys, value in found.items() if value != {} and keys}
    assert set(columns.paths) == known
    for keys in known:
        expected = [found.get(keys, MISSING) for found in found_leaves]
        if not any(keys[:end] in found for found in found_leaves for end in range(len(keys))):
            assert [MISSING if value == {} else value for value in expected] == columns[keys]


@pytest.mark.parametrize("number", [1, 63, 64, 65, 200])
def test_blocks_leave_no_seam(number):
    columns = collect([(i, {"x": i} if i % 3 else {"y": i}) for i in range(number)])
    assert columns[split("x")] == [i if i % 3 else MISSING for i in range(number)]
    assert len(columns[split("y")]) == number


def test_dictionaries_with_nothing_in_them_are_values_too_in_whatever_order_trees_come():
    columns = collect([(3, {"a": {}}), (1, {"a": {"k": {}}}), (2, {"a": 5}), (4, {})])
    columns.fold(("a",))
    assert columns[split("a")] == [{"k": {}}, 5, {}, MISSING]


@pytest.mark.parametrize("values", [[{}], [{}, {"k": 1}], [{"k": {}}], [{}, 3], [None, {}]])
def test_a_parameter_that_is_an_empty_dictionary_is_in_the_dataset(tmp_path, values):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda a: {"y": 1}, {"a": values})
    assert e.to_dataset().sizes == {"a": len(values)}
    assert e.to_dataframe()["a"].tolist() == values
