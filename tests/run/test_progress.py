import io
import logging
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from coma_xr.errors import StorageError
from coma_xr.run import runner
from coma_xr.run.runner import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def watched(monkeypatch):
    """Put a terminal in place of stderr; in the test itself, since pytest puts its own there before it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(runner, "_PATIENCE", 0.01)
    return stream


def wait_for_bar(stream):
    deadline = time.monotonic() + 5
    while "done" not in stream.getvalue():
        assert time.monotonic() < deadline, "no bar came"
        time.sleep(0.01)


def test_a_bar_in_a_terminal_counts_what_is_done_and_failed(monkeypatch):
    terminal = watched(monkeypatch)
    with Progress(3) as bar:
        bar.step()
        wait_for_bar(terminal)
        bar.step(failed=True)
        bar.step()
    last = terminal.getvalue().split("\r")[-1]
    assert "3 of 3 done, 1 failed" in last


def test_a_bar_comes_although_no_set_is_done_yet(monkeypatch):
    terminal = watched(monkeypatch)
    with Progress(3):
        wait_for_bar(terminal)
    assert "0 of 3 done" in terminal.getvalue()


def test_in_a_notebook_the_bar_is_there_at_once(monkeypatch):
    class OutStream(io.StringIO):
        __module__ = "ipykernel.iostream"

    monkeypatch.setattr(sys, "stderr", OutStream())
    with Progress(3) as bar:
        assert "0 of 3 done" in sys.stderr.getvalue()
        bar.step()
    assert "1 of 3 done" in sys.stderr.getvalue()


def test_lines_stand_beside_the_bar(monkeypatch):
    terminal = watched(monkeypatch)
    with Progress(3) as bar:
        wait_for_bar(terminal)
        bar.say("a line")
    assert "a line\n" in terminal.getvalue()


def test_a_run_that_is_over_soon_shows_no_bar_and_does_not_load_one():
    code = """
import io, sys
from coma_xr.run.runner import Progress
sys.stderr = io.StringIO()
sys.stderr.isatty = lambda: True
with Progress(3) as bar:
    bar.step()
assert sys.stderr.getvalue() == ""
assert "tqdm" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_there_is_no_bar_when_nothing_is_to_be_done(monkeypatch):
    terminal = watched(monkeypatch)
    with Progress(0):
        time.sleep(0.05)
    assert terminal.getvalue() == ""


def test_no_bar_and_no_lines_when_not_wanted(monkeypatch, caplog):
    terminal = watched(monkeypatch)
    monkeypatch.setattr(runner, "_INTERVAL", 0)
    caplog.set_level(logging.INFO, "coma_xr")
    with Progress(3, False) as bar:
        time.sleep(0.05)
        bar.step()
    assert terminal.getvalue() == ""
    assert caplog.records == []


def test_a_bar_can_be_asked_for_without_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(runner, "_PATIENCE", 0.01)
    with Progress(3, True):
        wait_for_bar(sys.stderr)


def test_without_a_terminal_a_line_goes_to_the_log_every_few_seconds(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "coma_xr")
    clock = iter(float(i) for i in range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with Progress(30) as bar:
        for i in range(20):
            bar.step(failed=i == 0)
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0] == "6 of 30 done, 1 failed, 1 a second, about 24.0 s left"
    assert len(texts) == 3
    assert {(record.name, record.levelname) for record in caplog.records} == {("coma_xr", "INFO")}


def test_a_warning_goes_to_the_log_and_to_stderr(capsys, caplog):
    with Progress(3, False) as bar:
        bar.warn("it failed")
    assert capsys.readouterr().err == "it failed\n"
    assert [record.getMessage() for record in caplog.records] == ["it failed"]


def test_a_warning_is_there_once_when_the_log_goes_to_stderr(capsys):
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("coma_xr")
    logger.addHandler(handler)
    try:
        with Progress(3, False) as bar:
            bar.warn("it failed")
    finally:
        logger.removeHandler(handler)
    assert capsys.readouterr().err == "it failed\n"


@pytest.mark.parametrize("stderr", [None, "closed"])
def test_a_stderr_that_cannot_be_written_to_ends_no_run(monkeypatch, stderr):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", None if stderr is None else stream)
    with Progress(3) as bar:
        bar.step()
        bar.warn("it failed")


def test_others_are_told_at_the_start_and_about_once_a_second(monkeypatch):
    told, now = [], [100.0]
    monkeypatch.setattr(runner.time, "monotonic", lambda: now[0])
    with Progress(9, False, told.append) as bar:
        for failed in (False, True, False, False):
            now[0] += 0.4
            bar.step(failed=failed)
    assert told == [
        {"todo": 9, "done": 0, "failed": 0, "seconds": 0.0},
        {"todo": 9, "done": 3, "failed": 1, "seconds": 1.2},
    ]


def test_that_nobody_can_be_told_ends_no_run(caplog):
    def refuse(counts):
        raise StorageError(28, "no space is left")

    caplog.set_level("DEBUG")
    with Progress(3, False, refuse) as bar:
        bar.step()
    assert "could not report the progress of the run: [Errno 28] no space is left" in caplog.text


def test_of_hundreds_of_warnings_stderr_gets_the_first_ones_and_the_log_all(capsys, caplog):
    with Progress(100, False) as progress:
        for number in range(100):
            progress.warn(f"x={number}")
    said = capsys.readouterr().err.splitlines()
    assert said == [
        *(f"x={number}" for number in range(20)),
        "Further failures are not printed. The summary counts all of them.",
    ]
    assert len(caplog.records) == 100


def test_without_a_terminal_and_a_log_the_lines_go_to_stderr(monkeypatch, capsys):
    logger, times = logging.getLogger("coma_xr"), iter([0.0, 6.0, 7.0, 12.0, 1000.0, 1010.0, 1021.0])
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr("coma_xr.run.runner.time", SimpleNamespace(monotonic=lambda: next(times)))
    with Progress(10) as progress:
        for _ in range(6):
            progress.step()
    # Of a long run less often.
    assert [line.partition(" of ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "1",
        "3",
        "4",
        "6",
    ]
