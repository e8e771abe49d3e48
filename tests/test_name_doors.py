"""Every door that takes a name or path gives the same answer."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from functools import partial

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr.errors import ComaWarning, ParameterError, SerializationError

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
