import collections
import dataclasses
import math
import platform
import re
import sys
import time

import numpy as np
import pytest

from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.encoding.json import decode, prepend_info
from coma_xr.errors import ParameterError, SerializationError
from coma_xr.run.plan import plan
from coma_xr.run.worker import Interrupted, call, lost, prepare

AB = Definition.of(["a", ("N", "parameters/layout/N")])
WRITTEN = {"a": 1, "layout": {"N": 2}}


def outcome_of(function, protocol="keywords", definition=AB, values=(1, 2), **more):
    work = prepare(function, definition, protocol, **more)
    return call(work, plan([values]).todo[0])


def tree_of(function, *args, **more):
    """The tree in the file of the measurement, without info."""
    outcome = outcome_of(function, *args, **more)
    assert outcome.failure is None, outcome.failure
    tree = decode(prepend_info({}, outcome.rest))["measurement"]
    assert tree.pop("info") == {}
    return tree


def failure_of(function, *args, **more):
    outcome = outcome_of(function, *args, **more)
    assert outcome.rest is None
    assert outcome.error is not None
    return outcome.failure


class Simulation:
    program = "ising"
    version = "0.0.1"

    def __init__(self, **state):
        self.state = state

    def coma_getstate(self):
        return self.state


@dataclasses.dataclass
class Fit:
    slope: float
    error: np.ndarray


Point = collections.namedtuple("Point", "x y")


class TestKeywords:
    """What run(f, scan) makes of what the function returns."""

    @pytest.mark.parametrize(
        ("value", "results"),
        [
            ({"t": 1.5, "E": [1, 2]}, {"t": 1.5, "E": [1, 2]}),
            (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
            ({}, {}),
            (Fit(0.5, np.array([1.5])), None),
            (Point(1, (2, 3)), {"x": 1, "y": [2, 3], "__class__": f"{__name__}.Point"}),
            (1.5, {"simulate": 1.5}),
            (np.float64(1.5), {"simulate": 1.5}),
            ("text", {"simulate": "text"}),
            (False, {"simulate": False}),
            ([1, 2], {"simulate": [1, 2]}),
            ((1, 2), {"simulate": [1, 2]}),
            ([], {"simulate": []}),
            (np.arange(2), None),
            ({"results": 1.5}, {"results": 1.5}),
            ({"parameters": {"slope": 1}, "t": 2}, {"parameters": {"slope": 1}, "t": 2}),
        ],
    )
    def test_it_goes_under_results(self, value, results):
        def simulate(a, N):
            return value

        tree = tree_of(simulate)
        assert list(tree) == ["parameters", "results"]
        assert tree["parameters"] == WRITTEN
        if isinstance(value, Fit):
            assert tree["results"]["slope"] == 0.5
            assert tree["results"]["error"]["list"] == [1.5]
            assert tree["results"]["__class__"] == f"{__name__}.Fit"
        elif isinstance(value, np.ndarray):
            assert tree["results"]["simulate"]["list"] == [0, 1]
        else:
            assert tree["results"] == results
            assert list(tree["results"]) == list(results)

    def test_the_single_result_of_a_lambda_is_called_result(self):
        assert tree_of(lambda a, N: a + N)["results"] == {"result": 3}

    def test_an_object_with_a_state_is_its_own_tree(self):
        state = {
            "parameters": {"a": 1.0, "T": 2.5},
            "results": {"E": 1},
            "info": {"code": "x", "version": "2"},
        }
        outcome = outcome_of(lambda a, N: Simulation(**state))
        tree = decode(prepend_info(outcome.info, outcome.rest))["measurement"]
        assert list(tree) == ["info", "parameters", "results", "__class__"]
        assert tree["parameters"] == {"a": 1.0, "T": 2.5, "layout": {"N": 2}}
        assert tree["__class__"].endswith("Simulation")
        about = list(tree["info"].items())[-3:]
        assert about == [("program", "ising"), ("version", "2"), ("code", "x")]

    def test_the_name_of_the_state_method_can_be_set(self):
        class Model:
            def getstate(self):
                return {"results": {"E": 1}}

        assert tree_of(lambda a, N: Model(), getstate="getstate")["results"] == {"E": 1}

    def test_a_program_that_is_a_method_is_no_text_about_the_object(self):
        class Model(Simulation):
            version = None

            def program(self):
                raise AssertionError("not called")

        assert "program" not in outcome_of(lambda a, N: Model()).info

    def test_none_is_an_error_that_says_what_was_meant(self):
        def simulate(a, N):
            pass

        assert failure_of(simulate)["exception"]["message"] == (
            "simulate() returned None.\n"
            "Expected results: a dictionary, such as {'t': 1.5}, or one number, list or array."
        )

    @pytest.mark.parametrize(
        ("tree", "names"),
        [
            ({"parameters": {"a": 1}, "results": {"t": 1}}, "parameters, results"),
            ({"results": {"t": 1}, "figures": []}, "results, figures"),
            ({"parameters": {"a": 1}}, "parameters"),
        ],
    )
    def test_a_whole_tree_is_an_error_that_says_which_protocol_was_meant(self, tree, names):
        def simulate(a, N):
            return tree

        assert failure_of(simulate)["exception"]["message"] == (
            f"simulate() returned a whole measurement tree ({names}).\n"
            "Expected what belongs under results, with run(f, scan).\n"
            "Call run(f) for parameter sets that were added before: it takes whole trees."
        )

    def test_a_functions_own_defaults_are_recorded(self):
        def simulate(a, N, L=1.0, solver=math.sin, *, sizes=(1, 2)):
            return {"t": a}

        assert tree_of(simulate)["parameters"] == {
            **WRITTEN,
            "L": 1.0,
            "solver": "math:sin",
            "sizes": [1, 2],
        }
        assert prepare(simulate, AB, "keywords").defaults["parameters", "sizes"] == [1, 2]

    def test_what_an_object_says_itself_wins_over_a_default(self):
        assert tree_of(lambda a, N, L=1.0: Simulation(parameters={"L": 2.0}))["parameters"]["L"] == 2.0

    def test_defaults_have_their_branch_also_when_no_parameter_lies_there(self):
        tree = tree_of(lambda N, L=1.0: 1, definition=Definition.of([("N", "sizes/N")]), values=[2])
        assert tree == {"sizes": {"N": 2}, "results": {"result": 1}, "parameters": {"L": 1.0}}

    def test_defaults_are_not_recorded_where_the_tree_has_no_place_for_them(self):
        definition = Definition.of([("N", "sizes/N")])
        tree = tree_of(lambda N, L=1.0: Simulation(parameters=5), definition=definition, values=[2])
        assert tree["parameters"] == 5

    def test_arguments_are_values_as_they_were_given(self):
        got = {}

        def simulate(**arguments):
            got.update(arguments)
            arguments["a"][0] = 99
            return 1

        values = AB.bind([np.arange(3.0), (1, 2)])
        tree = tree_of(simulate, values=values)
        assert isinstance(got["a"], np.ndarray)
        assert got["N"] == (1, 2)
        assert tree["parameters"]["a"]["list"] == [0.0, 1.0, 2.0]

    def test_a_function_that_cannot_be_called_is_an_error_before_anything_is_computed(self):
        with pytest.raises(ParameterError, match=r"^<lambda>\(\) takes no argument 'N'\. Available: a, M\."):
            prepare(lambda a, M: pytest.fail("computed"), AB, "keywords")


class TestSet:
    """What run(f) makes of what the function returns."""

    def test_the_function_gets_the_parameter_set(self):
        def simulate(p):
            assert isinstance(p, ParameterSet)
            return {"results": {"sum": p.a + p["parameters/layout/N"]}}

        assert tree_of(simulate, "set") == {"parameters": WRITTEN, "results": {"sum": 3}}

    def test_a_dictionary_is_the_tree_in_its_order(self):
        tree = tree_of(lambda p: {"results": {"t": 1}, "parameters": {"L": 5, "a": 1}, "notes": "x"}, "set")
        assert list(tree) == ["results", "parameters", "notes"]
        assert list(tree["parameters"]) == ["L", "a", "layout"]

    def test_an_object_is_its_state(self):
        tree = tree_of(lambda p: Simulation(results={"E": 1}), "set")
        assert list(tree) == ["parameters", "results", "__class__"]

    def test_fields_are_branches(self):
        tree = tree_of(lambda p: Point({"t": 1}, 2), "set")
        name = f"{__name__}.Point"
        assert tree == {"parameters": WRITTEN, "x": {"t": 1}, "y": 2, "__class__": name}

    def test_a_single_value_goes_under_results(self):
        def simulate(p):
            return 1.5

        assert tree_of(simulate, "set")["results"] == {"simulate": 1.5}

    def test_none_is_an_error_that_says_what_was_meant(self):
        def simulate(p):
            pass

        assert failure_of(simulate, "set")["exception"]["message"] == (
            "simulate() returned None.\n"
            "Expected a measurement tree, such as {'results': {'t': 1.5}}, or an object with a method coma_getstate()."
        )

    def test_a_tree_that_contradicts_the_set_is_a_failure(self):
        failure = failure_of(lambda p: {"parameters": {"a": 7}}, "set")
        assert failure["exception"]["type"] == "coma_xr.errors.ParameterError"
        assert failure["exception"]["message"] == (
            "The result has parameters/a = 7, and the parameter set a = 1.\n"
            "Return the tree without parameters/a, or with the value of the parameter set."
        )

    def test_no_defaults_are_recorded(self):
        assert tree_of(lambda p, L=1.0: {}, "set") == {"parameters": WRITTEN}


def test_a_dataset_is_its_variables_by_name():
    xr = pytest.importorskip("xarray")
    tree = tree_of(lambda a, N: xr.Dataset({"t": ("x", [1.0]), "u": 2.0}))
    assert list(tree["results"]) == ["t", "u"]


class TestInfo:
    def test_it_tells_when_how_long_and_where_in_a_fixed_order(self, monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 1393368611.99)

        def simulate(p):
            time.sleep(0.02)
            return {"info": {"seed": 5, "host": "elsewhere", "measurement_id": 99}}

        outcome = outcome_of(simulate, "set", provenance={"coma_xr_version": "1.2"})
        info = outcome.info
        expected = [
            "start_date",
            "end_date",
            "duration",
            "host",
            "python_version",
            "coma_xr_version",
            "made_by",
            "cpu_time",
            "peak_memory",
            "seed",
        ]
        assert list(info) == expected
        assert info["start_date"] == "2014-02-25T22:50:11Z"
        assert info["end_date"] == "2014-02-25T22:50:12Z"
        assert 0.02 <= info["duration"] < 1
        assert info["duration"] == round(outcome.seconds, 6)
        assert info["host"] == platform.node()
        assert info["python_version"] == platform.python_version()

    def test_the_end_comes_from_the_duration_so_a_clock_that_jumps_does_no_harm(self, monkeypatch):
        clock = iter([1000.0, 500.0, 500.0])
        monkeypatch.setattr(time, "time", lambda: next(clock))
        info = outcome_of(lambda p: {}, "set").info
        assert info["start_date"] == info["end_date"] == "1970-01-01T00:16:40Z"

    def test_a_parameter_may_lie_in_info(self):
        definition = Definition.of([("model", "info/model")])
        outcome = outcome_of(lambda p: {}, "set", definition, ["Ising"])
        assert outcome.info["model"] == "Ising"
        failure = failure_of(lambda p: 1 / 0, "set", definition, ["Ising"])
        assert list(failure["info"]) == ["date", "host", "worker", "status", "model"]

    def test_info_that_is_no_dictionary_is_a_failure(self):
        failure = failure_of(lambda p: {"info": "text"}, "set")
        assert failure["exception"]["message"] == "info is a str. Expected a dictionary."


class TestLost:
    """What is recorded of a parameter set whose worker did not live to tell it."""

    @pytest.mark.parametrize(("status", "kind"), [("died", "WorkerDied"), ("timeout", "TimeoutError")])
    def test_the_record_has_all_that_others_have(self, status, kind):
        def simulate(a, N):
            return a

        work = prepare(simulate, AB, "keywords")
        outcome = lost(work, plan([(1, 2)]).todo[0], status, "how it was")
        failure = outcome.failure
        assert (outcome.rest, failure["parameters"]) == (None, WRITTEN)
        assert list(failure["info"]) == ["date", "host", "status"]
        assert failure["info"]["status"] == status
        exception = failure["exception"]
        assert (exception["type"], exception["message"], exception["traceback"]) == (kind, "how it was", "")
        assert re.fullmatch(r".*test_worker\.py:\d+ in simulate", exception["line"])


class TestFailures:
    def test_an_exception_is_recorded_from_the_users_function_on(self):
        def inner(a):
            return 1 / (a - 1)

        def simulate(a, N):
            return inner(a)

        outcome = outcome_of(simulate)
        failure = outcome.failure
        assert list(failure) == ["info", "parameters", "exception"]
        assert list(failure["info"]) == ["date", "host", "worker", "status"]
        assert failure["info"]["status"] == "failed"
        assert failure["parameters"] == WRITTEN
        exception = failure["exception"]
        assert (exception["type"], exception["message"]) == ("ZeroDivisionError", "division by zero")
        lines = exception["traceback"].splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert re.match(r'  File ".*test_worker\.py", line \d+, in simulate', lines[1])
        assert lines[-1] == "ZeroDivisionError: division by zero"
        assert 'worker.py", line' not in exception["traceback"].replace("test_worker.py", "")
        assert re.fullmatch(r".*test_worker\.py:\d+ in inner: return 1 / \(a - 1\)", exception["line"])
        assert isinstance(outcome.error, ZeroDivisionError)

    @pytest.mark.parametrize(
        ("error", "name", "message"),
        [
            (SystemExit(3), "SystemExit", "3"),
            (GeneratorExit(), "GeneratorExit", ""),
            (KeyboardInterrupt("mine"), "KeyboardInterrupt", "mine"),
            (MemoryError(), "MemoryError", ""),
            (
                BaseExceptionGroup("two", [ValueError(1), SystemExit()]),
                "BaseExceptionGroup",
                "two (2 sub-exceptions)",
            ),
        ],
    )
    def test_whatever_is_raised_is_recorded(self, error, name, message):
        def simulate(a, N):
            raise error

        exception = failure_of(simulate)["exception"]
        assert (exception["type"], exception["message"]) == (name, message)

    def test_sys_exit_fails_the_set(self):
        exception = failure_of(lambda a, N: sys.exit("bye"))["exception"]
        assert (exception["type"], exception["message"]) == ("SystemExit", "bye")

    def test_endless_recursion_fails_the_set(self):
        def simulate(a, N):
            return simulate(a, N)

        exception = failure_of(simulate)["exception"]
        assert exception["type"] == "RecursionError"
        assert len(exception["traceback"]) < 10_000

    def test_an_exception_without_a_text_is_recorded(self):
        class Odd(Exception):
            def __str__(self):
                raise ValueError

        def simulate(a, N):
            raise Odd

        exception = failure_of(simulate)["exception"]
        assert exception["message"] == "(its text cannot be made: ValueError)"
        assert exception["type"].endswith("Odd")

    def test_the_cause_is_in_the_traceback(self):
        def simulate(a, N):
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ValueError("second") from error

        text = failure_of(simulate)["exception"]["traceback"]
        assert text.index("KeyError: 'first'") < text.index("ValueError: second")

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"fit": {"model": [1, sys]}}, "results/fit/model/1: cannot store a module."),
            (
                {"fit": {1: 2}},
                "results/fit: the key 1 is an int. Expected strings as keys.",
            ),
            (sys, "results/simulate: cannot store a module."),
            ((i for i in range(3)), "results/simulate: cannot store a generator."),
            (int, "results/simulate: cannot store a type."),
        ],
    )
    def test_what_cannot_be_stored_is_named_with_path_and_type(self, value, message):
        def simulate(a, N):
            return value

        outcome = outcome_of(simulate)
        exception = outcome.failure["exception"]
        assert exception["message"].startswith(message)
        assert isinstance(outcome.error, SerializationError)
        assert exception["traceback"] == f"coma_xr.errors.SerializationError: {exception['message']}\n"
        assert re.fullmatch(r".*test_worker\.py:\d+ in simulate", exception["line"])

    def test_a_result_that_contains_itself_is_a_failure(self):
        loop = []
        loop.append(loop)
        message = failure_of(lambda a, N: loop)["exception"]["message"]
        assert message.endswith("nested deeper than 96 levels, or it contains itself.")

    def test_an_error_in_the_users_state_method_is_told_from_there_on(self):
        class Model:
            def coma_getstate(self):
                return 1 / 0

        exception = failure_of(lambda a, N: Model())["exception"]
        assert exception["line"].endswith("in coma_getstate: return 1 / 0")
        assert "_branches" not in exception["traceback"]

    def test_what_stops_the_run_is_not_caught(self):
        def simulate(a, N):
            raise Interrupted

        with pytest.raises(Interrupted):
            outcome_of(simulate)
        work = prepare(lambda a, N: (_ for _ in ()).throw(KeyboardInterrupt), AB, "keywords")
        with pytest.raises(KeyboardInterrupt):
            call(work, plan([[1, 2]]).todo[0], KeyboardInterrupt)


def test_what_the_caller_changes_afterwards_is_not_in_the_result():
    kept = []

    def simulate(a, N):
        kept.append({"E": [1]})
        return kept[0]

    outcome = outcome_of(simulate)
    kept[0]["E"].append(2)
    assert b"2" not in prepend_info({}, outcome.rest, pretty=True).split(b'"E"')[1]


def test_compact_text_can_be_asked_for():
    assert outcome_of(lambda a, N: 1, pretty=False).rest == (
        b',"parameters":{"a":1,"layout":{"N":2}},"results":{"result":1}}}'
    )


@pytest.mark.parametrize("path", ["info", "info/host", "info/repeat", "info/external", "info/git_commit/x"])
def test_a_parameter_does_not_stand_where_each_run_writes(path):
    definition = Definition.of([("n", path)])
    with pytest.raises(
        ParameterError, match=f"'n' cannot have the path '{path}', (.|\\n)* such as 'parameters/n'"
    ):
        prepare(lambda n: n, definition, "keywords", provenance={"git_commit": "0a1b"})


def test_a_parameter_may_stand_elsewhere_in_info():
    outcome = outcome_of(
        lambda mood: mood, definition=Definition.of([("mood", "info/mood")]), values=("good",)
    )
    assert outcome.info["mood"] == "good"


def test_a_trivial_point_takes_few_calls():
    "Processor time depends on the machine; comprehensions are calls before Python 3.12."
    work = prepare(lambda a: {"t": a}, Definition.of(["a"]), "keywords")
    first, second = plan([[1], [2]]).todo
    call(work, first)
    made = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: made.append(frame.f_code.co_name) if event == "call" else None)
    try:
        call(work, second)
    finally:
        sys.setprofile(before)
    assert len(made) <= 34, made
