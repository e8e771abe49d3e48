import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from coma_xr.define.scans import grid
from coma_xr.errors import ComaWarning, RunError, StorageError
from coma_xr.run import runner
from coma_xr.run.options import RunOptions
from coma_xr.run.plan import plan, survey
from coma_xr.run.runner import dry_run, run_plan
from coma_xr.run.worker import prepare
from tests.run import common
from tests.run.common import Kept, interrupt_at, quietly, run


def fails_for(*numbers, error=ValueError):
    def simulate(a):
        if a in numbers:
            raise error(f"bad {a}")
        return {"t": a}

    return simulate


def test_all_sets_are_run_and_saved_in_order(kept):
    report = run(lambda a: a, 5, kept)
    assert report == (5, 5)
    assert list(kept.saved) == [1, 2, 3, 4, 5]
    assert [outcome.task.values for outcome in kept.saved.values()] == [(0,), (1,), (2,), (3,), (4,)]
    assert (report.failed, report.not_run, report.skipped) == (0, 0, 0)
    assert report.duration > 0
    assert report.check() is report


def test_each_is_saved_before_the_next_is_run(kept):
    def simulate(a):
        assert len(kept.saved) == a
        return a

    assert run(simulate, 5, kept) == (5, 5)


def test_nothing_is_run_when_all_is_done(kept):
    scan = grid(a=range(3))
    planned = plan(scan.rows(), done={task.key for task in plan(scan.rows()).todo})
    report = run(lambda a: pytest.fail("computed"), 3, kept, planned=planned)
    assert (report, report.skipped) == ((0, 3), 3)


def test_a_failure_is_recorded_and_the_others_go_on(kept, capsys, caplog):
    with pytest.warns(ComaWarning) as warned:
        report = run(fails_for(1, 3), 5, kept)
    assert report == (3, 5)
    assert list(kept.saved) == [1, 3, 5]
    assert list(kept.failed) == [2, 4]
    assert [failure["info"]["measurement_id"] for failure in report.failures] == [2, 4]
    assert list(report.failures[0]["info"]) == ["measurement_id", "date", "host", "worker", "status"]
    assert report.failures[0]["info"]["worker"] == os.getpid()
    line = r"\(a={}\): ValueError: bad {} \[.*test_runner\.py:\d+ in simulate\]"
    lines = capsys.readouterr().err.splitlines()
    assert [bool(re.fullmatch(line.format(a, a), text)) for a, text in zip((1, 3), lines, strict=True)] == [
        True,
        True,
    ]
    assert [record.getMessage() for record in caplog.records] == lines
    assert [str(warning.message) for warning in warned] == [
        (
            f"2 of 5 parameter sets failed (3 saved): 2 like {lines[0]}. "
            "Call failures() for details. The next run retries them."
        )
    ]
    with pytest.raises(
        RunError, match=r"^2 of 5 parameter sets failed \(3 saved\): 2 like \(a=1\): ValueError: bad 1"
    ):
        report.check()


def test_the_warning_points_to_the_line_of_the_user(kept):
    with pytest.warns(ComaWarning) as warned:
        run(fails_for(1), 2, kept)
    assert warned[0].filename == common.__file__


def test_a_function_that_raises_keyboard_interrupt_by_itself_has_failed(kept, own_handler):
    report = quietly(run, fails_for(1, error=KeyboardInterrupt), 3, kept)
    assert (report, report.failed) == ((2, 3), 1)


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, MemoryError, KeyboardInterrupt])
def test_whatever_a_function_raises_costs_its_own_set_only(kept, error, own_handler):
    report = quietly(run, fails_for(0, error=error), 3, kept)
    assert (report, report.failures[0]["exception"]["type"]) == ((2, 3), error.__name__)


def test_a_result_that_cannot_be_stored_costs_its_own_set_only(kept):
    report = quietly(run, lambda a: {"x": sys if a == 1 else a}, 3, kept)
    assert report == (2, 3)
    assert report.failures[0]["exception"]["message"].startswith("results/x: cannot store a module.")


def test_a_function_that_changes_the_directory_does_no_harm(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()

    def simulate(a):
        os.chdir(tmp_path / "below")
        return os.path.basename(os.getcwd())

    assert run(simulate, 2, kept) == (2, 2)


class TestStopping:
    def test_ten_failures_all_alike_end_a_run_that_never_succeeded(self, kept):
        with pytest.warns(ComaWarning) as warned:
            report = run(fails_for(*range(50)), 50, kept)
        assert (report, report.failed, report.not_run) == ((0, 50), 10, 40)
        assert str(warned[0].message).endswith(
            "The run stopped because nothing has ever succeeded and all failures are alike. "
            "Pass on_error='continue' to go on. Call failures() for details. The next run retries them."
        )

    def test_one_success_in_this_run_is_enough_to_go_on(self, kept):
        report = quietly(run, fails_for(*range(1, 50)), 50, kept)
        assert (report, report.failed) == ((1, 50), 49)

    def test_a_success_in_an_earlier_run_is_enough_to_go_on(self, kept):
        report = quietly(run, fails_for(*range(50)), 50, kept, ever_succeeded=True)
        assert report.failed == 50

    def test_failures_that_differ_do_not_end_a_run(self, kept):
        def simulate(a):
            if a % 2:
                raise ValueError
            raise KeyError

        report = quietly(run, simulate, 15, kept)
        assert report.failed == 15
        assert quietly(run, simulate, 50, Kept()).failed == 19

    def test_continue_goes_on_in_any_case(self, kept):
        report = quietly(run, fails_for(*range(50)), 50, kept, on_error="continue")
        assert (report.failed, report.not_run) == (50, 0)

    def test_stop_raises_the_first_failure_from_its_cause(self, kept):
        with pytest.raises(
            RunError, match=r"^\(a=2\): ValueError: bad 2 \[.*\]\. 2 of 5 were saved\.$"
        ) as raised:
            run(fails_for(2, 3), 5, kept, on_error="stop")
        assert repr(raised.value.__cause__) == "ValueError('bad 2')"
        assert list(kept.failed) == [3]
        assert raised.value.failures[0]["parameters"] == {"a": 2}
        report = raised.value.report
        assert (report, report.failed, report.not_run) == ((2, 5), 1, 2)


def test_a_limit_is_told_as_not_run(kept):
    planned = plan(grid(a=range(5)).rows(), limit=2)
    report = run(lambda a: a, 5, kept, planned=planned)
    assert (report, report.not_run) == ((2, 5), 3)


def test_a_dry_run_tells_what_there_is_to_do_and_how_long_it_takes():
    definition = grid(a=[1]).definition
    there = survey([(1, {"info": {"duration": 60.0}, "parameters": {"a": 0}})], definition)
    planned = plan(grid(a=range(11)).rows(), there.ids, limit=8)
    report = dry_run(planned, there, RunOptions(max_workers=2))
    assert (report, report.skipped, report.not_run, report.dry_run) == ((0, 11), 1, 10, True)
    assert report.estimate == 240.0
    assert str(report) == (
        "0 of 11 parameter sets saved, 1 had a measurement already, 10 not run; dry run, a real one takes about "
        "4.0 min."
    )
    assert str(dry_run(planned, survey([], definition), RunOptions())).endswith(
        "10 not run; dry run, and there is no measurement to estimate the time of a real one."
    )
    assert dry_run(planned, there, RunOptions(max_workers=None)).estimate > 0


class Simulation:
    program = "ising"

    def __init__(self, version):
        self.version = version

    def coma_getstate(self):
        return {"results": {"t": 1}}


def test_versions_of_a_program_that_get_mixed_are_a_warning(kept):
    there = survey(
        [(1, {"info": {"program": "ising", "version": "1.0"}, "parameters": {"a": 9}})],
        grid(a=[1]).definition,
    )
    with pytest.warns(ComaWarning) as warned:
        run(lambda a: Simulation("1.1"), [0, 1], Kept(first=2), versions=there.versions)
    (warning,) = warned
    assert str(warning.message) == (
        "The measurements are of several versions of ising: 1.0 (measurement 1), 1.1 (measurement 2). All of "
        "them count as done. Use a new experiment or a parameter to distinguish them."
    )
    assert run(
        lambda a: Simulation("1.0"), [0, 1], kept, versions=survey([], grid(a=[1]).definition).versions
    )


class TestStorage:
    def test_a_result_that_cannot_be_written_is_tried_once_more(self, kept):
        save, calls = kept.save, []

        def full_at_first(outcome):
            calls.append(outcome)
            if len(calls) == 1:
                raise StorageError(28, "No space left on device", "x")
            return save(outcome)

        kept.save = full_at_first
        assert run(lambda a: a, 3, kept) == (3, 3)

    def test_a_result_that_cannot_be_written_at_all_is_handed_back(self, kept, own_handler):
        save = kept.save

        def full(outcome):
            if outcome.task.values == (2,):
                raise StorageError(28, "No space left on device", "x")
            return save(outcome)

        kept.save = full
        with pytest.raises(StorageError) as raised:
            run(lambda a: a, 5, kept)
        error = raised.value
        assert [outcome.task.values for outcome in error.unsaved] == [(2,)]
        assert error.unsaved[0].rest is not None
        assert (error.report, error.report.not_run) == ((2, 5), 3)
        assert error.__notes__ == [
            (
                "2 of 5 parameter sets are saved; what was computed after them is in the list `unsaved` of this error. "
                "Run again when there is room."
            )
        ]

    def test_a_failure_that_cannot_be_written_is_handed_back_too(self, kept):
        def full(outcome):
            raise StorageError(28, "No space left on device", "x")

        kept.record_failure = full
        with pytest.raises(StorageError) as raised:
            run(fails_for(0), 5, kept)
        assert raised.value.unsaved[0].failure["parameters"] == {"a": 0}

    def test_the_handler_is_given_back_when_saving_raises_something_else(self, kept, own_handler):
        def broken(outcome):
            raise ZeroDivisionError

        kept.save = broken
        with pytest.raises(ZeroDivisionError):
            run(lambda a: a, 5, kept)


class TestInterruption:
    """In this process; the signals are real, their time is chosen."""

    def test_the_first_finishes_and_keeps_the_running_set_and_tells_at_once(self, kept, own_handler, capsys):
        told = []

        def simulate(a):
            if a == 2:
                signal.raise_signal(signal.SIGINT)
                told.append(capsys.readouterr().err)
            return a

        with pytest.raises(KeyboardInterrupt) as raised:
            run(simulate, 5, kept)
        assert told == [
            (
                "Ctrl-C: 2 of 5 parameter sets were saved. Running points are finished and kept. "
                "Press Ctrl-C again to stop immediately.\n"
            )
        ]
        report = raised.value.report
        assert (report, report.not_run, report.failed) == ((3, 5), 2, 0)
        assert list(kept.saved) == [1, 2, 3]
        text = r"^3 of 5 parameter sets saved, 2 not run; \d\.\d s\. Run again to continue\.$"
        assert re.match(text, str(raised.value))
        assert type(raised.value) is KeyboardInterrupt

    def test_the_second_drops_the_running_set(self, kept, own_handler):
        def simulate(a):
            if a == 2:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                pytest.fail("went on")
            return a

        with pytest.raises(KeyboardInterrupt) as raised:
            run(simulate, 5, kept)
        report = raised.value.report
        assert (report, report.not_run, report.failed) == ((2, 5), 3, 0)
        assert type(raised.value) is KeyboardInterrupt

    def test_a_set_that_fails_after_it_is_no_failure(self, kept, own_handler):
        def simulate(a):
            signal.raise_signal(signal.SIGINT)
            raise OSError("the program that I had started was interrupted as well")

        with pytest.raises(KeyboardInterrupt) as raised:
            run(simulate, 5, kept)
        assert (kept.saved, kept.failed) == ({}, {})
        assert raised.value.report.not_run == 5

    def test_it_is_not_forgotten_when_it_comes_at_the_last_set(self, kept, own_handler):
        with pytest.raises(KeyboardInterrupt) as raised:
            run(lambda a: signal.raise_signal(signal.SIGINT) or a, 1, kept)
        assert raised.value.report == (1, 1)

    def test_it_stops_a_run_also_while_a_result_is_saved(self, kept, own_handler):
        interrupt_at(kept, 0)
        with pytest.raises(KeyboardInterrupt) as raised:
            run(lambda a: a, 5, kept)
        assert raised.value.report == (1, 5)

    def test_a_handler_of_the_users_that_raises_stops_the_run(self, kept):
        def own(number, frame):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, own)
        try:
            with pytest.raises(KeyboardInterrupt) as raised:
                run(lambda a: signal.raise_signal(signal.SIGINT), 5, kept)
            assert signal.getsignal(signal.SIGINT) is own
        finally:
            signal.signal(signal.SIGINT, before)
        assert (raised.value.report, kept.failed) == ((0, 5), {})

    def test_a_run_in_another_thread_is_not_touched_by_it(self, kept):
        reports = []
        thread = threading.Thread(target=lambda: reports.append(run(lambda a: a, 5, kept)))
        thread.start()
        thread.join()
        assert reports == [(5, 5)]


CHILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)   # the test may run in the background
from coma_xr.define.scans import grid
from coma_xr.run.options import RunOptions
from coma_xr.run.plan import plan
from coma_xr.run.runner import run_plan
from coma_xr.run.worker import prepare
from tests.run import common
from tests.run.common import Kept, quietly, run

def simulate(a):
    if a == 2:
        print("running", flush=True)
        time.sleep(float(sys.argv[1]))
    return a

scan = grid(a=range(5))
ids = []
try:
    run_plan(prepare(simulate, scan.definition, "keywords"), plan(scan.rows()), RunOptions(),
                 save=lambda outcome: ids.append(outcome.task.position) or len(ids), record_failure=print)
except KeyboardInterrupt as error:
    report = error.report
    print(ids, tuple(report), report.failed, report.not_run, flush=True)
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
    raise
"""


def child(seconds, gaps):
    """Run the child, send SIGINT after each gap; return its output, its messages, and how long it lived on."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "running\n"
        for gap in gaps:
            time.sleep(gap)
            process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err, time.monotonic() - begin


def test_ctrl_c_once_in_a_real_process():
    code, out, err, _ = child(1, [0.1])
    assert out == "[0, 1, 2] (3, 5) 0 2\nTrue\n"
    first, *_, last = err.splitlines()
    assert first.startswith("Ctrl-C: 2 of 5 parameter sets were saved. Running points are finished and kept.")
    assert re.match(r"KeyboardInterrupt: 3 of 5 parameter sets saved, 2 not run; ", last)
    assert code == -signal.SIGINT


def test_ctrl_c_twice_in_a_real_process():
    code, out, err, seconds = child(60, [0.1, 0.3])
    assert out == "[0, 1] (2, 5) 0 3\nTrue\n"
    assert seconds < 10
    assert "During handling" not in err
    assert code == -signal.SIGINT


def test_a_run_of_many_trivial_sets_needs_no_bar_and_no_arrays():
    code = """
import sys
from coma_xr.define.scans import grid
from coma_xr.run.options import RunOptions
from coma_xr.run.plan import plan
from coma_xr.run.runner import run_plan
from coma_xr.run.worker import prepare
from tests.run import common
from tests.run.common import Kept, quietly, run
scan = grid(a=range(100))
work = prepare(lambda a: {"t": a}, scan.definition, "keywords")
assert run_plan(work, plan(scan.rows()), RunOptions(), save=lambda outcome: 1, record_failure=print) == (100, 100)
heavy = {"tqdm", "numpy", "pandas", "xarray", "matplotlib", "loky"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.ci
def test_failures_are_printed_beside_the_bar(monkeypatch, kept):
    import io

    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(runner, "_PATIENCE", 0.01)

    def simulate(a):
        deadline = time.monotonic() + 5
        while a == 0 and "sets" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        if a == 1:
            raise ValueError("bad")
        return a

    scan = grid(a=range(3))
    planned = functools.partial(
        run_plan, prepare(simulate, scan.definition, "keywords"), plan(scan.rows()), RunOptions()
    )
    quietly(planned, save=kept.save, record_failure=kept.record_failure)
    assert stream.getvalue().count("(a=1): ValueError: bad [") == 1
    assert "1 failed" in stream.getvalue()
