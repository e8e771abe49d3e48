"""Scripts of Coma 2: its members work, or say what took their place."""

from __future__ import annotations

import json
import re
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.checks import GONE
from coma_xr.errors import (
    ArgumentError,
    ComaWarning,
    ExperimentError,
    InactiveError,
    MissingAttributeError,
    ParameterError,
    PathError,
    StorageError,
)

DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
PAGE = Path(__file__).parents[1] / "docs" / "coming-from-coma-2.md"


@pytest.fixture
def e(tmp_path, empty_configuration):
    return coma.Experiment(tmp_path / "e")


# ------------------------------------------------------------------------------------------ experiments


def test_start_end_and_save_note_the_dates(e):
    assert e.start_date is None
    e.start()
    first = e.start_date
    e.start()
    e.end()
    e.save()
    e.load()
    again = coma.Experiment(e.path)
    assert again.start_date == first
    assert DATE.fullmatch(first)
    assert DATE.fullmatch(again.end_date)


def test_a_mapping_is_taken_by_its_items_or_refused(e):
    e.run(lambda x, n: {"y": x * n}, {"x": [1, 2], "n": 3}, progress=False)
    e.define_layout("grid", {"t": "parameters/x"})
    assert e.to_dataset().y.sizes == {"t": 2}
    assert e.to_dataframe(index={"t": "parameters/x"}).index.names == ["t"]
    with pytest.raises(ParameterError):
        e.tags = {"a": 1}


def test_what_describes_an_experiment_can_be_set(e):
    e.description, e.tags = "first try", "pendulum"
    e.start_date, e.end_date = "2010-01-01", "2011-01-01"
    again = coma.Experiment(e.path)
    assert (again.description, again.tags) == ("first try", ["pendulum"])
    assert (again.start_date, again.end_date) == ("2010-01-01", "2011-01-01")
    again.tags.append("lost")
    again.tags += ["small"]
    assert coma.Experiment(e.path).tags == ["pendulum", "small"]
    tags = again.tags
    tags.append("kept")
    again.save()
    assert coma.Experiment(e.path).tags == ["pendulum", "small", "kept"]
    with pytest.raises(ParameterError):
        e.description = 3
    with pytest.raises(StorageError):
        coma.Experiment(e.path, mode="r").description = "third try"


def test_settings_and_indices_can_be_read(e):
    coma.create_default_config()
    e.define_parameter_set(("V1", "parameters/layout/V1"))
    e.add_parameter_set(100)
    assert (e.dir, e.experiment_file, e.experiment_index) == (
        str(e.path),
        "experiment.${experiment_id}",
        "experiment.index",
    )
    assert (e.measurement_file, e.measurement_index) == ("measurement.${measurement_id}", "measurement.index")
    assert (e.pset_definition, e.psets) == ({"V1": "parameters/layout/V1"}, [(100,)])
    assert e.config["archive_pretty_print"] is True
    assert (e.mindex.exists(), e.mindex.get(), e.eindex.get()) == (True, 0, 0)
    e.run(lambda p: {"results": {"y": p.V1}}, progress=False)
    assert (e.mindex.get(), e.mindex.filename) == (1, str(e.path / "measurement.index"))
    assert (coma.Experiment(e.path.parent / "f").id, e.eindex.get()) == (1, 1)
    e.deactivate()
    assert (e.mindex.exists(), e.mindex.get()) == (False, 0)
    with pytest.raises(MissingAttributeError) as error:
        e.mindex.increment()
    assert error.value.ways == (GONE["IndexFile"],)


@pytest.mark.parametrize("name", ["archive", "pview", "save_measurements"])
def test_a_member_that_is_gone_says_what_to_use(e, name):
    with pytest.raises(AttributeError, match=re.escape(GONE[f"Experiment.{name}"])):
        getattr(e, name)
    with pytest.raises(AttributeError) as error:
        e.to_datset
    assert (error.value.name, error.value.obj) == ("to_datset", e)


def test_arguments_are_taken_in_the_order_of_coma_2(tmp_path, empty_configuration):
    e = coma.Experiment(tmp_path / "a", 5, "first", ["x"], {"archive_pretty_print": False})
    assert (e.id, e.description, e.tags, e.config["archive_pretty_print"]) == (5, "first", ["x"], False)
    assert coma.Experiment(str(tmp_path / "a"), None, "second").description == "second"
    assert coma.Experiment(dir=tmp_path / "a").id == 5
    assert coma.ParallelExperiment(tmp_path / "b", np.int64(6)).id == 6
    assert coma.Experiment(tmp_path / "a", "r").id == 5
    with pytest.raises(ArgumentError):
        coma.Experiment(tmp_path / "a", 5, id=5)
    with pytest.raises(ExperimentError):
        coma.Experiment(tmp_path / "a", 7)


def test_the_profile_of_a_cluster_is_taken_with_a_warning(tmp_path, empty_configuration):
    with pytest.warns(
        ComaWarning, match=r"profile='cluster' is not used: run\(\) uses .* max_workers= .* executor="
    ):
        e = coma.ParallelExperiment(tmp_path / "e", config=coma.load_config(), profile="cluster")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coma.ParallelExperiment(tmp_path / "e")
    assert e.run(lambda x: x, {"x": [-1]}, max_workers=1, progress=False).saved == 1


def test_settings_without_a_file_are_the_defaults(tmp_path, empty_configuration):
    config = coma.load_config()
    assert (config["archive_pretty_print"], config["experiment_file"]) == (
        True,
        "experiment.${experiment_id}",
    )
    config["archive_pretty_print"] = False
    e = coma.Experiment(tmp_path / "e", config=config)
    assert len((tmp_path / "e" / "experiment.none.json").read_text().splitlines()) == 1
    assert (
        coma.Experiment(e.path, config={"archive_pretty_print": "no"}).config["archive_pretty_print"] is False
    )


def test_settings_in_the_current_directory_count_first(tmp_path, monkeypatch, empty_configuration):
    (empty_configuration / "preferences.conf").write_text("[coma]\nmeasurement_index = there\n")
    monkeypatch.chdir(tmp_path)
    for text, index in (("[coma]\nmeasurement_index = here\n", "here"), ("[other]\n", "there")):
        (tmp_path / "preferences.conf").write_text(text)
        assert coma.Experiment(tmp_path / index).measurement_index == index
        assert coma.load_config() == {"measurement_index": index}


@pytest.mark.parametrize("id", [None, 10])
def test_the_name_of_an_experiment_file_needs_no_number(tmp_path, id, empty_configuration):
    config = {"experiment_file": "experiment"}
    (tmp_path / "experiment.json").write_text(
        json.dumps({"experiment": {"info": {"experiment_id": id, "description": "old"}}})
    )
    e = coma.Experiment(tmp_path, config=config)
    assert (e.id, e.description) == (id, "old")
    e.run(lambda x: {"y": x}, {"x": [1, 2]}, progress=False)
    e.deactivate()
    assert (tmp_path / "experiment.json").exists()
    again = coma.Experiment(tmp_path, id=id, config=config)
    again.activate()
    assert again.to_dataset().y.values.tolist() == [1, 2]
    with pytest.raises(ExperimentError):
        coma.Experiment(tmp_path, id=11, config=config)
    assert coma.Experiment(tmp_path / "new", id=3, config=config).id == 3


# ------------------------------------------------------------------------------- subclasses of experiments


class Tenfold(coma.Experiment):
    """Overrides the hook of Coma 2."""

    def run_measurement(self, function, parameter_set):
        super().run_measurement(lambda p: {"results": {"y": 10 * function(p)}}, parameter_set)


def test_the_hook_of_a_subclass_is_called_for_what_is_missing(tmp_path, empty_configuration):
    e = Tenfold(tmp_path / "e")
    with pytest.raises(ParameterError):
        e.run(lambda p: p.x)
    e.define_parameter_set("x")
    e.add_parameter_set(coma.grid(x=[1, 2, 2]))
    assert e.run(lambda p: p.x) == (2, 3)
    e.add_parameter_set(3)
    report = e.run(lambda p: p.x, progress=False)
    assert (report.saved, report.skipped, report.duplicates) == (1, 2, 1)
    assert e.to_dataset().y.values.tolist() == [10, 20, 30]
    assert e.start_date is not None
    with pytest.raises(ExperimentError):
        e.run(abs, {"x": [4]}, max_workers=2)
    e.deactivate()
    with pytest.raises(InactiveError):
        e.run(lambda p: p.x)


def test_a_hook_that_saves_nothing_is_reported(tmp_path, empty_configuration):
    class Idle(coma.ParallelExperiment):
        def run_measurement(self, function, parameter_set):
            pass

    e = Idle(tmp_path / "e")
    e.define_parameter_set("x")
    e.add_parameter_set(1)
    with pytest.warns(ComaWarning, match="saved no measurement of 1 parameter set"):
        report = e.run()
    assert (report.saved, report.not_run) == (0, 1)


def test_a_hook_that_would_never_be_called_is_an_error(tmp_path, empty_configuration):
    class Saving(coma.ParallelExperiment):
        def save_measurements(self):
            pass

    with pytest.raises(ExperimentError) as error:
        Saving(tmp_path / "e").run(abs, {"x": [1]})
    assert error.value.ways[0] == GONE["Experiment.save_measurements"]


# ---------------------------------------------------------------------- measurements and parameter sets


def test_a_measurement_has_its_data_and_is_read_only(e):
    e.run(lambda x: {"y": x, "data": 5}, {"x": [1]}, progress=False)
    m = e.measurement(1)
    assert (m.data["results"]["y"], m.results.data) == (1, 5)
    for change in (lambda: m.__setitem__("results/y", 3), lambda: m.results.__delitem__("y")):
        with pytest.raises(ExperimentError, match="read-only"):
            change()
    for change in (lambda: setattr(m.results, "y", 3), lambda: m.save(), lambda: m.start()):
        with pytest.raises(AttributeError, match="read-only"):
            change()
    e.new_measurement().save({"parameters": {"x": 2}, "results": {"y": 0}, "data": "own"})
    assert (e.measurement(2).data, e.measurement(1).results.y) == ("own", 1)


def test_a_parameter_set_has_and_gets(e):
    p = coma.ParameterSet(OrderedDict([("t", "parameters/t"), ("V1", "parameters/layout/V1")]), [1, 2])
    assert (p.has("t"), p.has("parameters/layout/V1"), p.has("V2")) == (True, True, False)
    assert (p.get("V1"), p.get("parameters/t"), p.get("V2", 3)) == (2, 1, 3)
    assert p.definition == {"t": "parameters/t", "V1": "parameters/layout/V1"}
    assert (p.ps, p.shortnames) == ((1, 2), {"t": 0, "V1": 1})
    assert coma.ParameterSet({"t": "parameters/t", "V1": "a/V1"}, {"V1": 2, "t": 1}).ps == (1, 2)
    for unknown in (lambda: p.get("V2"), lambda: p["parameters/V2"]):
        with pytest.raises(PathError) as error:
            unknown()
        assert isinstance(error.value, IndexError)
    own = coma.ParameterSet(["get", "ps"], [1, 2])
    assert (own.get, own.ps) == (1, 2)
    e.define_parameter_set({"V1": "parameters/layout/V1"})
    assert e.pset_definition == {"V1": "parameters/layout/V1"}


# ------------------------------------------------------------------------------------------------- tables


def test_a_result_can_be_made_empty_and_filled():
    r = coma.Result()
    assert (repr(r), r.table.size, r.table_definition, r.measurement_ids) == ("Result((),())", 0, {}, [])
    r.parameters = coma.ParameterSet({"t": "parameters/t"}, [1])
    r.table_columns, r.table, r.measurement_ids = ("y",), np.array([[2.0]]), [7]
    other = coma.Result(coma.ParameterSet(["a"], [3]))
    rs = coma.ResultList([r, other])
    assert (rs["t", 1], rs["a", 3], rs["t", 2]) == ([r], [other], [])
    assert rs.filter_results(("t", 1)) == [r]
    assert rs[:1].to_dataframe().y.tolist() == [2.0]
    with pytest.raises(PathError):
        rs["b", 1]
    with pytest.raises(ArgumentError, match=r"\('t', 1, 'a', 3\) is not a pair"):
        rs["t", 1, "a", 3]


def test_results_of_several_experiments_are_filtered_by_their_own_parameters():
    pendulum = [coma.Result(coma.ParameterSet({"t": "parameters/t", "V1": "a/V1"}, [t, 100])) for t in (1, 2)]
    wire = coma.Result(coma.ParameterSet({"V1": "parameters/layout/V1", "t": "a/t"}, [0, 3]))
    for rs in (coma.ResultList([*pendulum, wire]), coma.ResultList([wire, *pendulum])):
        assert set(rs["t > 1"]) == {pendulum[1], wire}
        assert rs[coma.P.t == 3] == rs["t", 3] == [wire]
        assert rs["`a/t` > 1"] == rs["a/t", 3] == [wire]
        with pytest.warns(ComaWarning, match="None of the 3 results"):
            assert rs["V1 > 100"] == []
        with pytest.raises(PathError):
            rs["b > 1"]


def test_dictionaries_and_arrays_as_columns(e):
    def f(x):
        return {"fit": {"slope": x, "error": {"a": 0.1}}, "v": x * np.arange(6.0).reshape(2, 3), "n": x}

    e.run(f, {"x": [1, 2]}, progress=False)
    (r,) = e.retrieve_results([("fit", "results/fit"), ("n", "results/n")])
    assert r.table_definition == {"fit": "results/fit", "n": "results/n"}
    assert [row[0] for row in r.table] == [{"slope": x, "error": {"a": 0.1}} for x in (1, 2)]
    assert {type(row[0]) for row in r.table} == {OrderedDict}
    table = e.retrieve_results([("v", "results/v"), ("w", "results/v")])[0].table
    assert (table.shape, table.dtype) == ((2, 2, 2, 3), np.float64)
    assert table[:, 1, 1, 2].tolist() == [5.0, 10.0]
    mixed = e.retrieve_results([("v", "results/v"), ("n", "results/n")])[0].table
    assert (mixed.shape, mixed.dtype, mixed[1, 0][1, 2]) == ((2, 2), object, 10.0)
    with pytest.raises(PathError):
        e.retrieve_results([("fit", "results/fti")])
    with pytest.raises(PathError):
        e.retrieve_results([("a", "results/n"), ("a", "results/v")])


def test_lists_as_parameters_of_a_result_are_tuples(e):
    e.run(lambda x: {"y": len(x)}, {"x": [[[1, 2], 3], [4]]}, progress=False)
    rs = e.retrieve_results([("y", "results/y")], [("x", "parameters/x")])
    assert [r.parameters.x for r in rs] == [((1, 2), 3), (4,)]
    assert rs["x", [4]][0].table.tolist() == [[1]]
    assert rs.to_dataframe().y.tolist() == [2, 1]


def test_arrays_of_unequal_shape_stay_objects(e):
    e.run(lambda x: {"v": np.arange(x)}, {"x": [1, 2]}, progress=False)
    table = e.retrieve_results([("v", "results/v")])[0].table
    assert (table.shape, table.dtype) == ((2, 1), object)


# ----------------------------------------------------------------------------------------- what is gone


@pytest.mark.parametrize("name", [name for name in GONE if "." not in name])
def test_a_name_that_is_gone_says_what_to_use(name):
    with pytest.raises(AttributeError, match=f"coma_xr has no '{name}', which was part of Coma 2") as error:
        getattr(coma, name)
    assert error.value.ways == (GONE[name],)
    assert not hasattr(coma, name)


def test_the_page_has_the_same_table():
    _, _, section = PAGE.read_text("utf-8").partition("| name | advice |")
    assert dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE)) == GONE
