"""The layout of a Dataset is a property of the experiment: the same measurements, the same dims."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import shutil
import warnings

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.errors import ComaWarning, LayoutError, PathError


@pytest.fixture
def e(tmp_path):
    return coma.Experiment(tmp_path / "e", config={})


def add(a, b):
    return {"y": a + b}


def run(e, scan, **options):
    return e.run(add, scan, progress=False, **options)


def sizes(e, **options):
    return dict(e.to_dataset(**options).sizes)


GRID = {"a": [1, 2, 3], "b": [1, 2, 3]}


@pytest.mark.parametrize(
    "again",
    [
        [{"a": 1, "b": 2}],
        {"a": [1], "b": [2]},
        coma.zipped(a=[1, 2], b=[1, 2]),
        coma.grid(**GRID),
        coma.grid(a=[1.0, 2.0], b=[np.int64(1)]),
    ],
    ids=["case", "point", "zipped", "the same", "other types"],
)
def test_asking_again_for_part_of_a_scan_changes_nothing(e, again):
    run(e, GRID, limit=7)
    before, missing = e.to_dataset(), list(e.missing())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(e, again, limit=0)
    assert e.to_dataset().identical(before)
    assert list(e.missing()) == missing


def test_missing_and_failed_sets_run_again_stay_where_they_belong(e):
    def f(a, b):
        if a == b == 2 and not fixed:
            raise ValueError("no")
        return {"y": a}

    fixed = False
    with pytest.warns(ComaWarning, match="failed"):
        e.run(f, GRID, limit=7, progress=False)
    fixed = True
    e.run(f, e.missing(), code="accept", progress=False)
    assert sizes(e) == {"a": 3, "b": 3}
    assert len(e.missing()) == 0


def test_one_more_point_next_to_a_grid_leaves_its_axes(e):
    run(e, GRID)
    run(e, [{"a": 2, "b": 5}])
    assert sizes(e) == {"a": 3, "b": 4}


def test_points_win_when_they_are_more_and_the_change_is_reported_once_with_the_way_back(e):
    run(e, {"a": [1, 2], "b": [1, 2]})
    points = [{"a": n, "b": n * n} for n in range(10, 18)]
    with pytest.warns(ComaWarning, match="from a grid over a, b to points") as caught:
        run(e, points)
    assert "e.define_layout('grid', dims=['a', 'b'])" in str(caught[0].message)
    assert sizes(e) == {"measurement": 12}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(e, points)
    e.define_layout("grid", dims=["a", "b"])
    with pytest.warns(ComaWarning, match="full"):
        assert sizes(e) == {"a": 10, "b": 10}


def test_zipped_parameters_that_are_measured_apart_become_dims_and_it_is_reported(e):
    run(e, coma.zipped(a=[1, 2, 3], b=[10, 20, 30]))
    assert sizes(e) == {"a": 3}
    with pytest.warns(ComaWarning, match="from a grid over a to a grid over a, b"):
        run(e, [{"a": 1, "b": 20}])
    with pytest.warns(ComaWarning, match="full"):
        assert set(sizes(e)) == {"a", "b"}


def test_derived_parameters_that_are_measured_apart_become_dims(e):
    run(e, coma.grid(a=[1, 2]).derive(b=lambda p: 10 * p.a))
    assert sizes(e) == {"a": 2}
    with pytest.warns(ComaWarning, match="to a grid over a, b"):
        run(e, [{"a": 1, "b": 20}])
    assert set(sizes(e)) == {"a", "b"}


def test_the_structure_that_covers_most_measurements_decides(e):
    run(e, coma.zipped(a=[1, 2], b=[1, 2]))
    with pytest.warns(ComaWarning, match="from a grid over a to a grid over a, b"):
        run(e, GRID)
    assert sizes(e) == {"a": 3, "b": 3}


def test_a_copy_without_hidden_files_has_the_same_dims(e, tmp_path):
    run(e, coma.zipped(a=[1, 2], b=[3, 4]))
    shutil.copytree(e.path, tmp_path / "copy", ignore=shutil.ignore_patterns(".*"))
    assert sizes(coma.Experiment(tmp_path / "copy", mode="r", config={})) == sizes(e) == {"a": 2}


def test_without_a_record_the_layout_is_inferred_from_the_values(e):
    e.define_parameter_set("a", "b")
    for a in (1, 2):
        for b in (3, 4):
            e.add_parameter_set(a, b)
    e.run(lambda p: {"results": {"y": p.a}}, progress=False)
    assert sizes(e) == {"a": 2, "b": 2}
    assert repr(e.layout) == "<Layout: grid over a (2), b (2), inferred from the values>"


def test_a_condition_does_not_change_which_layout_wins(e):
    run(e, GRID)
    run(e, [{"a": 10, "b": 10}, {"a": 11, "b": 12}])
    assert set(e.to_dataset(where="a >= 10", layout=None).sizes) == {"a", "b"}


def test_the_layout_is_fixed_and_derived_again(e):
    run(e, GRID)
    e.define_layout("points")
    assert (e.layout.kind, e.layout.dims, e.layout.reason) == ("points", ("measurement",), "as defined")
    assert sizes(e) == {"measurement": 9}
    assert sizes(e, layout="grid") == {"a": 3, "b": 3}
    e.define_layout("grid", dims=["a"])
    assert sizes(e) == {"a": 3, "row": 3}
    e.define_layout(None)
    assert sizes(e) == {"a": 3, "b": 3}


def test_a_layout_that_cannot_be_is_refused_before_anything_changes(e):
    run(e, GRID)
    for change in (e.define_layout, lambda layout: e.to_dataset(layout=layout)):
        with pytest.raises(LayoutError, match="layout='gird' is unknown.*Did you mean 'grid'"):
            change("gird")
    with pytest.raises(LayoutError, match="takes no dims"):
        e.define_layout("points", dims=["a"])
    for name in ("aa", "y", "results/y"):
        with pytest.raises(PathError, match=r"'aa'|is not a parameter") as raised:
            e.define_layout("grid", dims=[name])
        assert raised.value.available == ("a", "b")
    assert sizes(e) == {"a": 3, "b": 3}


def test_what_was_asked_for_is_taken_back(e):
    run(e, GRID, limit=4)
    assert len(e.forget_missing("a == 3")) == 3
    assert list(e.missing()) == [{"a": 2, "b": 2}, {"a": 2, "b": 3}]
    assert len(e.forget_missing()) == 2
    assert e.status()["missing"] == 0
    assert (e.to_dataset().measurement_status.values == 1).sum() == 0


def asked(e):
    return json.loads((e.path / "coma.json").read_text())["coma_xr"]["asked"]


def test_a_grid_is_recorded_by_its_values_and_other_scans_by_their_sets(e):
    run(e, {"a": range(60), "b": range(50)}, limit=1)
    assert asked(e)["products"] == [[[a] for a in range(60)], [[b] for b in range(50)]]
    assert (len(e.missing()), e.status()["missing"]) == (2999, 2999)
    e.forget_missing("a > 0")
    assert asked(e)["sets"] == [[0, b] for b in range(50)]
    run(e, coma.grid(a=[1, 2, 3], b=[1, 2]).where("a > b"))
    assert asked(e)["sets"] == [[2, 1], [3, 1], [3, 2]]


def test_a_grid_is_one_scan_whichever_way_it_is_recorded(e):
    run(e, GRID, limit=4)
    file = e.path / "coma.json"
    tree = json.loads(file.read_text())
    products = tree["coma_xr"]["asked"].pop("products")
    tree["coma_xr"]["asked"]["sets"] = [[a, b] for [a] in products[0] for [b] in products[1]]
    file.write_text(json.dumps(tree))
    e = coma.Experiment(e.path)
    assert (len(e.missing()), e.status()["missing"]) == (5, 5)
    run(e, {"a": [1], "b": [1, 2]})
    run(e, {"b": [1, 2], "a": [2]})
    assert "sets" in asked(e)
    run(e, {"a": [1], "b": [4]})
    assert asked(e)["products"] == [[[1]], [[4]]]


def test_the_types_of_the_values_of_a_grid_are_kept(e):
    days, modes = [dt.date(2026, 1, day) for day in (1, 2)], [(1, 2), (3, 4)]
    e.run(lambda n, day, mode: n, {"n": [1, 2], "day": days, "mode": modes}, limit=1, progress=False)
    assert "products" in asked(e)
    points = [tuple(point.values()) for point in coma.Experiment(e.path).missing()]
    assert points == list(itertools.product([1, 2], days, modes))[1:]


def test_a_dry_run_records_nothing(e):
    run(e, GRID)
    before = sizes(e)
    e.run(add, coma.cases([{"a": n, "b": -n} for n in range(20, 60)]), dry_run=True)
    assert (sizes(e), len(e.missing())) == (before, 0)


def test_the_whole_scan_is_recorded_by_each_shard(e):
    run(e, GRID, shard=(1, 2))
    assert sizes(e) == {"a": 3, "b": 3}
    assert len(e.missing()) == 5


def test_a_growing_loop_of_single_points_is_one_record(e):
    for a in range(6):
        run(e, {"a": [a], "b": [1]})
    assert sizes(e) == {"a": 6, "b": 1}
    (record,) = json.loads((e.path / "coma.json").read_text())["coma_xr"]["scans"].values()
    assert len(record["sets"]) == 1


def test_a_renamed_parameter_keeps_the_layout(e):
    e.run(lambda k, b: {"y": k}, coma.zipped(k=[1, 2], b=[3, 4]), progress=False)
    e.annotate("parameters/q", formerly="parameters/k")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e.run(lambda q, b: {"y": q}, coma.zipped(q=[1, 2, 3], b=[3, 4, 5]), progress=False, code="accept")
    assert sizes(e) == {"q": 3}


def test_a_merge_unites_the_records(e, tmp_path):
    other = coma.Experiment(tmp_path / "other", config={})
    run(other, coma.zipped(a=[1, 2], b=[1, 2]))
    run(other, coma.zipped(a=[3], b=[4]))
    e.merge(other)
    assert sizes(e) == {"a": 3}
    assert e.layout.reason == "from the recorded scans"


def test_a_missing_repeat_is_run_again_without_naming_their_number(e):
    def toss(p, rng):
        return {"heads": rng.random()}

    e.run(toss, {"p": [1, 2]}, repeats=3, seed=1, progress=False)
    before = e.to_dataset()
    e.remove(4)
    for missing in (e.missing(), e.missing().where("p > 0"), e.to_dataset().coma.missing()):
        assert (len(missing), missing.repeats) == (1, 3)
    assert e.run(toss, e.to_dataset().coma.missing(), progress=False).saved == 1
    assert e.status()["missing"] == 0
    assert np.array_equal(e.to_dataset().heads, before.heads)


@pytest.mark.parametrize(
    "values", [[(1, 2), (3, 4)], [dt.date(2026, 1, 1), dt.date(2026, 1, 2)], [{"k": 1}, {"k": 2}]]
)
def test_labels_that_may_stand_for_other_values_are_not_run_again_as_what_they_show(e, values):
    e.run(lambda v: {"y": 1}, {"v": values}, progress=False)
    e.remove(1)
    with pytest.raises(coma.ParameterError) as caught:
        e.to_dataset().coma.missing()
    assert "missing() of the experiment" in caught.value.ways[0]
    assert e.run(lambda v: {"y": 1}, e.missing(), progress=False).saved == 1
    assert e.status()["missing"] == 0


def test_a_layout_without_measurements_has_no_dims_in_its_repr(tmp_path):
    assert repr(coma.Experiment(tmp_path / "e").layout) == "<Layout: grid, without any measurement>"


def test_a_defined_layout_follows_a_rename(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda l, m: {"y": l}, coma.grid(l=[1, 2], m=[3]), progress=False)
    for dims in (["l", "m"], [("size", "parameters/l"), "m"]):
        e.annotate("parameters/length", formerly=None)
        e.define_layout("grid", dims=dims)
        e.annotate("parameters/length", formerly="parameters/l")
        name = "length" if "l" in dims else "size"
        assert e.layout.dims == (name, "m")
        assert dict(e.to_dataset().sizes) == {name: 2, "m": 1}


def test_dims_of_a_defined_layout_have_names_as_those_of_a_call(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda a, N: {"y": a}, coma.grid({"parameters/layout/N": [1, 2]}, a=[1]), progress=False)
    for dims in (["parameters/a", "N"], [("parameters", "layout", "N"), ("size", "a")], "N"):
        e.define_layout("grid", dims=dims)
        assert e.to_dataset().sizes == e.to_dataset(dims=dims).sizes
    for wrong, kind in (
        (["a", "a"], coma.LayoutError),
        ([("N", "a"), "N"], coma.LayoutError),
        ([(1, "a")], coma.PathError),
    ):
        with pytest.raises(kind):
            e.define_layout("grid", dims=wrong)
        with pytest.raises(kind):
            e.to_dataset(dims=wrong)
    for ask in (e.to_dataset, e.to_dataframe):
        with pytest.raises(coma.PathError, match="1, the name of 'y', is an int"):
            ask({1: "y"})
