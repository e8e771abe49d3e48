"""An experiment keeps its names, seeds and points when it grows, or when a newer version opens it."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import coma_xr as coma
from coma_xr import P
from coma_xr.cli import main
from coma_xr.errors import ComaWarning


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fit(x):
    return {"N": 10 * x, "fit": {"E": -x}}


def test_names_are_kept_when_an_experiment_grows_and_newcomers_get_the_longer_ones_with_one_warning():
    e = coma.Experiment("grown")
    e.run(fit, {"x": [1, 2]}, progress=False)

    def larger(x, N=3):
        return {**fit(x), "E": 100 * x}

    larger.__name__ = "fit"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        e.annotate("parameters/N", default=3)
        e.run(larger, {"x": [1, 2, 3], "N": 3}, progress=False)
    texts = [str(warning.message) for warning in caught if "is called" in str(warning.message)]
    assert len(texts) == 1
    # A parameter is called what the function calls it.
    assert "results/N is called 'results_N', results/E is called 'results_E'" in texts[0]
    e = coma.Experiment("grown")
    names = dict(zip(e.paths().path, e.paths().name, strict=True))
    expected = {"results/N": "results_N", "results/fit/E": "E", "results/E": "results_E", "parameters/N": "N"}
    assert {path: names[path] for path in expected} == expected
    # Every door means the same by a name.
    assert e.to_dataset(["E"]).E.values.ravel().tolist() == [-1, -2, -3]
    assert e.to_dataframe(["E"]).E.tolist() == [-1, -2, -3]
    for where in (P.E == -3, "E == -3", lambda m: m.E == -3):
        assert [m.id for m in e.measurements(where=where)] == [3]
    assert [m.id for m in e.measurements(where="results_E == 300")] == [3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e.run(larger, {"x": [1, 2, 3], "N": 3}, progress=False)


def test_restore_by_a_condition_means_the_recorded_names():
    e = coma.Experiment("restored")
    e.run(lambda x: {"fit": {"E": -x}}, {"x": [1, 2]}, progress=False)
    with pytest.warns(ComaWarning, match="results/E is called 'results_E'"):
        e.run(lambda x: {"fit": {"E": -x}, "E": 100 * x}, {"x": [1, 2, 3]}, code="accept", progress=False)
    e.remove("x > 1")
    assert e.restore("E == -2") == [2]
    assert e.restore("results_E == 300") == [3]


def as_version_1(experiment, *values, name="parameters"):
    """Write measurements as version 1 did: with stored forms that it told apart, and without a maker."""
    for value in values:
        id = experiment.new_measurement().save({name: {"a": value}, "results": {"y": 1.0}})
        path = experiment.path / f"measurement.{id:06d}.json"
        text = json.loads(path.read_text())
        del text["measurement"]["info"]["made_by"]
        path.write_text(json.dumps(text))


class Model(enum.Enum):
    ISING = "ising"


@pytest.mark.parametrize(
    "values",
    [
        ("ising", Model.ISING),
        ([1, 2], np.array([1, 2])),
        (1, decimal.Decimal(1)),
        (dt.timedelta(1), np.timedelta64(86400, "s")),
        (pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01").to_pydatetime()),
        ({"L": [8]}, {"L": np.array([8])}),
    ],
    ids=str,
)
@pytest.mark.parametrize("door", ["status", "to_dataset"])
def test_parameters_that_differed_in_version_1_and_are_equal_by_now_are_reported_once(values, door):
    check_that_equal_values_are_reported_once(door, values)


def constant(a):
    return {"y": 1.0}


def grown(e):
    """Merge the measurements of version 1 into an experiment that has none."""
    other = coma.Experiment("other")
    other.run(constant, {"a": [0]}, progress=False)
    return other.merge(e)


# Each door that reads all measurements.
DOORS = {
    "coma-xr show": lambda e: main(["show", str(e.path)]),
    "coma-xr verify": lambda e: main(["verify", str(e.path)]),
    "collection": lambda e: coma.open_experiments("old").to_dataframe(),
    "csv": lambda e: e.export("all.csv"),
    "duplicates": lambda e: e.duplicates(),
    "exclude": lambda e: e.exclude("y > 2", "large"),
    "forget_missing": lambda e: e.forget_missing(),
    "layout": lambda e: e.layout,
    "measurements": lambda e: list(e.measurements()),
    "measurements(where)": lambda e: list(e.measurements("y > 2")),
    "merge": grown,
    "missing": lambda e: e.missing(),
    "parquet": lambda e: e.export("all.parquet"),
    "paths": lambda e: e.paths(),
    "plot": lambda e: (e.define_figure("y", x="a", y="y", hue="row"), e.plot("y")),
    "remove": lambda e: e.remove("y > 2"),
    "remove_duplicates": lambda e: e.remove_duplicates(),
    "run(dry_run)": lambda e: e.run(constant, {"a": [0]}, dry_run=True),
    "report": lambda e: e.report("all.html"),
    "restore": lambda e: (e.remove([3]), e.restore([3])),
    "retrieve_results": lambda e: e.retrieve_results(["y"]),
    "run": lambda e: e.run(constant, {"a": [1, 2]}, progress=False),
    "status": lambda e: e.status(),
    "to_dataframe": lambda e: e.to_dataframe(),
    "to_dataframe(where)": lambda e: e.to_dataframe(where="y > 2"),
    "to_dataset": lambda e: e.to_dataset(),
    "to_dataset(points)": lambda e: e.to_dataset(layout="points"),
    "verify": lambda e: e.verify(),
}


@pytest.mark.parametrize("door", DOORS)
def test_each_door_reports_equal_parameters_of_version_1(door, capsys):
    check_that_equal_values_are_reported_once(door, ("ising", Model.ISING), capsys)


def check_that_equal_values_are_reported_once(door, values, capsys=None):
    e = coma.Experiment("old")
    e.run(constant, {"a": [0]}, progress=False)
    as_version_1(e, *values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e = coma.Experiment("old")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DOORS[door](e)
    texts = [str(warning.message) for warning in caught]
    if capsys is not None:
        texts += capsys.readouterr().err.splitlines()
    reports = " ".join(texts)
    page = Path("all.html").read_text() if door == "report" else ""
    assert (reports + page).count("2 and 3 for example, had different parameters in version 1") == (
        2 if door == "merge" else 1
    ), texts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coma.Experiment("old").status()


@pytest.mark.parametrize(
    "values", [(1, 1.0), (0.0, -0.0), ((1, 2), [1, 2]), (True, 1), (float("nan"),) * 2], ids=str
)
def test_parameters_that_were_equal_in_version_1_or_still_differ_are_not_reported(values):
    e = coma.Experiment("old")
    e.define_parameter_set("a")
    as_version_1(e, *values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e.status()


@pytest.mark.parametrize(
    ("value", "seed"),
    [
        (3, 1935843145),
        (3.0, 1935843145),
        (0.1, 1175904184),
        (True, 1206642621),
        ("a", 2912511006),
        (None, 1838848480),
        (float("nan"), 177149626),
        (np.float32(0.1), 3183834342),
        (10**30, 3956910205),
        ([1, 2.5], 2604013774),
        ((1, 2), 2887805722),
        ({"a": {"b": [1]}}, 536818550),
    ],
    ids=str,
)
def test_seeds_of_numbers_texts_lists_and_dictionaries_are_those_of_version_1(value, seed):
    e = coma.Experiment("seeds")
    e.run(lambda x, seed: {"seed": seed}, coma.cases([{"x": value}]), seed=1, progress=False)
    assert next(e.measurements()).results.seed == seed


def test_a_recorded_seed_of_version_1_is_used_to_reproduce_a_failure():
    def fail(x, seed):
        raise ValueError(seed)

    e = coma.Experiment("seeds")
    with pytest.warns(ComaWarning, match="1 of 1 parameter set failed"):
        e.run(fail, {"x": [Model.ISING]}, seed=1, progress=False)
    file = next(e.path.glob("*fail*1*.json"))
    text = json.loads(file.read_text())
    next(iter(text.values()))["info"]["seed"] = 3997043326
    file.write_text(json.dumps(text))
    with pytest.raises(ValueError, match="3997043326"):
        e.failure(1).reproduce(fail, Model)
