"""The experiment as its users see it."""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.errors import ComaWarning, LayoutError, SerializationError
from coma_xr.retrieve.dims import DONE

COMA2 = Path(__file__).parent / "data" / "coma2"


def square(x, a=1.0):
    return {"y": a * x**2}


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path)


def visible(e):
    """List what ``ls`` shows in addition to ``coma.json``."""
    return sorted(name for name in os.listdir(e.path) if not name.startswith(".") and name != "coma.json")


# Running


def test_a_second_run_computes_nothing(e):
    called = []
    scan = coma.grid(x=[1, 2, 3])
    assert e.run(lambda x: called.append(x) or square(x), scan) == (3, 3)
    before = {file: (e.path / file).stat().st_mtime_ns for file in visible(e)}
    assert e.run(lambda x: called.append(x) or square(x), scan) == (0, 3)
    assert called == [1, 2, 3]
    assert {file: (e.path / file).stat().st_mtime_ns for file in visible(e)} == before


def test_only_new_values_are_run(e):
    e.run(square, {"x": [1, 3]})
    report = e.run(square, {"x": [1, 2, 3, 4]})
    assert (report, report.skipped) == ((2, 4), 2)
    assert e.to_dataset().y.values.tolist() == [1, 4, 9, 16]
    assert e.to_dataset().measurement_id.values.tolist() == [1, 3, 2, 4]


def test_a_measurement_is_one_file_with_parameters_results_and_defaults(e):
    e.run(square, {"x": [3]})
    assert visible(e) == ["code", "experiment.none.json", "measurement.000001.json", "measurement.index.json"]
    tree = json.loads((e.path / "measurement.000001.json").read_text())["measurement"]
    info = tree.pop("info")
    assert tree == {"parameters": {"x": 3, "a": 1.0}, "results": {"y": 9.0}}
    assert list(info)[:7] == [
        "measurement_id", "start_date", "end_date", "duration", "host", "python_version", "coma_xr_version",
    ]  # fmt: skip
    assert info["coma_xr_version"] == coma.__version__
    assert json.loads((e.path / "measurement.index.json").read_text()) == {
        "measurements": {"last_measurement_id": 1}
    }


def test_the_experiment_knows_when_it_ran(e):
    assert (e.start_date, e.end_date) == (None, None)
    e.run(square, {"x": [1]})
    start = e.measurement(1).start_date
    assert e.start_date <= start <= e.end_date
    info = json.loads((e.path / "experiment.none.json").read_text())["experiment"]["info"]
    assert (info["start_date"], info["end_date"]) == (e.start_date, e.end_date)


def test_a_failure_is_recorded_and_the_others_go_on(e, caplog):
    def inverse(x):
        return {"y": 1 / x}

    with (
        caplog.at_level(logging.WARNING, "coma_xr"),
        pytest.warns(ComaWarning, match="1 of 3 parameter sets failed"),
    ):
        report = e.run(inverse, {"x": [0, 1, 2]})
    assert report == (2, 3)
    assert (report.failed, report.skipped) == (1, 0)
    assert "(x=0): ZeroDivisionError: division by zero" in caplog.text
    assert visible(e) == [
        "code", "experiment.none.json", "failure.000001.json", "measurement.000002.json", "measurement.000003.json",
        "measurement.index.json",
    ]  # fmt: skip
    failures = e.failures()
    assert failures.index.tolist() == [1]
    assert failures.loc[1, ["x", "exception", "message"]].tolist() == [
        0,
        "ZeroDivisionError",
        "division by zero",
    ]
    assert 'in inverse: return {"y": 1 / x}' in failures.loc[1, "line"]
    with pytest.raises(coma.RunError, match=r"x=0"):
        report.check()


def test_a_failure_is_gone_when_its_set_succeeds(e):
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda x: {"y": 1 / x}, {"x": [0, 1, 2]})
    with pytest.warns(ComaWarning, match="failed"):
        assert e.run(lambda x: {"y": 1 / x}, {"x": [0, 1, 2]}) == (0, 3)
    assert len(e.failures()) == 1
    with pytest.warns(ComaWarning, match="made by other code"):
        assert e.run(lambda x: {"y": 1.0}, {"x": [0, 1, 2]}, retry_failed=False) == (0, 3)
    assert e.run(lambda x: {"y": 1.0}, {"x": [0, 1, 2]}) == (1, 3)
    assert e.failures().empty
    assert not [name for name in visible(e) if name.startswith("failure")]


def test_a_failure_that_a_kill_left_behind_does_not_count(e):
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda x: {"y": 1 / x}, {"x": [0]})
    record = (e.path / "failure.000001.json").read_bytes()
    e.run(lambda x: {"y": 1.0}, {"x": [0]})
    (e.path / "failure.000001.json").write_bytes(record)
    assert e.failures().empty


def test_failures_come_after_what_was_never_tried(e):
    called = []

    def f(x):
        called.append(x)
        if x == 1 and len(called) == 1:
            raise ValueError(x)
        return x

    with pytest.warns(ComaWarning, match="failed"):
        e.run(f, {"x": [1]})
    e.run(f, {"x": [1, 2]})
    assert called == [1, 2, 1]


def test_what_is_excluded_is_counted_and_can_be_taken_back(e):
    e.run(square, {"x": [1, 2, 3]})
    assert e.exclude([1, 2], "the lamp was off") == [1, 2]
    assert e.status()["excluded"] == 2
    assert e.exclude(1, None) == [1]
    assert e.status()["excluded"] == 1
    assert e.to_dataset().measurement_status.values.tolist() == [2, 6, 2]
    for reason in ("", 5):
        with pytest.raises(
            coma.ParameterError,
            match=r"is not a reason\. Expected a str, or None to remove the mark\.",
        ):
            e.exclude(1, reason)


def test_another_function_in_the_same_experiment_is_said(e):
    def energy(x):
        return {"y": x}

    def entropy(x):
        return {"y": -x}

    e.run(energy, {"x": [1, 2]})
    with pytest.warns(
        ComaWarning,
        match=r"An earlier run in .* called energy\(\). All measurements count as done for entropy\(\) too",
    ):
        assert e.run(entropy, {"x": [1, 2, 3]}) == (1, 3)
    # Once; of a function without a name only its code is compared.
    e.run(entropy, {"x": [1, 2, 3]})
    with pytest.warns(ComaWarning, match="made by other code"):
        e.run(lambda x: {"y": 0}, {"x": [1, 2, 3]})
    e.reset()
    e.run(energy, {"x": [1]})


def test_a_result_is_annotated_by_any_of_its_names(e):
    e.run(square, {"x": [1, 2]})
    name = e.paths().set_index("role").loc["result", "name"]
    e.annotate(name, units="m")
    assert e.to_dataset()[name].attrs["units"] == "m"
    with pytest.raises(coma.PathError, match=f"Did you mean '{name}'"):
        e.annotate(f"{name}_", units="m")


def test_what_is_defined_annotated_and_scanned_is_there_in_the_next_session(e):
    scan = coma.grid(a=[1, 2]).expand(b=lambda p: [p.a, 2 * p.a])
    e.run(lambda a, b: {"c": a * b}, scan)
    e.annotate("results/c", units="J", long_name="energy")
    e.annotate("results/c", long_name="total energy")
    again = coma.Experiment(e.path, "r")
    assert again.annotations == {"results/c": {"units": "J", "long_name": "total energy"}}
    ds = again.to_dataset()
    assert ds.c.dims == ("a", "b_index")
    assert ds.b.values.tolist() == [[1, 2], [2, 4]]
    assert ds.c.attrs["units"] == "J"
    assert ds.c.attrs["long_name"] == "total energy"
    xr.testing.assert_identical(ds, e.to_dataset())


def test_a_million_sets_are_only_made_when_they_are_needed():
    scan = coma.grid(a=range(1000), b=range(1000))
    assert len(scan) == 1_000_000
    assert repr(scan) == "<Scan of 1,000,000 parameter sets (a: 1000, b: 1000)>"
    assert next(iter(scan)) == {"a": 0, "b": 0}


# By hand


def test_a_measurement_can_be_saved_by_hand(e):
    m = e.new_measurement()
    m.start()
    m.end()
    assert m.save({"parameters": {"x": 1}, "results": {"y": np.arange(3)}}) == m.id == 1
    stored = e.measurement(1)
    assert stored.results.y.tolist() == [0, 1, 2]
    assert stored.start_date
    assert e.new_measurement().id == 2


def test_measurements_by_hand_have_ids_of_their_own(e):
    first, second = e.new_measurement(), e.new_measurement()
    assert second.save({"results": {"y": 2}}) == 2
    assert first.save({"results": {"y": 1}}) == 1
    assert [m.results.y for m in e.measurements()] == [1, 2]


def test_an_empty_tree_can_be_saved_next_to_others(e):
    e.new_measurement().save({"parameters": {"x": 1}})
    assert e.new_measurement().save({}) == 2
    assert e.add_measurements([{}]) == [3]


def test_what_cannot_be_saved_by_hand_leaves_nothing(e):
    with pytest.raises(SerializationError, match="results/y: cannot store an object"):
        e.new_measurement().save({"results": {"y": object()}})
    assert e.number_of_measurements() == 0


def test_many_measurements_are_saved_by_hand_as_single_ones_are(e, tmp_path):
    trees = [{"info": {"host": "h"}, "parameters": {"a": n}, "results": {"y": n / 2}} for n in range(5)]
    trees[3]["info"] |= {"start_date": "2020-01-01T00:00:00Z", "end_date": "2020-01-01T00:01:00Z"}
    other = coma.Experiment(tmp_path / "other")
    handed_out = e.new_measurement()
    assert e.add_measurements(iter(trees)) == [2, 3, 4, 5, 6]
    assert [other.new_measurement().save(tree) for tree in trees] == [1, 2, 3, 4, 5]
    assert handed_out.save({"results": {"y": 9.0}}) == 1
    assert e.new_measurement().id == 7
    for id in range(1, 6):
        one, many = other.measurement(id), e.measurement(id + 1)
        assert (many.parameters, many.results) == (one.parameters, one.results)
        assert many.info.keys() == one.info.keys()
        assert (many.info.duration, many.info.host) == (60.0 if id == 4 else 0.0, "h")
    assert len({m.info.made_by for m in e.measurements()}) == 6
    assert e.add_measurements([]) == []


@pytest.mark.parametrize(
    ("trees", "place"),
    [
        ([{"results": {"y": 1}}, {"results": {"y": object()}}], r"trees\[1\]"),
        ([{"results": {"y": 1}}, {"result": {"y": 1}}], r"trees\[1\]: .*Unknown branch 'result'"),
        ([1], r"trees\[0\]: 1 is an int"),
        ({"results": {"y": 1}}, "Expected a list of measurement trees"),
        (None, "Expected a list of measurement trees"),
    ],
)
def test_none_of_many_measurements_is_saved_if_one_cannot_be(e, trees, place):
    with pytest.raises(coma.SerializationError, match=place):
        e.add_measurements(trees)
    assert e.number_of_measurements() == 0


def test_many_measurements_take_the_next_free_ids_if_others_save_too(e, monkeypatch):
    real = e._place.saving

    def saving(*arguments, **options):
        # Between the look at the directory and the first file, another process saves a measurement.
        coma.Experiment(e.path).new_measurement().save({"results": {"y": -1.0}})
        return real(*arguments, **options)

    monkeypatch.setattr(e._place, "saving", saving)
    assert e.add_measurements([{"results": {"y": float(n)}} for n in range(3)]) == [2, 3, 4]
    assert [m.results.y for m in e.measurements()] == [-1.0, 0.0, 1.0, 2.0]


# Coma 2's way


def test_parameter_sets_can_be_added_by_name_and_as_a_scan(e):
    e.add_parameter_set(coma.grid(a=[1, 2], b=[3]))
    e.add_parameter_set(b=4, a=1)
    assert e.run(lambda p: {"results": {"c": p.a * p.b}}) == (3, 3)
    e.clear_parameter_sets()
    with pytest.warns(ComaWarning, match="No parameter sets were added"):
        assert e.run(lambda p: {}) == (0, 0)


def test_two_protocols_give_the_same_file(tmp_path):
    one, two = coma.Experiment(tmp_path / "one"), coma.Experiment(tmp_path / "two")
    one.run(lambda x: {"y": 2 * x}, {"x": [1]})
    two.define_parameter_set("x")
    two.add_parameter_set(1)
    two.run(lambda p: {"results": {"y": 2 * p.x}})
    trees = [e.measurement(1).tree for e in (one, two)]
    for tree in trees:
        del tree["info"]
    assert trees[0] == trees[1] == {"parameters": {"x": 1}, "results": {"y": 2}}


@pytest.mark.parametrize(
    "directory", sorted(p.name for p in COMA2.iterdir() if "json" in p.name and p.is_dir())
)
def test_experiments_of_coma_2_are_read(tmp_path, directory):
    """Opened to be read only, nothing changes; everything is found in its place."""
    path = tmp_path / directory
    shutil.copytree(COMA2 / directory, path)
    before = {file: (path / file).read_bytes() for file in os.listdir(path)}
    e = coma.Experiment(path, "r")
    number = {"pendulum": 12, "chain": 4, "values": 5}[directory.split("-")[0]]
    assert e.number_of_measurements() == number
    assert [m.id for m in e.measurements()] == list(range(1, number + 1))
    assert e.description == f"Made by Coma 2.0: {directory}"
    assert e.tags == ["fixture", "json"]
    assert e.id == (7 if "pendulum-json-pretty" in directory else None)
    assert e.isactive() == (not directory.endswith("-inactive"))
    assert len(e.to_dataframe()) == number
    assert {file: (path / file).read_bytes() for file in os.listdir(path)} == before


EXPECTED = json.loads((COMA2 / "expected.json").read_text())


@pytest.mark.parametrize(
    "case", [c for c in EXPECTED if "json" in c["experiment"]], ids=lambda c: c["experiment"]
)
def test_retrieve_results_answers_as_coma_2_did(case):
    e = coma.Experiment(COMA2 / case["experiment"], "r")
    rs = e.retrieve_results(case["table_definition"], case["parameter_set_definition"])
    assert len(rs) == len(case["results"])
    for r, expected in zip(rs, case["results"], strict=True):
        assert list(r.parameters) == expected["parameters"]
        assert list(r.table_columns) == expected["table_columns"]
        assert list(r.table.shape) == expected["shape"]
        assert r.table.tolist() == expected["table"]
        assert list(r.measurement_ids) == expected["measurement_ids"]


def test_an_experiment_of_coma_2_goes_on(tmp_path):
    """What Coma 2 measured counts; what is added is numbered on, and Coma 2 would count it."""
    path = tmp_path / "pendulum"
    shutil.copytree(COMA2 / "pendulum-json-compact-active", path)
    e = coma.Experiment(path)
    scan = {"theta_0": [-5.0], "theta": [-5.0, 2.5]}
    assert e.run(lambda theta_0, theta: {"t": 0.0, "t_": 0.0}, scan) == (1, 2)
    assert e.measurement(13)["parameters/theta"] == 2.5
    index = json.loads((path / "measurement.index.json").read_text())
    assert index == {"measurements": {"last_measurement_id": 13}}


# The experiment as a whole


def test_inactive_and_active_give_the_same_dataset(e):
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda x: {"y": 1 / x}, {"x": [0, 1, 2, 4]})
    e.annotate("results/y", units="1")
    before, frame = e.to_dataset(), e.to_dataframe()
    e.deactivate()
    assert visible(e) == ["code", "experiment.none.json"]
    xr.testing.assert_identical(e.to_dataset(), before)
    assert e.to_dataframe().equals(frame)
    assert len(e.failures()) == 1
    # The definition and the annotations are in the one file that is left, should it be moved away.
    moved = e.path.parent / "moved"
    moved.mkdir()
    shutil.copy(e.path / "experiment.none.json", moved)
    alone = coma.Experiment(moved, "r")
    assert alone.to_dataset().y.attrs["units"] == "1"
    assert alone.to_dataset().y.dims == ("x",)
    e.activate()
    xr.testing.assert_identical(e.to_dataset(), before)
    assert len(e.failures()) == 1


def test_reset_begins_anew(e):
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda x: {"y": 1 / x}, {"x": [0, 1]})
    report = e.reset()
    assert (report["measurements"], report["failures"]) == (1, 1)
    assert e.number_of_measurements() == 0
    assert e.failures().empty
    assert (e.start_date, e.end_date) == (None, None)
    assert visible(e) == ["code", "experiment.none.json", "measurement.index.json", "removed"]
    assert e.run(square, {"x": [5]}) == (1, 1)
    assert e.measurement(1).results.y == 25


def test_description_and_tags_are_kept_and_can_be_changed(experiment_path):
    coma.Experiment(experiment_path, description="Squares", tags=["a", "b"])
    e = coma.Experiment(experiment_path)
    assert (e.description, e.tags) == ("Squares", ["a", "b"])
    coma.Experiment(experiment_path, description="Squares of small numbers")
    assert len(e) == 0  # looks at the directory
    assert (e.description, e.tags) == ("Squares of small numbers", ["a", "b"])


ATTRIBUTES = [name for name, member in vars(coma.Experiment).items() if isinstance(member, property)]


@pytest.mark.parametrize("name", sorted({*ATTRIBUTES} - {"layout"}))
def test_attributes_make_no_system_call(experiment_path, name):
    e = coma.Experiment(experiment_path, description="Squares", tags=["a"])
    e.run(square, {"x": [1]})
    e.annotate("results/y", units="m")
    called = []

    def profile(frame, event, function):
        if event == "c_call" and (function.__module__ == "posix" or function is open):
            called.append(function.__name__)

    sys.setprofile(profile)
    try:
        getattr(e, name)
    finally:
        sys.setprofile(None)
    assert not {*called} - {"fspath", "getpid"}


def test_it_shows_itself(experiment_path):
    e = coma.Experiment(experiment_path, id=7, description="Squares")
    assert repr(e) == f"Experiment('{experiment_path}', 0 measurements)"
    e.run(square, {"x": [1]})
    assert str(e).splitlines()[:2] == [f"Experiment 7 in {experiment_path}", "  description: Squares"]
    assert str(e).splitlines()[-2:] == ["  parameters: x", "  1 measurement"]
    e.deactivate()
    assert repr(e) == f"Experiment('{experiment_path}', 1 measurement, inactive)"


def test_the_configuration_rules_the_files(experiment_path):
    config = {
        "experiment_file": "run_${experiment_id}",
        "measurement_file": "point-${measurement_id}",
        "measurement_index": "points",
        "archive_pretty_print": False,
        "serializer_getstate": "state",
    }

    class Model:
        def state(self):
            return {"results": {"y": 1}}

    e = coma.Experiment(experiment_path, config=config)
    e.define_parameter_set("x")
    e.add_parameter_set(1)
    e.run(lambda p: Model())
    assert visible(e) == ["code", "point-000001.json", "points.json", "run_none.json"]
    assert '"results":{"y":1}' in (experiment_path / "point-000001.json").read_text()


# Workers, repeats and seeds


def test_workers_give_the_same_as_this_process(tmp_path):
    scan = coma.grid(x=range(6), a=[1.0, 2.0])
    one, two = coma.Experiment(tmp_path / "one"), coma.ParallelExperiment(tmp_path / "two")
    assert one.run(square, scan) == two.run(square, scan, max_workers=2) == (12, 12)
    xr.testing.assert_equal(one.to_dataset(), two.to_dataset())
    assert two.run(square, scan, max_workers=2) == (0, 12)


def test_repeats_are_a_dim_and_more_of_them_run_only_the_new_ones(e):
    def draw(x, rng):
        return {"y": x + rng.normal()}

    assert e.run(draw, {"x": [1, 2]}, repeats=2, seed=1) == (4, 4)
    first = e.to_dataset()
    assert first.y.sizes == {"x": 2, "repeat": 2}
    assert len(np.unique(first.y)) == 4
    assert e.run(draw, {"x": [1, 2]}, repeats=3) == (2, 6)
    np.testing.assert_array_equal(e.to_dataset().y.sel(repeat=[0, 1]), first.y)


def test_seeds_do_not_depend_on_the_order_or_on_what_is_added_later(tmp_path):
    def draw(x, seed):
        return seed

    one, two = coma.Experiment(tmp_path / "one"), coma.Experiment(tmp_path / "two")
    one.run(draw, {"x": [1, 2, 3]}, seed=7)
    two.run(draw, {"x": [3, 1]}, seed=7)
    two.run(draw, {"x": [2]})
    np.testing.assert_array_equal(one.to_dataset().draw, two.to_dataset().draw)


def test_shards_together_are_the_whole(e):
    scan = {"x": [1, 2, 3, 4, 5]}
    assert [e.run(square, scan, shard=(i, 2)) for i in (0, 1)] == [(3, 3), (2, 2)]
    assert e.run(square, scan) == (0, 5)


def test_a_dry_run_writes_nothing(e):
    before = sorted(os.listdir(e.path))
    report = e.run(square, {"x": [1, 2, 3]}, dry_run=True)
    assert (report.saved, report.not_run) == (0, 3)
    assert sorted(os.listdir(e.path)) == before
    assert e.run(square, {"x": [1, 2, 3]}, limit=2) == (2, 3)


@dataclass(frozen=True)
class Spring:
    k: float


@dataclass(frozen=True)
class Wire:
    k: float


def test_objects_are_values_of_a_dim_like_any_other(e):
    """Those of different classes are different, whatever they hold; nothing is missing once all is run."""
    scan = {"model": [Spring(1.0), Wire(1.0), Spring(2.0)], "x": [1, 2]}
    for saved in (6, 0):
        assert e.run(lambda model, x: model.k * x, scan) == (saved, 6)
    ds = e.to_dataset()
    assert ds.sizes == {"model": 3, "x": 2}
    assert set(ds.measurement_status.values.ravel()) == {DONE}
    assert [text.rpartition(".")[2] for text in ds.model.values] == ['Spring"}', 'Wire"}', 'Spring"}']
    assert ds.k.values.tolist() == [1.0, 1.0, 2.0]


def test_units_stay_when_a_parameter_is_renamed(e):
    e.run(lambda k: {"y": k}, {"k": [1, 2]})
    e.annotate("parameters/k", units="1/m", long_name="wave number")
    e.annotate("parameters/q", formerly="parameters/k", long_name="wave vector")
    with pytest.warns(ComaWarning, match="made by other code"):
        e.run(lambda q: {"y": q}, {"q": [1, 2, 3]})
    q = e.to_dataset().q
    assert (q.attrs["units"], q.attrs["long_name"]) == ("1/m", "wave vector")
    assert e.to_dataframe().attrs["units"] == {"q": "1/m"}


def test_a_dry_run_tells_what_the_run_would_refuse(e):
    e.run(square, {"x": [1, 2]})
    for dry_run in (True, False):
        with pytest.raises(coma.ParameterError, match="The new definition lacks x"):
            e.run(lambda z: z, {"z": [1]}, dry_run=dry_run)


def test_missing_and_failed_sets_have_cells_that_say_so(e):
    with pytest.warns(ComaWarning, match="failed"):
        e.run(lambda x: 1 / x, {"x": [0, 1, 2, 3]}, limit=3)
    ds = e.to_dataset()
    meanings = ds.measurement_status.attrs["flag_meanings"].split()
    assert [meanings[int(flag)] for flag in ds.measurement_status] == ["failed", "done", "done", "missing"]


def total(a, b, c):
    return {"y": a + b + c}


CUBE = {"a": (0.0, 1.0), "b": (0.0, 1.0), "c": (0.0, 1.0)}


def test_fifty_random_points_in_three_parameters_stay_fifty_cells(e):
    e.run(total, coma.sample(50, CUBE, seed=1))
    ds = e.to_dataset()
    assert ds.sizes == {"measurement": 50}
    assert np.allclose(ds.y, ds.a + ds.b + ds.c)


def test_a_grid_of_random_points_is_warned_of_with_the_ways_out(e):
    e.run(total, coma.sample(50, CUBE, seed=1))
    said = r"50 measurements in 125000 cells\. Options: dims=\['.'\], .*layout='points'"
    with pytest.warns(ComaWarning, match=said):
        assert e.to_dataset(layout="grid").sizes == {"a": 50, "b": 50, "c": 50}


def test_a_grid_of_a_million_cells_with_a_hundred_points_is_refused(e):
    e.run(total, coma.sample(101, CUBE, seed=1))
    with pytest.raises(LayoutError, match=r"101 measurements in 1030301 cells\.\nOptions: .*layout='points'"):
        e.to_dataset(layout="grid")


def test_random_points_of_an_experiment_without_a_definition_lie_along_one_of_their_parameters(e):
    for p in coma.sample(50, CUBE, seed=1):
        e.new_measurement().save({"parameters": dict(p), "results": total(**p)})
    ds = e.to_dataset()
    assert ds.sizes == {"a": 50}
    assert ds.b.dims == ds.c.dims == ("a",)
    assert np.allclose(ds.y, ds.a + ds.b + ds.c)


def test_a_list_here_and_a_number_there_are_cells_as_they_were_and_said(e):
    e.run(lambda n: {"E": [1, 2] if n == 1 else 3}, {"n": [1, 2]})
    with pytest.warns(ComaWarning, match="Each cell holds one object .* 'E' has values of different kinds"):
        ds = e.to_dataset()
    assert ds.E.dims == ("n",)
    assert ds.E.values.tolist() == [[1, 2], 3]
    assert e.to_dataframe()[["E", "E_1", "E_2"]].sum().tolist() == [3, 1, 2]


def test_conditions_select_measurements(e):
    e.run(square, {"x": [1, 2, 3]})
    assert [m.id for m in e.measurements(where=coma.P.x > 1)] == [2, 3]
    assert e.to_dataset(where="y < 5").y.values.tolist() == [1, 4]
    assert e.to_dataframe(where=lambda m: m.results.y == 9).index.tolist() == [3]


def test_a_failure_can_be_made_to_happen_again(e):
    def inverse(x, seed):
        return {"y": seed / x}

    with pytest.warns(ComaWarning, match="failed"):
        e.run(inverse, {"x": [0, 1]})
    failure = e.failure(1)
    assert failure.parameters.x == 0
    assert repr(failure) == "Failure(1, ZeroDivisionError: division by zero)"
    with pytest.raises(ZeroDivisionError):
        failure.reproduce(inverse)
    seeds = []
    e.failure(1).reproduce(lambda x, seed: seeds.append(seed) or 1)
    assert seeds == [json.loads((e.path / "failure.000001.json").read_text())["failure"]["info"]["seed"]]
    with pytest.raises(coma.ParameterError, match=r"<lambda>\(\) takes no argument 'x'. Available: y, z"):
        e.failure(1).reproduce(lambda y, z: y)
    with pytest.raises(coma.PathError, match=r"has no failure 7\.\s+Available: 1\."):
        e.failure(7)


def test_a_lost_record_of_the_requests_is_reported(e):
    e.run(square, {"x": [1, 2]})
    (e.path / "coma.json").unlink()
    e = coma.Experiment(e.path)
    text = "is lost; definition, annotations, marks and requested parameter sets are unknown"
    assert [(f.file, f.kind, f.text, f.repair) for f in e.verify()] == [("coma.json", "state", text, "")]
    with pytest.raises(
        coma.ParameterError,
        match=r"The requested parameter sets are not recorded in .*\.\nRun the scan again",
    ):
        e.missing()
    assert e.run(square, {"x": [1, 2, 3]}) == (1, 3)
    assert e.verify() == []
    by_hand = coma.Experiment(e.path / "by_hand")
    by_hand.new_measurement().save({"parameters": {"x": 1}, "results": {"y": 2}})
    assert by_hand.verify() == []


def test_what_is_missing_can_be_asked_for(e):
    with pytest.raises(coma.ParameterError, match="Nothing was run in .* yet"):
        e.missing()
    e.run(square, {"x": [1, 2, 3]}, limit=1)
    assert e.missing().to_dataframe().x.tolist() == [2, 3]
    assert e.status() == {"measurements": 1, "failed": 0, "missing": 2, "excluded": 0, "runs": []}
    e.run(square, e.missing())
    assert e.status() == {"measurements": 3, "failed": 0, "missing": 0, "excluded": 0, "runs": []}


def test_a_condition_that_no_measurement_fulfils_changes_nothing_and_says_so(e):
    e.run(square, {"x": [1, 2]})
    for change in (lambda: e.remove("x > 5"), lambda: e.exclude("x > 5", "too large")):
        with pytest.warns(ComaWarning, match="fulfils the condition x > 5; nothing was changed"):
            assert change() == []


@pytest.mark.parametrize("about", [{"description": 3}, {"tags": [1]}, {"tags": 3}])
def test_description_and_tags_are_texts(experiment_path, about):
    with pytest.raises(coma.ParameterError, match=f"^{next(iter(about))}=.* Expected a string"):
        coma.Experiment(experiment_path, **about)
    assert not experiment_path.exists()


def test_each_repeat_that_lacks_is_counted_as_missing(e):
    def moody(x, rng):
        return {"y": x / 0 if x == 1 else x}

    with pytest.warns(ComaWarning, match=r"2 like \(x=1\), repeat 0: "):
        e.run(moody, {"x": [1, 2, 3]}, repeats=3, limit=5)
    status = e.status()
    assert (status["measurements"], status["failed"], status["missing"]) == (3, 2, 6)
    assert len(e.to_dataset().coma.holes()) == 6
    assert e.missing().to_dataframe().x.tolist() == [1, 2, 3]
    assert e.failures()["repeat"].tolist() == [0, 1]
    assert list(e.failures().columns)[:3] == ["x", "repeat", "exception"]


def test_a_run_tells_others_how_far_it_is(e, monkeypatch):
    monkeypatch.setattr("coma_xr.run.runner._BETWEEN", 0.0)
    seen = []

    def look(x):
        seen.extend(coma.Experiment(e.path, "r").status()["runs"])
        return 1 / x

    with pytest.warns(coma.ComaWarning, match="1 of 3"):
        e.run(look, {"x": [1, 0, 2]}, progress=False)
    assert [(run.todo, run.done, run.failed) for run in seen] == [(3, 0, 0), (3, 1, 0), (3, 2, 1)]
    assert {run.pid for run in seen} == {os.getpid()}
    assert e.runs() == []


def test_what_is_removed_is_computed_again(e):
    e.run(square, {"x": [1, 2, 3]})
    assert e.remove(coma.P.x > 1) == [2, 3]
    assert len(list(e.path.glob("removed/*-remove/measurement.000002.json"))) == 1
    assert e.run(square, {"x": [1, 2, 3]}) == (2, 3)
    assert e.remove(1) == [1]


def test_tables_know_what_was_annotated(e):
    e.run(square, {"x": [1, 2]})
    e.annotate("results/y", units="m")
    e.annotate("parameters/L", default=2.0)
    tables = e.retrieve_results([("y", "results/y")], [("L", "parameters/L"), ("x", "parameters/x")])
    assert [result.parameters.L for result in tables] == [2.0, 2.0]
    assert tables.to_dataset().y.attrs["units"] == "m"


def test_what_is_excluded_is_in_no_table(e):
    e.run(square, {"x": [1, 2, 3]})
    e.exclude(2, "not converged")
    tables = e.retrieve_results([("x", "parameters/x"), ("y", "results/y")])
    assert tables[0].measurement_ids == e.to_dataframe().index.tolist() == [1, 3]
    assert tables.to_dataset().y.values.tolist() == [1, 9]


def test_what_is_excluded_is_a_hole(e):
    e.run(square, {"x": [1, 2]})
    assert e.exclude(2, "not converged") == [2]
    assert np.isnan(e.to_dataset().y.sel(x=2))
    assert len(e.to_dataframe()) == 1
    assert e.run(square, {"x": [1, 2]}) == (0, 2)


def test_copies_are_merged(tmp_path):
    here, there = coma.Experiment(tmp_path / "here"), coma.Experiment(tmp_path / "there")
    here.run(square, {"x": [1, 2]})
    there.run(square, {"x": [2, 3]})
    assert here.merge(there) == {2: 3}
    assert here.to_dataset().y.values.tolist() == [1, 4, 9]
    assert here.merge(there) == {}
    there.run(lambda x: {"y": 0.0}, {"x": [1]}, code="accept")
    with pytest.raises(coma.ExperimentError, match="1"):
        here.merge(there)


def test_an_experiment_with_other_parameters_is_not_merged(tmp_path):
    here, there = coma.Experiment(tmp_path / "here"), coma.Experiment(tmp_path / "there")
    here.run(square, {"x": [1, 2]})
    there.run(lambda a: {"y": a}, {"a": [2, 3]})
    with pytest.raises(
        coma.ParameterError, match=r"No measurement in .*there has all of the parameters x of"
    ):
        here.merge(there)
    assert here.number_of_measurements() == 2
    assert here.merge(coma.Experiment(tmp_path / "empty")) == {}


def test_everything_is_the_same_in_xml(tmp_path):
    one = coma.Experiment(tmp_path / "json")
    two = coma.Experiment(tmp_path / "xml", config={"archive_default_format": "xml"})
    for e in (one, two):
        e.run(lambda x: {"y": [x, None], "z": 1j * x, "text": "1"}, {"x": [1, 2]})
        assert e.verify() == []
    assert visible(two) == [
        "code",
        "experiment.none.xml",
        "measurement.000001.xml",
        "measurement.000002.xml",
        "measurement.index.xml",
    ]
    xr.testing.assert_identical(one.to_dataset().drop_attrs(), two.to_dataset().drop_attrs())
    two.deactivate(compress=True)
    assert visible(two) == ["code", "experiment.none.xml.gz"]
    xr.testing.assert_identical(
        one.to_dataset().drop_attrs(), coma.Experiment(two.path, "r").to_dataset().drop_attrs()
    )


def test_another_root_of_seeds_is_named(e):
    def draw(x, seed):
        return seed

    e.run(draw, {"x": [1]}, seed=7)
    with pytest.warns(ComaWarning, match="come from the root 7, those of this run from 8"):
        e.run(draw, {"x": [2]}, seed=8)


def test_options_of_a_run_are_checked_before_anything_is_done(e):
    for wrong in ({"shard": (2, 2)}, {"repeats": 0}, {"limit": -1}):
        with pytest.raises(coma.ParameterError, match=next(iter(wrong))):
            e.run(square, {"x": [1]}, **wrong)
    assert visible(e) == ["experiment.none.json", "measurement.index.json"]


# What is meant, or said


def test_a_text_is_one_tag(experiment_path):
    assert coma.Experiment(experiment_path, tags="lattice").tags == ["lattice"]


def test_a_copy_to_merge_may_be_given_by_its_path(tmp_path):
    e, copy = coma.Experiment(tmp_path / "a"), coma.Experiment(tmp_path / "b")
    copy.run(square, {"x": [1, 2]})
    assert e.merge(str(tmp_path / "b")) == {1: 1, 2: 2}
    assert e.merge(tmp_path / "b") == {}
    with pytest.raises(coma.ExperimentError, match="There is no experiment in .*nowhere"):
        e.merge(tmp_path / "nowhere")


def test_an_empty_scan_is_said(e):
    with pytest.warns(ComaWarning, match="The scan has no parameter sets; nothing was run in"):
        e.run(square, {"x": np.arange(1, 0, 0.1)})
    e.run(square, {"x": [1]}, shard=(1, 2))


def test_repeats_that_must_be_equal_are_said(e):
    text = r"square\(\) takes neither rng nor seed, so that its 3 repeats are equal"
    with pytest.warns(ComaWarning, match=text):
        e.run(square, {"x": [1, 2]}, repeats=3)
    assert e.run(square, {"x": [1, 2]}, repeats=3) == (0, 6)
    e.run(square, {"x": [3]}, repeats=1)


@pytest.mark.parametrize(
    "function", [lambda x, rng: x, lambda x, seed=None: x, type("F", (), {"__call__": lambda s, x: x})()]
)
def test_repeats_that_may_differ_are_not_spoken_of(e, function):
    e.run(function, {"x": [1]}, repeats=2)


@pytest.mark.parametrize("timeout", ["5", True, 0, float("nan")])
def test_a_timeout_is_a_duration(e, timeout):
    with pytest.raises(coma.ParameterError) as caught:
        e.run(square, {"x": [1]}, timeout=timeout)
    assert caught.value.expected == "a duration above 0, such as '7h30m', a timedelta or seconds"


def test_ids_are_whole_numbers_also_those_of_numpy(e):
    e.run(square, {"x": [1, 2]})
    assert e.measurement(e.to_dataset().measurement_id.values[1]).id == 2
    for id in ("1", True, 1.0):
        with pytest.raises(
            coma.PathError,
            match=f"There is no measurement {id!r}. Expected an integer. Available: 1, 2.",
        ):
            e.measurement(id)
    for id in ([1], np.array([1, 2]), {1}):
        with pytest.raises(coma.PathError, match=r"There is no measurement .*\. Expected an integer\."):
            e.measurement(id)
        with pytest.raises(coma.PathError, match=r"^id=.* is an? [a-z]*\. Expected an integer\."):
            e.failure(id)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A working directory that was deleted."""
    directory = tmp_path / "deleted"
    directory.mkdir()
    monkeypatch.chdir(directory)
    try:
        directory.rmdir()
    except OSError:
        pytest.skip("the system deletes no working directory")


@pytest.mark.parametrize("open", [coma.Experiment, lambda path: coma.program(["ls", path])])
def test_a_working_directory_that_is_gone_is_named(nowhere, open):
    with pytest.raises(
        coma.StorageError, match="the working directory no longer exists; change to another one"
    ):
        open("e")


def test_an_experiment_elsewhere_needs_no_working_directory(nowhere, tmp_path):
    e = coma.Experiment(tmp_path / "elsewhere")
    assert e.run(square, {"x": [1]}, progress=False).saved == 1
    with pytest.raises(coma.RunError, match="cannot be started: the working directory no longer exists"):
        e.run(square, {"x": [1, 2, 3]}, max_workers=2, progress=False)


def test_a_directory_that_is_gone_is_said(e, tmp_path):
    "An experiment that seems empty would be taken for one."
    e.run(square, {"x": [1, 2]})
    e.path.rename(tmp_path / "elsewhere")
    asked = [e.to_dataset, e.to_dataframe, e.paths, e.status, e.failures, e.number_of_measurements, e.verify]
    for ask in asked:
        with pytest.raises(
            coma.StorageError, match="directory no longer exists; it was moved or deleted, or"
        ):
            ask()
    with pytest.raises(coma.StorageError, match="directory no longer exists"):
        e.runs()
    assert "directory no longer exists" in repr(e)
    (tmp_path / "elsewhere").rename(e.path)
    assert e.to_dataset().y.values.tolist() == [1, 4]


def test_a_directory_that_is_replaced_during_a_run_is_noticed(e, tmp_path):
    "What was computed is not saved among the files of another experiment."

    def replaced(x):
        if x == 3:
            e.path.rename(tmp_path / "elsewhere")
            coma.Experiment(e.path)
            time.sleep(0.02)
        return {"y": x}

    with pytest.raises(
        coma.StorageError, match="another directory took the place of the experiment's during the run"
    ):
        e.run(replaced, {"x": [1, 2, 3, 4]}, progress=False)
    assert not [*e.path.glob("measurement.0*")]
    assert coma.Experiment(tmp_path / "elsewhere", "r").number_of_measurements() == 2


@pytest.mark.parametrize("name", ["x.csv", "x.nc", "x.json"])
def test_an_export_into_no_directory_names_it(e, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    e.run(square, {"x": [1, 2]})
    with pytest.raises(coma.StorageError) as caught:
        e.export(f"nodir/{name}")
    assert str(caught.value).endswith(f"the directory nodir does not exist; create it first: 'nodir/{name}'")


@pytest.mark.parametrize("failing", [3, 30, 200])
def test_two_hundred_points_print_few_lines_about_their_failures(e, failing, capsys):
    def simulate(x):
        if x < failing:
            raise ValueError(f"\x1b[31mno {x} " + "long " * 100)
        return {"y": x}

    with pytest.warns(ComaWarning) as warned:
        e.run(simulate, {"x": range(199, -1, -1)}, on_error="continue")
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) == min(failing, 6)
    assert max(map(len, printed.splitlines())) < 300
    [warning] = warned
    assert str(warning.message).startswith(
        f"{failing} of 200 parameter sets failed ({200 - failing} saved): {failing} like"
    )
    assert len(str(warning.message)) < 500
    assert "\x1b" not in printed + str(warning.message) + e.failures().to_string() + str(
        e.failure(200 - failing + 1)
    )


def test_a_function_that_cannot_be_sent_changes_nothing(e, tmp_path, monkeypatch):
    text = "import threading\n\nlock = threading.Lock()\nfunctions = [lambda x: lock.locked()]\n"
    # What is found out about long files is cached.
    (tmp_path / "not_sent.py").write_text(text + "# A long file.\n" * 400, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = {path.name for path in e.path.iterdir()}
    with pytest.raises(SerializationError, match=r"cannot be sent to another process"):
        e.run(importlib.import_module("not_sent").functions[0], {"x": [1]}, max_workers=2)
    assert {path.name for path in e.path.iterdir()} == before
    assert len(e.run(lambda y: y, {"y": [1]}, progress=False)) == 2


def test_a_second_thread_gets_an_error_about_threads(e):
    started, ended = threading.Event(), threading.Event()

    def simulate(x):
        started.set()
        ended.wait(10)
        return x

    thread = threading.Thread(target=e.run, args=(simulate, {"x": [1]}), kwargs={"progress": False})
    thread.start()
    started.wait(10)
    with pytest.raises(coma.ExperimentBusyError, match=r"^Another thread of this process is running"):
        coma.Experiment(e.path).run(simulate, {"x": [1]}, progress=False)
    ended.set()
    thread.join()
    assert len(e) == 1


@pytest.mark.parametrize(
    "choose", [lambda scan: scan, lambda scan: scan.where("a + b + c >= 0"), lambda scan: scan + scan]
)
def test_a_huge_scan_runs_up_to_a_limit(choose, tmp_path):
    scan = choose(coma.grid(a=range(1000), b=range(1000), c=range(1001)))
    e = coma.Experiment(tmp_path / "e")

    def product(a, b, c):
        if c == 1:
            raise ValueError
        return {"y": a * b * c}

    with pytest.warns(coma.ComaWarning, match="1 of 3 parameter sets failed"):
        assert e.run(product, scan, limit=3, progress=False).saved == 2
    assert e.run(product, scan, limit=2, dry_run=True).asked == 5
    assert e.run(product, scan, limit=2, retry_failed=False, progress=False).saved == 2
    assert e.to_dataset()["c"].values.tolist() == [0, 1, 2, 3, 4]
    with pytest.warns(coma.ComaWarning, match="At least .* more of the last scan"):
        assert len(e.missing()) == 1
    assert e.status()["missing"] > 1


def test_a_huge_scan_without_a_limit_names_the_way_out(tmp_path):
    scan = coma.grid(a=range(10**5), b=range(10**5))
    for use in (lambda: coma.Experiment(tmp_path / "e").run(lambda a, b: 1, scan), scan.to_dataframe):
        with pytest.raises(coma.ParameterError, match=r"limit=1000"):
            use()


CALLS = {
    "to_dataset": lambda e: e.to_dataset(),
    "to_dataframe": lambda e: e.to_dataframe(),
    "to_dataframe(where)": lambda e: e.to_dataframe(where="x > 0"),
    "retrieve_results": lambda e: e.retrieve_results(["z"]),
    "csv": lambda e: e.export("all.csv"),
    "plot": lambda e: (e.define_figure("z", x="x", y="z"), e.plot("z")),
    "merge": lambda e: coma.Experiment("other").merge(e),
    "exclude": lambda e: e.exclude("z > 5", "large"),
    "collection": lambda e: coma.open_experiments("e").to_dataset(),
}


@pytest.mark.parametrize("call", CALLS)
def test_each_warning_comes_once_in_a_call(tmp_path, monkeypatch, call):
    "Some calls read twice: a measurement that cannot be read, and one with another id inside, are found again."
    monkeypatch.chdir(tmp_path)
    e = coma.Experiment("e")
    e.run(lambda x: {"z": 2 * x, "y": np.arange(2.0)}, {"x": [1, 2, 3]}, progress=False)
    file = tmp_path / "e" / "measurement.000001.json"
    if call not in ("exclude", "merge"):
        file.write_text(file.read_text().replace('"shape"', '"shapes"'))
    (tmp_path / "e" / "measurement.000002.json").write_text("{")
    (tmp_path / "e" / "measurement.000003.json").rename(tmp_path / "e" / "measurement.000007.json")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[call](coma.Experiment("e"))
    texts = [str(warning.message) for warning in caught if issubclass(warning.category, coma.ComaWarning)]
    assert sum("cannot be read and was skipped" in text for text in texts) == 1
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("content", ["", '{"experiment": {', "\0\0"])
def test_the_error_for_a_damaged_experiment_file_states_what_to_do(e, content):
    path = e.path / "experiment.none.json"
    path.write_text(content)
    with pytest.raises(
        coma.DataFileError, match=r"\nPut a copy of this file back\.\nOnly this file holds the measurements"
    ):
        coma.Experiment(e.path)
    path.unlink()
    coma.Experiment(e.path).run(square, {"x": [1]})
    path.write_text(content)
    with pytest.raises(
        coma.DataFileError, match=r"\nWithout a copy, move it away: the measurement files are read"
    ):
        coma.Experiment(e.path)
    path.unlink()
    with pytest.warns(coma.DataFileWarning, match="no experiment file"):
        assert coma.Experiment(e.path).to_dataset().y.values.tolist() == [1]


def test_a_measurement_file_is_not_an_experiment_file(e):
    e.run(square, {"x": [1]})
    with pytest.raises(
        coma.DataFileError, match="\nPass the directory of an experiment, or its experiment file"
    ):
        coma.Experiment(e.path / "measurement.000001.json")


def test_an_id_that_is_given_twice_is_returned_once(e):
    e.run(square, {"x": [1, 2]})
    assert e.exclude([2, 2], "warming up") == [2]
    assert e.exclude([2, 2], None) == [2]
    assert e.remove([1, 1]) == [1]
    assert e.restore([1, 1]) == [1]
