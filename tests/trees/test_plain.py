"""Values to plain trees and back."""

from __future__ import annotations

import dataclasses
import enum
import io
import math
import threading
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.trees import json
from coma_xr.trees.plain import from_plain, to_plain

PLAIN = (str, int, float, bool, type(None), list, dict)


class Site:
    def __init__(self, n):
        self.n = n

    def coma_getstate(self):
        return OrderedDict(parameters={"n": self.n}, label=f"site-{self.n}")


class Chain:
    def coma_getstate(self):
        return {"sites": [Site(1), Site(2)]}


@dataclasses.dataclass
class Point:
    x: float
    y: np.ndarray


Pair = namedtuple("Pair", ["first", "second"])


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


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
        (Colour.RED, 1),
        ((1, (2, 3)), [1, [2, 3]]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ({np.str_("a"): 1}, {"a": 1}),
        (Pair(1, 2), {"first": 1, "second": 2}),
        (Point(1.0, (1, 2)), {"x": 1.0, "y": [1, 2]}),
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
    with pytest.raises(SerializationError, match=r"with a method coma_getstate\(\)"):
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
    with pytest.raises(SerializationError, match="cannot store a object"):
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
        ({"a": 1j}, "a: cannot store a complex."),
        ({"a": {1, 2}}, "a: cannot store a set."),
        ({"a": np.float32(1)}, "a: cannot store a numpy.float32 of dtype float32"),
        ({"a": np.array([1j])}, "a: cannot store a numpy.ndarray of dtype complex128"),
        ({"a": np.array([None])}, "a: cannot store a numpy.ndarray of dtype object"),
        ({"a": np.ma.array([1, 2], mask=[0, 1])}, "a: cannot store a numpy.ma"),
        ({"a": Site}, "a: cannot store a type"),
        (object(), "the result: cannot store a object"),
        ({"a": {1: 2}}, "a: the key 1 is a int; the keys of a dictionary that is stored are text. Use '1'."),
        ({None: 2}, "the result: the key None is a NoneType"),
        ({"a": loop()}, "a/0/0/0/0/0/...: nested deeper than 96 levels, or it contains itself."),
        (
            {"a": {"__type__": "numpy.ndarray"}},
            "a: a dictionary with '__type__': 'numpy.ndarray' would be read",
        ),
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
        SerializationError, match=r"Wrong.coma_getstate\(\) returns a dictionary .* returned list"
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
        ({"shape": [-1], "list": [1]}, "needs a 'shape' of whole numbers"),
        ({"shape": "3", "list": [1]}, "needs a 'shape' of whole numbers"),
        ({"shape": [True], "list": [1]}, "needs a 'shape' of whole numbers"),
        ({"shape": [1]}, "needs a 'shape' of whole numbers and a 'list' of items"),
        ({"shape": [1], "list": [[1]]}, "holds plain values only"),
        ({"shape": [1], "list": [1], "dtype": "object"}, "an array has no dtype 'object' here"),
        ({"shape": [1], "list": [1], "dtype": "no such"}, "an array of dtype 'no such' cannot be made"),
        ({"shape": [1], "list": ["a"], "dtype": "int64"}, "an array of dtype 'int64' cannot be made"),
        ({"shape": [1], "list": [300], "dtype": "uint8"}, "an array of dtype 'uint8' cannot be made"),
    ],
)
def test_arrays_that_contradict_themselves_are_refused(node, text):
    """A file that lies about an array is a bad file, whatever it lies about."""
    with pytest.raises(DataFileError, match=text):
        from_plain({"a": {"__type__": "numpy.ndarray", **node}})


def test_awkward_floats_survive():
    """NaN, infinities and the sign of zero are kept."""
    back = json.decode(json.encode(to_plain([math.nan, math.inf, -math.inf, -0.0])))
    assert math.isnan(back[0])
    assert back[1:3] == [math.inf, -math.inf]
    assert math.copysign(1, back[3]) == -1
