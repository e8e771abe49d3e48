"""With a cache every door shows what it shows without one, whatever happens to the files of measurements."""

from __future__ import annotations

import contextlib
import io
import random
import re
import warnings

import pandas as pd
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import records
from coma_xr.cli import main
from coma_xr.encoding import columns
from coma_xr.store import cache, documents
from tests.store.test_cache import Disk

pytestmark = pytest.mark.ci

SCAN = {"a": [1.0, 2.0, 3.0], "b": [1, 2], "c": ["x", "y"]}
CONDITIONS = (
    "a > 1",
    "b == 2 and c == 'x'",
    "y > 4 or y.isnull()",
    "`info/start_date` < '2026-01-02'",
    "results/n == 3",
    "a / b > 1",
    "c > 1",
    coma.P["parameters/a"].isin([1, 3]),
    lambda m: m.parameters.a > 1,
)


class Experiments(Disk):
    """Measurements of a scan: of several structures and types, some that cannot be read."""

    size = 300

    def tree(self):
        chance = self.chance
        results = chance.choice(
            [
                {"y": 4.5},
                {"y": 5},
                {"y": None},
                {"n": 3, "y": 1.0},
                {"E": [1.0, 2.0]},
                {"E": [1], "fit": {"k": 2}},
            ]
        )
        parameters = {name: chance.choice(values) for name, values in SCAN.items()}
        if chance.random() < 0.1:
            del parameters["b"]
        info = {
            "start_date": chance.choice(["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]),
            "duration": 0.5,
        }
        if chance.random() < 0.5:
            info |= {"made_by": f"run {chance.randrange(2)}", "seed": 1}
        return {"parameters": parameters, "results": {**results}, "info": info}


def f(a, b, c):
    return {"y": a}


def shown(*command):
    """Return what a command of the terminal prints."""
    text = io.StringIO()
    records._noticed.clear()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        status = main([str(word) for word in command])
    return status, text.getvalue()


def merged(e, tmp_path):
    """Return the measurements of an experiment that has those of another one."""
    target = coma.Experiment(tmp_path / f"merged{len(list(tmp_path.iterdir()))}", config={"cache_dir": "off"})
    target.merge(e)
    return target.to_dataframe()


DOORS = {
    "to_dataset": lambda e, _: e.to_dataset(),
    "named": lambda e, _: e.to_dataset({"y": "results/y"}, dims=["a", "c"]),
    "points": lambda e, _: e.to_dataset(layout="points"),
    "to_dataframe": lambda e, _: e.to_dataframe(),
    "retrieve_results": lambda e, _: e.retrieve_results(["a", "y"], ["b"]).to_dataframe(),
    "measurements": lambda e, _: [m.tree for m in e.measurements()],
    "status": lambda e, _: e.status(),
    "paths": lambda e, _: e.paths(),
    "missing": lambda e, _: e.missing().to_dataframe(),
    "layout": lambda e, _: repr(e.layout),
    "duplicates": lambda e, _: e.duplicates(),
    "second run": lambda e, _: tuple(e.run(f, SCAN, dry_run=True, progress=False)),
    "merge": merged,
    "open_experiments": lambda e, _: coma.open_experiments(
        [e.path], config={"cache_dir": e._place.config.cache_dir}
    ).to_dataset(),
}


def selecting(condition):
    return {
        "where": lambda e, _: e.to_dataset(where=condition),
        "rows where": lambda e, _: e.to_dataframe(where=condition),
        "measurements where": lambda e, _: [m.id for m in e.measurements(condition)],
    }


def answer(door, e, tmp_path):
    """Return what a door shows, or the error that it raises."""
    # What is reported once in a process would be reported by the first door only.
    records._noticed.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = door(e, tmp_path)
        except coma.ComaError as error:
            found = re.sub(r"merged\d+", "merged", f"{type(error).__name__}: {error}")
    return found, sorted({re.sub(r"merged\d+", "merged", str(warning.message)) for warning in caught})


def check(asked, with_cache, without):
    (one, some), (other, others) = with_cache, without
    assert type(one) is type(other), asked
    if isinstance(one, xr.Dataset):
        xr.testing.assert_identical(one, other)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    else:
        assert repr(one) == repr(other), asked
    assert some == others, asked


@pytest.mark.parametrize("seed", range(2))
def test_every_door_shows_the_same_of_an_inactive_experiment(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(documents, "LONG", 0)
    monkeypatch.setattr(cache, "_FRESH", -(10**10))
    monkeypatch.setattr(columns, "_FEWEST", 3)
    path = tmp_path / "e"
    coma.Experiment(path, durable=False).run(f, SCAN, progress=False)
    disk = Experiments(path, random.Random(seed), monkeypatch)
    for n in range(1, 13):
        disk.write(f"measurement.{n:06}.json")
    e = coma.Experiment(path)
    e.exclude([2], "no reason")
    e.deactivate()
    monkeypatch.undo()
    monkeypatch.setattr(documents, "LONG", 0)
    monkeypatch.setattr(cache, "_FRESH", -(10**10))
    openers = [coma.Experiment(path), coma.Experiment(path), coma.Experiment(path, mode="r")]
    assert [*path.glob(".coma.cache/archives/*")]
    plain = coma.Experiment(path, mode="r", config={"cache_dir": "off"})
    every = [*DOORS.items(), *(door for condition in CONDITIONS for door in selecting(condition).items())]
    for name, door in every:
        wanted = answer(door, plain, tmp_path)
        for opener in openers:
            check(name, answer(door, opener, tmp_path), wanted)


@pytest.mark.parametrize("seed", range(6))
def test_every_door_shows_the_same_with_a_cache_and_without(tmp_path, monkeypatch, seed, empty_configuration):
    monkeypatch.setattr(cache, "_FEWEST", 1)
    # All structures are stored as columns.
    monkeypatch.setattr(columns, "_FEWEST", 1)
    monkeypatch.setattr(cache, "_MANY_FILES", 3)
    path = tmp_path / "e"
    coma.Experiment(path, durable=False).run(f, SCAN, progress=False)
    for file in path.glob("measurement.0*"):
        file.unlink()
    chance = random.Random(seed)
    disk = Experiments(path, chance, monkeypatch)
    for n in range(1, 13):
        disk.write(f"measurement.{n:06}.json")
    openers = [coma.Experiment(path), coma.Experiment(path), coma.Experiment(path, mode="r")]
    for _ in range(12):
        for _ in range(3):
            disk.step()
        doors = {**DOORS, **selecting(chance.choice(CONDITIONS))}
        plain = coma.Experiment(path, mode="r", config={"cache_dir": "off"})
        for name in chance.sample(sorted(doors), 6):
            if chance.random() < 0.2:
                openers[0] = coma.Experiment(path)
            wanted = answer(doors[name], plain, tmp_path)
            check(name, answer(doors[name], chance.choice(openers), tmp_path), wanted)
        found = answer(lambda *_: xr.open_dataset(path, engine="coma"), None, None)
        check("open_dataset", found, answer(DOORS["to_dataset"], plain, None))
        command = chance.choice([("paths",), ("status", "--json"), ("show",), ("ls",)])
        settings = empty_configuration / "preferences.conf"
        with_cache = shown(*command, path)
        settings.write_text("[coma]\ncache_dir = off\n")
        assert with_cache == shown(*command, path)
        settings.unlink()
