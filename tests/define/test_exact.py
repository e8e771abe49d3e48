"""Values of parameters: the function gets what was given, files and keys have the plain form."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import json
import math
import pathlib
import pickle
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.define.values import Argument, normalise, plain_value
from coma_xr.encoding.json import decode, encode
from coma_xr.errors import ComaWarning
from coma_xr.testing import assert_same, values
from coma_xr.values.plain import from_plain


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
    read = ParameterSet.of_given(Definition.of(["model"]), [{"__type__": "coma.enum", "value": 5}])
    assert read.model == 5


def test_a_failure_happens_again_with_the_same_object(e):
    def f(model):
        raise RuntimeError(type(model).__name__)

    with pytest.warns(ComaWarning, match="1 of 1"):
        e.run(f, coma.grid(model=[Model.BOND]), progress=False)
    assert e.failures().message.tolist() == ["Model"]
    with pytest.raises(RuntimeError, match="^Model$"):
        e.failure(1).reproduce(f)


def test_an_object_that_only_has_a_state_reaches_the_function_itself(e):
    def f(x):
        assert type(x) is OneWay
        return 1.0

    assert e.run(f, coma.grid(x=[OneWay()]), progress=False) == (1, 1)
    assert e.measurement(1).parameters.x.size == 3


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


# Values of all kinds


def relu(x):
    return max(x, 0)


def softplus(x):
    return np.log1p(np.exp(x))


class Text(str):
    __slots__ = ()


class Holder:
    """With a member that no other process can have."""

    def __init__(self, size):
        self.size, self.lock = size, threading.Lock()

    def coma_getstate(self):
        return {"size": self.size}

    def coma_setstate(self, state):
        self.__init__(**state)

    def __eq__(self, other):
        return type(other) is Holder and other.size == self.size

    __hash__ = None


NUMBERS = [np.float32(0.1), np.float64(0.1), np.int8(3), np.int64(3), np.uint64(3), np.complex64(1 + 2j)]
OTHERS = [np.bool_(True), np.str_("a"), np.datetime64("2020-01-01")]
ARRAYS = [np.array(2.5), np.array(3, dtype="int8"), np.array("a")]
SCALARS = st.sampled_from([*NUMBERS, *OTHERS, *ARRAYS])
LEAVES = SCALARS | values()
ALL = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=4,
)


@given(ALL)
def test_a_value_and_its_record_keep_type_and_value(value):
    argument = normalise("p", value)
    if type(argument) is not Argument:
        assert_same(argument, value)
        return
    assert_same(argument.value(), value)
    written = decode(encode(argument.record()))
    assert_same(Argument.of_record(argument.plain, written).value(), value)


@pytest.mark.filterwarnings("ignore:Nearly equal numbers")
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(expected=st.lists(ALL, min_size=40, max_size=40))
@pytest.mark.parametrize("workers", [1, 2])
def test_the_function_gets_type_and_value_here_and_in_workers(expected, workers, tmp_path_factory):
    """What is stored is the same as ever."""

    # What was pickled on its way to a worker may have lost the order of its bytes; pickled again, both have lost it.
    def f(number, p):
        both = p, expected[number]
        assert_same(*(both if workers == 1 else map(pickle.loads, map(pickle.dumps, both))))
        return 1.0

    e = coma.Experiment(tmp_path_factory.mktemp("e") / "e")
    sets = coma.cases([{"number": number, "p": value} for number, value in enumerate(expected)])
    assert e.run(f, sets, max_workers=workers, progress=False).saved == len(expected)
    for id, value in enumerate(expected, 1):
        assert_same(e.measurement(id).tree["parameters"]["p"], from_plain(plain_value("p", value)))


OBJECTS = {
    "tuple": (1, (2, [3])),
    "dict of tuples": {"a": (1, 2)},
    "function": relu,
    "function of a list": [relu, softplus],
    "class": Site,
    "builtin": math.sin,
    "ufunc": np.sin,
    "dict": collections.OrderedDict(a=(1,)),
    "counter": collections.Counter("aab"),
    "text": Text("a"),
    "set": {Model.ISING, (1, 2)},
    "holder": Holder(3),
    "nested": Site((1, 2), Model.BOND),
}
GIVEN_OBJECTS = [relu, softplus, Site, math.sin, np.sin, collections.OrderedDict, collections.Counter, Text]
GIVEN_OBJECTS += [Model, Holder]


def fails(name, p):
    assert type(p) is type(OBJECTS[name]), name
    assert p == OBJECTS[name], name
    raise ValueError(name)


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
@pytest.mark.parametrize("workers", [1, 2])
def test_records_of_failures_and_scans_make_the_same_values(e, workers):
    sets = [{"name": name, "p": value} for name, value in OBJECTS.items()]
    e.run(fails, sets, max_workers=workers, on_error="continue", progress=False)
    assert e.failures()["message"].tolist() == list(OBJECTS)
    for id in e.failures().index:
        with pytest.raises(ValueError, match=e.failures().loc[id, "name"]):
            e.failure(id).reproduce(fails)
    assert [(row["name"], type(row["p"]), row["p"]) for row in e.missing()] == [
        (name, type(value), value) for name, value in OBJECTS.items()
    ]


NEW_PROCESS = """
import sys
import coma_xr as coma
from tests.define import test_exact as given

e = coma.Experiment(sys.argv[1])
missing = e.missing()
assert len(missing) == len(given.OBJECTS)
repr(missing), missing._repr_html_(), missing.to_dataframe()
for use in (lambda: list(missing), lambda: e.run(given.fails, missing), lambda: e.failure(3).reproduce(given.fails)):
    try:
        use()
    except coma.ParameterError as error:
        assert error.name == "tests.define.test_exact:relu", error
    else:
        raise SystemExit("made without being asked for")
e.run(given.fails, e.missing(*given.GIVEN_OBJECTS), on_error="continue", progress=False)
assert e.failures()["message"].tolist() == list(given.OBJECTS), e.failures()
"""


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
def test_a_new_process_asks_for_functions_and_classes(e):
    sets = [{"name": name, "p": value} for name, value in OBJECTS.items()]
    e.run(fails, sets, on_error="continue", progress=False)
    root = pathlib.Path(coma.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NEW_PROCESS, e.path],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert done.returncode == 0, done.stderr


def test_a_function_is_stored_by_its_name(e):
    def f(x, activation):
        return {"y": activation(x)}

    e.run(f, {"x": [-1.0, 2.0], "activation": [relu, softplus]}, progress=False)
    assert e.measurement(1).parameters.activation == f"{__name__}:relu"
    assert e.to_dataset().activation.values.tolist() == [f"{__name__}:relu", f"{__name__}:softplus"]
    assert e.run(f, {"x": [-1.0, 2.0], "activation": relu}, progress=False) == (0, 2)


def test_functions_without_a_name_of_their_own_are_refused():
    for function, text in [
        (lambda x: x, "a lambda"),
        (functools.partial(relu, 1), r"a functools\.partial"),
        ("abc".upper, "a method"),
    ]:
        with pytest.raises(
            coma.SerializationError, match=rf"(?s)^parameters/f: cannot store {text}.*\bdef\b"
        ):
            coma.grid(f=[function])
    assert len(coma.grid(model=Model)) == 2


def named(n):
    def function(x):
        return x**n

    return function


def test_two_functions_of_one_name_are_refused_in_one_scan(e):
    with pytest.raises(coma.ParameterError) as caught:
        e.run(lambda f: f(1), {"f": [named(1), named(2)]}, progress=False)
    assert caught.value.name == f"{__name__}:named.<locals>.function"
    assert e.run(lambda f: f(1), {"f": [named(1)]}, progress=False) == (1, 1)
    assert e.run(lambda f: f(1), {"f": [named(2)]}, progress=False) == (0, 1)


SAME_FUNCTION = """
import sys
import coma_xr as coma

def relu(x):
    return max(x, 0)

def f(x, activation):
    return {"same": activation is relu}

if __name__ == "__main__":
    e = coma.Experiment(sys.argv[1])
    e.run(f, coma.grid(x=[1, 2], activation=[relu]), max_workers=2, progress=False)
    print([m.results.same for m in e.measurements()])
"""


def test_a_function_of_a_script_is_the_same_object_in_the_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SAME_FUNCTION)
    done = subprocess.run(
        [sys.executable, script, tmp_path / "e"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[True, True]"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_changed_argument_changes_neither_the_next_call_nor_the_record(e, workers):
    given = [[1], [2]]
    scan = coma.grid(repeat_of=[1, 2], items=given)
    given[0].append(99)

    def f(repeat_of, items):
        before = list(items)
        items.append(3)
        return {"before": before}

    e.run(f, scan, max_workers=workers, progress=False)
    assert [m.results.before for m in e.measurements()] == [[1], [2], [1], [2]]
    assert [m.parameters["items"] for m in e.measurements()] == [[1], [2], [1], [2]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_default_is_recorded_as_it_was_when_the_point_began(e, workers):
    def f(x, seen=[], sizes=(1, 2)):  # noqa: B006
        before = list(seen)
        seen.append(x)
        return {"before": before}

    e.run(f, {"x": [1, 2, 3]}, max_workers=workers, progress=False)
    for m in e.measurements():
        assert m.parameters.seen == m.results.before
        assert m.parameters.sizes == [1, 2]
    assert any(m.results.before for m in e.measurements())


def test_items_of_arrays_and_columns():
    """64-bit numbers and text are Python's; narrower types, and times of pandas, keep theirs."""
    table = pd.DataFrame(
        {"n": [1], "x": [0.5], "t": pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Berlin")}
    )
    table["narrow"] = np.array([1], dtype="int8")
    table["gap"] = pd.array([None], dtype="Int64")
    (row,) = coma.cases(table)
    assert [type(value).__name__ for value in row.values()] == ["int", "float", "Timestamp", "int8", "NAType"]
    assert str(row["t"].tz) == "Europe/Berlin"
    for axis in (np.array([1, 2]), pd.Series([1, 2]), pd.Index([1, 2]), xr.DataArray([1, 2])):
        assert [type(p["a"]) for p in coma.grid(a=axis)] == [int, int]
        narrow = axis.astype("float32")
        assert [type(p["a"]) for p in coma.zipped(a=narrow, b=[1, 2])] == [np.float32, np.float32]


def test_records_that_lie_are_refused_in_a_sentence(e):
    for record in (
        {"__type__": "coma.tuple"},
        {"__type__": "coma.object", "class": 1},
        {"__type__": "coma.function"},
    ):
        with pytest.raises((coma.DataFileError, coma.ParameterError)):
            Argument.of_record(1, record).value()


@pytest.mark.parametrize("value", [np.sin, math.sqrt, np.ndarray, {"activation": math.sqrt}])
def test_a_function_is_saved_by_hand_and_by_a_tree_as_run_stores_it(value, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda f: {"y": 1}, {"f": [value]}, progress=False)
    tree = {"parameters": {"f": value}, "results": {"y": 1}}
    e.new_measurement().save(tree)
    e.add_measurements([tree])
    ours = coma.Experiment(tmp_path / "ours")
    ours.define_parameter_set("f")
    ours.add_parameter_set(f=value)
    assert ours.run(lambda p: {"parameters": {"f": p.f}, "results": {"y": 1}}, progress=False).saved == 1
    stored = {str(m["parameters/f"]) for m in (*e.measurements(), *ours.measurements())}
    assert len(stored) == 1
    with pytest.raises(coma.SerializationError, match="parameters/f: cannot store a lambda"):
        e.new_measurement().save({"parameters": {"f": lambda: 1}})
    with pytest.raises(coma.SerializationError, match=r"results/f.*: cannot store"):
        e.new_measurement().save({"results": {"f": value}})


@pytest.mark.parametrize(
    "value", [str.upper, int.__add__, dict.fromkeys], ids=lambda value: value.__qualname__
)
def test_a_function_that_does_not_know_where_it_is_defined_is_refused_by_hand_too(value, tmp_path):
    e = coma.Experiment(tmp_path / "e")
    tree = {"parameters": {"f": value}, "results": {"y": 1}}
    with pytest.raises(coma.SerializationError, match=r"parameters/f: cannot store a "):
        e.new_measurement().save(tree)
    with pytest.raises(coma.SerializationError, match=r"parameters/f: cannot store a "):
        e.add_measurements([tree])
    assert list(e.measurements()) == []
