import math

from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.parameters import Definition, key
from coma_xr.run.plan import plan, survey

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
    with_default = survey(trees({"a": 1, "L": 1}, {"a": 1}), definition, defaults={"parameters/L": 1.0})
    assert with_default.lacking == []
    assert with_default.ids == {key([1, 1]): [1, 2]}


def test_a_survey_tells_which_constants_have_changed():
    found = survey(
        trees({"a": 1, "L": 1}, {"a": 2}, {"a": 3, "L": 2.5}, {"a": 4, "L": 3}),
        Definition.of(["a"]),
        constants={"parameters/L": 1.0, "parameters/g": 9.81},
    )
    assert found.otherwise == {"parameters/L": (3, 2.5)}
