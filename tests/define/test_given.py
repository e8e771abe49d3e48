"""Objects as values of parameters: the function gets what was given, files and keys have the state."""

from __future__ import annotations

import collections
import dataclasses
import enum
import json
import subprocess
import sys

import pytest

import coma_xr as coma
from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.errors import ComaWarning, SerializationError


class Model(enum.Enum):
    ISING = "ising"
    BOND = "bond"


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


class Kind(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Site:
    x: float
    model: Model = Model.ISING


Point = collections.namedtuple("Point", "x y")


class Lattice:
    def __init__(self, size):
        self.size = size

    def coma_getstate(self):
        return {"size": self.size}

    def coma_setstate(self, state):
        self.size = state["size"]

    def __eq__(self, other):
        return type(other) is Lattice and other.size == self.size

    __hash__ = None


class OneWay:
    """With a state, and no way back."""

    def coma_getstate(self):
        return {"size": 3}


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path)


GIVEN = [
    Model.BOND,
    Number.TWO,
    Kind.A | Kind.B,
    Site(1.5, Model.BOND),
    Point(1, 2.5),
    Lattice(4),
    [Model.ISING, {"a": Model.BOND}],
    {"site": Site(0.5), "models": [Point(Number.ONE, None)]},
    {Model.ISING, Model.BOND},
]


@pytest.mark.parametrize("value", GIVEN, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_function_gets_what_was_given(e, value, workers):
    """Of its own type, in this process and in another; a second run knows it again."""

    def f(x):
        assert type(x) is type(value), x
        assert x == value
        return 1.0

    for expected in (1, 0):
        assert e.run(f, coma.grid(x=[value]), max_workers=workers, progress=False) == (expected, 1)


def test_members_of_an_enum_are_the_very_same(e):
    """So that `is` tells them apart, in Coma's own protocol too."""
    seen = []
    e.define_parameter_set("model")
    for model in Model:
        e.add_parameter_set(model)

    def f(p):
        seen.append(p.model)
        return {"results": {"is_bond": p.model is Model.BOND}}

    e.run(f, progress=False)
    assert seen == [Model.ISING, Model.BOND]
    assert [m.results.is_bond for m in e.measurements()] == [False, True]


def test_the_file_keeps_the_state_and_reading_gives_it(e, experiment_path):
    """Whether a class was given in this process changes nothing about what is read."""
    e.run(lambda x: 1.0, coma.grid(x=[Model.BOND, Model.ISING]), progress=False)
    text = json.loads((experiment_path / "measurement.000001.json").read_bytes())
    assert text["measurement"]["parameters"]["x"] == {
        "__type__": "coma.enum",
        "name": "BOND",
        "value": "bond",
        "__class__": f"{__name__}.Model",
    }
    assert e.measurement(1).parameters.x == "bond"
    assert e.to_dataset().x.values.tolist() == ["bond", "ising"]
    assert [
        r.parameters.x for r in e.retrieve_results([("r", "results/result")], [("x", "parameters/x")])
    ] == [
        "bond",
        "ising",
    ]
    assert e.measurement(1).restore(Model)["parameters"]["x"] is Model.BOND
    for condition in (coma.P.x == Model.BOND, coma.P.x == "bond", "x == 'bond'"):
        assert [m.id for m in e.measurements(where=condition)] == [1]


def test_functions_of_a_scan_get_objects_too():
    scan = coma.grid(model=list(Model))
    assert [p["model"] for p in scan] == list(Model)
    assert [p["model"] for p in scan.where(lambda p: p.model is Model.BOND)] == [Model.BOND]
    assert [p["n"] for p in scan.derive(n=lambda p: len(p.model.value))] == [5, 4]
    assert [p["m"] for p in scan.expand(m=lambda p: [p.model, Number.ONE])] == [
        Model.ISING,
        Number.ONE,
        Model.BOND,
        Number.ONE,
    ]


def test_a_set_of_parameters_has_objects():
    p = ParameterSet(["model", "n"], [Model.BOND, Number.ONE])
    assert p.model is p[0] is Model.BOND
    assert p == ParameterSet(["model", "n"], [Model.BOND, Number.ONE])
    read = ParameterSet.of_plain(Definition.of(["model"]), [{"__type__": "coma.enum", "value": 5}])
    assert read.model == 5


def test_a_failure_happens_again_with_the_same_object(e):
    def f(model):
        raise RuntimeError(type(model).__name__)

    with pytest.warns(ComaWarning, match="1 of 1"):
        e.run(f, coma.grid(model=[Model.BOND]), progress=False)
    assert e.failures().message.tolist() == ["Model"]
    with pytest.raises(RuntimeError, match="^Model$"):
        e.failure(1).reproduce(f)


def test_what_has_no_way_back_reaches_the_function_as_its_state(e):
    def f(x):
        assert x == {"size": 3, "__class__": f"{__name__}.OneWay"}
        return 1.0

    assert e.run(f, coma.grid(x=[OneWay()]), progress=False) == (1, 1)


@dataclasses.dataclass
class Closed:
    x: int

    def coma_getstate(self):
        return {"y": self.x}


def test_what_cannot_be_made_again_is_refused_when_it_is_given(e):
    """Before anything is computed."""
    with pytest.raises(
        SerializationError,
        match=r"parameters/x: cannot make a .*Closed of its state: TypeError: .*something else than what was given",
    ):
        coma.grid(x=[Closed(1)])


def test_a_class_that_is_made_anew_takes_the_place_of_the_old(e):
    """A cell of a notebook runs again."""
    for _ in range(2):
        again = enum.Enum("Again", "A B", module=__name__, qualname="Again")
        assert [p["x"] for p in coma.grid(x=list(again))] == list(again)


SCRIPT = """
import enum, sys
import coma_xr as coma

class Model(enum.Enum):
    ISING = "ising"
    BOND = "bond"

def f(model):
    return {"is_bond": model is Model.BOND, "name": type(model).__name__}

if __name__ == "__main__":
    e = coma.Experiment(sys.argv[1])
    e.run(f, coma.grid(model=list(Model)), max_workers=2, progress=False)
    print([(m.results.is_bond, m.results.name) for m in e.measurements()])
"""


def test_classes_of_a_script_are_the_same_in_the_workers(tmp_path):
    """They travel by value, together with the function that knows them."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, tmp_path / "e"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[(False, 'Model'), (True, 'Model')]"


# What comes back of objects that a function returns


@dataclasses.dataclass
class Fit:
    slope: float
    point: Point


def test_a_dataclass_that_was_returned_is_made_again(e):
    e.run(lambda a: Fit(a, Point(1, 2)), {"a": [0.5]}, progress=False)
    m = e.measurement(1)
    assert m.results.restore(Fit, Point) == Fit(0.5, Point(1, 2))
    assert m.restore(Fit, Point)["results"] == Fit(0.5, Point(1, 2))
    assert m.results.restore() == {
        "slope": 0.5,
        "point": {"x": 1, "y": 2, "__class__": f"{__name__}.Point"},
        "__class__": f"{__name__}.Fit",
    }
    assert sorted(e.to_dataset().data_vars) == ["slope", "x", "y"]


def test_a_named_tuple_that_was_returned_is_made_again(e):
    e.run(lambda a: Point(a, [1, 2]), {"a": [0.5]}, progress=False)
    assert e.measurement(1).restore(Point)["results"] == Point(0.5, [1, 2])


@dataclasses.dataclass
class Whole:
    results: dict


@dataclasses.dataclass
class WithParameters(Whole):
    parameters: dict


def test_a_dataclass_that_is_the_whole_tree_is_made_again(e):
    """What the experiment wrote into it counts where the class has a field for it."""
    e.define_parameter_set("a")
    e.add_parameter_set(1)
    e.add_parameter_set(2)
    e.run(
        lambda p: Whole({"t": 1.5}) if p.a == 1 else WithParameters({"t": 1.5}, {"b": 3}),
        progress=False,
    )
    assert e.measurement(1).restore(Whole) == Whole({"t": 1.5})
    assert e.measurement(2).restore(WithParameters) == WithParameters({"t": 1.5}, {"b": 3, "a": 2})


class Named:
    def __init__(self, state):
        self.state = state

    def get(self):
        return {"results": {"part": Part(1)}}

    def take(self, state):
        self.taken = state


class Part(Named):
    def get(self):
        return {"n": 1}


def test_the_configured_names_of_the_methods_are_used_both_ways(experiment_path):
    config = {"serializer_getstate": "get", "serializer_setstate": "take"}
    e = coma.Experiment(experiment_path, config=config)
    e.define_parameter_set("a")
    e.add_parameter_set(1)
    e.run(lambda p: Named({}), progress=False)
    for m in (e.measurement(1), next(iter(e.measurements()))):
        back = m.restore(Named, Part)
        assert back.taken["info"]["measurement_id"] == 1
        assert back.taken["results"]["part"].taken == {"n": 1}
        assert m.results.part.restore(Part).taken == {"n": 1}
        assert vars(m.results.part.restore(Part, setstate="coma_setstate")) == {"n": 1}
