"""Every door that takes a name or path gives the same answer."""

from __future__ import annotations

import itertools
import warnings

import matplotlib as mpl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coma_xr as coma

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
