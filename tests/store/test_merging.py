"""Adding the measurements of a copy: equal ones once, conflicts before anything is written."""

from __future__ import annotations

import itertools
import shutil

import pytest

from coma_xr.encoding.formats import FORMATS
from coma_xr.errors import ExperimentBusyError, ExperimentError, InactiveError
from coma_xr.store.merging import MergePlan, plan_merge
from coma_xr.store.place import ExperimentDirectory


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


def key(tree):
    return tree.get("parameters", {}).get("a")


def filled(path, results, config=None):
    "An experiment with a measurement for each pair of parameter and result."
    place = opened(path, config=config or {})
    for a, value in results:
        tree = {"parameters": {"a": a}, "results": {"value": value}}
        place.measurements.add({"host": path.name}, FORMATS[place.suffix].encode_rest(tree))
    place.write_index()
    return place


def results(place):
    return {id: (key(tree), tree["results"]["value"]) for id, tree in place.measurements.trees()}


@pytest.fixture
def place(tmp_path):
    return filled(tmp_path / "here", [(1, "one"), (2, "two")])


@pytest.mark.parametrize("state", ["active", "inactive", "compressed", "xml"])
def test_new_measurements_are_added_under_new_ids_and_equal_ones_passed_over(place, tmp_path, state):
    config = {"archive_default_format": "xml"} if state == "xml" else {}
    other = filled(tmp_path / "there", [(3, float("inf")), (2, "two"), (4, "12")], config)
    other.exclude([3], "wrong")
    if state in {"inactive", "compressed"}:
        other.deactivate(compress=state == "compressed")
    before = {file.name: file.read_bytes() for file in (tmp_path / "there").iterdir()}
    plan = place.plan_merge(other, key)
    assert plan == MergePlan([1, 3], [(2, 2)], [])
    assert repr(plan) == "MergePlan: 2 to add, 1 equal, 0 in conflict"
    assert place.number() == 2
    assert place.merge(other, key) == (plan, {1: 3, 3: 4})
    assert results(place) == {1: (1, "one"), 2: (2, "two"), 3: (3, float("inf")), 4: (4, "12")}
    assert place.measurements.read(3)["info"] == {"measurement_id": 3, "host": "there"}
    assert place.excluded() == {4: "wrong"}
    assert {file.name: file.read_bytes() for file in (tmp_path / "there").iterdir()} == before
    # Once more changes nothing.
    assert place.merge(other, key) == (MergePlan([], [(1, 3), (2, 2), (3, 4)], []), {})
    assert place.number() == 4


def test_conflicts_are_listed_before_anything_is_written(place, tmp_path):
    other = filled(tmp_path / "there", [(3, "three"), (1, "uno"), (2, "due")])
    before = sorted(file.name for file in (tmp_path / "here").iterdir())
    text = (
        rf"^{tmp_path}/there has 2 measurements of the same parameters as {tmp_path}/here, with other results: "
        r"2 there and 1 here, 3 there and 2 here\. Nothing was added; remove those that are wrong, or add both with "
        r"keep_both=True\.$"
    )
    with pytest.raises(ExperimentError, match=text):
        place.merge(other, key)
    assert sorted(file.name for file in (tmp_path / "here").iterdir()) == before
    plan, given = place.merge(other, key, keep_both=True)
    assert plan.conflicts == [(2, 1), (3, 2)]
    assert given == {1: 3, 2: 4, 3: 5}
    assert results(place) == {1: (1, "one"), 2: (2, "two"), 3: (3, "three"), 4: (1, "uno"), 5: (2, "due")}


def test_info_and_the_order_of_keys_make_no_difference():
    own = [(1, {"info": {"host": "a"}, "parameters": {"a": 1, "b": 2}})]
    other = [
        (5, {"info": {"host": "b"}, "parameters": {"b": 2, "a": 1}}),
        (6, {"info": {}, "parameters": {"a": 1.0, "b": 2}}),
    ]
    assert plan_merge(own, other, key) == MergePlan([], [(5, 1)], [(6, 1)])


def test_what_has_no_key_is_only_compared_as_a_whole():
    own = [(1, {"info": {}, "results": 1})]
    other = [
        (1, {"info": {}, "results": 2}),
        (2, {"info": {}, "results": 1}),
        (3, {"info": {}, "results": 2}),
    ]
    assert plan_merge(own, other, key) == MergePlan([1], [(2, 1), (3, 0)], [])


def test_different_measurements_of_one_key_that_are_both_new_are_added_both():
    other = [
        (1, {"info": {}, "parameters": {"a": 1}}),
        (2, {"info": {}, "parameters": {"a": 1}, "results": 1}),
    ]
    assert plan_merge([], other, key) == MergePlan([1, 2], [], [])


def test_ints_of_any_length_can_be_compared():
    tree = {"info": {}, "results": 10**5000}
    assert plan_merge([(1, tree)], [(2, dict(tree))], key) == MergePlan([], [(2, 1)], [])


def test_an_experiment_is_not_merged_into_itself_nor_into_an_archive_or_a_run(place, tmp_path):
    text = rf"^{tmp_path}/here cannot be merged into itself\.$"
    with pytest.raises(ExperimentError, match=text):
        place.merge(opened(tmp_path / "here"), key)
    other = filled(tmp_path / "there", [(3, "three")])
    with (
        place.running(),
        pytest.raises(ExperimentBusyError, match=r"here cannot be merged into while it is being run"),
    ):
        place.merge(other, key)
    place.deactivate()
    with pytest.raises(InactiveError, match="The experiment is inactive"):
        place.merge(other, key)


@pytest.mark.leaves_files
def test_a_merge_that_was_killed_is_finished_by_the_next_one(quick_path, deaths, report_line):
    original, copy, survived = quick_path / "here", quick_path / "copy", 0
    filled(original, [(1, "one")])
    other = filled(quick_path / "there", [(2, "two"), (1, "one"), (3, "three")])
    whole = {(1, "one"), (2, "two"), (3, "three")}
    for at in itertools.count(1):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy)
        if not deaths.run(lambda: opened(copy).merge(other, key), at).dead:
            break
        left = opened(copy, mode="r")
        assert {(1, "one")} <= set(results(left).values()) <= whole
        assert not left.measurements.problems
        deaths.run(lambda: opened(copy).merge(other, key))
        place = opened(copy)
        assert sorted(results(place).values()) == sorted(whole)
        assert place.next_id() == 4
        survived += 1
    report_line(f"kill points of merge: {survived} of {survived} survived")
    assert survived > 10
