"""Values to plain trees and back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import io
import math
import threading
from collections import OrderedDict, UserList, UserString, deque, namedtuple

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coma_xr.encoding import json
from coma_xr.errors import DataFileError, SerializationError
from coma_xr.retrieve.measurement import Measurement
from coma_xr.values.plain import from_plain, restore, to_plain

PLAIN = (str, int, float, bool, type(None), list, dict)


class Site:
    def __init__(self, n):
        self.n = n

    def coma_getstate(self):
        return OrderedDict(parameters={"n": self.n}, label=f"site-{self.n}")


class Chain:
    def coma_getstate(self):
        return {"sites": [Site(1), Site(2)]}


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: np.ndarray


Pair = namedtuple("Pair", ["first", "second"])


class Number(enum.Enum):
    ONE = 1


class Zone(dt.tzinfo):
    def utcoffset(self, when):
        return dt.timedelta(0)


class Day(dt.date):
    pass


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    def __str__(self):
        return "another"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (np.float64(1.5), 1.5),
        (np.int32(3), 3),
        (np.uint8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (Text("a"), "a"),
        ((1, (2, 3)), [1, [2, 3]]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ({np.str_("a"): 1}, {"a": 1}),
        (Pair(1, 2), {"first": 1, "second": 2, "__class__": f"{__name__}.Pair"}),
        (Point(1.0, (1, 2)), {"x": 1.0, "y": [1, 2], "__class__": f"{__name__}.Point"}),
        (
            Colour.RED,
            {"__type__": "coma.enum", "name": "RED", "value": 1, "__class__": f"{__name__}.Colour"},
        ),
        (Site(1), {"parameters": {"n": 1}, "label": "site-1", "__class__": f"{__name__}.Site"}),
    ],
)
def test_values_become_plain(value, plain):
    """Values and their containers become the types that every reader of JSON knows, and no others."""
    found = to_plain(value)
    assert found == plain
    assert type(found) is type(plain)
    assert type(found) in PLAIN


def test_objects_are_found_at_any_depth():
    """An object inside the state of an object is stored by its own state."""
    tree = to_plain({"results": Chain()})
    assert tree["results"]["sites"][1]["label"] == "site-2"
    assert list(tree["results"]) == ["sites", "__class__"]


def test_the_method_that_gives_the_state_can_be_named():
    """The configuration may name another method than coma_getstate."""

    class Other:
        def state(self):
            return {"a": 1}

    assert to_plain(Other(), getstate="state")["a"] == 1
    with pytest.raises(SerializationError, match=r"a method coma_getstate\(\)"):
        to_plain(Other())


def test_pythons_own_getstate_can_be_used():
    """Where the configuration names __getstate__, an object needs one of its own, which Python gives to none."""

    class Model:
        def __getstate__(self):
            return {"a": np.float64(1)}

    assert to_plain({"m": Model(), "x": np.float64(2)}, getstate="__getstate__") == {
        "m": {"a": 1.0, "__class__": f"{__name__}.test_pythons_own_getstate_can_be_used.<locals>.Model"},
        "x": 2.0,
    }
    with pytest.raises(SerializationError, match="cannot store an object"):
        to_plain(object(), getstate="__getstate__")


def test_the_plain_tree_shares_nothing():
    """What the caller changes afterwards does not reach the tree."""
    value = {"a": [1, 2], "b": {"c": 3}}
    tree = to_plain(value)
    value["a"].append(3)
    value["b"]["c"] = 4
    assert tree == {"a": [1, 2], "b": {"c": 3}}


def loop():
    """Return a list that contains itself."""
    items = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"results": {"lock": threading.Lock()}}, "results/lock: cannot store a _thread.lock."),
        ({"results": [1, lambda: 0]}, "results/1: cannot store a function"),
        ({"file": io.StringIO()}, "file: cannot store a _io.StringIO"),
        ({"a": (i for i in [1])}, "a: cannot store a generator."),
        ({"a": bytearray(b"a")}, "a: cannot store a bytearray."),
        ({"a": np.array([None])}, "a: cannot store a numpy.ndarray of dtype object"),
        ({"a": np.zeros(2, "i4,O")}, "a: cannot store a numpy.ndarray of dtype [('f0', '<i4'), ('f1', 'O')]"),
        ({"a": np.ma.array([(1, 2)], "i4,i4", mask=[(1, 0)])}, "a: cannot store a masked array with fields"),
        (
            {"a": np.array(["a" * 10_000] + [""] * 10_000)},
            "a: cannot store an array of strings. Few of them are long",
        ),
        ({"a": [{(Point(1, 2),)}]}, "a/0: cannot store a set of objects."),
        ({"a": {Number.ONE, 1}}, "a: cannot store a set. Two of its items would be the same after reading"),
        ({"a": {1: 2}.keys()}, "a: cannot store a dict_keys."),
        ({"a": dt.datetime(2024, 1, 1, tzinfo=Zone())}, "a: cannot store a time zone of type"),
        ({"a": {dt.time(1, tzinfo=Zone())}}, "a/items/0: cannot store a time zone of type"),
        (
            {"a": Day(2024, 1, 1)},
            f"a: cannot store a {__name__}.Day.\nRegister its class: coma.register(Day, to_tree, from_tree).",
        ),
        ({"a": Site}, "a: cannot store a type"),
        (object(), "the result: cannot store an object"),
        ({"a": {1: 2}}, "the key 1 is an int. Expected strings as keys. Use '1'."),
        ({None: 2}, "the result: the key None is a NoneType"),
        ({"a": loop()}, "a/0/0/0/0/0/...: nested deeper than 96 levels, or it contains itself."),
    ],
)
def test_what_cannot_be_stored_is_named(value, text):
    """The message has the path, the type and, where there is one, a way out."""
    with pytest.raises(SerializationError) as caught:
        to_plain(value)
    assert text in str(caught.value)


def test_a_state_is_a_dictionary():
    """A getstate method that returns anything else is named."""

    class Wrong:
        def coma_getstate(self):
            return [1]

    with pytest.raises(
        SerializationError, match=r"Wrong.coma_getstate\(\) returned a list. Expected a dictionary"
    ):
        to_plain(Wrong())


dtypes = (
    st.sampled_from(["bool", "float16", "float32", "float64", ">f8", ">i4", "<U5", "<U0"])
    | arrays.integer_dtypes()
    | arrays.unsigned_integer_dtypes()
)


@given(dtypes.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))))
def test_arrays_come_back_with_their_dtype(array):
    """Arrays of bool, int, float and text survive the file: values, shape and dtype."""
    back = from_plain(json.decode(json.encode(to_plain({"a": array}))))["a"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array, strict=True)


def test_arrays_are_stored_as_coma_2_did():
    """Coma 2 reads the type, the shape and the flat list, and ignores the dtype."""
    tree = to_plain(np.arange(4.0).reshape(2, 2))
    assert tree == {
        "__type__": "numpy.ndarray",
        "shape": [2, 2],
        "list": [0.0, 1.0, 2.0, 3.0],
        "dtype": "float64",
    }
    del tree["dtype"]
    assert from_plain(tree).dtype == np.float64


def test_lists_stay_lists():
    """A list is not an array: the difference has a meaning on retrieval."""
    back = from_plain(to_plain({"list": [1, 2], "array": np.array([1, 2])}))
    assert type(back["list"]) is list
    assert type(back["array"]) is np.ndarray


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ({"shape": [3], "list": [1, 2]}, r"an array of shape \(3,\) cannot have 2 items"),
        ({"shape": [10**18], "list": []}, r"an array of shape \(1000000000000000000,\) cannot have 0 items"),
        ({"shape": [-1], "list": [1]}, r"an array has no 'shape' of integers or no 'list'\."),
        ({"shape": "3", "list": [1]}, r"an array has no 'shape' of integers or no 'list'\."),
        ({"shape": [True], "list": [1]}, r"an array has no 'shape' of integers or no 'list'\."),
        (
            {"shape": [1]},
            r"an array has no list 'list'\. Expected a 'shape' of integers and a 'list' of items\.",
        ),
        (
            {"shape": [1], "list": [[1]]},
            r"the 'list' of an array holds lists or dictionaries\. Expected plain values\.",
        ),
        (
            {"shape": [1], "list": [1], "dtype": "object"},
            r"an array has the unknown dtype 'object'\. Expected a dtype of NumPy\.",
        ),
        (
            {"shape": [1], "list": [1], "dtype": "no such"},
            r"an array has the unknown dtype 'no such'\. Expected a dtype of NumPy\.",
        ),
        (
            {"shape": [1], "list": ["a"], "dtype": "int64"},
            "an array of dtype 'int64' cannot have items of str",
        ),
        ({"shape": [1], "list": [300], "dtype": "uint8"}, "an array of dtype 'uint8' cannot be made"),
    ],
)
def test_arrays_that_contradict_themselves_are_refused(node, text):
    """A file that lies about an array is a bad file, whatever it lies about."""
    with pytest.raises(DataFileError, match=f"^a: .*{text}"):
        from_plain({"a": {"__type__": "numpy.ndarray", **node}})


def test_awkward_floats_survive():
    """NaN, infinities and the sign of zero are kept."""
    back = json.decode(json.encode(to_plain([math.nan, math.inf, -math.inf, -0.0])))
    assert math.isnan(back[0])
    assert back[1:3] == [math.inf, -math.inf]
    assert math.copysign(1, back[3]) == -1


def test_what_is_stored_can_be_read():
    """What is nested too deep is refused when it is written; what is written is never refused."""
    frame = pd.DataFrame({"a": [{1, 2}, None]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]))
    marked = {"__type__": "coma.x", "a": [1]}
    for value in (
        np.zeros(2),
        1j,
        {frozenset([1])},
        frame,
        frame.to_xarray(),
        Colour.RED,
        Point(1, 2),
        marked,
    ):
        depth, inside = 80, value
        for _ in range(depth):
            inside = [inside]
        while depth < 98:
            try:
                # The four levels of an archive.
                json.decode(json.encode({"e": {"m": [to_plain(inside)]}}))
            except SerializationError:
                break
            depth, inside = depth + 1, [inside]
        assert 80 < depth < 98
        with pytest.raises(SerializationError, match="nested deeper than 96 levels"):
            to_plain(inside)


class Model:
    """An object with both methods."""

    def __init__(self, spins):
        self.spins = spins
        self.ready = True

    def coma_getstate(self):
        return {"spins": self.spins}

    def coma_setstate(self, state):
        self.spins = state["spins"]
        self.given = state
        self.ready = False


class Open:
    """An object whose state becomes its attributes."""

    def __init__(self):
        raise AssertionError("the constructor is not called")

    def coma_getstate(self):
        return dict(vars(self))


@dataclasses.dataclass
class Box:
    width: float
    items: list = dataclasses.field(default_factory=list)
    area: float = dataclasses.field(init=False, default=0.0)

    def __post_init__(self):
        self.area = self.width**2


def test_objects_are_made_again_by_the_classes_given():
    """At any depth, in lists and in each other; NumPy's arrays too."""
    box = Box(2.0, [Pair(1, Colour.RED), np.arange(2)])
    box.area = 5.0
    tree = json.decode(json.encode(to_plain({"results": {"model": Model([Box(1.0)]), "box": box}})))
    back = restore(tree, [Box, Pair, Model, Colour])["results"]
    assert type(back["model"]) is Model
    assert back["model"].given == {"spins": [Box(1.0)]}
    assert back["model"].ready is False
    assert back["box"].items[0] == Pair(1, Colour.RED)
    assert type(back["box"].items[0].second) is Colour
    assert back["box"].items[1].tolist() == [0, 1]
    assert back["box"].area == 5.0


def test_a_class_that_was_not_given_stays_a_dictionary():
    """With the name of the class in it, as in every other way of reading."""
    tree = to_plain({"a": Box(1.0), "b": Pair(1, Colour.RED)})
    back = restore(tree, [Pair])
    assert back["b"] == Pair(1, 1)
    assert back["a"] == {"width": 1.0, "items": [], "area": 1.0, "__class__": f"{__name__}.Box"}
    assert restore(tree, []) == from_plain(tree)


def test_attributes_are_the_state_where_no_method_takes_it():
    """Without calling the constructor; what was put aside is no attribute."""
    thing = Open.__new__(Open)
    thing.a, thing.b = 1, [2]
    tree = {"info": {"measurement_id": 1}, **to_plain(thing)}
    assert vars(restore(tree, [Open], whole=True)) == {"a": 1, "b": [2]}


def test_the_method_that_takes_the_state_can_be_named():
    """The configuration may name another method than coma_setstate; Python's own is none."""

    class Other(Model):
        coma_setstate = None

        def put(self, state):
            self.put_state = state

    tree = to_plain(Other(1))
    assert restore(tree, [Other], setstate="put").put_state == {"spins": 1}
    assert vars(restore(tree, [Other], setstate="__setstate__")) == {"spins": 1}
    assert vars(restore(tree, [Other])) == {"spins": 1}


@pytest.mark.parametrize("name", [f"{__name__}.Pair", "old.module.Pair", "Pair"])
def test_classes_are_found_by_their_name(name):
    """In the module where they were, or in another."""
    assert restore({"first": 1, "second": 2, "__class__": name}, [Pair]) == Pair(1, 2)


def test_a_class_of_a_longer_name_is_another():
    """The end of a name is no name."""
    tree = {"first": 1, "second": 2, "__class__": "module.NoPair"}
    assert restore(tree, [Pair]) == tree


def test_two_classes_of_one_name_are_told_apart_by_their_module():
    """Where the file names neither, the caller is asked."""
    other = type("Pair", (), {"__module__": "other", "__qualname__": "Pair"})
    assert restore({"first": 1, "second": 2, "__class__": f"{__name__}.Pair"}, [other, Pair]) == Pair(1, 2)
    with pytest.raises(
        SerializationError, match=r"'third.Pair' may be any of several classes.\nAvailable: other.Pair, "
    ):
        restore({"__class__": "third.Pair"}, [other, Pair])


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            {"first": 1},
            "a/0: cannot make a .*Pair from its state: TypeError: .*missing 1 required .* 'second'",
        ),
        (
            {"first": 1, "second": 2, "third": 3},
            "a/0: cannot make a .*Pair from its state: TypeError: .*'third'",
        ),
        ({"__class__": "m.Box"}, "a/0: cannot make a .*Box from its state: TypeError: .*'width'"),
        ({"__class__": "m.Box", "width": 1, "x": 2}, "a/0: cannot make a .*Box .*: it has no field x"),
        ({"__class__": "m.Model"}, "a/0: cannot make a .*Model from its state: KeyError: 'spins'"),
        (
            {"__type__": "coma.enum", "__class__": "m.Colour", "name": "PINK", "value": 7},
            "Colour has no member 'PINK'",
        ),
        (
            {"__type__": "coma.enum", "__class__": "m.Box", "name": "RED", "value": 1},
            r"a/0: tests\.values\.test_plain\.Box is not an Enum\. Expected an Enum\.",
        ),
        (
            {"__class__": "m.Pair", "first": {"__type__": "coma.date", "value": "x"}},
            "a/0/first: a stored coma.date",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_named(state, text):
    """With its path and what the class said."""
    with pytest.raises(DataFileError, match=text):
        restore({"a": [{"__class__": "m.Pair", **state}]}, [Pair, Box, Model, Colour])


def test_only_classes_are_given():
    """An object or a name is refused."""
    with pytest.raises(SerializationError, match=r"restore\(\) got 'Pair', a str. Expected classes"):
        restore({}, ["Pair"])


def test_members_of_an_enum_come_back_by_name_or_by_value():
    """The value alone where the class is not given; combined flags have no name of their own."""

    class Flags(enum.Flag):
        A = 1
        B = 2

    tree = to_plain([Flags.A | Flags.B, Flags.A, Number.ONE])
    assert from_plain(tree) == [3, 1, 1]
    assert restore(tree, [Flags, Number]) == [Flags.A | Flags.B, Flags.A, Number.ONE]
    assert (
        restore({"__type__": "coma.enum", "__class__": "Number", "name": "OLD", "value": 1}, [Number])
        is Number.ONE
    )


def test_measurements_restore_objects():
    """The whole one, or a branch; coma_setstate gets info too, attributes do not."""
    info = {"measurement_id": 3}
    m = Measurement(3, {"info": info, **to_plain(Model([1]))})
    assert m.restore(Model).given == {"info": info, "spins": [1]}
    thing = Open.__new__(Open)
    thing.results = {"p": Pair(1, 2)}
    m = Measurement(3, {"info": info, **to_plain(thing)})
    assert vars(m.restore(Open, Pair)) == {"results": {"p": Pair(1, 2)}}
    assert m.results.restore(Pair) == {"p": Pair(1, 2)}
    assert m.results.p.restore(Pair) == Pair(1, 2)
    assert m.restore()["results"]["p"] == {"first": 1, "second": 2, "__class__": f"{__name__}.Pair"}


def test_measurements_name_the_state_that_does_not_fit():
    """From the root of the tree on, also when a branch is restored."""
    m = Measurement(3, {"results": {"list": [{"first": 1, "__class__": "Pair"}]}})
    for branch in (m, m.results):
        with pytest.raises(
            DataFileError, match="^Measurement 3: results/list/0: cannot make a .*Pair from its state"
        ):
            branch.restore(Pair)
    with pytest.raises(
        DataFileError,
        match=r"results/list/1: 'value' of a stored coma\.uuid is missing\. Expected the type str\.",
    ):
        from_plain([1, {"__type__": "coma.uuid"}], at=("results", "list"))


@pytest.mark.parametrize(
    ("value", "way"),
    [
        (lambda: 0, "Return its name"),
        (int, "Return its name"),
        (bytearray(b"a"), r"Return bytes\(\) of it"),
        (deque([1]), r"Return list\(\) of it"),
        ((n for n in [1]), r"Return list\(\) of it"),
        ({"a": 1}.keys(), r"Return list\(\) of it"),
        (UserList([1]), r"Return list\(\) of it"),
        (UserString("a"), r"Return str\(\) of it"),
        (np.array([1, "a"], object), r"of dtype object. Return its tolist\(\)"),
        (xr.Variable("x", [1]), r"Return xarray.DataArray\(variable\)"),
        (xr.DataTree(xr.Dataset(attrs={"k": 1})), r"DataTree. Use its to_dict\(\)"),
        (slice(1), "Register its class"),
    ],
)
def test_the_error_for_a_value_names_what_to_return(value, way):
    with pytest.raises(SerializationError, match=f"(?s)a: cannot store .*{way}"):
        to_plain({"a": value})
