import copy
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.parameters import Definition, ParameterSet, Past, read_parameters, write
from coma_xr.errors import ParameterError, PathError, SerializationError
from coma_xr.same import key

PENDULUM = Definition.of([("theta_0", "parameters/theta_0"), "theta"])


def raises(kind, text):
    return pytest.raises(kind, match=f"^{re.escape(text)}$")


class TestDefinition:
    def test_a_bare_name_means_a_place_under_parameters(self):
        assert list(Definition.of(["theta", "parameters/layout/N", "info/program"])) == [
            ("theta", ("parameters", "theta")),
            ("N", ("parameters", "layout", "N")),
            ("program", ("info", "program")),
        ]

    def test_a_path_may_be_a_sequence_and_is_kept_in_one_spelling(self):
        definition = Definition.of([("N", ["parameters", "a/b", 0]), ("M", "/parameters//M/")])
        assert definition.paths == (("parameters", "a/b", "0"), ("parameters", "M"))

    def test_a_definition_is_one_already(self):
        assert Definition.of(PENDULUM) is PENDULUM

    @pytest.mark.parametrize(
        ("entries", "text"),
        [
            ([], "No parameter is given. Expected at least one name, such as 'theta_0'."),
            ([5], "5 is not a parameter. Expected a name or a pair (name, path)."),
            (
                [("a", "b", "c")],
                "('a', 'b', 'c') is not a parameter. Expected a name or a pair (name, path).",
            ),
            ([""], "The parameter '' has no name or no path. Expected a name or a pair (name, path)."),
            (
                [("a", "")],
                "The parameter ('a', '') has no name or no path. Expected a name or a pair (name, path).",
            ),
            (
                [("E", "parameters/*/E")],
                "The path 'parameters/*/E' of a parameter has an asterisk. Expected one place in the tree.",
            ),
            (
                ["parameters/x/N", "N"],
                (
                    "Two parameters are called 'N', parameters/x/N and parameters/N.\n"
                    "Choose another name for one of them: ('N_2', 'parameters/N')."
                ),
            ),
            (
                ["a", ("b", "parameters/a")],
                "The parameters 'a' and 'b' have the same path, parameters/a. Choose another path for one of them.",
            ),
        ],
    )
    def test_what_defines_nothing_is_an_error(self, entries, text):
        with raises(ParameterError, text):
            Definition.of(entries)

    def test_values_are_bound_by_position_name_and_path(self):
        assert PENDULUM.bind([-5.0, np.float64(3.2)]) == (-5.0, 3.2)
        assert PENDULUM.bind([-5.0], {"theta": 3.2}) == (-5.0, 3.2)
        assert PENDULUM.bind([], {"parameters/theta": 3.2, "theta_0": -5.0}) == (-5.0, 3.2)
        assert type(PENDULUM.bind([1, 3.2])[1]) is float

    @pytest.mark.parametrize(
        ("args", "kwargs", "text"),
        [
            ([1, 2, 3], {}, "Expected 2 values (theta_0, theta), found 3."),
            ([1], {}, "Expected 2 values (theta_0, theta), found 1; missing: theta."),
            ([], {"theta": 1}, "Expected 2 values (theta_0, theta), found 1; missing: theta_0."),
            (
                [1],
                {"tehta": 2},
                "Unknown parameter 'tehta'. Available: theta_0, theta. Did you mean 'theta' or 'theta_0'?",
            ),
            ([1], {"theta_0": 2}, "The parameter 'theta_0' was given twice. Pass it by position or by name."),
        ],
    )
    def test_wrong_values_are_an_error_that_says_what_is_expected(self, args, kwargs, text):
        with raises(ParameterError, text):
            PENDULUM.bind(args, kwargs)

    def test_one_value_is_told_in_the_singular(self):
        with raises(ParameterError, "Expected 1 value (a), found 2."):
            Definition.of(["a"]).bind([1, 2])

    def test_a_value_that_cannot_be_stored_is_an_error_at_once(self):
        with pytest.raises(SerializationError, match=r"^parameters/theta: cannot store an object\."):
            PENDULUM.bind([1, object()])

    def test_the_order_of_another_definition_is_found_by_path_and_by_bare_name(self):
        own = Definition.of([("N", "parameters/layout/N"), "a"])
        assert own.order(Definition.of(["a", "N"])) == [1, 0]
        assert own.order(Definition.of(["a", ("size", "parameters/layout/N")])) == [1, 0]

    def test_another_definition_must_have_the_same_parameters(self):
        text = (
            "The parameters theta_0, tehta are not those of the experiment (missing: theta; unknown: tehta).\n"
            "Available: theta_0, theta.\nDid you mean 'theta' or 'theta_0'?"
        )
        with raises(ParameterError, text):
            PENDULUM.order(Definition.of(["theta_0", "tehta"]))
        with pytest.raises(ParameterError, match=r"missing: theta; unknown: none"):
            PENDULUM.order(Definition.of(["theta_0"]))

    def test_a_name_with_another_path_is_another_parameter(self):
        with pytest.raises(ParameterError, match=r"missing: theta; unknown: theta\)"):
            PENDULUM.order(Definition.of(["theta_0", ("theta", "parameters/x/theta")]))

    def test_it_comes_back_from_its_state(self):
        definition = Definition.of(["a", ("N", ["parameters", "x/y"])])
        assert definition.to_state() == [["a", "parameters/a"], ["N", "parameters/x~1y"]]
        assert Definition.from_state(definition.to_state()) == definition
        assert pickle.loads(pickle.dumps(definition)) == definition


class TestParameterSet:
    p = ParameterSet(PENDULUM, [-5.0, np.float64(-4.4737)])

    def test_values_are_found_by_name_path_position_and_attribute(self):
        p = self.p
        assert p.theta_0 == p["theta_0"] == p["parameters/theta_0"] == p[0] == p[-2] == -5.0
        assert p[("parameters", "theta")] == p["parameters/theta/"] == -4.4737
        assert (len(p), list(p), p.names) == (2, [-5.0, -4.4737], ("theta_0", "theta"))
        assert p.to_dict() == {"theta_0": -5.0, "theta": -4.4737}

    def test_it_shows_itself_as_in_coma_2(self):
        assert repr(self.p) == str(self.p) == "(theta_0=-5.0,theta=-4.4737)"

    def test_unknown_names_are_errors_that_suggest_near_ones(self):
        hint = "Unknown parameter 'tehta'. Available: theta_0, theta. Did you mean 'theta' or 'theta_0'?"
        with raises(AttributeError, hint):
            _ = self.p.tehta
        with raises(PathError, hint):
            self.p["tehta"]
        with pytest.raises(IndexError):
            self.p[2]

    def test_the_number_of_values_must_be_right(self):
        with raises(ParameterError, "Expected 2 values (theta_0, theta), found 3."):
            ParameterSet(PENDULUM, [1, 2, 3])

    def test_it_does_not_change(self):
        with raises(AttributeError, "A parameter set is read-only, so 'theta' cannot be set to 5."):
            self.p.theta = 5
        with raises(AttributeError, "A parameter set is read-only, so 'theta' cannot be deleted."):
            del self.p.theta

    def test_equality_and_hash_follow_the_key(self):
        a, b = ParameterSet(["x", "y"], [1, float("nan")]), ParameterSet(["x", "y"], [1.0, float("nan")])
        assert a == b
        assert hash(a) == hash(b)
        assert a != ParameterSet(["x", "y"], [True, float("nan")])
        assert a != ParameterSet(["x", "z"], [1, float("nan")])
        assert a != (1, 2)

    def test_values_are_handed_out_as_they_were_given(self):
        p = ParameterSet(["a", "b"], [np.arange(3), (1, 2)])
        assert isinstance(p.a, np.ndarray)
        assert p.b == p[1] == (1, 2)
        again = pickle.loads(pickle.dumps(p))
        assert again == p
        assert again.a.dtype == p.a.dtype

    def test_copies_are_equal(self):
        for clone in (pickle.loads(pickle.dumps(self.p)), copy.copy(self.p), copy.deepcopy(self.p)):
            assert clone == self.p
            assert clone.theta == self.p.theta

    def test_a_parameter_with_the_name_of_a_method_comes_first(self):
        p = ParameterSet(["names", "to_dict", "_values"], [1, 2, 3])
        assert (p.names, p.to_dict, p["_values"]) == (1, 2, 3)
        assert repr(p) == "(names=1,to_dict=2,_values=3)"
        assert p == pickle.loads(pickle.dumps(p))

    def test_names_for_completion_are_there(self):
        assert {"theta_0", "theta", "names", "to_dict"} <= set(dir(self.p))


class TestWrite:
    def test_lacking_parameters_come_first_and_in_order(self):
        tree = {"results": {"t": 1}, "__class__": "C"}
        write(tree, Definition.of(["b", "parameters/x/a", "b2"]), [1, 2, 3])
        assert list(tree) == ["parameters", "results", "__class__"]
        assert tree["parameters"] == {"b": 1, "x": {"a": 2}, "b2": 3}

    def test_what_is_there_stays_as_it_is(self):
        tree = {"results": {}, "parameters": {"L": 1.0, "a": 1}}
        write(tree, Definition.of(["a", "b"]), [1.0, 2])
        assert list(tree) == ["results", "parameters"]
        assert tree["parameters"] == {"L": 1.0, "a": 1, "b": 2}
        assert type(tree["parameters"]["a"]) is int

    def test_nan_does_not_contradict_nan(self):
        tree = {"parameters": {"a": float("nan")}}
        write(tree, Definition.of(["a"]), [float("nan")])

    def test_a_path_may_lead_to_the_root_or_into_a_list(self):
        tree = {"sizes": [4, 5]}
        write(tree, Definition.of([("N", "N"), ("size", "sizes/1")]), [7, 5])
        assert tree == {"sizes": [4, 5], "N": 7}

    def test_another_value_there_is_an_error(self):
        text = (
            "The result has parameters/a = 3, and the parameter set a = 2.\n"
            "Return the tree without parameters/a, or with the value of the parameter set."
        )
        with raises(ParameterError, text):
            write({"parameters": {"a": 3}}, Definition.of(["a"]), [2])
        with pytest.raises(ParameterError, match=r"sizes/1 = 5, and the parameter set size = 6"):
            write({"sizes": [4, 5]}, Definition.of([("size", "sizes/1")]), [6])

    def test_something_in_the_way_is_an_error(self):
        text = "The parameter 'a' has no place in the result: Nothing can be written at 'parameters/a', because 'parameters' is a value of type int.\nChoose another path for the parameter."
        with raises(ParameterError, text):
            write({"parameters": 5}, Definition.of(["a"]), [2])

    names = st.lists(st.text("abc/*\\1", min_size=1, max_size=4), min_size=1, max_size=4, unique=True)
    values = st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.integers(), max_size=2)

    @given(names, st.data())
    def test_what_was_written_is_read_again_and_has_the_same_key(self, names, data):
        definition = Definition.of([(f"p{i}", ["parameters", name + "_"]) for i, name in enumerate(names)])
        values = [data.draw(self.values) for _ in names]
        tree = {"results": {"t": 1}}
        write(tree, definition, values)
        found = read_parameters(tree, definition)
        assert key(found) == key(values)
        write(tree, definition, values)
        assert key(read_parameters(tree, definition)) == key(values)


class TestRead:
    definition = Definition.of(["a", "parameters/x/N"])

    def test_values_come_in_the_order_of_the_definition(self):
        assert read_parameters({"parameters": {"x": {"N": 2}, "a": 1}}, self.definition) == [1, 2]

    @pytest.mark.parametrize(
        "tree",
        [{}, {"parameters": 5}, {"parameters": {"a": 1}}, {"parameters": {"a": 1, "x": [1]}}, [], None],
    )
    def test_a_tree_that_lacks_one_belongs_to_no_set(self, tree):
        assert read_parameters(tree, self.definition) is None

    def test_a_default_counts_where_the_tree_lacks_a_parameter(self):
        defaults = {("parameters", "x", "N"): 9}
        assert read_parameters({"parameters": {"a": 1}}, self.definition, Past(defaults)) == [1, 9]
        assert read_parameters(
            {"parameters": {"a": 1, "x": {"N": None}}}, self.definition, Past(defaults)
        ) == [1, None]
        assert read_parameters({"parameters": {}}, self.definition, Past(defaults)) is None
