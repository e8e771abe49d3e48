"""Which measurements take part."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.define.conditions import P
from coma_xr.errors import ComaWarning, PathError
from coma_xr.retrieve.columns import StoredTrees
from coma_xr.retrieve.selection import selected
from coma_xr.values.plain import to_plain
from tests.retrieve.builders import measured


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


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
        (P.N == 0, [3, 4]),
        (P["layout/N"] == 0, [3, 4]),
        (P.results_N < -2, [5, 6]),
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


class TestDatasetsInResults:
    """A variable of a Dataset within a result is asked for by its name or path, as everywhere."""

    @pytest.fixture
    def e(self):
        def simulate(a):
            variables = {
                "s": ((), 1.5 * a),
                "v": ("x", [0, a, 2 * a]),
                "day": ((), np.datetime64(f"2026-0{a}-05")),
            }
            return {"state": xr.Dataset(variables), "E": a}

        e = coma.Experiment("e")
        e.run(simulate, {"a": [1, 2, 3]}, progress=False)
        return e

    @pytest.mark.parametrize(
        "where",
        [
            "s > 2",
            P["results/state/s"] > 2,
            "v_2 > 1",
            "`results/state/v/2` >= 4",
            "day > '2026-01'",
            "day >= '2026-02-05'",
        ],
    )
    def test_every_door_answers(self, e, where):
        assert [m.id for m in e.measurements(where=where)] == [2, 3]
        assert e.to_dataset(where=where).a.values.tolist() == [2, 3]
        assert e.to_dataframe(where=where).index.tolist() == [2, 3]
        e.export("e.csv", where=where)
        assert coma.load("e.csv").a.tolist() == [2, 3]
        ds = e.to_dataset()
        if "/" not in str(where) and "_2" not in str(where):
            assert ds.coma.where(where, drop=True).a.values.tolist() == [2, 3]
        assert e.exclude(where, "too warm") == e.exclude(where, None) == [2, 3]
        assert e.remove(where=where) == [2, 3]

    def test_a_measurement_gives_variables_and_their_items(self, e):
        assert e.measurement(2)["results/state/s"] == 3.0
        assert e.measurement(2)["results/state/v/1"] == 2
        with pytest.raises(PathError):
            _ = e.measurement(2)["results/state/w"]


class TestFunctions:
    @pytest.fixture
    def e(self):
        e = coma.Experiment("e")
        e.run(lambda a: {"E": a, **({"late": a} if a > 1 else {})}, {"a": [1, 2, 3]}, progress=False)
        return e

    @pytest.mark.parametrize(
        "mistyped",
        [
            lambda m: m.resuts.E > 1,
            lambda m: m.results.E > 1 and m.results.laet > 1,
            lambda m: m["results/laet"],
        ],
    )
    def test_a_typo_is_raised_as_what_it_is_with_the_measurement(self, e, mistyped):
        for door in (lambda: list(e.measurements(where=mistyped)), lambda: e.to_dataset(where=mistyped),
                     lambda: e.to_dataframe(where=mistyped), lambda: e.remove(where=mistyped),
                     lambda: e.exclude(mistyped, "why"), lambda: e.export("e.csv", where=mistyped)):  # fmt: skip
            with pytest.raises(PathError) as caught:
                door()
            assert "on measurement" in caught.value.__notes__[0]
        assert e.number_of_measurements() == 3

    @pytest.mark.parametrize(
        "where", [lambda m: m.results.late > 0, lambda m: m["results/late"], lambda m: m.late > 1]
    )
    def test_a_path_that_some_measurements_lack_is_missing_there(self, e, where):
        assert [m.id for m in e.measurements(where=where)] == [2, 3]

    @pytest.mark.parametrize(
        "variable", [lambda m: m.resuts.E, lambda m: m.results.E if m.parameters.a > 1 else m.results.laet]
    )
    def test_a_typo_in_a_variable_is_raised_too(self, e, variable):
        for door in (e.to_dataset, e.to_dataframe):
            with pytest.raises(AttributeError) as caught:
                door({"gap": variable})
            assert caught.value.__notes__ == ["Raised by function 'gap', for measurement 1."]
        assert e.to_dataframe({"gap": lambda m: m.results.late}).gap.isna().tolist() == [True, False, False]

    def test_other_exceptions_are_raised_as_they_are(self, e):
        with pytest.raises(AttributeError, match="real_part") as caught:
            list(e.measurements(where=lambda m: m.results.E.real_part))
        assert not isinstance(caught.value, PathError)

        def careless(m):
            raise PathError("mine")

        with pytest.raises(PathError, match="mine"):
            list(e.measurements(where=careless))


def test_a_value_that_no_measurement_has_names_the_nearest_one():
    e = coma.Experiment("e")
    e.run(lambda a, model: {"y": a}, {"a": [0.1 + 0.2, 1.0], "model": ["Ising", "Potts"]}, progress=False)
    near = "The value of a nearest to 0.3 is 0.30000000000000004"
    for door in (lambda: list(e.measurements(where="a == 0.3")), lambda: e.to_dataset(where="a == 0.3"),
                 lambda: e.to_dataframe(where="a == 0.3"), lambda: e.remove(where="a == 0.3"),
                 lambda: e.exclude("a == 0.3", "why")):  # fmt: skip
        with pytest.warns(ComaWarning, match=near) as caught:
            door()
        assert len(caught) == 1
        assert caught[0].filename == __file__
    ds, tables = e.to_dataset(), e.retrieve_results([("y", "results/y")], [("a", "parameters/a")])
    for door in (lambda: ds.coma.where("a == 0.3"), lambda: tables["a == 0.3"]):
        with pytest.warns(ComaWarning, match=near) as caught:
            door()
        assert len(caught) == 1
    with pytest.warns(ComaWarning, match="The value of model nearest to 'ising' is 'Ising'"):
        e.to_dataframe(where="model in ['ising']")
    with pytest.warns(ComaWarning) as caught:
        e.to_dataframe(where="model == 'Ising' and a > 5")
    assert "nearest" not in str(caught[0].message)


def test_a_list_in_place_of_its_values_and_excluded_measurements_are_mentioned():
    e = coma.Experiment("e")
    e.run(lambda a: {"y": a}, {"a": [1, 2, 3]}, progress=False)
    way = r"One of several values is selected by a in \[1, 2\], in Python by \.isin\(\)\."
    for door in (e.to_dataset, e.to_dataframe):
        for several in ([1, 2], (1, 2), {1, 2}, range(1, 3)):
            with pytest.warns(ComaWarning, match=way):
                door(where=coma.P.a == several)
        with pytest.warns(ComaWarning, match=r"fulfils the condition a == \[7, 8\]\.$"):
            door(where=coma.P.a == [7, 8])
    e.exclude("a == 2", "why")
    with pytest.warns(ComaWarning, match="a == 2; 1 other measurement is excluded"):
        e.to_dataframe(where="a == 2")


def test_a_name_that_the_last_file_decides_is_found_with_one_tree_in_memory():
    e = coma.Experiment("e")
    for number in range(30):
        e.new_measurement().save({"results": {"y" if number % 3 else "z": number}})
    alive = []

    class Counted(dict):
        def __del__(self):
            alive.remove(id(self))

    def counted(read):
        def trees():
            for number, tree in read():
                copy = Counted(tree)
                del tree
                alive.append(id(copy))
                yield number, copy
                most.append(len(alive))

        return trees

    most = []
    stored = e._look(listed=True).trees()
    trees = StoredTrees(counted(stored.read), counted(stored.unreported))
    assert [id for id, _ in selected(trees, "z > 20")] == [22, 25, 28]
    assert max(most) <= 66


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
    with pytest.raises(PathError, match="(?s)'modl'.*Did you mean 'model'") as error:
        ids("A > 1 and modl == 'Ising'", chain())
    assert "^" in str(error.value)


def test_an_error_names_the_measurement():
    with pytest.raises(TypeError, match="cannot be put in order") as error:
        ids(P.model > 3, chain())
    assert error.value.__notes__ == ["Raised by the condition model > 3, on measurement 1."]


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
    with pytest.warns(ComaWarning, match="None of the 2 measurements fulfils the condition L < 1.5"):
        assert ids("L < 1.5", trees, annotations=notes) == []
