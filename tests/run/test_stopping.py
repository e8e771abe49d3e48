"""Attempts after a failure, and what ends a run early."""

import datetime as dt
import math
import os
import re
import time

import pytest

import coma_xr as coma
from coma_xr.errors import ComaWarning
from coma_xr.run import schedule
from coma_xr.run.options import RunOptions
from tests.run.common import quietly


@pytest.fixture
def e(tmp_path):
    return coma.Experiment(tmp_path / "e")


class TestRetries:
    def test_a_failed_one_is_tried_again_at_the_end(self, e, capsys):
        tried = []

        def unstable(x):
            tried.append(x)
            if x == 1 and tried.count(1) < 3:
                raise OSError("no licence")
            return {"y": x}

        report = e.run(unstable, {"x": [1, 2, 3]}, retries=2)
        assert (report.saved, report.failed, tried) == (3, 0, [1, 2, 3, 1, 1])
        assert e.measurement(1).info.attempts == 3
        assert "attempts" not in e.measurement(2).info
        first, second = capsys.readouterr().err.splitlines()
        assert first.startswith("(x=1): OSError: no licence [")
        assert first.endswith("Attempt 1 of 3.")
        assert second.endswith("Attempt 2 of 3.")
        assert e.failures().empty

    def test_the_record_counts_attempts(self, e):
        report = quietly(e.run, lambda x: 1 / x, {"x": [0, 1]}, retries=2)
        assert (report.saved, report.failed) == (1, 1)
        assert report.failures[0]["info"]["attempts"] == 3

    def test_a_hopeless_run_stops_before_anything_is_tried_again(self, e):
        tried = []

        def misspelt(x):
            tried.append(x)
            return undefined  # noqa: F821

        report = quietly(e.run, misspelt, {"x": range(50)}, retries=3)
        assert (len(tried), report.failed, report.not_run) == (10, 10, 40)
        assert len(e.failures()) == 10

    @pytest.mark.ci
    def test_a_failed_one_goes_to_another_worker(self, e, tmp_path):
        def broken_in_one_process(x, directory=str(tmp_path)):
            first = os.path.join(directory, f"first_{x}")
            try:
                with open(first, "x") as file:
                    file.write(str(os.getpid()))
            except FileExistsError:
                with open(first) as file:
                    return {"same": int(file.read()) == os.getpid()}
            raise RuntimeError("broken")

        assert e.run(broken_in_one_process, {"x": [1, 2]}, retries=1, max_workers=2, on_error="continue") == (
            2,
            2,
        )
        assert not e.to_dataset().same.any()


@pytest.mark.ci
class TestBrokenWorkers:
    """One process computes, in any other everything fails, at once."""

    def test_its_points_are_given_to_others(self, e, tmp_path, capsys):
        def simulate(x, good=str(tmp_path / "good")):
            try:
                with open(good, "x") as file:
                    file.write(str(os.getpid()))
            except FileExistsError:
                with open(good) as file:
                    text = file.read()
                if text and int(text) != os.getpid():
                    raise RuntimeError("no GPU") from None
            time.sleep(0.1)
            return {"y": x}

        report = quietly(e.run, simulate, {"x": range(25)}, max_workers=2)
        assert (report.saved, report.failed) == (25, 0)
        assert e.failures().empty
        assert re.search(
            r"All points fail on worker \d+ while others succeed, so it was stopped\. Other workers try \d+ param",
            capsys.readouterr().err,
        )
        assert max(m.info.get("attempts", 1) for m in e.measurements()) > 1

    def test_points_that_fail_everywhere_fail(self, e):
        def simulate(x):
            time.sleep(0.002)
            if x % 2:
                raise ValueError("odd")
            return {"y": x}

        report = quietly(e.run, simulate, {"x": range(200)}, max_workers=2)
        assert (report.saved, report.failed) == (100, 100)
        assert len(e.failures()) == 100


def test_a_failure_names_its_process_and_gpus(e, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    quietly(e.run, lambda x: 1 / x, {"x": [0]})
    info = e.failure(1).info
    assert (info["worker"], info["CUDA_VISIBLE_DEVICES"]) == (os.getpid(), "3")
    assert ">CUDA_VISIBLE_DEVICES<" in e.failure(1)._repr_html_()


class TestMaxFailures:
    def test_nothing_is_begun_after_so_many(self, e):
        with pytest.warns(ComaWarning, match=r"^3 of 100 [^$]* The run stopped after max_failures=3\."):
            report = e.run(lambda x: 1 / (x % 2), {"x": range(1, 101)}, max_failures=3)
        assert (report.saved, report.failed, report.not_run) == (3, 3, 94)

    @pytest.mark.ci
    def test_what_is_running_is_kept(self, e):
        def simulate(x):
            if x == 1:
                raise ValueError("bad")
            time.sleep(0.5)
            return {"y": x}

        report = quietly(e.run, simulate, {"x": range(2, 0, -1)}, max_failures=1, max_workers=2)
        assert (report.saved, report.failed) == (1, 1)


class TestMaxTime:
    def test_what_would_not_be_over_is_not_begun(self, e, capsys):
        e.define_parameter_set("n")
        for n in (1, 10, 20, 40, 60):
            tree = {"parameters": {"n": n}, "results": {"y": n}, "info": {"duration": n / 1000}}
            e.new_measurement().save(tree)
        report = quietly(e.run, lambda n: {"y": n}, {"n": [10**6, 2, 10**7, 3]}, max_time="60s")
        assert (report.saved, report.not_run, report.too_long) == (2, 2, 2)
        assert "2 not run for lack of time" in str(report)
        assert sorted(point["n"] for point in e.missing()) == [10**6, 10**7]
        assert (
            "2 parameter sets not begun: no time before the end of the maximum time."
            in capsys.readouterr().err
        )

    def test_durations_of_the_run_itself_count(self, e):
        report = e.run(lambda x: time.sleep(0.2) or {"y": x}, {"x": range(20)}, max_time=0.5)
        assert 1 <= report.saved <= 3
        assert report.saved + report.too_long == 20

    def test_in_a_job_of_slurm_its_end_counts(self, e, monkeypatch, capsys):
        e.run(lambda n: time.sleep(0.02) or {"y": n}, {"n": [1]})
        monkeypatch.setenv(schedule._JOB_END, str(int(time.time()) - 1))
        assert e.run(lambda n: {"y": n}, {"n": [2, 3]}, code="accept").too_long == 2
        assert "no time before the end of the SLURM job." in capsys.readouterr().err
        assert e.run(lambda n: {"y": n}, {"n": [2, 3]}, max_time=math.inf).saved == 2

    @pytest.mark.parametrize("value", ["7h30m", 27000, dt.timedelta(hours=7.5), "27000 s", "0.3125d"])
    def test_durations_are_written_as_people_do(self, value):
        assert RunOptions(max_time=value).max_time == 27000

    @pytest.mark.parametrize("value", ["", "soon", "7:30", -1, 0, True, math.nan, "0s", [1]])
    def test_others_are_refused(self, value):
        with pytest.raises(coma.ParameterError, match=r"max_time=.*duration above 0, such as '7h30m'"):
            RunOptions(max_time=value)
