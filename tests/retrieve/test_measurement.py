"""Measurements and the three ways into their trees."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.errors import PathError
from coma_xr.retrieve.measurement import Measurement
from coma_xr.values.plain import to_plain

TREE = to_plain(
    {
        "info": {
            "measurement_id": 3,
            "start_date": "2014-02-25T22:50:11Z",
            "end_date": "2014-02-25T22:50:12Z",
            "program": "pendulum",
            "version": "0.0.1",
        },
        "parameters": {"theta": -5.0, "layout": {"N": 2, "items": 7}},
        "results": {"E": [0.5, 1.5], "psi": np.arange(6.0).reshape(2, 3), "sites": [{"E": 1}, {"E": 2}]},
    }
)


@pytest.fixture
def m():
    return Measurement(3, TREE)


def test_the_three_ways_lead_to_the_same_value(m):
    assert m["parameters"]["layout"]["N"] == m["parameters/layout/N"] == m.parameters.layout.N == 2


def test_a_branch_takes_paths_too(m):
    assert m.parameters["layout/N"] == 2
    assert m["parameters/"]["layout"].N == 2


def test_paths_have_indices_and_asterisks(m):
    assert m["results/E/-1"] == 1.5
    assert m["results/sites/*/E"] == [1, 2]
    assert m["results", "E", 0] == 0.5


def test_arrays_come_as_arrays_and_paths_lead_into_them(m):
    assert m.results.psi.shape == (2, 3)
    assert m["results/psi/1/2"] == 5.0


def test_lists_and_arrays_are_copies(m):
    m.results.E.append(9)
    m.results.psi[:] = 0
    m.tree["results"]["E"] = None
    assert m["results/E"] == [0.5, 1.5]
    assert m["results/psi/0/1"] == 1.0


def test_a_key_that_is_a_method_is_reached_with_brackets(m):
    assert m.parameters.layout["items"] == 7
    assert dict(m.parameters.layout) == {"N": 2, "items": 7}


def test_a_wrong_path_names_measurement_and_near_keys(m):
    with pytest.raises(PathError) as error:
        m["results/psy"]
    assert error.value.what == "Measurement 3: No 'psy' in results (path 'results/psy')."
    assert (error.value.available, error.value.near) == (("E", "psi", "sites"), ("psi",))


def test_a_wrong_path_in_a_branch_names_the_whole_path(m):
    with pytest.raises(
        PathError, match=r"Measurement 3: No 'n' in parameters/layout \(path 'parameters/layo"
    ):
        m.parameters["layout/n"]


def test_a_wrong_attribute_is_an_attribute_error_with_the_same_text(m):
    with pytest.raises(AttributeError, match=r"No 'result' in the tree") as error:
        m.result
    assert error.value.near == ("results",)
    assert getattr(m.results, "energy", None) is None
    assert not hasattr(m, "nothing")


def test_membership_follows_paths(m):
    assert "results/E" in m
    assert "results/F" not in m
    assert list(m) == ["info", "parameters", "results"]
    assert len(m) == 3


def test_print_shows_what_the_tutorial_shows(m):
    assert str(m) == (
        "Measurement 3\n"
        "  start_date: 2014-02-25T22:50:11Z\n"
        "  end_date: 2014-02-25T22:50:12Z\n"
        "  program: pendulum\n"
        "  version: 0.0.1\n"
        "  Fields: ['info', 'parameters', 'results']\n"
    )


def test_print_leaves_out_what_is_not_known():
    assert str(Measurement(1, {"x": 1})) == "Measurement 1\n  Fields: ['x']\n"
    assert Measurement(1, {"x": 1}).start_date is None


def test_dates_are_those_of_the_file(m):
    assert (m.start_date, m.end_date) == ("2014-02-25T22:50:11Z", "2014-02-25T22:50:12Z")


def test_repr_is_short(m):
    assert repr(m) == "Measurement 3 (info, parameters, results)"


def test_paths_are_listed_in_the_order_of_the_tree(m):
    assert m.parameters.paths() == ["parameters/theta", "parameters/layout/N", "parameters/layout/items"]
    assert m.paths()[-3:] == ["results/E", "results/psi", "results/sites"]


def test_measurements_compare_by_content_and_can_be_copied(m):
    assert m.parameters.layout == {"N": 2, "items": 7}
    assert m.results == Measurement(4, TREE).results
    assert pickle.loads(pickle.dumps(m)).parameters.theta == -5.0
    assert copy.deepcopy(m).id == 3


def test_attributes_are_completed(m):
    assert {"info", "parameters", "results", "id"} <= set(dir(m))


def test_a_path_into_a_date_leads_nowhere():
    m = Measurement(1, to_plain({"results": {"day": dt.date(2026, 1, 2)}}))
    assert m.results.day == dt.date(2026, 1, 2)
    with pytest.raises(PathError, match="results/day/0"):
        m["results/day/0"]


def test_the_text_form_of_a_branch_has_the_ends_of_long_lists_and_arrays():
    results = {"a": np.arange(1000.0), "l": list(range(1000)), "in": {"s": [1, "x"], "z": np.zeros(2)}}
    text = repr(Measurement(1, to_plain({"results": results})).results)
    assert "'l': [0, 1, 2, ..., 997, 998, 999], 'in': {'s': [1, 'x'], 'z': array([0., 0.])}" in text
    assert text.startswith("{'a': array([  0.,   1.,   2., ..., 997.")
    assert len(text) < 250


def test_a_path_does_not_lead_into_the_stored_form_of_a_value(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(
        lambda x: {"z": 1 + 2j, "s": {1}, "d": {"__type__": "wire", "items": x}}, {"x": [5]}, progress=False
    )
    m = e.measurement(1)
    assert m["results/d/items"] == 5
    for path in ("results/z/real", "results/s/items", "results/s/__type__"):
        for door in (
            m.__getitem__,
            lambda path: e.to_dataset([path]),
            lambda path: e.to_dataset(where=f"`{path}` == 1"),
        ):
            with pytest.raises(coma.PathError):
                door(path)
