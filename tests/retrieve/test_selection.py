"""Which measurements take part."""

from __future__ import annotations

import pytest

from coma_xr.define.conditions import P
from coma_xr.errors import PathError
from coma_xr.retrieve.selection import selected
from coma_xr.values.plain import to_plain
from tests.retrieve.builders import measured


def ids(where, trees, **options):
    return [id for id, _ in selected(trees, where, **options)]


def chain():
    return measured(
        *[
            ({"A": a, "layout": {"N": a % 2}, "model": m}, {"E": [a, 2 * a], "N": -a})
            for a in (1, 2, 3)
            for m in ("Ising", "Bond")
        ]
    )


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (P.A > 2, [5, 6]),
        ((P.A > 1) & (P.model == "Ising"), [3, 5]),
        ("A > 1 and model == 'Ising'", [3, 5]),
        (P["parameters/layout/N"] == 0, [3, 4]),
        (P.layout_N == 0, [3, 4]),
        (P["layout/N"] == 0, [3, 4]),
        (P.N < -2, [5, 6]),
        (P["results/E/1"] > 4, [5, 6]),
        (P.E_2 > 4, [5, 6]),
        (lambda p: p.A > 2, [5, 6]),
        (lambda m: m.results.E[1] == 2 and m.id < 2, [1]),
        (lambda m: m["results/E/0"] == 3, [5, 6]),
        (P.measurement_id.isin([2, 4]), [2, 4]),
        (P["results/E"] == [1, 2], [1, 2]),
    ],
)
def test_conditions_name_things_as_everywhere(where, found):
    assert ids(where, chain()) == found


def test_what_a_measurement_lacks_is_missing():
    trees = measured(({"a": 1}, {"E": 1}), ({"a": 2}, {}), ({"a": 3}, {"E": None}))
    assert ids(P.E.isnull(), trees) == [2, 3]
    assert ids(P.E == 1, trees) == [1]
    assert ids(lambda m: m.results.E == 1, trees) == [1]


def test_a_parameter_comes_before_a_result_also_where_the_first_measurements_have_none():
    trees = [(1, {"results": {"t": 1}}), (2, {"parameters": {"t": 5}, "results": {"t": 1}})]
    assert ids(P.t == 5, trees) == [2]
    assert ids(P.t == 1, trees[:1]) == [1]


def test_measurements_are_read_one_by_one():
    def endless():
        number = 0
        while True:
            number += 1
            yield number, {"parameters": {"a": number}}

    found = selected(endless(), P.a % 2 == 0)
    assert [next(found)[0] for _ in range(3)] == [2, 4, 6]


def test_defined_names_defaults_and_former_paths_count():
    trees = measured(({"length": 1.0}, {}), ({"L": 2.0}, {}), ({}, {}))
    notes = {"parameters/L": {"formerly": "parameters/length", "default": 3.0}}
    options = {"definition": [("size", "parameters/L")], "annotations": notes}
    assert ids(P.size > 1.5, trees, **options) == [2, 3]
    assert ids(P["parameters/L"] == 1, trees, **options) == [1]


def test_what_was_renamed_is_found_in_branches_too():
    trees = [(1, {"results": {"old": {"E": 1}}}), (2, {"results": {"old": {"E": 2}}})]
    options = {"annotations": {"results/fit": {"formerly": "results/old"}}}
    assert ids(P["results/fit/E"] > 1, trees, **options) == [2]
    assert ids("E > 1", trees, **options) == [2]


def test_arrays_and_asterisks_are_understood():
    trees = [(1, to_plain({"results": {"s": [{"x": 1}, {"x": 2}]}})), (2, to_plain({"results": {"s": []}}))]
    assert ids(P["results/s/*/x"] == [1, 2], trees) == [1]


def test_an_unknown_name_points_at_it():
    with pytest.raises(PathError, match="'modl'.*Did you mean 'model'") as error:
        ids("A > 1 and modl == 'Ising'", chain())
    assert "^" in str(error.value)


def test_an_error_names_the_measurement():
    with pytest.raises(TypeError, match="have no order") as error:
        ids(P.model > 3, chain())
    assert error.value.__notes__ == ["This was the condition model > 3, on measurement 1."]


def test_a_bool_is_no_condition():
    with pytest.raises(TypeError, match="True is not a condition"):
        ids(True, chain())


def test_without_measurements_nothing_is_wrong():
    assert ids(P.a > 1, []) == []


@pytest.mark.parametrize(
    "where", ["L > 1.5", P["parameters/L"] > 1.5, lambda p: p.L > 1.5, "layout_size == 2"]
)
def test_a_default_that_no_measurement_has_can_be_asked_for(where):
    notes = {"parameters/L": {"default": 2.0}, "parameters/layout/size": {"default": 2}}
    trees = measured(({"a": 1, "size": 0}, {"E": 1}), ({"a": 2, "size": 0}, {"E": 2}))
    assert ids(where, trees, annotations=notes) == [1, 2]
    assert ids("L < 1.5", trees, annotations=notes) == []
