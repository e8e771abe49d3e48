"""With `archive_strict_json` every file is JSON that any library reads, and holds the same values."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.encoding.json import decode
from coma_xr.errors import ComaWarning
from coma_xr.testing import assert_same

STRICT = {"archive_strict_json": "yes"}
PLAIN = {"archive_strict_json": "no"}
NAN, INF = math.nan, math.inf


def legal(path: Path) -> object:
    """Return what the standard says that a file holds; NaN and Infinity are no JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{path.name}: {word} is no JSON")

    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return json.loads(data.decode("utf-8"), parse_constant=refuse)


def check_all(directory: Path) -> list[str]:
    """Check every file of an experiment, hidden ones too; return the names of those that had such a value."""
    paths = [path for path in sorted(directory.rglob("*")) if ".json" in path.name]
    trees = {path.name: legal(path) for path in paths}
    # The records of code have this text too.
    codes = {path.name for path in paths if path.parent.name == "code"}
    return [name for name in trees if name not in codes and "coma.float" in json.dumps(trees[name])]


def simulate(x, n=None, limit=INF):
    if x == INF:
        raise RuntimeError("infinite")
    return {"E": NAN, "list": [x, -INF], "array": np.array([NAN, 1.0]), "n": n, "text": "NaN"}


RESULTS = {"E": NAN, "list": [1, -INF], "array": np.array([NAN, 1.0]), "n": None, "text": "NaN"}


@pytest.fixture
def e(experiment_path):
    """An experiment with a NaN or infinity in everything that is written."""
    e = coma.Experiment(experiment_path, config=STRICT)
    e.annotate("parameters/late", default=NAN)
    with pytest.warns(ComaWarning, match="1 of 3"):
        e.run(simulate, {"x": [NAN, 1, INF]}, progress=False)
    return e


def test_everything_that_a_run_writes_is_legal(e, experiment_path):
    """Measurements, failures, the state, the scan, experiment file and index."""
    assert check_all(experiment_path) == [
        "coma.json",
        "failure.000003.json",
        "measurement.000001.json",
        "measurement.000002.json",
    ]
    again = coma.Experiment(experiment_path)
    assert_same(again.measurement(2).results.tree, RESULTS)
    assert again.measurement(2)["parameters/limit"] == INF
    assert math.isnan(again.measurement(1)["parameters/x"])
    assert math.isnan(again.annotations["parameters/late"]["default"])
    assert again.failures().x.tolist() == [INF]
    assert again.run(simulate, {"x": [NAN, 1]}, progress=False) == (0, 2)


@pytest.mark.parametrize("pretty", ["yes", "no"])
@pytest.mark.parametrize("workers", [1, 2])
def test_indented_or_not_and_from_any_worker(experiment_path, pretty, workers):
    config = {**STRICT, "archive_pretty_print": pretty}
    e = coma.Experiment(experiment_path, config=config)
    e.run(simulate, {"x": [1, 2]}, max_workers=workers, progress=False)
    assert "measurement.000001.json" in check_all(experiment_path)
    assert_same(e.measurement(1).results.tree, RESULTS)


def test_a_measurement_by_hand(experiment_path):
    e = coma.Experiment(experiment_path, config=STRICT)
    e.new_measurement().save({"info": {"start": INF}, "results": RESULTS})
    assert check_all(experiment_path) == ["measurement.000001.json"]
    assert_same(e.measurement(1).results.tree, RESULTS)
    assert e.measurement(1).info.start == INF


@pytest.mark.parametrize("compress", [False, True])
def test_there_and_back(e, experiment_path, compress):
    """deactivate, verify, activate and reset."""
    before = [m.tree for m in e.measurements()]
    failures = e.failures()
    e.deactivate(compress=compress)
    archive = "experiment.none.json.gz" if compress else "experiment.none.json"
    assert archive in check_all(experiment_path)
    assert e.verify() == []
    for again in (e, coma.Experiment(experiment_path)):
        assert_same([m.tree for m in again.measurements()], before)
        assert_same(again.failures(), failures)
    e.activate()
    assert "measurement.000001.json" in check_all(experiment_path)
    assert "failure.000003.json" in check_all(experiment_path)
    assert_same([m.tree for m in e.measurements()], before)
    assert e.verify() == []
    e.reset(delete=True)
    assert check_all(experiment_path) == ["coma.json"]


def test_an_archive_with_failures_alone_is_legal(experiment_path):
    e = coma.Experiment(experiment_path, config=STRICT)
    with pytest.warns(ComaWarning, match="1 of 1"):
        e.run(lambda x: 1 / 0, {"x": [NAN]}, progress=False)
    e.deactivate()
    assert "experiment.none.json" in check_all(experiment_path)
    e.reset(delete=True)
    assert e.failures().empty
    assert '"failures"' not in (experiment_path / "experiment.none.json").read_text()


def test_what_is_merged_is_written_anew(tmp_path):
    """The other experiment may have been written in another way."""
    other = coma.Experiment(tmp_path / "other", config=PLAIN)
    other.run(simulate, {"x": [1]}, progress=False)
    assert b"NaN" in (tmp_path / "other" / "measurement.000001.json").read_bytes()
    e = coma.Experiment(tmp_path / "one", config=STRICT)
    e.merge(other)
    assert check_all(tmp_path / "one") == ["measurement.000001.json"]
    assert_same(e.measurement(1).results.tree, RESULTS)
    assert e.measurement(1)["parameters/limit"] == INF


def test_both_ways_of_writing_are_read_side_by_side(experiment_path):
    for number, config in enumerate((PLAIN, STRICT, PLAIN), 1):
        e = coma.Experiment(experiment_path, config=config)
        assert e.run(simulate, {"x": list(range(-number, 0))}, progress=False) == (1, number)
    results = [m.results.E for m in e.measurements()]
    assert len(results) == 3
    assert all(map(math.isnan, results))
    e.deactivate()
    assert e.verify() == []


def test_xml_has_a_word_for_every_number(experiment_path):
    """The files are the same either way; failures, which are JSON always, are legal."""
    e = coma.Experiment(experiment_path, config={**STRICT, "archive_default_format": "xml"})
    with pytest.warns(ComaWarning, match="1 of 2"):
        e.run(simulate, {"x": [1, INF]}, progress=False)
    assert b"<E>NaN</E>" in (experiment_path / "measurement.000001.xml").read_bytes()
    assert check_all(experiment_path) == ["coma.json", "failure.000002.json"]
    assert_same(e.measurement(1).results.tree, RESULTS)


def test_a_dictionary_that_looks_like_such_a_number_stays_one(experiment_path):
    tree = {"__type__": "coma.float", "value": "nan"}
    for config in (STRICT, PLAIN):
        e = coma.Experiment(experiment_path, config=config)
        id = e.new_measurement().save({"results": {"a": tree, "b": NAN}})
        assert e.measurement(id).results.tree["a"] == tree
        assert decode((experiment_path / f"measurement.00000{id}.json").read_bytes())
