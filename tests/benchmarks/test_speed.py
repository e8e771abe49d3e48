"""How many times as long as its floor each step takes; only with ``--benchmark-only``.

The floor is timed before each round, so that both see the same machine.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

import coma_xr as coma
from tests.benchmarks import floors, functions
from tests.benchmarks.sizes import ROUNDS, SIZES

ROUNDS_OF_IMPORT = 15


@pytest.fixture
def experiment(fresh, request):
    """The path of an experiment with all its measurements."""
    path = fresh("experiment")
    size = request.node.callspec.params["size"]
    coma.Experiment(path, durable=False).run(functions.function, floors.axes(size), progress=False)
    return path


@pytest.mark.parametrize("size", SIZES)
def test_run(compare, fresh, size):
    def ours():
        e = coma.Experiment(fresh("ours"))
        assert e.run(functions.function, floors.axes(size), progress=False) == (size, size)

    compare(
        "run, serial", 2.0, ours, lambda: floors.write(fresh("floor"), size), rounds=ROUNDS[size], size=size
    )


@pytest.mark.parametrize("size", SIZES)
def test_second_run(compare, experiment, size):
    def ours():
        e = coma.Experiment(experiment)
        assert e.run(functions.function, floors.axes(size), progress=False) == (0, size)

    compare(
        "second run, nothing to do",
        1.5,
        ours,
        lambda: floors.read(experiment),
        rounds=ROUNDS[size],
        size=size,
    )


@pytest.mark.parametrize("size", SIZES)
def test_to_dataset_named(compare, experiment, size):
    def ours():
        e = coma.Experiment(experiment, mode="r")
        ds = e.to_dataset({"y": "results/y", "z": "results/z"}, dims=["a", "b", "c"])
        assert ds.y.size == size

    compare(
        "to_dataset, paths and dims named",
        1.5,
        ours,
        lambda: floors.read(experiment),
        rounds=ROUNDS[size],
        size=size,
    )


@pytest.mark.parametrize("size", SIZES)
def test_to_dataset(compare, experiment, size):
    def ours():
        assert coma.Experiment(experiment, mode="r").to_dataset().y.size == size

    compare("to_dataset()", 2.0, ours, lambda: floors.read(experiment), rounds=ROUNDS[size], size=size)


@pytest.mark.parametrize("size", SIZES)
def test_to_dataset_of_an_old_experiment(compare, experiment, size):
    "Without a definition, the dims are found."
    for hidden in experiment.glob(".coma*.json"):
        hidden.unlink()

    def ours():
        assert coma.Experiment(experiment, mode="r").to_dataset().y.size == size

    compare(
        "to_dataset(), dims found", 2.0, ours, lambda: floors.read(experiment), rounds=ROUNDS[size], size=size
    )


def test_import(compare):
    def importing(name):
        subprocess.run([sys.executable, "-c", f"import {name}"], check=True)

    compare(
        "import coma_xr, against numpy",
        1.3,
        lambda: importing("coma_xr"),
        lambda: importing("numpy"),
        rounds=ROUNDS_OF_IMPORT,
    )
