import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.parameters import Definition, Past
from coma_xr.encoding.columns import StoredPiece, blocks, encode_trees
from coma_xr.run.plan import Durations, plan, survey
from coma_xr.same import key

sets = st.lists(st.tuples(st.integers(0, 4) | st.sampled_from([1.0, True, math.nan])), max_size=20)


def test_sixty_of_sixty_then_none():
    wanted = [[i, math.nan] for i in range(60)]
    first = plan(wanted)
    assert [task.position for task in first.todo] == list(range(60))
    assert (first.asked, first.skipped) == (60, 0)
    second = plan(wanted, done={task.key for task in first.todo})
    assert (second.todo, second.asked, second.skipped) == ([], 60, 60)


def test_new_sets_come_before_failed_ones_and_positions_follow_the_scan():
    todo = plan([[1], [2], [3], [4]], done={key([2])}, failed={key([1])}).todo
    assert [(task.position, task.values) for task in todo] == [(1, (3,)), (2, (4,)), (0, (1,))]


def test_failed_sets_can_be_left():
    planned = plan([[1], [2]], failed={key([1])}, retry_failed=False)
    assert [(task.position, task.values) for task in planned.todo] == [(0, (2,))]
    assert planned.left == 1


def test_a_set_with_a_measurement_is_done_whatever_failed_before():
    planned = plan([[1]], done={key([1])}, failed={key([1])})
    assert (planned.todo, planned.skipped) == ([], 1)


def test_the_same_set_twice_is_run_once_and_counted():
    planned = plan([[1], [1.0], [True], [math.nan], [math.nan]])
    assert [task.values[0] for task in planned.todo][:2] == [1, True]
    assert (planned.asked, planned.duplicates, len(planned.todo)) == (5, 2, 3)


@given(sets, sets, sets, st.booleans())
def test_every_set_that_was_asked_for_is_accounted_for_once(wanted, done, failed, retry_failed):
    done, failed = {key(s) for s in done}, {key(s) for s in failed}
    planned = plan(wanted, done, failed, retry_failed=retry_failed)
    assert planned.asked == len(wanted)
    assert planned.asked == len(planned.todo) + planned.skipped + planned.left + planned.duplicates
    assert sorted(task.position for task in planned.todo) == list(range(len(planned.todo)))
    keys = [task.key for task in planned.todo]
    assert len(set(keys)) == len(keys)
    assert not done & set(keys)
    in_order = sorted(planned.todo, key=lambda task: task.position)
    order = [key(s) for s in wanted]
    assert [order.index(task.key) for task in in_order] == sorted(order.index(k) for k in keys)


def trees(*parameters):
    return [(number, {"parameters": p}) for number, p in enumerate(parameters, 1)]


def test_a_survey_tells_the_ids_of_each_set():
    found = survey(trees({"a": 1}, {"a": 2}, {"a": 1.0}), Definition.of(["a"]))
    assert found.ids == {key([1]): [1, 3], key([2]): [2]}
    assert (found.lacking, found.otherwise) == ([], {})


def test_a_survey_tells_which_trees_lack_a_parameter():
    definition = Definition.of(["a", "L"])
    assert survey(trees({"a": 1, "L": 1}, {"a": 1}), definition).lacking == [2]
    with_default = survey(
        trees({"a": 1, "L": 1}, {"a": 1}), definition, past=Past({("parameters", "L"): 1.0})
    )
    assert with_default.lacking == []
    assert with_default.ids == {key([1, 1]): [1, 2]}


def test_a_survey_tells_which_constants_have_changed():
    found = survey(
        trees({"a": 1, "L": 1}, {"a": 2}, {"a": 3, "L": 2.5}, {"a": 4, "L": 3}),
        Definition.of(["a"]),
        constants={("parameters", "L"): 1.0, ("parameters", "g"): 9.81},
    )
    assert found.otherwise == {("parameters", "L"): (3, 2.5)}


def measured(info=lambda n: {}, parameters=lambda n: {"a": n}, number=12):
    """Return trees of measurements, with info and parameters by their ids."""
    return [
        (n, {"info": {"measurement_id": n, **info(n)}, "parameters": parameters(n), "results": {"y": n}})
        for n in range(1, number + 1)
    ]


SURVEYED = {
    "durations and code": measured(lambda n: {"duration": n / 8, "code": f"c{n % 2}"}),
    "some durations": measured(lambda n: {"duration": n / 8 if n % 3 else None}),
    "some code": measured(lambda n: {"code": f"c{n % 2}" if n % 3 else None}),
    "repeats": measured(lambda n: {"repeat": n % 3}, lambda n: {"a": n // 3}),
    "odd repeats": measured(lambda n: {"repeat": n / 2 if n % 2 else -n}),
    "equal sets": measured(parameters=lambda n: {"a": n % 5}),
    "versions": measured(lambda n: {"program": "ising", "version": f"1.{n % 2}", "code": "c"}),
    "replaced": measured(lambda n: {"code": "c", "replaces": [n - 1] if n % 2 else None}),
    "constants": measured(parameters=lambda n: {"a": n, "L": 1.0 if n < 7 else 2.5}),
    "no parameter": measured(parameters=lambda n: {"b": n}),
    "a branch as a parameter": measured(parameters=lambda n: {"a": {"b": n}}),
    "two structures": measured()
    + [(n + 12, tree) for n, tree in measured(parameters=lambda n: {"a": n, "b": 1})],
    "two structures by turns": [
        (n, measured(parameters=lambda n: {"a": n, "b": 1} if n % 2 else {"a": n}, number=24)[n - 1][1])
        for n in range(1, 25)
    ],
    "few of a structure": measured(number=3),
}


@pytest.mark.parametrize("case", SURVEYED)
def test_a_survey_of_columns_is_that_of_trees(case):
    stamp = (1, 2, 3, 4)
    pieces = encode_trees([(id, stamp, tree) for id, tree in SURVEYED[case]])
    parts = blocks([(StoredPiece(piece), None) for piece in pieces])
    options = {"constants": {("parameters", "L"): 1.0}, "past": None}
    wanted = survey(SURVEYED[case], Definition.of(["a"]), **options)
    found = survey(parts, Definition.of(["a"]), **options)
    assert list(found.ids.items()) == list(wanted.ids.items())
    assert found.versions.warning() == wanted.versions.warning()
    for name in ("lacking", "otherwise", "codes", "replaced"):
        assert getattr(found, name) == getattr(wanted, name)
    times = [
        sorted((tuple(values), time) for values, time in zip(d.sets, d.seconds, strict=True))
        for d in (found.durations, wanted.durations)
    ]
    assert times[0] == times[1]


class TestRepeats:
    def test_all_sets_come_once_before_any_comes_twice(self):
        planned = plan([[1], [2]], repeats=2)
        assert [(task.values, task.repeat) for task in planned.todo] == [
            ((1,), 0),
            ((2,), 0),
            ((1,), 1),
            ((2,), 1),
        ]
        assert [task.position for task in planned.todo] == [0, 1, 2, 3]
        assert planned.asked == 4

    def test_from_ten_to_twenty_runs_ten_more(self):
        done = {task.key for task in plan([[1]], repeats=10).todo}
        planned = plan([[1]], done, repeats=20)
        assert [task.repeat for task in planned.todo] == list(range(10, 20))
        assert (planned.asked, planned.skipped) == (20, 10)

    def test_a_measurement_without_a_repeat_is_the_first(self):
        assert [task.repeat for task in plan([[1]], {key([1])}, repeats=2).todo] == [1]
        assert plan([[1]], {plan([[1]], repeats=1).todo[0].key}).todo == []

    @given(sets, sets)
    @pytest.mark.ci
    def test_no_key_of_a_repeat_is_that_of_another_set(self, one, other):
        first = {task.key for task in plan(one).todo}
        assert not first & {task.key for task in plan(other, first, repeats=3).todo if task.repeat}

    def test_the_repeat_of_a_measurement_is_read_from_its_info(self):
        trees = [
            (number, {"info": info, "parameters": {"a": 1}})
            for number, info in enumerate(
                [{}, {"repeat": 0}, {"repeat": 1}, {"repeat": "x"}, {"repeat": True}]
            )
        ]
        keys = [task.key for task in plan([[1]], repeats=2).todo]
        assert survey(trees, Definition.of(["a"])).ids == {keys[0]: [0, 1, 3, 4], keys[1]: [2]}


class TestShards:
    @given(st.integers(0, 20), st.integers(1, 5), st.integers(1, 3))
    def test_together_they_do_everything_once_under_different_ids(self, number, n, repeats):
        wanted = [[i] for i in range(number)]
        shards = [plan(wanted, repeats=repeats, shard=(i, n)) for i in range(n)]
        whole = plan(wanted, repeats=repeats)
        assert sorted(task for shard in shards for task in shard.todo) == sorted(whole.todo)
        assert sum(shard.asked for shard in shards) == whole.asked

    def test_what_a_shard_does_follows_from_the_scan_not_from_what_is_done(self):
        wanted = [[i] for i in range(6)]
        assert [task.values for task in plan(wanted, {key([0]), key([3])}, shard=(1, 2)).todo] == [(1,), (5,)]
        assert plan(wanted, {key([0]), key([3])}, shard=(1, 2)).skipped == 1


def test_a_limit_leaves_the_others_for_the_next_run():
    planned = plan([[1], [2], [3]], failed={key([1])}, limit=2)
    assert [task.values for task in planned.todo] == [(2,), (3,)]
    assert (planned.beyond, planned.asked) == (1, 3)
    assert plan([[1]], limit=0).todo == []
    assert plan([[1]], limit=5).beyond == 0


def test_the_time_that_a_run_takes_is_estimated_from_the_measurements_that_there_are():
    trees = [(i, {"info": {"duration": float(i)}, "parameters": {"a": i}}) for i in (1, 2, 3)]
    found = survey(trees, Definition.of(["a"]))
    planned = plan([[i] for i in range(11)], found.ids)
    assert found.estimate(planned) == 16.0
    assert found.estimate(planned, workers=4) == 4.0
    assert found.estimate(planned, workers=100) == 2.0
    assert survey([], Definition.of(["a"])).estimate(planned) is None


def test_versions_of_programs_are_found():
    trees = [
        (i, {"info": {"program": "ising", "version": version}, "parameters": {"a": i}})
        for i, version in enumerate(["1.0", "1.0", "1.1"], 1)
    ]
    warning = survey(trees, Definition.of(["a"])).versions.warning()
    assert warning.startswith(
        "The measurements are of several versions of ising: 1.0 (measurement 1), 1.1 (measurement 3)."
    )


@pytest.mark.parametrize("measured", [[2, 4, 6, 8, 10, 12], [300, 400, 500, 600]])
def test_an_estimate_follows_the_parameters_that_a_duration_depends_on(measured):
    durations = Durations()
    for size in measured:
        for model in ("Ising", "Potts"):
            durations.add((size, model), size**2 / 1000)
    predict = durations.predictor()
    assert predict((50, "Ising")) == pytest.approx(2.5, rel=0.01)
    assert predict(("fifty", "Ising")) == pytest.approx(
        sum(size**2 for size in measured) / len(measured) / 1000
    )


def test_an_estimate_is_the_mean_where_the_parameters_explain_nothing():
    durations = Durations()
    for size, seconds in [(1, 2.0), (2, 1.0), (3, 2.0), (4, 1.0), (5, 2.0), (6, 1.0)]:
        durations.add((size,), seconds)
    assert durations.predictor()((1000,)) == 1.5
    assert Durations().predictor() is None


def test_the_longest_come_first_and_keep_their_ids():
    tasks = plan([[1], [3], [2]], failed={key([3])}, predictor=lambda: lambda values: values[0]).todo
    assert [(task.position, task.values) for task in tasks] == [(2, (2,)), (0, (1,)), (1, (3,))]
