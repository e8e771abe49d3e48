"""Discrete results: samples that happen to be equal all count, and one event counts once, at every door."""

from __future__ import annotations

import json
import random
import warnings

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.errors import ComaWarning


def toss(p, rng):
    return {"heads": int(rng.random() < p)}


def scaled(a, b=1):
    return {"y": a * b}


def square(x):
    return {"y": x**2}


def by_hand(e, value, x=1):
    m = e.new_measurement()
    m.save({"parameters": {"x": x}, "results": {"y": value}})


def twin(e, id, new, **info):
    """Write what another run of the same point would have written at the same time."""
    tree = json.loads((e.path / f"measurement.{id:06}.json").read_text())
    tree["measurement"]["info"].update(measurement_id=new, **info)
    path = e.path / f"measurement.{new:06}.json"
    path.write_text(json.dumps(tree))
    return path


@pytest.fixture
def e(tmp_path):
    return coma.Experiment(tmp_path / "e")


@pytest.fixture
def doubled(e):
    e.run(square, {"x": [1, 2, 3]}, progress=False)
    twin(e, 2, 4, start_date="2026-01-01T00:00:00Z", duration=1.0)
    return coma.Experiment(e.path)


def test_the_mean_over_repeats_of_coin_tosses_is_that_of_all_tosses(e):
    e.run(toss, {"p": [0.9]}, repeats=50, seed=3, progress=False)
    heads = [m.results.heads for m in e.measurements()]
    assert e.to_dataset().heads.mean().item() == np.mean(heads)
    assert e.to_dataframe().heads.mean() == np.mean(heads)
    assert len(e.duplicates()) == 0


def test_replicas_saved_by_hand_all_count(e):
    values = random.Random(1).choices([0, 1], weights=[1, 9], k=30)
    for value in values:
        by_hand(e, value)
    e.define_parameter_set("x")
    with pytest.warns(ComaWarning, match="several measurements"):
        ds = e.to_dataset()
    assert dict(ds.sizes) == {"x": 1, "row": 30}
    assert ds.y.mean().item() == np.mean(values)
    assert len(e.to_dataframe()) == 30
    assert len(e.retrieve_results([("y", "results/y")])[0].table) == 30
    assert e.duplicates().empty
    assert e.verify() == []


def test_imported_files_all_count(e):
    for id in range(1, 5):
        tree = {"info": {"measurement_id": id}, "parameters": {"x": 1}, "results": {"y": id // 4}}
        (e.path / f"measurement.{id:06}.json").write_text(json.dumps({"measurement": tree}))
    e = coma.Experiment(e.path)
    assert len(e.to_dataframe()) == 4
    assert e.to_dataset(dims=["x"]).sizes["row"] == 4
    assert e.duplicates().empty


def test_ensembles_with_other_seeds_are_merged_without_bias(tmp_path):
    parts = []
    for name, seed in (("here", 1), ("there", 2)):
        part = coma.Experiment(tmp_path / name)
        part.run(toss, {"p": [0.5, 0.9]}, repeats=20, seed=seed, progress=False)
        parts.append(part.to_dataset().heads)
    here = coma.Experiment(tmp_path / "here")
    with pytest.raises(coma.ExperimentError) as caught:
        here.merge(tmp_path / "there")
    assert any('repeats="append"' in str(way) for way in caught.value.ways)
    assert here.number_of_measurements() == 40
    added = here.merge(tmp_path / "there", repeats="append")
    assert len(added) == 40
    ds = here.to_dataset()
    assert dict(ds.sizes) == {"p": 2, "repeat": 40}
    xr.testing.assert_allclose(ds.heads.mean("repeat"), xr.concat(parts, "repeat").mean("repeat"))
    # Once more changes nothing, and more repeats are only those that are missing.
    assert here.merge(tmp_path / "there", repeats="append") == {}
    assert here.run(toss, {"p": [0.5, 0.9]}, repeats=41, progress=False).saved == 2


def test_samples_of_a_function_that_draws_by_itself_are_not_dropped(tmp_path):
    draws = iter([0, 1, 1, 0, 1, 0, 0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        for name in ("here", "there"):
            coma.Experiment(tmp_path / name).run(
                lambda x: {"y": next(draws)}, {"x": [1]}, repeats=4, progress=False
            )
    here = coma.Experiment(tmp_path / "here")
    with pytest.raises(coma.ExperimentError, match="with other results"):
        here.merge(tmp_path / "there")
    assert len(here.merge(tmp_path / "there", repeats="append")) == 4
    assert here.to_dataset().y.mean().item() == 3 / 8


def test_replicas_saved_by_hand_are_all_merged(tmp_path):
    for name in ("here", "there"):
        e = coma.Experiment(tmp_path / name)
        e.define_parameter_set("x")
        for value in (0, 1, 1):
            by_hand(e, value)
    here = coma.Experiment(tmp_path / "here")
    assert here.merge(tmp_path / "there") == {1: 4, 2: 5, 3: 6}
    assert here.merge(tmp_path / "there") == {}
    assert here.number_of_measurements() == 6


def test_what_two_runs_computed_at_the_same_time_counts_once(doubled):
    with pytest.warns(ComaWarning, match=r"1 measurement in .*, 4 next to 2 for example") as warned:
        ds = doubled.to_dataset()
    assert len(warned) == 1
    assert dict(ds.sizes) == {"x": 3}
    assert ds.measurement_id.values.tolist() == [1, 2, 3]
    with pytest.warns(ComaWarning, match="4 next to 2"):
        assert doubled.to_dataset(layout="points").sizes == {"measurement": 3}
    with pytest.warns(ComaWarning, match="4 next to 2"):
        assert doubled.to_dataframe().y.tolist() == [1, 4, 9]
    with pytest.warns(ComaWarning, match="4 next to 2"):
        assert len(doubled.retrieve_results([("y", "results/y")])[0].table) == 3
    assert doubled.number_of_measurements() == 4


def test_duplicates_are_listed_and_moved_away(doubled):
    table = doubled.duplicates()
    assert table.to_dict("index") == {4: {"x": 2, "duplicate_of": 2}}
    (finding,) = [finding for finding in doubled.verify(repair=True) if finding.kind == "duplicate"]
    assert (finding.done, finding.file) == (False, "measurement.000004.json")
    assert doubled.remove_duplicates().equals(table)
    assert doubled.number_of_measurements() == 4
    assert doubled.remove_duplicates(dry_run=False).equals(table)
    assert doubled.number_of_measurements() == 3
    assert doubled.verify() == []
    assert doubled.restore([4]) == [4]


def test_a_duplicate_that_is_not_used_does_not_hide_the_one_that_is(doubled):
    doubled.exclude(2, "the disk was full")
    with pytest.warns(ComaWarning, match="2 next to 4"):
        assert doubled.to_dataset().y.values.tolist() == [1, 4, 9]
    (finding,) = [finding for finding in doubled.verify() if finding.kind == "duplicate"]
    assert (finding.file, finding.text.split(",")[0]) == (
        "measurement.000002.json",
        "records the same event as measurement 4",
    )
    assert doubled.duplicates().to_dict("index") == {2: {"x": 2, "duplicate_of": 4}}


def test_other_results_or_parameters_are_no_duplicates(e):
    e.run(square, {"x": [1, 2]}, progress=False)
    path = twin(e, 2, 3)
    path.write_text(path.read_text().replace('"y": 4', '"y": 5'))
    e = coma.Experiment(e.path)
    assert e.duplicates().empty
    # Results of one point that differ show that the function is random.
    twin(e, 1, 4)
    e = coma.Experiment(e.path)
    assert e.duplicates().empty
    with pytest.warns(ComaWarning, match="several measurements"):
        assert e.to_dataset().sizes == {"x": 2, "row": 2}


def test_a_copied_file_of_a_measurement_saved_by_hand_is_a_duplicate(e):
    by_hand(e, 1)
    by_hand(e, 1)
    twin(e, 1, 9)
    e = coma.Experiment(e.path)
    assert e.duplicates().duplicate_of.to_dict() == {9: 1}
    with pytest.warns(ComaWarning, match="9 next to 1"):
        assert len(e.to_dataframe()) == 2


def test_several_experiments_have_their_own_events(tmp_path):
    for name in ("a", "b"):
        e = coma.Experiment(tmp_path / name)
        e.run(square, {"x": [1, 2, 3]}, progress=False)
    twin(e, 2, 4)
    with pytest.warns(ComaWarning, match="1 measurement of .*b records the same event"):
        ds = coma.open_experiments(tmp_path / "*").to_dataset()
    assert dict(ds.sizes) == {"experiment": 2, "x": 3}


@pytest.mark.parametrize("scanned", [[3], [1, 3]])
def test_a_default_that_all_measurements_record_is_a_parameter_of_both(tmp_path, scanned):
    plain, other = coma.Experiment(tmp_path / "plain"), coma.Experiment(tmp_path / "other")
    plain.run(scaled, {"a": [1, 2]}, progress=False)
    other.run(scaled, {"a": [1, 2], "b": scanned}, progress=False)
    assert len(plain.merge(other)) == 2
    assert plain.to_dataset().y.sel(a=2).values.tolist() == [2, 6]
    assert len(plain.missing()) == 0
    assert plain.run(scaled, {"a": [1, 2], "b": [1, 3]}, progress=False) == (0, 4)


def test_a_parameter_that_only_the_other_experiment_has_is_named(tmp_path):
    small, large = coma.Experiment(tmp_path / "small"), coma.Experiment(tmp_path / "large")
    small.run(lambda a: {"y": a}, {"a": [1, 2]}, progress=False)
    large.run(lambda a, b: {"y": a}, {"a": [1, 2], "b": [1, 2]}, progress=False)
    way = (
        r"\nCall annotate\('parameters/b', default=...\) of .*small first, with the value that it had there."
    )
    with pytest.raises(coma.ExperimentError, match=rf"by parameters/b, which .*small lacks.*{way}"):
        small.merge(large)
    with pytest.raises(coma.ParameterError, match="annotate"):
        large.merge(small)
    large.annotate("b", default=3)
    assert len(large.merge(small)) == 2
    assert large.to_dataset().sizes == {"a": 2, "b": 3}


def with_default(directory, c, values):
    """Run a function whose argument c has a default, which each file records."""
    e = coma.Experiment(directory)
    f = (lambda x, c=c: {"y": x * c}) if c else (lambda x: {"y": x})
    e.run(f, {"x": values}, progress=False)
    return e


def test_a_recorded_default_that_differs_is_named(tmp_path):
    here, there = with_default(tmp_path / "here", 4, [1, 2]), with_default(tmp_path / "there", 5, [2, 5])
    way = r"\nAdd it to the definition of .*here first, with define_parameter_set\(\)\."
    with pytest.raises(
        coma.ExperimentError, match=rf"by parameters/c, which the definition lacks, or by results.*{way}"
    ):
        here.merge(there)
    here.define_parameter_set("x", "c")
    assert here.merge(there) == {1: 3, 2: 4}
    assert here.to_dataframe()[["x", "c", "y"]].values.tolist() == [
        [1, 4, 4],
        [2, 4, 8],
        [2, 5, 10],
        [5, 5, 25],
    ]


def test_a_recorded_default_that_one_of_two_experiments_lacks_is_named(tmp_path):
    plain, other = with_default(tmp_path / "plain", None, [1, 2]), with_default(tmp_path / "other", 3, [2, 5])
    for e, copy in ((plain, other), (other, plain)):
        with pytest.raises(
            coma.ExperimentError, match=r"by parameters/c, which .*plain lacks, or by results"
        ) as caught:
            e.merge(copy)
        assert str(caught.value.ways[0].python).startswith(
            f"Call annotate('parameters/c', default=...) of {plain.path}"
        )


def test_a_recorded_default_that_the_earlier_measurements_lack_is_reported(tmp_path):
    here, there = with_default(tmp_path / "here", None, [1, 2]), with_default(tmp_path / "there", 3, [5])
    with pytest.warns(
        ComaWarning,
        match=r"The earlier measurements in .*here lack parameters/c, which those of .*there have",
    ):
        here.merge(there)
    here.annotate("parameters/c", default=1)
    assert here.to_dataframe().c.tolist() == [1, 1, 3]
    with_default(tmp_path / "more", 3, [6])
    assert here.merge(tmp_path / "more") == {1: 4}


def test_a_point_that_was_run_without_repeats_is_the_first_one_at_every_door(e):
    e.run(toss, {"p": [0.5]}, progress=False)
    e.run(toss, {"p": [0.5, 0.9]}, repeats=2, progress=False)
    assert e.measurement(1).info.get("repeat") is None
    assert e.to_dataset().measurement_id.sel(repeat=0).values.tolist() == [1, 2]
    assert e.to_dataframe()["repeat"].to_dict() == {1: 0, 2: 0, 3: 1, 4: 1}
    assert e.retrieve_results([("repeat", "info/repeat")])[0].table.ravel().tolist() == [0, 0, 1, 1]
    for where in ("repeat == 0", coma.P.repeat < 1, "`info/repeat` == 0"):
        assert e.to_dataframe(where=where).index.tolist() == [1, 2]
        assert e.to_dataset(where=where).measurement_id.values.tolist() == [1, 2]
    assert e.exclude("repeat == 0", "warming up") == [1, 2]
    assert e.remove("repeat == 0") == [1, 2]
