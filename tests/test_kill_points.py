"""A whole experiment whose process dies at any system call: nothing finished is lost, and running again ends it."""

from __future__ import annotations

import shutil

import pytest

import coma_xr as coma

pytestmark = [pytest.mark.ci, pytest.mark.leaves_files]

# A failing set is among them, so that records of failures come and go too.
SCAN = {"x": [0, 1, 2]}


def inverse(x):
    return {"y": 1 / x}


def results(e):
    """Return what is measured, by parameter."""
    return {m["parameters/x"]: m["results/y"] for m in e.measurements()}


def run(path, function, scan):
    return coma.Experiment(path, durable=True, config={}).run(function, scan, progress=False)


def same(x):
    return {"y": x}


@pytest.mark.filterwarnings("ignore::coma_xr.ComaWarning")
@pytest.mark.parametrize("start", ["new", "with results", "with a failure"])
def test_a_run_that_dies_at_any_call_goes_on(deaths, quick_path, report_line, start):
    """Each kill is followed by a look, in which all that was there is there, and by a run that does the rest."""
    path, original = quick_path / "e", quick_path / "original"
    before = {}
    if start != "new":
        run(original, same if start == "with results" else inverse, {"x": [0, 5]})
        before = results(coma.Experiment(original, "r"))
    survived = 0

    def die(at, how):
        shutil.rmtree(path, ignore_errors=True)
        if original.exists():
            shutil.copytree(original, path)
        return deaths.run(lambda: run(path, inverse, SCAN), at, how)

    calls = die(0, "").log
    for at, call in enumerate(calls, 1):
        for how in ("before", "half", "after") if call == "write" else ("before", "after"):
            assert die(at, how).dead
            check(path, before)
            survived += 1
    report_line(f"kill points of a whole run, {start} (K): {survived} of {survived} survived")


def check(path, before):
    """Look at what is there after a kill, then run to the end, and look again."""
    if path.exists() and coma_is_there(path):
        there = results(coma.Experiment(path, "r"))
        assert before.items() <= there.items()
        assert all(there[x] == 1 / x for x in there.keys() - before.keys())
    report = run(path, same, SCAN)
    assert report.saved + report.skipped == 3
    e = coma.Experiment(path)
    assert results(e).keys() == {*SCAN["x"], *before}
    assert e.number_of_measurements() == len(results(e))
    assert e.failures().empty
    e.deactivate()
    assert results(e).keys() == {*SCAN["x"], *before}


def coma_is_there(path):
    """Whether the experiment was made before the process died."""
    return any(file.name.startswith(("experiment.", "measurement.0")) for file in path.iterdir())
