import numpy as np
import pytest

from coma_xr.define.values import NOTHING, describe, hand_out, look, normalise
from coma_xr.errors import SerializationError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(1.5), 1.5),
        (dict, "builtins:dict"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.array(7), 7),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        ((1, (2, 3)), [1, [2, 3]]),
    ],
)
def test_values_are_normalised_to_plain_ones(value, expected):
    plain = normalise("a", value).plain
    assert plain == expected
    assert type(plain) is type(expected)


def test_a_number_of_xarray_is_a_number():
    xr = pytest.importorskip("xarray")
    assert type(normalise("a", xr.DataArray(2.5)).plain) is float


def test_a_value_that_cannot_be_stored_is_named_with_its_parameter():
    with pytest.raises(
        SerializationError, match=r"^parameters/model/sub: the key '' is empty, and no path leads to it\."
    ):
        normalise("model", {"sub": {"": 1}})
    with pytest.raises(SerializationError, match=r"^parameters/model: cannot store a module\."):
        normalise("model", pytest)
    with pytest.raises(
        SerializationError, match=r"^parameters/z: cannot store a numpy\.ndarray of dtype object"
    ):
        normalise("z", np.array([None]))


def test_what_is_handed_out_can_be_changed_without_harm():
    values = [1, [1, 2], normalise("a", np.arange(3))]
    number, items, array = hand_out(values)
    items.append(3)
    array[0] = 9
    assert number == 1
    assert values[1] == [1, 2]
    assert values[2].value().tolist() == [0, 1, 2]


def test_a_place_that_is_not_there_is_nothing():
    tree = {"a": {"b": [1, 2]}}
    assert look(tree, ("a", "b", "-1")) == 2
    for segments in [("x",), ("a", "b", "2"), ("a", "b", "x"), ("a", "b", "0", "c")]:
        assert look(tree, segments) is NOTHING
    assert repr(NOTHING) == "NOTHING"


def test_a_parameter_set_is_described_as_coma_2_did():
    assert describe(["theta_0", "model"], [-5.0, "Ising"]) == "(theta_0=-5.0,model=Ising)"
