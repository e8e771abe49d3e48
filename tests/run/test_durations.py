"""Estimates of durations: of parameter sets, of the rest of a run, and by parameter."""

import math

import pytest

import coma_xr as coma
from coma_xr.run.plan import Durations, Outlook
from coma_xr.run.runner import Progress
from tests.run.common import quietly


def of(function, values):
    durations = Durations()
    for value in values:
        durations.add((value,), function(value))
    return durations


def test_a_power_law_is_extrapolated():
    predict = of(lambda n: 1e-4 * n**3, range(4, 12)).predictor()
    assert predict((100,)) == pytest.approx(100, rel=0.01)
    assert predict((1,)) == pytest.approx(1e-4, rel=0.01)


@pytest.mark.parametrize("value", ["name", None, math.nan, -1, True])
def test_values_that_do_not_fit_in_get_the_mean(value):
    durations = of(lambda n: n / 10, [1, 2, 3, 4, 5])
    assert durations.predictor()((value,)) == pytest.approx(0.3)


def test_the_rest_of_a_run_counts_by_work_and_not_by_number():
    outlook = Outlook(of(lambda n: n, [1, 2, 4, 8]), [(16,), (1,), (1,)])
    assert outlook.left(0.0) == pytest.approx(18, rel=0.01)
    outlook.note((16,), 16.0)
    assert outlook.left(16.0) == pytest.approx(2, rel=0.01)
    outlook.note((1,), 1.0)
    outlook.note((1,), 1.0)
    assert outlook.left(18.0) == pytest.approx(0, abs=0.1)


def test_the_rest_of_a_run_learns_from_it():
    outlook = Outlook(Durations(), [(n,) for n in range(1, 11)])
    assert outlook.left(1.0) is None
    for n in range(1, 6):
        outlook.note((n,), float(n))
    assert outlook.left(15.0) == pytest.approx(40, rel=0.1)


def test_failures_are_done_but_say_nothing_of_others():
    outlook = Outlook(of(lambda n: 1.0, [1]), [(1,), (2,)])
    outlook.note((1,), 1e-6, failed=True)
    assert outlook.seconds((2,)) == 1.0
    assert outlook.left(1.0) == 1.0


def test_progress_uses_the_estimate(capsys, monkeypatch):
    times = iter([0.0, 6.0])
    monkeypatch.setattr("coma_xr.run.runner.time.monotonic", lambda: next(times, 6.0))
    monkeypatch.setattr("coma_xr.run.runner.logger.propagate", False)
    with Progress(10, left=lambda elapsed: 90 * elapsed) as bar:
        bar.step()
    assert capsys.readouterr().err == "1 of 10 done, 10 a minute, about 9.0 min left\n"


def test_a_dry_run_lists_durations_by_parameter(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    for n in (1, 2, 4, 8):
        m = e.new_measurement()
        m.save({"parameters": {"n": n, "T": 1.0}, "results": {"y": n}, "info": {"duration": float(n)}})
    e.define_parameter_set("n", "T")
    report = quietly(
        e.run, lambda n, T: {"y": n}, coma.grid(n=[2**i for i in range(4, 12)], T=[2.0, 3.0]), dry_run=True
    )
    assert list(report.durations) == ["n"]
    assert report.durations["n"][16] == pytest.approx(16, rel=0.01)
    assert str(report).splitlines()[1:] == [
        "  by n: 16: 16.0 s, 32: 32.0 s, 64: 64.0 s, ..., 512: 8.5 min, 1024: 17.1 min, 2048: 34.1 min"
    ]
    assert "by n: 16: 16.0 s" in report._repr_html_()


def test_of_failures_that_are_alike_five_are_printed(tmp_path, capsys):
    def simulate(x):
        if x % 2:
            raise ValueError(f"bad {x}")
        return 1 / (x % 4)

    quietly(coma.Experiment(tmp_path / "e").run, simulate, {"x": range(2, 50)})
    lines = capsys.readouterr().err.splitlines()
    assert sum("ValueError" in line for line in lines) == 5
    assert sum("ZeroDivisionError" in line for line in lines) == 5
    assert sum(line.startswith("Further failures of this kind are not printed") for line in lines) == 2
