"""Every door that takes a name or path gives the same answer."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import pickle
import shutil
import warnings
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.cli import main
from coma_xr.errors import ComaWarning, ParameterError, PathError, SerializationError

mpl.use("Agg")

KEYS = ["N", "E", "E_1", "a/b", "a", "b", "*", "~1", "é", "0", "results", "parameters", "x y", "c\\d"]
BRANCHES = st.recursive(
    st.none(),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=3),
    max_leaves=6,
)
TREES = st.dictionaries(st.sampled_from(KEYS), BRANCHES, min_size=1, max_size=4)


def filled(shape, numbers):
    """Return a tree with a number of its own at each place, which tells places apart."""
    return next(numbers) if shape is None else {key: filled(child, numbers) for key, child in shape.items()}


def values_of(tree, parents):
    for key, child in tree.items():
        path = (*parents, key)
        if isinstance(child, dict):
            yield from values_of(child, path)
        else:
            yield path, child


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=TREES, results=TREES)
def test_a_name_or_path_means_the_same_value_at_every_door(tmp_path_factory, parameters, results):
    e = coma.Experiment(tmp_path_factory.mktemp("doors") / "e", config={})
    numbers = itertools.count(1000)
    tree = {"parameters": filled(parameters, numbers), "results": filled(results, numbers)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e.new_measurement().save(tree)
        m, table, ds = e.measurement(1), e.paths(), e.to_dataset()
        printed = dict(zip(table.path, table.name, strict=True))
        expected = {
            **dict(values_of(tree["parameters"], ("parameters",))),
            **dict(values_of(tree["results"], ("results",))),
        }
        by_path = {path: m[path] for path, role in zip(table.path, table.role, strict=True) if role != "info"}
        assert sorted(by_path.values()) == sorted(expected.values())
        for path, value in by_path.items():
            for text in (path, printed[path]):
                assert e.to_dataset(
                    {"v": text} if text == path else [text]
                ).to_array().values.ravel().tolist() == [value]
                assert value in e.to_dataframe([text]).iloc[0].tolist()
                assert [one.id for one in e.measurements(where=coma.P[text] == value)] == [1]
                assert not list(e.measurements(where=coma.P[text] == value + 1))
                assert ds.coma[text].item() == value
    for key, child in m.results.items():
        assert m.results[key] == child
    assert dict(m.results) == tree["results"]


@dataclasses.dataclass
class Line:
    slope: float


def test_the_class_of_a_stored_object_is_found_where_it_is_asked_for_only(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda x: {"fit": Line(x)}, {"x": [2.0]}, progress=False)
    assert list(e.to_dataset(["fit"])) == list(e.to_dataset()) == ["slope"]
    assert e.to_dataset({"kind": "results/fit/__class__"}).kind.item() == f"{__name__}.Line"
    assert e.to_dataframe(["results/fit/__class__"]).iloc[0].tolist() == [2.0, f"{__name__}.Line"]


@pytest.mark.parametrize("value", [3, "setosa", None, [1.0]])
def test_a_key_that_would_be_taken_for_the_class_of_an_object_is_refused(tmp_path, value):
    e = coma.Experiment(tmp_path / "e")
    tree = {"parameters": {"x": 1}, "results": {"fit": {"__class__": value}}}
    for save in (e.new_measurement().save, lambda tree: e.add_measurements([tree])):
        with pytest.raises(SerializationError, match="results/fit: the key '__class__' is reserved"):
            save(tree)
    with pytest.warns(ComaWarning, match="the key '__class__' is reserved"):
        assert e.run(lambda x: {"__class__": value, "y": x}, {"x": [1]}, progress=False).failed == 1
    assert e.failure(1).partial["results"]["y"] == 1
    for use in (lambda name: e.define_parameter_set(name), lambda name: e.run(max, {name: [1]})):
        with pytest.raises(ParameterError, match="'__class__' is reserved for the class"):
            use("__class__")
    assert len(e) == 0


def has(measurement, name, value):
    return measurement.results[name] == value


ODD = [
    "__doc__",
    "__len__",
    "items",
    "self",
    "name",
    "values",
    "dims",
    "coma",
    "P",
    " ",
    "\n",
    "a.b",
    "..",
    "{}",
    "1",
    "-1",
    "nan",
]


def test_names_of_python_numbers_and_signs_are_names_like_others_at_every_door(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda x: {name: x + place for place, name in enumerate(ODD)}, {"x": [10, 20]}, progress=False)
    ds, df, m = e.to_dataset(), e.to_dataframe(), e.measurement(2)
    assert [*ds.data_vars] == [*df.columns][1:] == [*m.results] == ODD
    file = coma.load(e.export(tmp_path / "all.csv"))
    assert file.equals(df)
    for place, name in enumerate(ODD):
        expected = [10 + place, 20 + place]
        assert (
            ds[name].values.tolist()
            == df[name].tolist()
            == e.to_dataset([name])[name].values.tolist()
            == expected
        )
        assert m[f"results/{name}"] == m.results[name] == expected[1]
        assert [one.id for one in e.measurements(where=coma.P[name] == expected[1])] == [2]
        assert [one.id for one in e.measurements(where=partial(has, name=name, value=expected[1]))] == [2]


OLD = Path(__file__).parent / "data" / "coma2_wires"

# What a name of the first version, where results came before parameters, is called now.
RENAMED = {
    "experiment.000041.json": {
        "parameters/layout/N": "N",
        "parameters/layout/P": "P",
        "results/N": "results_N",
        "results/P": "results_P",
        "results/energies": "energies",
    },
    "experiment.000046.json": {
        "parameters/N": "N",
        "parameters/model/parameters/layout/P": "P",
        "parameters/model/results/P": "results_P",
        "parameters/model/results/N": "results_N",
    },
}


def in_file(tree, path):
    """Return what a file of Coma 2 has at a path; items of lists and arrays are lists."""
    for key in path.split("/"):
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
        tree = tree["list"] if isinstance(tree, dict) and "list" in tree else tree
    return tree


@pytest.mark.parametrize("file", RENAMED)
def test_files_of_coma_2_give_the_same_numbers_by_path_at_every_door(tmp_path, file):
    trees = json.loads((OLD / file).read_text())["experiment"]["measurements"]
    shutil.copy(OLD / file, tmp_path)
    e = coma.Experiment(tmp_path, config={})
    table = e.paths().set_index("path").name
    ds = e.to_dataset(layout="points")
    for path, name in RENAMED[file].items():
        expected = [in_file(tree, path) for tree in trees]
        assert table[path] == name
        assert [np.asarray(m[path]).tolist() for m in e.measurements()] == expected
        assert [np.asarray(m[name]).tolist() for m in e.measurements()] == expected
        item = f"{path}/0/0" if name == "results_N" else f"{path}/0"
        if isinstance(expected[0], list):
            expected = [in_file(tree, item) for tree in trees]
        else:
            item = path
        asked = e.to_dataset({"v": item}, layout="points").v.values
        assert np.broadcast_to(asked, len(trees)).tolist() == expected
        assert e.to_dataframe([("v", item)]).v.tolist() == expected
        assert [m.id for m in e.measurements(where=coma.P[item] == expected[-1])] == [
            id for id, value in zip(e.to_dataframe().index, expected, strict=True) if value == expected[-1]
        ]
        # One value of all measurements has no dim.
        columns = ds[name].expand_dims(measurement=len(trees)) if not ds[name].dims else ds[name]
        assert columns.values.reshape(len(trees), -1)[:, 0].tolist() == expected


def growing(x):
    return {"E": [10 * x, 20 * x], **({"E_1": 7} if x > 1 else {})}


def test_names_of_items_stay_when_a_result_takes_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    e = coma.Experiment("e")
    e.run(growing, {"x": [1]}, progress=False)
    with pytest.warns(ComaWarning, match="results/E_1 is called 'results_E_1'"):
        e.run(growing, {"x": [1, 2]}, progress=False)
    for name, values in {"E_1": [10, 20], "E_2": [20, 40], "results_E_1": [None, 7]}.items():
        check_name(e, name, values)


def test_a_result_keeps_its_name_when_items_of_a_list_would_take_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    e = coma.Experiment("e")
    e.run(lambda x: {"E_1": 7} | ({"E": [10 * x]} if x > 1 else {}), {"x": [1]}, progress=False)
    e.run(lambda x: {"E_1": 7} | {"E": [10 * x]}, {"x": [2]}, code="accept", progress=False)
    for name, values in {"E_1": [7, 7], "results_E_1": [None, 20]}.items():
        check_name(e, name, values)


def check_name(e, name, values):
    """Ask each door for the value that a name has in the second measurement, and the table for both."""
    last = values[-1]
    df, ds = e.to_dataframe(), e.to_dataset([name])
    assert df[name].dropna().tolist() == [value for value in values if value is not None]
    assert e.to_dataframe([name])[name].iloc[1] == ds[name].values[1] == ds.coma[name].values[1] == last
    assert e.measurement(2)[name] == getattr(e.measurement(2), name) == last
    for where in (f"{name} == {last}", coma.P[name] == last, partial(is_called, name=name, value=last)):
        assert [m.id for m in e.measurements(where=where)][-1:] == [2]
        assert e.to_dataframe(where=where).index[-1] == 2
    coma.plot(ds, x="x", y=name)
    coma.plot(df, x="x", y=name)
    e.export("all.csv", overwrite=True)
    assert coma.load("all.csv")[name].iloc[1] == last
    assert main(["export", "e", "some.csv", "--where", f"{name} == {last}", "--overwrite"]) == 0
    assert coma.load("some.csv")[name].iloc[-1] == last
    assert e.exclude(f"{name} == {last}", "wrong")[-1:] == [2]
    e.exclude([1, 2], None)
    e.annotate(name, units="J")
    assert e.to_dataset([name])[name].units == "J"
    e.annotate(name, units=None)


def is_called(measurement, name, value):
    return measurement.get(name) == value


def test_a_measurement_takes_names_as_tables_do_and_its_own_keys_first(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda N: {"N": 10 * N, "fit": {"slope": 2 * N, "results": 5}}, {"N": [1, 2]}, progress=False)
    with pytest.warns(coma.ComaWarning, match="None of the 2 measurements in .* has 'parameters/n'"):
        e.annotate("parameters/N", formerly="parameters/n")
    m = e.measurement(2)
    assert (m["N"], m["results_N"], m["slope"], m["fit/slope"], m.slope) == (2, 20, 4, 4, 4)
    assert m["fit"] == m.fit == m["results/fit"]
    assert e.to_dataset({"slope": lambda m: m.fit.slope})["slope"].values.tolist() == [2, 4]
    with pytest.raises(coma.PathError) as caught:
        m["slop"]
    assert caught.value.near == ("slope",)
    with pytest.raises(coma.PathError) as caught:
        m["results", "fitt"]
    assert caught.value.near == ("fit",)
    assert m["results"] == m.results
    assert "slope" in m
    assert list(m) == ["info", "parameters", "results"]
    with pytest.raises(PathError, match="Measurement 2: No 'slop' in the tree"):
        m["slop"]
    again = pickle.loads(pickle.dumps(m))
    assert again["results_N"] == copy.deepcopy(m)["results_N"] == 20


def test_a_parameter_called_experiment_stays_one_in_a_collection(tmp_path):
    path = tmp_path / "e"
    coma.Experiment(path).run(lambda experiment: {"y": experiment}, {"experiment": [1, 2]}, progress=False)
    both = coma.open_experiments(path)
    ds = both.to_dataset()
    assert dict(ds.sizes) == {"coma_experiment": 1, "experiment": 2}
    df = both.to_dataframe()
    assert df.index.names == ["coma_experiment", "measurement_id"]
    assert df.experiment.tolist() == df.y.tolist() == [1, 2]


@pytest.mark.parametrize("name", ["l", "parameters/l", "T", "results/T", "s", "results/fit/s"])
def test_a_former_name_is_unknown_at_every_door(tmp_path, name):
    "Earlier measurements alone would answer to it."
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda l: {"T": 2 * l, "fit": {"s": l}}, {"l": [1, 2]}, progress=False)
    e.annotate("parameters/length", formerly="parameters/l")
    e.annotate("results/period", formerly="results/T")
    e.annotate("results/fit/slope", formerly="results/fit/s")
    e.run(
        lambda length: {"period": 2 * length, "fit": {"slope": length}},
        {"length": [1, 2, 3]},
        code="accept",
        progress=False,
    )
    condition = coma.P[name] > 0
    for ask in (
        lambda: e.to_dataset([name]),
        lambda: e.to_dataframe([name]),
        lambda: list(e.measurements(condition)),
        lambda: e.to_dataset(where=condition),
        lambda: e.to_dataframe(where=str(condition)),
        lambda: e.remove(condition),
        lambda: e.to_dataset().coma.where(condition),
    ):
        with pytest.raises(coma.PathError):
            ask()
    assert e.number_of_measurements() == 3
    assert [m.id for m in e.measurements("length > 0 and period > 0 and slope > 0")] == [1, 2, 3]


def test_a_tuple_of_keys_is_a_path_and_no_pair_at_every_door(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    parameter, result = ("parameters", "a/b"), ("results", "v/c")
    e.run(lambda **given: {"v/c": 2 * given["a/b"]}, coma.grid({parameter: [1, 2]}), progress=False)
    assert e.measurement(1).tree["parameters"] == {"a/b": 1}
    assert coma.grid({("parameters", "wire", "a/b"): [1]}).paths == ("parameters/wire/a~1b",)
    assert coma.grid({("N", "parameters/wire/N"): [1]}).names == ("N",)
    assert coma.cases([{parameter: 1}]).paths == ("parameters/a~1b",)
    assert list(e.to_dataset([result]).data_vars) == list(e.to_dataframe([result]).columns[1:]) == ["v/c"]
    assert list(e.to_dataset([("v", "v/c")]).data_vars) == ["v"]
    assert e.to_dataset(dims=[parameter]).sizes == {"a/b": 2}
    e.define_layout("grid", dims=[parameter])
    assert e.layout.dims == ("a/b",)
    assert [m.id for m in e.measurements(coma.P[result] > 2)] == [2]
    with pytest.raises(ParameterError, match="is not a parameter"):
        coma.grid({("results", "x"): [1]})


def test_names_and_values_with_half_a_surrogate_pair_are_in_all_tables(tmp_path):
    half = "\ud800"

    def f(**given):
        if given[half] == half:
            raise ValueError(half)
        return {"y": 1}

    scan = coma.grid({half: [half, "a", 1]})
    assert scan.to_dataframe()[half].tolist() == [half, "a", 1]
    e = coma.Experiment(tmp_path / "e")
    with pytest.warns(ComaWarning, match="1 of 3 parameter sets failed"):
        e.run(f, scan, progress=False)
    assert e.failures()[half].tolist() == [half]
    assert e.to_dataset().coma.holes()[half].tolist() == [half]
    assert e.missing().to_dataframe()[half].tolist() == [half]
    assert e.duplicates().columns[0] == half
    e.remove(2)
    assert e.removed()[half].tolist() == ["a"]
