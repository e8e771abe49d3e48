"""Settings: each door takes the integers and booleans of NumPy, and refuses what is none before anything changes."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.checks import check_flag, check_ids, check_integer, check_positive


def square(x, rng=None):
    return {"y": x**2}


@pytest.fixture
def e(experiment_path):
    experiment = coma.Experiment(experiment_path)
    experiment.run(square, {"x": [1, 2, 3]}, progress=False)
    return experiment


def run(e, **settings):
    return e.run(square, {"x": [1, 2, 3, 4, 5]}, **{"progress": False, **settings})


def copied(e):
    copy = e.path.with_name("copy")
    shutil.copytree(e.path, copy, dirs_exist_ok=True)
    return copy


def dataset():
    return xr.Dataset({"y": ("x", [1.0, 2.0])}, {"x": [1, 2]})


# Every setting that is True or False, with the door that takes it.
FLAGS = {
    "retry_failed": lambda e, value: run(e, retry_failed=value),
    "dry_run": lambda e, value: run(e, dry_run=value),
    "progress": lambda e, value: run(e, progress=value),
    "durable": lambda e, value: coma.Experiment(e.path, durable=value),
    "compress": lambda e, value: e.deactivate(compress=value),
    "repair": lambda e, value: e.verify(repair=value),
    "keep_both": lambda e, value: e.merge(copied(e), keep_both=value),
    "strict": lambda e, value: (e.to_dataset(strict=value), e.to_dataframe(strict=value)),
    "strict of several": lambda e, value: coma.open_experiments(e.path).to_dataset(strict=value),
    "overwrite": lambda e, value: e.export(e.path / "a.csv", overwrite=value),
    "overwrite of a report": lambda e, value: e.report(e.path / "a.html", overwrite=value),
    "overwrite of a Dataset": lambda e, value: coma.export(dataset(), e.path / "a.nc", overwrite=value),
    "drop": lambda e, value: e.to_dataset().coma.where("x > 1", drop=value),
    "not_asked": lambda e, value: e.to_dataset().coma.missing(not_asked=value),
    "keep_failed": lambda e, value: coma.program("expr {x}", keep_failed=value),
}


@pytest.mark.parametrize("door", FLAGS)
@pytest.mark.parametrize("value", ["yes", "no", 1, 0, None, np.array([True])], ids=repr)
def test_only_true_and_false_are_flags(e, door, value):
    if door == "progress" and value is None:
        return
    before = sorted(path.name for path in e.path.iterdir())
    with pytest.raises(coma.ParameterError, match=f"^{door.split()[0]}=") as caught:
        FLAGS[door](e, value)
    assert caught.value.expected == "True or False"
    assert sorted(path.name for path in e.path.iterdir()) == before


@pytest.mark.parametrize("door", FLAGS)
def test_booleans_of_numpy_are_flags(e, door):
    FLAGS[door](e, np.True_)


INTEGERS = {
    "repeats": lambda e, value: run(e, repeats=value),
    "limit": lambda e, value: run(e, limit=value),
    "max_workers": lambda e, value: run(e, max_workers=value),
    "seed": lambda e, value: run(e, seed=value),
    "shard": lambda e, value: run(e, shard=(value, value + 1)),
    "n": lambda e, value: coma.sample(value, a=(0, 1)),
    "seed of a sample": lambda e, value: coma.sample(2, a=(0, 1), seed=value),
    "id": lambda e, value: coma.Experiment(f"{e.path}_2", id=value),
    "where": lambda e, value: (e.exclude([value], "bad"), e.remove(value)),
}


@pytest.mark.filterwarnings("ignore:The seeds in")
@pytest.mark.parametrize("door", INTEGERS)
@pytest.mark.parametrize("value", [np.int64(1), np.uint8(1), np.array(1)], ids=repr)
def test_integers_of_numpy_are_integers(e, door, value):
    INTEGERS[door](e, value)


@pytest.mark.parametrize("door", [door for door in INTEGERS if door not in ("where", "shard")])
@pytest.mark.parametrize("value", [-1, 1.0, "1", True, np.True_, np.float64(1), [1]], ids=repr)
def test_other_values_are_no_integers(e, door, value):
    with pytest.raises(coma.ParameterError, match=f"^{door.split()[0]}=") as caught:
        INTEGERS[door](e, value)
    assert "an integer from" in caught.value.expected
    assert len(list(e.measurements())) == 3


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 0), 1, (0,), (0.0, 2), "01", (True, 2), {0, 2}])
def test_other_values_are_no_shards(e, shard):
    with pytest.raises(coma.ParameterError) as caught:
        run(e, shard=shard)
    assert "i from 0 to n - 1" in caught.value.expected or "integers" in caught.value.expected


@pytest.mark.parametrize("timeout", [np.int64(60), np.float32(60), np.array(60.0)], ids=repr)
@pytest.mark.ci
def test_numbers_of_numpy_are_seconds(e, timeout):
    assert run(e, timeout=timeout).saved == 2


def test_a_wrong_word_is_answered_with_the_right_one(e):
    with pytest.raises(coma.ParameterError) as caught:
        run(e, on_error="contine")
    assert caught.value.near == ("continue",)


IDS = [
    [2, 3],
    (2, 3),
    {2, 3},
    range(2, 4),
    np.array([2, 3]),
    pd.Index([2, 3]),
    pd.Series([2, 3]),
    xr.DataArray([2, 3]),
    (number for number in [2, 3]),
]


@pytest.mark.parametrize("ids", IDS, ids=lambda ids: type(ids).__name__)
def test_lists_of_ids(e, ids):
    assert e.exclude(ids, "bad") == [2, 3]
    assert e.status()["excluded"] == 2


def test_ids_of_a_table(e):
    table = e.to_dataframe()
    assert e.remove(table.index[table.y > 1]) == [2, 3]


@pytest.mark.parametrize("ids", [[1, "2"], [1, None], [1.0], [True], np.array([True, False, True])], ids=repr)
def test_other_lists_are_refused_before_anything_changes(e, ids):
    with pytest.raises(coma.ParameterError, match="^where contains") as caught:
        e.remove(ids)
    assert caught.value.expected == "ids, which are integers"
    assert len(list(e.measurements())) == 3


def test_values_are_pythons_own():
    assert type(check_integer("n", np.int64(3))) is int
    assert type(check_flag("n", np.True_)) is bool
    assert [type(id) for id in check_ids("n", np.array([3]))] == [int]
    assert type(check_positive("n", np.float32(3))) is float
