"""Adding the measurements of a copy: equal ones once, conflicts before anything is written."""

from __future__ import annotations

import itertools
import shutil

import pytest

from coma_xr import same
from coma_xr.encoding.formats import FORMATS
from coma_xr.errors import ExperimentBusyError, ExperimentError, InactiveError
from coma_xr.store.merging import MergePlan, plan_merge
from coma_xr.store.place import ExperimentDirectory


def opened(path, **keywords):
    return ExperimentDirectory(path, **{"config": {}, **keywords})


def key(tree):
    a = tree.get("parameters", {}).get("a")
    return None if a is None else same.key(a)


def filled(path, results, config=None):
    "An experiment with a measurement for each pair of parameter and result."
    place = opened(path, config=config or {})
    for a, value in results:
        tree = {"parameters": {"a": a}, "results": {"value": value}}
        info = {"host": path.name, "made_by": "run 1"}
        place.look().measurements.add(info, FORMATS[place.suffix].encode_rest(tree))
    place.write_index()
    return place


def results(place):
    return {id: (key(tree), tree["results"]["value"]) for id, tree in place.look().measurements.trees()}


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
    plan = MergePlan([1, 3], [(2, 2)], [])
    assert repr(plan) == "MergePlan: 2 to add, 1 equal, 0 in conflict"
    assert place.merge(other, key) == (plan, {1: 3, 3: 4})
    assert results(place) == {1: (1, "one"), 2: (2, "two"), 3: (3, float("inf")), 4: (4, "12")}
    assert place.look().measurements.read(3)["info"] == {
        "measurement_id": 3,
        "host": "there",
        "made_by": "run 1",
    }
    assert place.look().excluded() == {4: "wrong"}
    assert {file.name: file.read_bytes() for file in (tmp_path / "there").iterdir()} == before
    # Once more changes nothing.
    assert place.merge(other, key) == (MergePlan([], [(1, 3), (2, 2), (3, 4)], []), {})
    assert place.look().number() == 4


def test_conflicts_are_listed_before_anything_is_written(place, tmp_path):
    other = filled(tmp_path / "there", [(3, "three"), (1, "uno"), (2, "due")])
    before = sorted(file.name for file in (tmp_path / "here").iterdir())
    text = r"has 2 measurements of the same parameters as .*: 2 there and 1 here, 3 there and 2 here\. Nothing was added\."
    with pytest.raises(ExperimentError, match=text) as caught:
        place.merge(other, key)
    assert [str(way) for way in caught.value.ways][1:] == [
        "keep_both=True adds them as they are.",
        'repeats="append" adds them as further repeats, if they are independent samples.',
    ]
    assert sorted(file.name for file in (tmp_path / "here").iterdir()) == before
    plan, given = place.merge(other, key, keep_both=True)
    assert plan.conflicts == [(2, 1), (3, 2)]
    assert given == {1: 3, 2: 4, 3: 5}
    assert results(place) == {1: (1, "one"), 2: (2, "two"), 3: (3, "three"), 4: (1, "uno"), 5: (2, "due")}


def by_run(a, value, seed=None, repeat=None, **info):
    marks = {"seed": seed, "repeat": repeat}
    info |= {"made_by": "run 1"} | {name: number for name, number in marks.items() if number is not None}
    return {"info": info, "parameters": {"a": a}, "results": value}


def numbered(*trees):
    return list(enumerate(trees, 1))


def test_what_run_made_twice_is_one_event_whatever_numbers_are_written_like():
    own = numbered(by_run(1, 2.0, host="a"))
    assert plan_merge(own, numbered(by_run(1.0, 2, host="b")), key) == MergePlan([], [(1, 1)])
    assert plan_merge(own, numbered(by_run(1, 3.0, host="b")), key) == MergePlan([], [], [(1, 1)])


def test_samples_that_run_did_not_make_are_all_kept():
    by_hand = {"info": {"host": "b"}, "parameters": {"a": 1}, "results": 1}
    own = numbered({**by_hand, "info": {"host": "a"}}, by_run(2, 1))
    other = numbered(by_hand, by_hand, {**by_hand, "results": 2}, {**by_hand, "parameters": {"a": 2}})
    assert plan_merge(own, other, key) == MergePlan([1, 2, 3, 4])
    # Of a copy each measurement has one original.
    assert plan_merge(other[:1], other[:2], key) == MergePlan([2], [(1, 1)])


def test_version_1_did_not_write_who_made_a_measurement():
    def old(value):
        return {
            "info": {"coma_xr_version": "0.1", "host": f"{value}"},
            "parameters": {"a": 1},
            "results": value,
        }

    assert plan_merge(numbered(old(1)), numbered(old(2)), key) == MergePlan([], [], [(1, 1)])
    equal = {**old(1), "info": {"coma_xr_version": "0.1", "host": "b"}}
    assert plan_merge(numbered(old(1)), numbered(equal), key) == MergePlan([1])
    # Only run gave seeds.
    seeded = {**old(1), "info": {"coma_xr_version": "0.1", "seed": 3}}
    assert plan_merge(numbered(seeded), numbered(by_run(1, 1, 3)), key) == MergePlan([], [(1, 1)])


def test_other_seeds_are_independent_ensembles_which_can_be_appended():
    own = numbered(*[by_run(1, 0, 10 + n, n) for n in range(3)])
    other = numbered(*[by_run(1, 0, 20 + n, n) for n in range(4)], by_run(2, 0, 9, 0))
    plan = plan_merge(own, other, key)
    assert plan == MergePlan([4, 5], [], [], [(1, 1), (2, 2), (3, 3)])
    with pytest.raises(ExperimentError, match="with other seeds: 1 there and 1 here") as caught:
        plan.check("here", "there")
    assert 'repeats="append"' in caught.value.message()
    assert "--repeats append" in caught.value.message("terminal")
    plan = plan_merge(own, other, key, append=True)
    assert plan == MergePlan([1, 2, 3, 4, 5], repeats={1: 3, 2: 4, 3: 5, 4: 6})
    plan.check("here", "there")
    # The part that both have is one event.
    assert plan_merge(other[:2], other, key, append=True) == MergePlan([3, 4, 5], [(1, 1), (2, 2)])


def test_equal_results_of_a_random_function_without_seeds_are_no_copies():
    own = numbered(*[by_run(1, value, repeat=n, host="a") for n, value in enumerate([0, 1, 1])])
    other = numbered(*[by_run(1, value, repeat=n, host="b") for n, value in enumerate([0, 0, 1])])
    assert plan_merge(own, other, key).conflicts == [(1, 1), (2, 2), (3, 3)]
    plan = plan_merge(own, other, key, append=True)
    assert plan == MergePlan([1, 2, 3], repeats={1: 3, 2: 4, 3: 5})
    assert plan_merge(own, other[:1], key) == MergePlan([], [(1, 1)])


def test_one_event_with_two_results_stays_a_conflict():
    own, other = numbered(by_run(1, 0, 5, 0)), numbered(by_run(1, 1, 5, 0))
    for append in (False, True):
        plan = plan_merge(own, other, key, append=append)
        assert plan == MergePlan([], [], [(1, 1)])
        with pytest.raises(ExperimentError, match="with other results"):
            plan.check("here", "there")


def test_what_has_no_parameters_is_only_compared_as_a_whole():
    own = numbered({"info": {}, "results": 1})
    other = numbered({"info": {}, "results": 2}, {"info": {}, "results": 1}, {"info": {}, "results": 2})
    assert plan_merge(own, other, key) == MergePlan([1, 3], [(2, 1)])


def test_the_same_event_twice_in_the_other_experiment_is_added_once():
    assert plan_merge([], numbered(by_run(1, 1), by_run(1, 1), by_run(1, 2)), key) == MergePlan(
        [1, 3], [(2, 0)]
    )


def test_ints_of_any_length_can_be_compared():
    tree = {"info": {}, "results": 10**5000}
    assert plan_merge([(1, tree)], [(2, dict(tree))], key) == MergePlan([], [(2, 1)], [])


def test_an_experiment_is_not_merged_into_itself_nor_into_an_archive_or_a_run(place, tmp_path):
    text = rf"^{tmp_path}/here cannot be merged into itself\.\nExpected"
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
        assert not left.look().measurements.problems
        deaths.run(lambda: opened(copy).merge(other, key))
        place = opened(copy)
        assert sorted(results(place).values()) == sorted(whole)
        assert place.look().next_id() == 4
        survived += 1
    report_line(f"kill points of merge: {survived} of {survived} survived")
    assert survived > 10
