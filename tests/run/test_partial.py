"""What a function computed is not lost when one member of its result cannot be stored."""

from __future__ import annotations

import json

import numpy as np
import pytest

import coma_xr as coma


class Lattice:
    pass


class Broken:
    def coma_getstate(self):
        raise RuntimeError("no state")


BAD = {
    "an object": Lattice(),
    "a state that fails": Broken(),
    "an array of objects": np.array([Lattice()]),
    "an empty key": {"": 1},
    "a list": [Lattice()],
}


@pytest.fixture
def e(experiment_path):
    return coma.Experiment(experiment_path)


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed", "ignore:There are no measurements")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("bad", BAD)
def test_the_other_members_are_kept(e, bad, workers):
    def f(L):
        return {"label": f"kept-{L}", "deep": {"a": np.arange(L), "bad": BAD[bad]}, "z": 1j}

    e.run(f, {"L": [2]}, max_workers=workers, progress=False)
    partial = e.failure(1).partial["results"]
    assert (partial["label"], partial["z"], partial["deep"]["a"].tolist()) == ("kept-2", 1j, [0, 1])
    assert e.failures().loc[1, "partial"].startswith("results/label, results/deep/a, ")
    assert list(e.to_dataset().data_vars) == []
    assert (len(e), e.status()["failed"], e.status()["missing"]) == (0, 1, 1)


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
def test_items_of_a_list_and_members_with_other_keys_are_kept(e):
    e.run(lambda L: {"fits": [0.5, Lattice()], 1: L}, {"L": [2]}, progress=False)
    assert e.failure(1).partial == {"results": {"fits": {"0": 0.5}, "1": 2}}


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
def test_external_arrays_and_whole_trees_are_kept(e, experiment_path):
    e.define_parameter_set("L")
    e.add_parameter_set(2)
    tree = {"results": {"field": coma.external(np.arange(3.0)), "bad": Lattice()}, "notes": {"x": 1}}
    e.run(lambda p: tree, progress=False)
    record = json.loads((experiment_path / "failure.000001.json").read_text())["failure"]
    assert record["partial"]["notes"] == {"x": 1}
    assert e.failure(1).partial["results"]["field"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
def test_a_tree_that_contradicts_its_parameters_is_kept(e):
    e.define_parameter_set("L")
    e.add_parameter_set(2)
    e.run(lambda p: {"parameters": {"L": 3}, "results": {"y": 1.5}}, progress=False)
    assert e.failure(1).partial["results"] == {"y": 1.5}


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
def test_a_function_that_raises_has_nothing_to_keep(e):
    e.run(lambda L: 1 / L, {"L": [0]}, progress=False)
    assert e.failure(1).partial == {}
    assert "partial" not in e.failures()


def test_the_message_names_member_and_type_and_the_way_out(e):
    with pytest.warns(coma.ComaWarning, match=r"failure\(id\)\.partial"):
        e.run(lambda L: {"y": 1, "lattice": Lattice()}, {"L": [2]}, progress=False)
    message = e.failure(1).message
    assert message.startswith(f"results/lattice: cannot store a {__name__}.Lattice")
    assert "coma.register(Lattice, to_tree, from_tree)" in message


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed")
def test_such_failures_end_a_hopeless_run(e):
    report = e.run(lambda L: {"y": L, "lattice": Lattice()}, {"L": range(30)}, progress=False)
    assert (report.saved, report.failed) == (0, 10)
    assert [e.failure(id).partial["results"]["y"] for id in e.failures().index] == list(range(10))


@pytest.mark.filterwarnings("ignore:.*parameter sets? failed", "ignore:.*count as done")
def test_a_success_takes_the_place_of_what_was_kept(e):
    e.run(lambda L: {"y": L, "lattice": Lattice()}, {"L": [2]}, progress=False)
    assert e.run(lambda L: {"y": L}, {"L": [2]}, progress=False).saved == 1
    assert e.failures().empty
