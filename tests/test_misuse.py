"""Arguments of the wrong kind get an error of coma_xr that names the public function and what was expected."""

import datetime as dt
import decimal
import enum
import math

import numpy as np
import pytest

import coma_xr as coma
from coma_xr import P
from coma_xr.errors import (
    ArgumentError,
    ComaError,
    ComaWarning,
    ConditionError,
    ExperimentError,
    ParameterError,
    PathError,
    SerializationError,
    StorageError,
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def squares():
    e = coma.Experiment("squares")
    e.run(lambda x: {"y": float(x**2), "v/c": x, "fit": {"E": [x, x]}}, {"x": [1, 2, 3]}, progress=False)
    return e


@pytest.mark.parametrize(
    ("call", "kind", "what"),
    [
        (lambda e: e.export(5), ExperimentError, "path=5 is not a path."),
        (lambda e: e.to_dataset().coma.export(None), ExperimentError, "path=None is not a path."),
        (lambda _: coma.open_experiments(5), ExperimentError, "path=5 is not a path."),
        (lambda e: e.annotate(5, units="s"), PathError, "5 is an int."),
        (lambda e: e.to_dataset().coma[5], PathError, "5 is an int."),
        (lambda e: e.measurement(1)[5], PathError, "5 is an int."),
        (lambda e: e.to_dataset(variables=[5]), PathError, "5 stands for an int."),
        (lambda e: e.to_dataframe(5), PathError, "5 is an int."),
        (
            lambda _: coma.ComaAccessor([1]),
            ParameterError,
            "The accessor belongs to a Dataset, and [1] is a list.",
        ),
        (lambda e: e.to_dataset().coma.sel("pair"), ParameterError, "sel got 'pair', a str."),
        (
            lambda e: e.to_dataset().coma.sel(x=lambda x: x > 1),
            ParameterError,
            "sel(x=...) got a function without a name of its own.",
        ),
        (
            lambda e: e.to_dataset(where="results/fit/0 > 1"),
            ConditionError,
            "results / fit / 0 divides by zero.",
        ),
        (lambda e: e.to_dataset().coma.sel(x=P.x > 1), ParameterError, "sel(x=...) got a condition."),
        (
            lambda e: e.run(math.sqrt, []),
            ParameterError,
            "The list of parameter sets is empty, and its first set defines the names.",
        ),
        (lambda _: coma.grid(1), ParameterError, "grid() cannot take an int."),
        (lambda _: coma.grid(a=range(10**30)), ParameterError, f"a=range(0, {10**30}) has too many values."),
        (
            lambda _: P.a.isin(range(10**30)),
            ConditionError,
            f".isin() cannot be applied to range(0, {10**30}).",
        ),
        (
            lambda _: coma.grid({"parameters/a/b": [1], "parameters/a": [2]}),
            ParameterError,
            "The parameters 'b' and 'a' cannot both be stored: parameters/a would be a value and the branch of parameters/a/b.",
        ),
        (
            lambda e: e.failures(5),
            ArgumentError,
            "Experiment.failures() takes 0 positional arguments, not 1.",
        ),
        (
            lambda e: e.measurement(1, 2),
            ArgumentError,
            "Experiment.measurement() takes 1 positional argument, not 2.",
        ),
        (lambda e: e.measurement(), ArgumentError, "Experiment.measurement() is missing the argument 'id'."),
        (lambda _: coma.load(), ArgumentError, "load() is missing the argument 'path'."),
        (lambda e: e.new_measurement().save(5), SerializationError, "5 is an int."),
        (
            lambda e: e.new_measurement().save({"reslts": {"y": 1}}),
            SerializationError,
            "Unknown branch 'reslts'.",
        ),
        (lambda e: e.to_dataset(where=lambda _: math.nan), ConditionError, "The function returned nan."),
        (lambda e: e.define_layout("grid", dims=["y"]), PathError, "'y' is not a parameter but 'results/y'."),
    ],
)
def test_the_error_names_what_was_given(squares, call, kind, what):
    with pytest.raises(kind) as caught:
        call(squares)
    assert caught.value.what == what
    assert "Readable" not in str(caught.value)
    assert squares.number_of_measurements() == 3
    assert squares.layout.kind == "grid"


def test_a_misspelt_branch_and_a_dim_that_is_no_parameter_are_answered_with_what_exists(squares):
    with pytest.raises(SerializationError) as caught:
        squares.new_measurement().save({"parameter": {"x": 1}, "results": {"y": 2}})
    assert caught.value.near == ("parameters",)
    with pytest.raises(PathError) as caught:
        squares.define_layout("grid", dims=["y"])
    assert caught.value.available == ("x",)
    assert squares.new_measurement().save({"extra": 1, "results": {"y": 1.0}, "parameters": {"x": 9}})
    assert squares.number_of_measurements() == 4


def test_a_misspelt_branch_of_a_returned_tree_is_saved_and_reported_once(tmp_path):
    e = coma.Experiment(tmp_path / "trees")
    e.define_parameter_set("x")
    e.add_parameter_set(1)
    e.add_parameter_set(2)
    with pytest.warns(coma.ComaWarning) as caught:
        report = e.run(lambda p: {"result": {"y": p["x"]}, "extra": {f"n{p['x']}": 1}}, progress=False)
    assert report == (2, 2)
    assert [str(warning.message) for warning in caught] == [
        "The function returned a branch 'result', and no 'results'. It is saved as 'result'. Did you mean 'results'?"
    ]
    assert [m["result/y"] for m in e.measurements()] == [1, 2]


def test_a_function_gets_the_same_measurement_as_a_variable_and_as_a_condition(squares):
    assert squares.to_dataset({"gap": lambda m: m.y - m.x}).gap.values.tolist() == [0, 2, 6]
    assert squares.to_dataframe({"gap": lambda m: m.y - m.x}).gap.tolist() == [0, 2, 6]
    assert squares.to_dataset(where=lambda m: m.y - m.x > 1).x.values.tolist() == [2, 3]
    squares.annotate("parameters/tau", default=5)
    assert squares.to_dataset({"t": lambda m: m.tau + m.results.y}).t.values.tolist() == [6, 9, 14]
    with pytest.raises(PathError) as caught:
        squares.to_dataset({"gap": lambda m: m.z})
    assert (caught.value.name, caught.value.path) == ("z", ("z",))


def test_the_path_of_a_key_with_a_slash_is_offered(squares):
    with pytest.raises(PathError) as caught:
        squares.measurement(1)["results/v/c"]
    assert caught.value.ways == ("The path of the key 'v/c' is 'results/v~1c'.",)
    assert squares.measurement(1)["results/v~1c"] == 1


class Model(enum.Enum):
    ISING = "ising"


def test_failures_show_the_values_of_parameters_and_not_their_stored_form():
    e = coma.Experiment("failing")

    def fail(when, J, model, sizes):
        raise ValueError("no")

    scan = {
        "when": [dt.date(2020, 1, 31)],
        "J": [decimal.Decimal("0.1")],
        "model": [Model.ISING],
        "sizes": [(1, 2)],
    }
    with pytest.warns(
        ComaWarning, match=r"\(when=2020-01-31,J=0\.1,model=ising,sizes=\[1, 2\]\): ValueError"
    ):
        e.run(fail, scan, progress=False)
    row = e.failures().iloc[0]
    assert (row["when"], row["J"]) == (dt.date(2020, 1, 31), decimal.Decimal("0.1"))


def test_a_read_only_experiment_reports_that_before_any_other_mistake(squares):
    e = coma.Experiment("squares", mode="r")
    for function, scan in ((5, {"x": [9]}), (lambda x: x, {"z": [9]}), (lambda x: x, {"x": [9]})):
        with pytest.raises(StorageError, match="mode='r'"):
            e.run(function, scan)
    assert e.run(lambda x: x, {"x": [9]}, dry_run=True).asked == 1


def test_a_value_called_measurement_id_takes_the_name_and_is_reported():
    e = coma.Experiment("ids")
    e.run(lambda x: {"measurement_id": 5 * x}, {"x": [1, 2]}, progress=False)
    with pytest.warns(
        ComaWarning, match="a value called 'measurement_id', so that coma_xr calls its own one 'coma_id'"
    ):
        ds = e.to_dataset()
    assert (ds.measurement_id.values.tolist(), ds.coma_id.values.tolist()) == ([5, 10], [1, 2])
    with pytest.warns(ComaWarning, match="'coma_id'"):
        table = e.to_dataframe().reset_index()
    assert table[["coma_id", "measurement_id"]].values.tolist() == [[1, 5], [2, 10]]
    with pytest.warns(ComaWarning, match="'coma_id'"):
        assert e.to_dataframe(index="measurement_id").index.tolist() == [5, 10]


def test_a_condition_that_no_parameter_set_fulfils_is_reported_when_the_sets_are_listed(squares):
    scan = coma.grid(x=[1, 2, 3]).where("x == 7")
    for listed in (list, coma.Scan.rows, coma.Scan.to_dataframe):
        with pytest.warns(ComaWarning, match=r"None of the 3 parameter sets fulfils .* nearest to 7 is 3"):
            assert len(listed(scan)) == 0
    assert list(coma.grid(x=[]).where("x > 1")) == []
    squares.run(lambda x: x, {"x": [4]}, limit=0, progress=False)
    with pytest.warns(ComaWarning, match="No parameter set fulfils the condition x > 7"):
        squares.forget_missing("x > 7")
    assert squares.status()["missing"] == 1


def test_lists_and_dictionaries_are_found_by_conditions_on_experiments_and_datasets():
    e = coma.Experiment("containers")
    options = [{"L": 8, "day": dt.date(2020, 1, 31)}, {"L": 16}]
    e.run(lambda E, o: {"s": sum(E)}, {"E": [[1, 2], [3, 4]], "o": options}, progress=False)
    ds = e.to_dataset()
    for where in (P.E == [1, 2.0], "E == [1, 2]", P.E.isin([(1, 2)]), P.E != [3, 4]):
        assert e.to_dataset(where=where).s.values.ravel().tolist() == [3, 3]
        assert ds.coma.where(where, drop=True).s.values.ravel().tolist() == [3, 3]
    for where in (P.o == {"L": 16.0}, "o == {'L': 16}", P.o != options[0], ~(P.o == options[0])):
        assert e.to_dataset(where=where).s.values.ravel().tolist() == [3, 7]
        assert ds.coma.where(where, drop=True).s.values.ravel().tolist() == [3, 7]
    assert ds.coma.sel(o=options[0]).s.values.tolist() == [3, 7]


def test_numbers_agree_with_their_nouns(squares):
    assert repr(coma.grid(x=[1])) == "<Scan of 1 parameter set (x: 1)>"
    with pytest.raises(ComaError) as caught:
        squares.remove(33)
    assert (caught.value.near, caught.value.available) == ((), ("1", "2", "3"))


def test_one_set_in_a_container_is_answered_with_the_way_to_pass_it(tmp_path):
    e = coma.Experiment(tmp_path / "pairs")
    e.define_parameter_set("a", "b")
    for pair in ({"a": 1, "b": 2}, [1, 2], [{"a": 1, "b": 2}]):
        with pytest.raises(ParameterError, match=r"one by one, with \* or \*\*"):
            e.add_parameter_set(pair)


def test_lists_of_unequal_length_in_one_table_are_answered_with_the_second_list(tmp_path):
    e = coma.Experiment(tmp_path / "lists")
    e.run(lambda n: {"E": [1] * n}, {"n": [1, 2]}, progress=False)
    with pytest.raises(coma.LayoutError, match="second list") as caught:
        e.retrieve_results([("E", "results/E")])
    assert "same parameters" not in str(caught.value)
    assert len(e.retrieve_results([("E", "results/E")], [("n", "parameters/n")])) == 2


def test_a_long_object_in_place_of_a_path_is_shortened(squares):
    with pytest.raises(ExperimentError) as caught:
        squares.merge(squares.to_dataset())
    assert len(str(caught.value)) < 200


def test_a_class_with_attributes_of_arrays_is_compared_by_its_name(tmp_path):
    e = coma.Experiment(tmp_path / "classes")
    e.run(lambda kind: {"y": 1}, {"kind": [decimal.Decimal, np.ndarray]}, progress=False)
    assert len(e.to_dataframe(where=P.kind == np.ndarray)) == 1


@pytest.mark.parametrize("value", [range(-(2**62), 2**63), range(0, 10**30, 7), range(10**30, 0, -1)])
def test_a_range_of_more_items_than_python_counts_is_a_value_as_others(value):
    def kept(a):
        return {"y": 1.0, "r": a}

    e = coma.Experiment("ranges")
    e.run(kept, [{"a": value}, {"a": range(3)}], progress=False)
    assert e.run(kept, [{"a": value}], progress=False).saved == 0
    assert e.to_dataset().coma.sel(a=value).measurement_id.item() == 1
    assert e.to_dataframe(where=P.a == value).index.tolist() == [1]
    assert e.measurement(1).results.r == value


def test_a_range_that_is_too_long_to_be_listed_names_the_limit():
    for door in (lambda: coma.grid(a=range(10**30)), lambda: P.a.isin(range(10**30))):
        with pytest.raises((ParameterError, ConditionError), match="Expected at most 100,000,000 values"):
            door()
