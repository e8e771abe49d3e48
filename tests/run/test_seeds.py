import itertools
import json
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.parameters import Definition
from coma_xr.errors import ParameterError
from coma_xr.run.plan import Task, plan
from coma_xr.run.worker import Seeds, call, prepare
from coma_xr.same import key

AB = Definition.of(["a", "b"])
values = st.integers(-3, 3) | st.sampled_from(
    [0.5, 1.0, -0.0, float("nan"), True, None, "1", "a", (1, 2), (1.0,)]
)


def task(values, repeat=None):
    return Task(0, tuple(values), key(values), repeat)


def outcome_of(function, values=(1, 2), *, repeat=None, protocol="keywords", **more):
    outcome = call(prepare(function, AB, protocol, **more), task(values, repeat))
    assert outcome.failure is None, outcome.failure
    return outcome


def results(outcome):
    return json.loads(b'{"measurement": {"info": 0' + outcome.rest)["measurement"]["results"]


@given(st.tuples(values, values), st.tuples(values, values))
def test_seeds_are_the_same_exactly_for_the_same_set(one, other):
    seeds = Seeds(7, ("rng",))
    same = seeds.seed(AB, task(one)) == seeds.seed(AB, task(other))
    assert same == (key(one) == key(other))


def test_seeds_do_not_depend_on_the_order_of_the_parameters():
    seeds = Seeds(7, ("rng",))
    assert seeds.seed(AB, task([1, 2])) == seeds.seed(Definition.of(["b", "a"]), task([2, 1]))
    assert seeds.seed(AB, task([1, 2])) != seeds.seed(AB, task([2, 1]))


def test_seeds_differ_from_repeat_to_repeat_and_root_to_root():
    found = {Seeds(root, ("rng",)).seed(AB, task([1, 2], repeat)) for root in (0, 1) for repeat in range(50)}
    assert len(found) == 100
    assert Seeds(0, ("rng",)).seed(AB, task([1, 2], 0)) == Seeds(0, ("rng",)).seed(AB, task([1, 2]))


def test_a_constant_that_became_a_parameter_changes_no_seed():
    only_a = Seeds(7, ("rng",)).seed(Definition.of(["a"]), task([1]))
    seeds = Seeds(7, ("rng",), {("parameters", "b"): 1.0})
    assert seeds.seed(AB, task([1, 1])) == only_a
    assert seeds.seed(AB, task([1, 2])) != only_a


def test_seeds_are_the_same_in_every_process_and_from_now_on():
    "These numbers must not change: measurements of years ago are to be run again."
    assert Seeds(1, ("rng",)).seed(AB, task([1, "x"], 3)) == RNG
    assert Seeds(1, ("seed",)).seed(AB, task([1, "x"], 3)) == SEED
    code = """
from coma_xr.define.parameters import Definition
from coma_xr.same import key
from coma_xr.run.plan import Task
from coma_xr.run.worker import Seeds
print(Seeds(1, ("rng",)).seed(Definition.of(["b", "a"]), Task(5, ("x", 1.0), (), 3)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) == RNG


RNG, SEED = 1870463915363481147, 871002634


class TestFunctions:
    def test_one_that_asks_for_rng_gets_a_generator_of_the_seed_on_file(self):
        outcome = outcome_of(lambda a, b, rng: {"x": rng.random()}, seed=1, repeat=2)
        assert list(outcome.info)[-4:] == ["cpu_time", "peak_memory", "seed", "repeat"]
        assert outcome.info["repeat"] == 2
        assert results(outcome)["x"] == np.random.default_rng(outcome.info["seed"]).random()

    def test_one_that_asks_for_seed_gets_what_every_generator_takes(self):
        for repeat in range(20):
            outcome = outcome_of(lambda a, b, *, seed=None: {"s": seed}, seed=1, repeat=repeat)
            assert results(outcome)["s"] == outcome.info["seed"] < 2**32

    def test_both_may_be_asked_for(self):
        outcome = outcome_of(lambda a, b, rng, seed: {"x": rng.random(), "s": seed})
        seed = outcome.info["seed"]
        assert results(outcome) == {"x": np.random.default_rng(seed).random(), "s": seed}

    def test_a_function_of_the_whole_set_may_ask_too(self):
        outcome = outcome_of(lambda p, rng: {"results": {"x": rng.random()}}, protocol="set", seed=1)
        again = outcome_of(lambda a, b, rng: {"x": rng.random()}, seed=1)
        assert results(outcome) == results(again)

    def test_a_parameter_of_that_name_wins(self):
        definition = Definition.of(["seed"])
        work = prepare(lambda seed: {"s": seed}, definition, "keywords", seed=1)
        outcome = call(work, Task(0, (5,), (5,)))
        assert results(outcome) == {"s": 5}
        assert "seed" not in outcome.info

    def test_the_only_argument_of_a_function_of_the_whole_set_is_the_set_whatever_its_name(self):
        outcome = outcome_of(lambda seed: {"results": {"n": len(seed)}}, protocol="set")
        assert results(outcome) == {"n": 2}

    def test_the_functions_own_default_of_it_is_no_parameter(self):
        assert prepare(lambda a, b, seed=5, L=1.0: a, AB, "keywords").defaults == {("parameters", "L"): 1.0}

    def test_one_that_does_not_ask_gets_none_and_records_none(self):
        outcome = outcome_of(lambda a, b, **more: {"n": len(more)}, seed=1)
        assert results(outcome) == {"n": 0}
        assert "seed" not in outcome.info
        assert "repeat" not in outcome.info

    def test_a_failure_records_seed_and_repeat_so_that_it_can_be_reproduced(self):
        def fails(a, b, rng):
            raise ValueError(rng.random())

        outcome = call(prepare(fails, AB, "keywords", seed=1), task([1, 2], 4))
        info = outcome.failure["info"]
        assert list(info) == ["date", "host", "worker", "status", "seed", "repeat"]
        expected = np.random.default_rng(info["seed"]).random()
        assert outcome.failure["exception"]["message"] == str(expected)

    def test_without_a_root_one_is_drawn_which_the_experiment_can_keep(self):
        roots = {prepare(lambda a, b, rng: a, AB, "keywords").seeds.root for _ in range(5)}
        assert len(roots) == 5
        assert prepare(lambda a, b: a, AB, "keywords").seeds is None

    @pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
    def test_what_is_no_root_is_an_error(self, seed):
        with pytest.raises(ParameterError, match="^seed="):
            prepare(lambda a, b: a, AB, "keywords", seed=seed)


def test_numbers_are_independent_of_order_and_of_points_added_later():
    def simulate(a, b, rng):
        return {"x": rng.random()}

    def all_of(wanted):
        work = prepare(simulate, AB, "keywords", seed=3)
        todo = plan(wanted, repeats=2).todo
        random.Random(len(todo)).shuffle(todo)
        return {task.key: results(call(work, task))["x"] for task in todo}

    few = all_of([[1, 2], [3, 4]])
    many = all_of(list(itertools.product([1, 3, 5], [2, 4, 6])))
    assert few == {key: many[key] for key in few}
    assert len(set(many.values())) == len(many) == 18
