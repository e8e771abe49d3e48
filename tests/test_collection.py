"""Many experiments at once."""

from __future__ import annotations

import json
import re
import shutil
import warnings

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.collection import open_experiments
from coma_xr.define.conditions import P
from coma_xr.errors import ComaWarning, DataFileError, ExperimentError, LayoutError, PathError


@pytest.fixture
def scans(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for n, xs in [(1, [1, 2, 3]), (2, [2, 3, 4]), (3, [2, 3, 4, 5])]:
        e = coma.Experiment(f"scans/n{n}", description=f"power {n}", tags=["power", f"n{n}"])
        e.run(lambda x, n=n: {"y": x**n}, {"x": xs}, progress=False)
    return tmp_path / "scans"


def test_a_table_lists_what_there_is(scans):
    es = open_experiments("scans/*")
    assert len(es) == 3
    table = es.table
    assert table.columns.tolist() == [
        *("id", "path", "description", "tags", "measurements", "start_date", "end_date"),
        *("program", "version", "problem"),
    ]
    assert table.path.tolist() == ["scans/n1", "scans/n2", "scans/n3"]
    assert (table.index.name, table.index.tolist()) == (
        "experiment",
        es.to_dataset().experiment.values.tolist(),
    )
    assert table.measurements.tolist() == [3, 3, 4]
    assert table.description.tolist() == ["power 1", "power 2", "power 3"]
    assert table.start_date.notna().all()
    assert repr(es).startswith("<3 experiments>\n")
    assert "power 2" in es._repr_html_()


def test_what_is_broken_is_listed_with_its_problem_and_the_rest_is_there(scans):
    (scans / "empty").mkdir()
    (scans / "notes.txt").write_text("not an experiment")
    (scans / "broken").mkdir()
    (scans / "broken" / "experiment.000001.json").write_text("{")
    es = open_experiments(str(scans / "*"))
    assert len(es) == 3
    assert {path.rpartition("/")[2] for path in es.problems} == {"empty", "broken"}
    assert "There is no experiment in" in es.problems[str(scans / "empty")]
    assert "2 that cannot be opened" in repr(es)
    assert es.table.set_index("path").problem.isna().sum() == 3
    assert es.table.index.tolist() == [str(scans / "broken"), str(scans / "empty"), "n1", "n2", "n3"]
    assert len(es.to_dataset().experiment) == 3


def _sample(original, path):
    """Write a sample of the same parameters that `run` did not make."""
    tree = json.loads(original.read_text())
    del tree["measurement"]["info"]["made_by"]
    tree["measurement"]["info"]["measurement_id"] = int(path.name.split(".")[1])
    path.write_text(json.dumps(tree))


def test_parameter_sets_that_one_measured_twice_are_told_of_with_its_own_ids(scans):
    e = coma.Experiment(scans / "n2")
    _sample(e.path / "measurement.000002.json", e.path / "measurement.000007.json")
    text = (
        r"^n2: 1 parameter set has several measurements, 2, 7 of n2 for example, which lie along a dim 'row'\. "
        r"remove\(\[7\]\) of that experiment moves one away\.$"
    )
    for concat in ("experiment", None):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ds = open_experiments(str(scans / "*")).to_dataset(concat=concat)
        assert "row" in ds.y.dims
        [said] = [str(one.message) for one in caught if "several" in str(one.message)]
        assert re.search(text, said)
    assert "row" not in open_experiments(str(scans / "*")).to_dataset(concat="points").dims


def test_paths_may_be_patterns_lists_files_and_deep(scans):
    (scans / "deep" / "er").mkdir(parents=True)
    shutil.move(scans / "n3", scans / "deep" / "er" / "n3")
    assert [e.path.name for e in open_experiments([scans / "n2", "scans/n1"])] == ["n2", "n1"]
    assert [e.path.name for e in open_experiments("scans/**/n*")] == ["n3", "n1", "n2"]
    (file,) = (scans / "n1").glob("experiment.*.json")
    assert open_experiments(file)[0].path.name == "n1"
    with pytest.raises(ExperimentError, match=r"No directory or experiment file 'scans/x\*' exists\."):
        open_experiments("scans/x*")
    with pytest.raises(ExperimentError, match=r"No path is given\."):
        open_experiments([])
    assert list(open_experiments("scans/x").problems) == ["scans/x"]


def test_a_directory_of_experiments_says_how_they_are_opened(scans):
    es = open_experiments("scans")
    assert es.problems["scans"].endswith("Those below it are opened by 'scans/*'.")
    assert len(open_experiments("scans/*")) == 3


def test_experiments_that_share_a_directory_are_all_there(scans):
    (scans / "archive").mkdir()
    for number in (1, 2):
        e = coma.Experiment(scans / f"n{number}", id=None)
        e.deactivate()
        (file,) = (scans / f"n{number}").glob("experiment.*.json")
        text = file.read_text().replace('"experiment_id": null', f'"experiment_id": {number}')
        (scans / "archive" / f"experiment.00000{number}.json").write_text(text)
    es = open_experiments(scans / "archive")
    assert [e.id for e in es] == [1, 2]
    assert es.to_dataset().experiment.values.tolist() == [1, 2]


def test_they_are_chosen_by_tag_position_and_condition(scans):
    es = open_experiments("scans/*")
    assert [e.path.name for e in es.select("n2", "power")] == ["n2"]
    with pytest.warns(
        ComaWarning, match="No experiment here has the tag 'powr'. Available: .* Did you mean 'power'"
    ):
        assert len(es.select("n2", "powr")) == 0
    assert len(es[P.measurements == 3]) == 2
    assert len(es["measurements > 3"]) == 1
    assert len(es[:2]) == 2
    assert es[-1].path.name == es["n3"].path.name == "n3"
    with pytest.raises(IndexError, match="There is no experiment at position 99; there are 3, from 0"):
        es[99]
    with pytest.raises(PathError, match="No experiment here has the label 'n5'. Available: n1, n2, n3"):
        es["n5"]
    with pytest.raises(PathError, match=r"The table of experiments has no column 'measurement'\."):
        es[P.measurement > 3]


def test_one_dataset_has_a_dim_for_the_experiments(scans):
    ds = open_experiments("scans/n[12]").to_dataset()
    assert ds.y.dims == ("experiment", "x")
    assert ds.experiment.values.tolist() == ["n1", "n2"]
    assert ds.x.values.tolist() == [1, 2, 3, 4]
    assert ds.y.sel(experiment="n2", x=4) == 16
    assert np.isnan(ds.y.sel(experiment="n1", x=4))
    assert ds.measurement_id.values.tolist() == [[1, 2, 3, 0], [0, 1, 2, 3]]


def test_experiments_may_be_points_or_a_coord_of_their_parameters(scans):
    es = open_experiments("scans/*")
    ds = es.to_dataset(concat="points")
    assert ds.y.dims == ds.experiment.dims == ("measurement",)
    assert ds.y.dtype == np.int64
    assert ds.measurement_id.values.tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 3, 4]
    coma.Experiment("scans/n4").run(lambda x: {"y": 0}, {"x": [7]}, progress=False)
    ds = open_experiments(["scans/n1", "scans/n4"]).to_dataset(concat=None)
    assert ds.y.dims == ("x",)
    assert ds.experiment.values.tolist() == ["n1", "n1", "n1", "n4"]
    with pytest.raises(LayoutError, match=r"concat='x' is unknown\. Available: experiment, points, None\."):
        es.to_dataset(concat="x")


def test_experiments_are_made_by_open_experiments_only(scans):
    e = coma.Experiment("scans/n1")
    for entries in ([e], e, "scans/n1"):
        with pytest.raises(coma.ParameterError, match="Call open_experiments with their paths"):
            coma.Experiments(entries)


def test_what_failed_is_missing_or_excluded_is_told_of_each(tmp_path):
    for n in (1, 2):
        e = coma.Experiment(tmp_path / f"n{n}", config={})
        with pytest.warns(coma.ComaWarning, match="1 of 3"):
            e.run(lambda x: {"y": 1 / x}, {"x": [0, 1, 2]})
    e.exclude(2, "too warm")
    e.run(lambda x: {"y": 1 / x}, {"x": [0, 1, 2, 3]}, retry_failed=False, limit=0)
    ds = coma.open_experiments(tmp_path / "n?").to_dataset()
    meanings = ds.measurement_status.attrs["flag_meanings"].split()
    states = [[meanings[state] for state in row] for row in ds.measurement_status.values]
    assert states == [["failed", "done", "done", "not_asked"], ["failed", "excluded", "done", "missing"]]
    assert ds.measurement_id.values.tolist() == [[0, 2, 3, 0], [0, 2, 3, 0]]
    assert np.isnan(ds.y.sel(experiment="n2", x=1))
    table = coma.open_experiments(tmp_path / "n?").to_dataframe()
    assert table.index.tolist() == [("n1", 2), ("n1", 3), ("n2", 3)]
    assert table.index.names == ["experiment", "measurement_id"]
    assert table.columns.tolist() == ["x", "y"]
    assert table.loc[("n2", 3), "y"] == 0.5
    with pytest.warns(coma.ComaWarning, match="fulfils the condition"):
        none = coma.open_experiments(tmp_path / "n?").to_dataframe(where="x == 7")
    assert (len(none), none.columns.tolist(), none.index.names) == (0, ["x", "y"], table.index.names)
    chosen = coma.open_experiments(tmp_path / "n?").to_dataframe("results/y", where="x == 2")
    assert chosen.y.tolist() == [0.5, 0.5]


def test_options_are_passed_on(scans):
    ds = open_experiments("scans/*").to_dataset({"z": "results/y"}, dims=["x"], where=P.x > 2)
    assert ds.z.dims == ("experiment", "x")
    assert ds.x.values.tolist() == [3, 4, 5]


def test_a_parameter_called_experiment_keeps_its_name(tmp_path):
    for n in (1, 2):
        coma.Experiment(tmp_path / f"n{n}").run(lambda experiment: {"y": experiment}, {"experiment": [1, 2]})
    ds = open_experiments(tmp_path / "n*").to_dataset(concat="points")
    assert sorted(ds.experiment.values.tolist()) == [1, 1, 2, 2]
    assert ds.coma_experiment.values.tolist() == ["n1", "n1", "n2", "n2"]


def test_undefined_experiments_are_joined_as_one(tmp_path):
    for n in (1, 2):
        e = coma.Experiment(tmp_path / f"T{n}")
        for a in (1, 2):
            e.new_measurement().save({"parameters": {"a": a, "T": n}, "results": {"E": a * n}})
    ds = open_experiments(tmp_path / "T*").to_dataset()
    assert ds.E.sizes == {"experiment": 2, "a": 2}
    assert ds["T"].dims == ("experiment",)


def test_a_tree_has_a_node_for_each(scans):
    tree = open_experiments("scans/*").to_datatree()
    assert list(tree.children) == ["n1", "n2", "n3"]
    assert tree["n2/y"].sel(x=4) == 16


def test_nothing_is_written(scans):
    before = sorted(path.relative_to(scans) for path in scans.rglob("*"))
    es = open_experiments("scans/*")
    es.to_dataset()
    assert sorted(path.relative_to(scans) for path in scans.rglob("*")) == before


def test_a_bad_measurement_is_said_once_or_raised(scans):
    (scans / "n1" / "measurement.000002.json").write_text("{")
    es = open_experiments("scans/*")
    with pytest.warns(coma.DataFileWarning, match="1 measurement"):
        assert es.to_dataset(concat="points").y.size == 9
    with pytest.raises(DataFileError):
        es.to_dataset(strict=True)


def test_a_value_that_cannot_be_read_costs_its_measurement_and_is_said_once(scans):
    """Nothing else moves: ids, labels, and what is said of measurements of the same parameters."""
    file = scans / "n2" / "measurement.000001.json"
    file.write_text(file.read_text().replace('"y": 4', '"y": {"__type__": "numpy.ndarray", "dtype": "?"}'))
    e = coma.Experiment("scans/n2")
    _sample(e.path / "measurement.000002.json", e.path / "measurement.000004.json")
    e.exclude([3], "wrong")
    es = open_experiments("scans/*")

    def quietly(function):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = function()
        return result, [str(one.message) for one in caught]

    frame, said = quietly(es.to_dataframe)
    assert list(frame.loc["n2"].index) == [2, 4]
    assert [text for text in said if "Left out" in text] == said
    assert re.match(r"Left out, since it cannot be read: .*n2: measurement 1, results/y: ", said[0])
    ds, said = quietly(es.to_dataset)
    assert [sum(word in text for text in said) for word in ("Left out", "several measurements")] == [1, 1]
    assert ds.y.sel(experiment="n2", x=3).values.tolist() == [9, 9]
    assert set(ds.measurement_id.sel(experiment="n2").values.ravel().tolist()) == {0, 2, 3, 4}
    for retrieve in (es.to_dataset, es.to_dataframe):
        with pytest.raises(
            DataFileError,
            match=r"measurement 1, results/y: an array has no 'shape' of integers or no 'list'\. Expected a 'shape' of integers and a 'list' of items\.",
        ):
            quietly(lambda retrieve=retrieve: retrieve(strict=True))


def test_each_experiment_has_the_defaults_that_were_annotated_of_it(scans):
    coma.Experiment(scans / "n1").annotate("parameters/L", default=1.0)
    coma.Experiment(scans / "n2").annotate("parameters/L", default=2.0)
    es = open_experiments("scans/*")
    ds = es.to_dataset()
    assert ds.L.dims == ("experiment",)
    np.testing.assert_array_equal(ds.L, [1.0, 2.0, np.nan])
    frame = es.to_dataframe()
    assert (frame.loc["n1"].L == 1.0).all()
    assert (frame.loc["n2"].L == 2.0).all()
    assert frame.loc["n3"].L.isna().all()
    assert es.to_dataset(where="L > 1.5").experiment.values.tolist() == ["n2"]


def test_a_failure_counts_as_having_the_default_of_its_experiment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def power(x, L):
        if x == 2:
            raise ValueError("no")
        return {"y": x * L}

    for name in ("a", "b"):
        e = coma.Experiment(f"fails/{name}")
        with pytest.warns(ComaWarning):
            e.run(lambda x: power(x, 1.0), {"x": [1, 2]}, progress=False)
        e.annotate("parameters/L", default=1.0 if name == "a" else 3.0)
        with pytest.warns(ComaWarning, match="changed from a grid over x to a grid over x, L"):
            e.run(power, {"x": [1], "L": [1.0, 3.0]}, progress=False, code="accept")
    ds = open_experiments("fails/*").to_dataset()
    assert [e.to_dataset().measurement_status.values.tolist() for e in open_experiments("fails/*")] == (
        ds.measurement_status.values.tolist()
    )


def test_units_that_differ_are_said_with_the_experiments(scans):
    coma.Experiment(scans / "n1").annotate("results/y", units="J")
    coma.Experiment(scans / "n2").annotate("results/y", units="J")
    coma.Experiment(scans / "n3").annotate("results/y", units="eV")
    es = open_experiments("scans/*")
    for joined in (es.to_dataset, es.to_dataframe):
        with pytest.warns(ComaWarning, match=r"'results/y' is in 'J' in n1, 'eV' in n3"):
            joined()
    assert es[:2].to_dataset().y.attrs["units"] == "J"


def test_points_have_no_other_layout(scans):
    es = open_experiments("scans/*")
    assert es.to_dataset(concat="points", layout="points").identical(es.to_dataset(concat="points"))
    with pytest.raises(
        LayoutError,
        match=r"concat='points' has one dim for all measurements and takes no layout='grid'\. Leave layout= out\.",
    ):
        es.to_dataset(concat="points", layout="grid")


def test_no_experiment_takes_the_place_of_another_in_a_tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("a/x", "b/x", "a_x"):
        coma.Experiment(path).run(lambda x: {"y": x}, {"x": [1, 2]}, progress=False)
    tree = open_experiments(["a/x", "b/x", "a_x"]).to_datatree()
    assert list(tree.children) == ["a_x", "b_x", "a_x_"]


def test_what_fails_in_a_tree_names_the_experiment(scans):
    coma.Experiment(scans / "n4").run(lambda x: {"z": x}, {"x": [1, 2]}, progress=False)
    with pytest.raises(PathError) as caught:
        open_experiments("scans/*").to_datatree(variables=["y"])
    assert "Raised by the experiment" in caught.value.__notes__[0]
    assert caught.value.__notes__[0].rstrip(".").endswith("n4")


def test_a_parameter_that_one_experiment_lacks_is_reported(tmp_path):
    old, new = coma.Experiment(tmp_path / "two/old"), coma.Experiment(tmp_path / "two/new")
    old.run(lambda x: {"y": x}, {"x": [1, 2, 3]}, progress=False)
    new.run(lambda x, k: {"y": x * k}, {"x": [2, 3, 4], "k": [1, 2]}, progress=False)
    with pytest.warns(ComaWarning, match=r"The parameter 'k' is not a dim, because old lacks it"):
        assert "row" in open_experiments(tmp_path / "two/*").to_dataset().dims
    old.annotate("parameters/k", default=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ComaWarning)
        assert open_experiments(tmp_path / "two/*").to_dataset(concat="points").sizes == {"measurement": 9}
    ds = open_experiments(tmp_path / "two/*").to_dataset()
    assert dict(ds.sizes) == {"experiment": 2, "x": 4, "k": 2}


@pytest.mark.parametrize("by_hand", [False, True])
def test_experiments_without_a_common_parameter_are_reported(tmp_path, by_hand):
    for place, name in enumerate("xz"):
        e = coma.Experiment(tmp_path / f"two/e{place}")
        if by_hand:
            e.add_measurements([{"parameters": {name: n}, "results": {"y": n}} for n in (1, 2)])
        else:
            e.run(lambda **given: {"y": 1}, {name: [1, 2]}, progress=False)
    both = open_experiments(tmp_path / "two/*")
    for concat in ("experiment", None):
        with pytest.warns(ComaWarning, match="e0, e1 have no parameter in common, .* along a dim 'row'"):
            assert "row" in both.to_dataset(concat=concat).dims
    assert both.to_dataset(concat="points").sizes == {"measurement": 4}
    assert both.to_dataset(where="x > 0").sizes == {"x": 2}


def test_a_default_that_measurements_record_is_a_parameter_too(tmp_path):
    old, new = coma.Experiment(tmp_path / "two/old"), coma.Experiment(tmp_path / "two/new")

    def f(x, k=1):
        return {"y": x * k}

    old.run(f, {"x": [1, 2]}, progress=False)
    new.run(f, {"x": [1, 2], "k": [1, 2]}, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ComaWarning)
        ds = open_experiments(tmp_path / "two/*").to_dataset()
    assert dict(ds.sizes) == {"experiment": 2, "x": 2, "k": 2}
    assert ds.y.sel(experiment="old", k=1).values.tolist() == [1, 2]


def test_each_experiment_has_its_own_former_paths(tmp_path):
    a, b = (coma.Experiment(tmp_path / name, config={}) for name in "ab")
    a.run(lambda theta: {"y": theta}, {"theta": [1, 2]})
    b.run(lambda phi: {"y": 10 * phi}, {"phi": [1, 2]})
    a.annotate("parameters/theta", units="rad")
    a.annotate("parameters/angle", formerly="parameters/theta")
    b.annotate("parameters/angle", formerly="parameters/phi")
    both = coma.open_experiments([a.path, b.path])
    ds, df = both.to_dataset(), both.to_dataframe()
    assert dict(ds.sizes) == {"experiment": 2, "angle": 2}
    assert ds.y.values.tolist() == [[1, 2], [10, 20]]
    assert (ds.angle.attrs["path"], ds.angle.attrs["units"]) == ("parameters/angle", "rad")
    assert df.to_dict("list") == {"angle": [1, 2, 1, 2], "y": [1, 2, 10, 20]}


def test_an_empty_experiment_among_others_takes_no_dim_away(tmp_path):
    coma.Experiment(tmp_path / "empty")
    e = coma.Experiment(tmp_path / "full")
    e.run(lambda a, k: {"y": a}, {"a": [1, 2], "k": [1]}, progress=False)
    assert coma.open_experiments(tmp_path / "*").to_dataset().sizes == {"experiment": 1, "a": 2, "k": 1}
